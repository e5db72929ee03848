#include "estimators/latency_model.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/sha256.hpp"
#include "estimators/linear_prior.hpp"
#include "estimators/network_features.hpp"
#include "estimators/regressors.hpp"

namespace hwnas::estimators {
namespace {

constexpr int kVersion = 1;
constexpr std::size_t kFolds = 5;
constexpr std::uintmax_t kMaxModelBytes = std::uintmax_t{64} << 20;

FeatureLayout layout_with_profile() {
  FeatureLayout layout = network_feature_layout();
  layout.groups.push_back(
      {"profile", FeatureRole::kExecution, static_cast<int>(layout.names.size()), 1});
  layout.names.emplace_back("profile_ms");
  return layout;
}

std::shared_ptr<const Regressor> fit_regressor(std::span<const MeasuredNetwork* const> learned) {
  FeatureMatrix features(learned.size(), LatencyModel::layout().names.size());
  Eigen::VectorXd costs(learned.size());
  for (std::size_t i = 0; i < learned.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    features.row(row) =
        LatencyModel::features_of(learned[i]->network, learned[i]->profile.value).row(0);
    costs[row] = learned[i]->measured_ms;
  }
  const LinearPrior prior = execution_prior(LatencyModel::layout(), {});
  return fit_cost_regressor(LatencyModel::layout(), features, costs, prior);
}

RateCorrection fit_rates(std::span<const MeasuredNetwork* const> learned, double relative_sd) {
  RateCorrection rates(relative_sd);
  for (const MeasuredNetwork* each : learned) {
    rates.add(each->network, each->profile, each->measured_ms);
  }
  return rates;
}

LatencyModel fit(std::span<const MeasuredNetwork* const> learned, double relative_sd,
                 bool with_regressor) {
  return {fit_rates(learned, relative_sd), with_regressor ? fit_regressor(learned) : nullptr, {}};
}

double sum_of_errors(const LatencyModel& model, std::span<const MeasuredNetwork* const> judges) {
  double sum = 0;
  for (const MeasuredNetwork* each : judges) {
    sum += std::abs(model.predict(each->network, each->profile).value / each->measured_ms - 1);
  }
  return sum;
}

/// Sum of relative errors of networks that each fold's model had not seen.
double cross_validated(std::span<const MeasuredNetwork* const> learned, double relative_sd,
                       bool with_regressor) {
  double sum = 0;
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    std::vector<const MeasuredNetwork*> kept;
    std::vector<const MeasuredNetwork*> judges;
    for (std::size_t i = 0; i < learned.size(); ++i) {
      (i % kFolds == fold ? judges : kept).push_back(learned[i]);
    }
    sum += sum_of_errors(fit(kept, relative_sd, with_regressor), judges);
  }
  return sum;
}

ModelQuality quality_of(const LatencyModel& model, std::size_t learned,
                        std::span<const MeasuredNetwork> held_back) {
  if (held_back.empty()) {
    const double unknown = std::nan("");
    return {static_cast<int>(learned),
            0,
            {.spearman = unknown,
             .kendall = unknown,
             .mape = unknown,
             .within_5 = unknown,
             .within_10 = unknown,
             .coverage_90 = unknown}};
  }
  std::vector<Prediction> predictions;
  std::vector<double> truths;
  for (const MeasuredNetwork& each : held_back) {
    const Estimate estimate = model.predict(each.network, each.profile);
    predictions.push_back({estimate.value, estimate.standard_deviation});
    truths.push_back(each.measured_ms);
  }
  return {static_cast<int>(learned), static_cast<int>(held_back.size()),
          agreement(predictions, truths)};
}

nlohmann::json to_json(const ModelQuality& quality) {
  const Agreement& agreement = quality.agreement;
  return {{"networks", quality.networks},     {"held_back", quality.held_back},
          {"spearman", agreement.spearman},   {"kendall", agreement.kendall},
          {"mape", agreement.mape},           {"within_5", agreement.within_5},
          {"within_10", agreement.within_10}, {"coverage_90", agreement.coverage_90}};
}

ModelQuality quality_from_json(const nlohmann::json& json) {
  const auto number = [&](const char* key) {
    const nlohmann::json& value = json.at(key);
    return value.is_null() ? std::nan("") : value.get<double>();  // JSON has no NaN
  };
  return {json.at("networks").get<int>(),
          json.at("held_back").get<int>(),
          {.spearman = number("spearman"),
           .kendall = number("kendall"),
           .mape = number("mape"),
           .within_5 = number("within_5"),
           .within_10 = number("within_10"),
           .coverage_90 = number("coverage_90")}};
}

}  // namespace

LatencyModel::LatencyModel(RateCorrection rates, std::shared_ptr<const Regressor> regressor,
                           ModelQuality quality)
    : rates_(std::move(rates)), regressor_(std::move(regressor)), quality_(quality) {}

const FeatureLayout& LatencyModel::layout() {
  static const FeatureLayout layout = layout_with_profile();
  return layout;
}

FeatureMatrix LatencyModel::features_of(const ir::Network& network, double profile_ms) {
  FeatureMatrix row(1, layout().names.size());
  row << network_features({&network, 1}), profile_ms;
  return row;
}

Estimate LatencyModel::predict(const ir::Network& network, const Estimate& profile) const {
  Estimate estimate = rates_.correct(network, profile);
  if (regressor_ == nullptr || estimate.value <= 0) return estimate;
  const Prediction prediction = regressor_->predict(features_of(network, profile.value)).front();
  for (double& part : estimate.per_layer) part *= prediction.mean / estimate.value;
  estimate.value = prediction.mean;
  estimate.standard_deviation = prediction.standard_deviation;
  return estimate;
}

std::string_view LatencyModel::name() const {
  return regressor_ == nullptr ? "rates" : regressor_->name();
}

std::string LatencyModel::to_text() const {
  nlohmann::json json = {{"hwnas_latency_model", kVersion},
                         {"features", layout().names},
                         {"quality", estimators::to_json(quality_)},
                         {"rates", rates_.to_json()}};
  if (regressor_ != nullptr) json["regressor"] = regressor_->to_json();
  return json.dump(1) + "\n";
}

LatencyModel LatencyModel::from_text(const std::string& text) try {
  const auto json = nlohmann::json::parse(text);
  if (const int version = json.at("hwnas_latency_model").get<int>(); version != kVersion) {
    throw invalid_argument("a latency model of version {}; this program reads version {}", version,
                           kVersion);
  }
  std::shared_ptr<const Regressor> regressor;
  if (json.contains("regressor")) {
    if (json.at("features").get<std::vector<std::string>>() != layout().names) {
      throw invalid_argument(
          "a latency model of other features than this program's: measure again "
          "with `hwnas profile`");
    }
    regressor = regressor_from_json(json.at("regressor"));
  }
  return {RateCorrection::from_json(json.at("rates")), std::move(regressor),
          quality_from_json(json.at("quality"))};
} catch (const nlohmann::json::exception& failure) {
  throw invalid_argument("no latency model: {}", failure.what());
}

LatencyModel fit_latency_model(std::span<const MeasuredNetwork> learned,
                               std::span<const MeasuredNetwork> held_back, double relative_sd) {
  assert(!learned.empty());
  std::vector<const MeasuredNetwork*> all;
  for (const MeasuredNetwork& each : learned) all.push_back(&each);
  const bool with_regressor = all.size() >= kFolds && cross_validated(all, relative_sd, true) <
                                                          cross_validated(all, relative_sd, false);
  LatencyModel model = fit(all, relative_sd, with_regressor);
  model.quality_ = quality_of(model, learned.size(), held_back);
  return model;
}

std::string read_latency_model(const RuntimeProfile& runtime, const std::filesystem::path& folder) {
  return read_file(folder / runtime.latency_model_file->file, kMaxModelBytes);
}

void set_latency_model(RuntimeProfile& runtime, const std::string& text) {
  if (sha256(text) != runtime.latency_model_file->sha256) {
    throw error(ErrorCode::kFailedPrecondition,
                "{}: not the latency model that the device's file names by its SHA-256; write both "
                "again with `hwnas profile`",
                runtime.latency_model_file->file);
  }
  try {
    runtime.latency_model = std::make_shared<LatencyModel>(LatencyModel::from_text(text));
  } catch (const Error& failure) {
    throw Error(failure.code(),
                fmt::format("{}: {}", runtime.latency_model_file->file, failure.what()));
  }
}

}  // namespace hwnas::estimators
