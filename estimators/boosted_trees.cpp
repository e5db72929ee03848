#include "estimators/boosted_trees.hpp"

#include <xgboost/c_api.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "estimators/conformal.hpp"
#include "estimators/json_matrix.hpp"
#include "estimators/measured_costs.hpp"

namespace hwnas::estimators {

namespace {

constexpr int kVersion = 1;
constexpr int kRounds = 600;
constexpr int kFolds = 5;
using Parameter = std::array<const char*, 2>;
constexpr Parameter kParameters[] = {{"objective", "reg:squarederror"},
                                     {"base_score", "0"},
                                     {"eta", "0.05"},
                                     {"max_depth", "3"},
                                     {"subsample", "0.8"},
                                     {"colsample_bytree", "0.7"},
                                     {"nthread", "1"},
                                     {"seed", "0"},
                                     {"verbosity", "0"}};

using Floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

void check(int status) {
  if (status != 0) throw error(ErrorCode::kInternal, "XGBoost: {}", XGBGetLastError());
}

std::shared_ptr<void> make_booster(const DMatrixHandle* data, int count) {
  BoosterHandle handle = nullptr;
  check(XGBoosterCreate(data, count, &handle));
  return {handle, [](void* booster) { XGBoosterFree(booster); }};
}

std::shared_ptr<void> make_data(const Floats& rows) {
  DMatrixHandle handle = nullptr;
  check(XGDMatrixCreateFromMat(rows.data(), rows.rows(), rows.cols(), std::nanf(""), &handle));
  return {handle, [](void* data) { XGDMatrixFree(data); }};
}

}  // namespace

std::unique_ptr<BoostedTrees> train_boosted_trees(const FeatureMatrix& features,
                                                  const Eigen::VectorXd& costs,
                                                  double relative_deviation) {
  check_measured(BoostedTrees::kName, features, costs, 2);
  auto model = std::make_unique<BoostedTrees>();
  model->columns_ = features.cols();
  model->typical_ = median(costs);
  model->relative_deviation_ = relative_deviation;
  const std::shared_ptr<void> data = make_data(features.cast<float>());
  const Eigen::VectorXf targets = (costs.array() / model->typical_).log().cast<float>();
  check(XGDMatrixSetFloatInfo(data.get(), "label", targets.data(), targets.size()));
  const DMatrixHandle handle = data.get();
  model->booster_ = make_booster(&handle, 1);
  for (const auto& [name, value] : kParameters) {
    check(XGBoosterSetParam(model->booster_.get(), name, value));
  }
  for (int round = 0; round < kRounds; ++round) {
    check(XGBoosterUpdateOneIter(model->booster_.get(), round, handle));
  }
  return model;
}

std::unique_ptr<BoostedTrees> fit_boosted_trees(const FeatureMatrix& features,
                                                const Eigen::VectorXd& costs) {
  check_measured(BoostedTrees::kName, features, costs, 10);
  std::vector<double> scores(costs.size());
  for (const Fold& fold : folds(costs.size(), kFolds)) {
    const auto model =
        train_boosted_trees(features(fold.others, Eigen::all), costs(fold.others), 0);
    const auto predictions = model->predict(features(fold.held_back, Eigen::all));
    for (std::size_t i = 0; i < predictions.size(); ++i) {
      const Eigen::Index row = fold.held_back[i];
      scores[row] = std::abs(costs[row] / predictions[i].mean - 1);
    }
  }
  return train_boosted_trees(features, costs, conformal_scale(scores));
}

std::vector<Prediction> BoostedTrees::predict(const FeatureMatrix& features) const {
  if (features.cols() != columns_) {
    throw invalid_argument("boosted_trees: {} columns; it was fitted to {}", features.cols(),
                           columns_);
  }
  const std::shared_ptr<void> data = make_data(features.cast<float>());
  const nlohmann::json config = {{"type", 0},
                                 {"training", false},
                                 {"iteration_begin", 0},
                                 {"iteration_end", 0},
                                 {"strict_shape", false}};
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* logs = nullptr;
  check(XGBoosterPredictFromDMatrix(booster_.get(), data.get(), config.dump().c_str(), &shape,
                                    &dimensions, &logs));
  std::vector<Prediction> result;
  for (Eigen::Index i = 0; i < features.rows(); ++i) {
    const double mean = typical_ * std::exp(static_cast<double>(logs[i]));
    result.push_back({mean, relative_deviation_ * mean});
  }
  return result;
}

nlohmann::json BoostedTrees::to_json() const {
  bst_ulong size = 0;
  const char* text = nullptr;
  check(XGBoosterSaveModelToBuffer(booster_.get(), R"({"format": "json"})", &size, &text));
  return {{"regressor", kName},
          {"version", kVersion},
          {"columns", columns_},
          {"typical", typical_},
          {"relative_deviation", relative_deviation_},
          {"xgboost", nlohmann::json::parse(text, text + size)}};
}

BoostedTrees BoostedTrees::from_json(const nlohmann::json& json) {
  return read_model(kName, kVersion, json, [&] {
    BoostedTrees model;
    model.columns_ = json.at("columns");
    model.typical_ = json.at("typical");
    model.relative_deviation_ = json.at("relative_deviation");
    model.booster_ = make_booster(nullptr, 0);
    const std::string text = json.at("xgboost").dump();
    if (XGBoosterLoadModelFromBuffer(model.booster_.get(), text.data(), text.size()) != 0) {
      throw invalid_argument("boosted_trees: not a model of XGBoost: {}", XGBGetLastError());
    }
    check(XGBoosterSetParam(model.booster_.get(), "nthread", "1"));
    bst_ulong columns = 0;
    check(XGBoosterGetNumFeature(model.booster_.get(), &columns));
    if (static_cast<Eigen::Index>(columns) != model.columns_) {
      throw invalid_argument("boosted_trees: trees of {} columns in a model of {}", columns,
                             model.columns_);
    }
    return model;
  });
}

}  // namespace hwnas::estimators
