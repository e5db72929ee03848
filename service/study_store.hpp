#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "service/outcome.hpp"
#include "service/quota.hpp"
#include "service/store.hpp"
#include "service/study_name.hpp"
#include "service/study_reader.hpp"
#include "vizier/vizier_service.pb.h"

namespace hwnas::service {

/// A client that wants trials to evaluate.
struct TrialsWanted {
  std::string client;
  int count = 1;
};

/// What a strategy proposes for a new trial.
struct NewProposal {
  std::string genotype;          ///< as spaces::to_string writes it
  std::int64_t told_before = 0;  ///< finished trials that it had been told
  google::protobuf::RepeatedPtrField<vizier::Trial::Parameter> parameters;
};

/// What a client got: its operation's number and result.
struct Suggested {
  std::int64_t number = 0;
  vizier::SuggestTrialsResponse response;
};

/// Studies and their trials. Thread-safe; errors beside those that each call names: see Store. All
/// but create, remove and set_state throw FailedPrecondition unless the study is ACTIVE, and all
/// but create NotFound. There is no request id: Vizier's calls have none.
class StudyStore {
 public:
  /// `store` outlives it. What would break the quota of a tenant throws QuotaExceeded.
  explicit StudyStore(Store& store, const TenantQuota& quota = {})
      : store_(store), reader_(store), quota_(quota) {}

  const StudyReader& read() const { return reader_; }
  Time now() const { return store_.now(); }

  /// The study as it is now if there is one of this name, otherwise a new one.
  void create(StudyName name, vizier::Study study, Callback<vizier::Study> done);
  /// With its trials. Gives it as it was.
  void remove(StudyName name, Callback<vizier::Study> done);
  void set_state(StudyName name, vizier::Study::State state, Callback<vizier::Study> done);

  /// With the study's next id, and the name that goes with it.
  void add_trial(StudyName name, vizier::Trial trial, Callback<vizier::Trial> done);
  /// `edit` runs in the transaction; it throws Refusal to leave the trial as it was. It does not
  /// change the name, the id, or a final state.
  void edit_trial(TrialName name, std::function<void(vizier::Trial&)> edit,
                  Callback<vizier::Trial> done);
  /// Its id is not given again. Gives the trial as it was.
  void remove_trial(TrialName name, Callback<vizier::Trial> done);
  /// All updates or none; NotFound for a trial that is not there.
  void update_metadata(vizier::UpdateMetadataRequest request, StudyName name,
                       Callback<vizier::Study> done);

  /// Gives each client its ACTIVE trials, then REQUESTED ones, then new ones of `proposals` in
  /// order; what is left of these becomes REQUESTED trials. A client may get less than it wants.
  /// NotFound, too, if the study has another uid.
  void suggest(StudyName name, std::int64_t uid, std::vector<TrialsWanted> wanted,
               std::vector<NewProposal> proposals, Callback<std::vector<Suggested>> done);

 private:
  template <typename T>
  void change(std::size_t bytes, std::function<T(engine::Database&)> change, Callback<T> done);

  Store& store_;
  const StudyReader reader_;
  const TenantQuota quota_;
};

}  // namespace hwnas::service
