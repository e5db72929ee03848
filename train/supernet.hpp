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
  /// As many as the largest decision has options; one update for all (Chu, Zhang and Xu, "FairNAS",
  /// 2021, algorithm 1). In each step the options of such a decision are trained once each, and
  /// those of one with fewer as equally as they can be; over steps all are trained equally often.
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

/// An option of one decision.
struct FixedChoice {
  std::size_t decision = 0;  ///< its place in the space's decisions
  std::uint16_t option = 0;
};

/// All networks of a search space at once, on shared weights (nn/shared_parameters.hpp): trained
/// once, after which every one of them can be scored without training. It knows of a space only
/// the names of its networks' layers and its decisions.
///
/// "Largest" is the genotype of the last option of every decision, "smallest" that of the first.
class Supernet {
 public:
  virtual ~Supernet() = default;

  /// Goes on with the first epoch that is not done. A step's gradient is the sum of its networks',
  /// so a scheme of several takes longer steps at the same learning rate. After each epoch, the
  /// result has the validation of the largest network; `on_epoch` may call save.
  virtual TrainResult train(const EpochCallback& on_epoch = {}, std::stop_token stop = {}) = 0;

  /// Accuracy and loss of one network with the shared weights, its batch norms recalibrated on a
  /// fixed sample of training images (Guo et al., 2020, section 3.4); activations are of training's
  /// precision. Thread-safe between trainings; uses one intra-op thread.
  virtual Evaluation score(const spaces::Genotype& genotype,
                           std::span<const std::size_t> samples) const = 0;

  /// The network's own copy of its weights, recalibrated: computes, in float32, what `score`
  /// judged.
  virtual ir::Weights cut_out(const spaces::Genotype& genotype) const = 0;

  /// All that training goes on from, under names that no other training has. Killed between two
  /// calls of save, a training that loads the file ends with the weights of one that was not.
  virtual ir::Weights state() const = 0;
  /// False if the state is not of this space and these options; the supernet is then spoiled.
  virtual bool restore(const ir::Weights& state) = 0;

  /// Writes the state aside, syncs and renames it.
  void save(const std::filesystem::path& file) const;
  /// Throws InvalidArgument if the file is not of this space and these options.
  void load(const std::filesystem::path& file);

  virtual int epochs_done() const = 0;
  /// Of the whole training.
  virtual int epochs() const = 0;
};

/// One set of weights for the whole space. It can be split: train/few_shot.hpp.
class OneShotSupernet : public Supernet {
 public:
  /// For each decision, how far its options agree on what the weights that they share should
  /// become: the mean of match_gradients (train/gradient_matching_torch.hpp) over a few batches of
  /// training samples, -1 .. 1; 1 for a decision with one option. Costs a few gradients of one
  /// batch for each option of the space. Empty if `stop` ended it.
  virtual std::vector<double> gradient_similarities(std::stop_token stop = {}) const = 0;

  /// A supernet of the networks with that choice only, which starts with the weights as they are
  /// now and no memory of earlier steps. It is trained by the same scheme, whose largest and
  /// smallest networks are then those with that choice.
  virtual std::unique_ptr<Supernet> split_off(const FixedChoice& choice,
                                              const TrainOptions& training,
                                              std::uint64_t seed) const = 0;
};

/// `space` and the data set outlive it and what is split off. Deterministic in (space, data,
/// options, seed), as train_network. Throws InvalidArgument if the networks cannot share weights or
/// do not take such samples.
std::unique_ptr<OneShotSupernet> make_supernet(const spaces::SearchSpace& space,
                                               const TrainData& data,
                                               const SupernetOptions& options, std::uint64_t seed);

}  // namespace hwnas::train
