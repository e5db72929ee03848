#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "service/study_values.hpp"
#include "spaces/search_space.hpp"
#include "vizier/study.pb.h"

namespace hwnas::service {

/// The parameters of a study as decisions for strategies: each parameter is one decision for every
/// digit of its codes (see StudyValues). Genotypes stand for the same if they give the same values
/// to the parameters that are active, which a conditional parameter is while its parent is active
/// and has one of the values named. Immutable.
class StudySpace final : public spaces::DecisionSpace {
 public:
  using Parameters = google::protobuf::RepeatedPtrField<vizier::Trial::Parameter>;

  /// At most 1,000 parameters, nested at most 16 deep. Throws InvalidField: also for an id that two
  /// parameters have that can be active together.
  explicit StudySpace(const vizier::StudySpec& spec);

  std::span<const spaces::Decision> decisions() const override { return decisions_; }
  spaces::Genotype canonical(const spaces::Genotype& genotype) const override;

  /// Of the active parameters, parents first.
  Parameters parameters(const spaces::Genotype& genotype) const;
  /// The canonical genotype with the nearest values; nothing if an active parameter is missing or
  /// has no value in its range. Of others nothing is asked.
  std::optional<spaces::Genotype> genotype(const Parameters& parameters) const;

 private:
  using Spec = vizier::StudySpec::ParameterSpec;
  struct Node {
    std::string id;
    StudyValues values;
    std::optional<std::size_t> parent;
    std::vector<double> when = {};   ///< numbers of the parent's values with which it is active
    std::size_t first_decision = 0;  ///< as many as the values have digits
  };

  void add(const Spec& spec, const std::string& field, std::optional<std::size_t> parent,
           std::vector<double> when, int depth);
  void add_children(const Spec& spec, const std::string& field, std::size_t parent, int depth);
  void add_decisions(Node& node);
  void require_distinct_ids() const;
  bool may_be_active_together(std::size_t a, std::size_t b) const;
  std::uint64_t code(const Node& node, const spaces::Genotype& genotype) const;
  void set_code(const Node& node, std::uint64_t code, spaces::Genotype& genotype) const;
  /// Calls visit(node, code) for the active parameters of a member, parents first.
  template <typename Visit>
  void visit_active(const spaces::Genotype& genotype, const Visit& visit) const;
  bool is_active(const Node& node, const std::vector<std::optional<double>>& numbers) const;

  std::vector<Node> nodes_;  ///< parents before their children
  std::vector<spaces::Decision> decisions_;
  std::size_t options_ = 0;           ///< of all decisions
  std::size_t condition_values_ = 0;  ///< of parents, in all conditions
};

}  // namespace hwnas::service
