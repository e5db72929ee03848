#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>

#include "spaces/search_space.hpp"
#include "train/trainer.hpp"

namespace hwnas::train {

/// Which networks of the space a training step trains.
enum class SupernetScheme {
  /// One, uniformly at random (Guo et al., "Single Path One-Shot Neural Architecture Search with
  /// Uniform Sampling", 2020, section 3.3).
  kSinglePath,
  /// As many as the largest decision has options, so that each option of each decision is trained
  /// equally often; one update for all (Chu, Zhang and Xu, "FairNAS", 2021, algorithm 1).
  kFair,
  /// The largest, the smallest and some at random; all but the first learn from the first one's
  /// outputs (Yu et al., "BigNAS", 2020, section 3.1).
  kSandwich,
  /// The largest alone, then its kernels, depths and widths are opened one after the other, and
  /// the networks learn from its outputs (Cai et al., "Once-for-All", 2020, section 3.3).
  kProgressive
};
/// "single_path", "fair", "sandwich", "progressive".
std::string_view to_string(SupernetScheme scheme);

/// How a supernet is trained. Read from YAML by supernet_options_from_config.
struct SupernetOptions {
  TrainOptions training;
  SupernetScheme scheme = SupernetScheme::kSandwich;
  int random_networks = 2;         ///< of a step of kSandwich
  int calibration_samples = 1000;  ///< training images that batch norms are recalibrated with
};

/// Reads the keys of supernet_option_names() from a map that may hold others; absent ones keep
/// their defaults.
SupernetOptions supernet_options_from_config(const Config& config);
/// Those of TrainOptions, and scheme, random_networks, calibration_samples.
std::vector<std::string> supernet_option_names();

/// All networks of a search space at once, on shared weights (nn/shared_parameters.hpp): trained
/// once, after which every one of them can be scored without training. It knows of a space only
/// the names of its networks' layers and its decisions.
///
/// "Largest" is the genotype of the last option of every decision, "smallest" that of the first.
class Supernet {
 public:
  virtual ~Supernet() = default;

  /// Goes on with the first epoch that is not done. After each, the result has the validation of
  /// the largest network; `on_epoch` may call save.
  virtual TrainResult train(const EpochCallback& on_epoch = {}, std::stop_token stop = {}) = 0;

  /// Accuracy of one network with the shared weights, its batch norms recalibrated on a fixed
  /// sample of training images (Guo et al., 2020, section 3.4). Thread-safe between trainings;
  /// uses one intra-op thread.
  virtual Evaluation score(const spaces::Genotype& genotype,
                           std::span<const std::size_t> samples) const = 0;

  /// The network's own copy of its weights, recalibrated: computes what `score` judged.
  virtual ir::Weights cut_out(const spaces::Genotype& genotype) const = 0;

  /// All that training goes on from; written aside, synced and renamed. Killed between two calls,
  /// a training that loads the file ends with the weights of one that was not.
  virtual void save(const std::filesystem::path& file) const = 0;
  /// Throws InvalidArgument if the file is not of this space and these options.
  virtual void load(const std::filesystem::path& file) = 0;

  virtual int epochs_done() const = 0;
};

/// `space` and the data set outlive it. Deterministic in (space, data, options, seed), as
/// train_network. Throws InvalidArgument if the networks cannot share weights or do not take such
/// samples.
std::unique_ptr<Supernet> make_supernet(const spaces::SearchSpace& space, const TrainData& data,
                                        const SupernetOptions& options, std::uint64_t seed);

}  // namespace hwnas::train
