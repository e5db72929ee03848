#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "estimators/device.hpp"
#include "estimators/rank_statistics.hpp"
#include "estimators/rate_correction.hpp"
#include "estimators/regressor.hpp"

namespace hwnas::estimators {

/// A network with what the profile predicts for it and what was measured, in ms.
struct MeasuredNetwork {
  ir::Network network;
  Estimate profile;
  double measured_ms = 0;
};

/// How a model did on networks that were measured and that it had not learned from.
struct ModelQuality {
  int networks = 0;   ///< learned from
  int held_back = 0;  ///< judged with
  Agreement agreement;
};

/// The latency of networks on one device and runtime, learned from measurements: the profile's
/// rates corrected, or a regressor over features of the network where that predicted better.
/// Immutable, thread-safe.
class LatencyModel {
 public:
  /// `regressor` was fitted to rows of features_of; null: the corrected rates alone.
  LatencyModel(RateCorrection rates, std::shared_ptr<const Regressor> regressor,
               ModelQuality quality);

  /// The columns that regressors are fitted with: those of network_features, and the profile's own
  /// prediction as one more hypothesis on what is executed.
  static const FeatureLayout& layout();
  /// One row. `profile_ms`: the latency that the profile predicts.
  static FeatureMatrix features_of(const ir::Network& network, double profile_ms);

  /// `profile`: the profile's latency, whose per_layer is corrected along with the sum.
  Estimate predict(const ir::Network& network, const Estimate& profile) const;

  /// "rates", or the regressor's name.
  std::string_view name() const;
  const ModelQuality& quality() const { return quality_; }

  /// Versioned text; from_text gives an equal model. Throws InvalidArgument for what to_text did
  /// not write.
  std::string to_text() const;
  static LatencyModel from_text(const std::string& text);

 private:
  friend LatencyModel fit_latency_model(std::span<const MeasuredNetwork> learned,
                                        std::span<const MeasuredNetwork> held_back,
                                        double relative_sd);

  RateCorrection rates_;
  std::shared_ptr<const Regressor> regressor_;
  ModelQuality quality_;
};

/// Learns from `learned`, one network at least, and takes the kind of model with the least mean
/// relative error in a five-fold cross-validation on them; of fewer than five networks only the
/// rates are corrected. `held_back` only judge it: two at least, or none, and the agreement is NaN.
/// `relative_sd`: of the profile's predictions.
LatencyModel fit_latency_model(std::span<const MeasuredNetwork> learned,
                               std::span<const MeasuredNetwork> held_back, double relative_sd);

/// The text of the model that a runtime names, from `folder`. Throws NotFound, and
/// FailedPrecondition if it is not the text whose SHA-256 the device's file has.
std::string read_latency_model(const RuntimeProfile& runtime, const std::filesystem::path& folder);
/// Gives the runtime the model in the text. Throws as from_text and, for another SHA-256,
/// FailedPrecondition.
void set_latency_model(RuntimeProfile& runtime, const std::string& text);

}  // namespace hwnas::estimators
