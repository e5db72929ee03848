#include "compression/corrections.hpp"

#include <algorithm>
#include <cmath>

namespace hwnas::compression {

namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Output channels x weights of each, as stored.
Eigen::Map<RowMajor> weight_matrix(ir::LayerWeights& weights) {
  const std::int64_t channels = weights.weight.shape.front();
  return {weights.weight.values.data(), channels, std::ssize(weights.weight.values) / channels};
}

RowMajor rounded_matrix(const ir::LayerWeights& weights, const ir::LayerScales& scales) {
  const std::vector<std::int8_t> integers = rounded_weights(weights, scales);
  const std::int64_t channels = weights.weight.shape.front();
  RowMajor result(channels, std::ssize(integers) / channels);
  for (std::int64_t i = 0; i < std::ssize(integers); ++i) {
    const std::int64_t channel = i / result.cols();
    const float scale = scales.weight[scales.weight.size() == 1 ? 0 : channel];
    result(channel, i % result.cols()) = scale * static_cast<float>(integers[i]);
  }
  return result;
}

/// Rounds one output channel's weights; returns its objective before and after.
struct Objective {
  double nearest = 0;
  double chosen = 0;
};

class RowRounding {
 public:
  RowRounding(Eigen::Map<RowMajor>::RowXpr weights, const Eigen::MatrixXf& gram, float scale,
              const ir::WeightFormatInfo& format)
      : weights_(weights), gram_(gram), scale_(scale), format_(format), q_(weights.size()) {
    Eigen::VectorXf error(weights.size());
    for (Eigen::Index k = 0; k < q_.size(); ++k) {
      q_[k] = within_format(std::round(weights_[k] / scale_));
      error[k] = scale_ * q_[k] - weights_[k];
    }
    gradient_ = gram_ * error;
    objective_ = error.dot(gradient_);
  }

  Objective round() {
    Objective result{.nearest = objective_, .chosen = 0};
    constexpr int kMostSweeps = 30;
    for (int sweep = 0; sweep < kMostSweeps && improve_each(); ++sweep) {
    }
    for (Eigen::Index k = 0; k < q_.size(); ++k) weights_[k] = scale_ * q_[k];
    result.chosen = objective_;
    return result;
  }

 private:
  float within_format(float q) const {
    return std::clamp(q, static_cast<float>(format_.lowest), static_cast<float>(format_.highest));
  }

  /// The integer on the other side of the weight, where there is one.
  float other_side(Eigen::Index k) const {
    const float exact = weights_[k] / scale_;
    return within_format(q_[k] > exact ? std::floor(exact) : std::ceil(exact));
  }

  bool improve_each() {
    bool improved = false;
    for (Eigen::Index k = 0; k < q_.size(); ++k) {
      const float other = other_side(k);
      const float change = scale_ * (other - q_[k]);
      const float difference = change * (2 * gradient_[k] + change * gram_(k, k));
      if (change == 0 || difference >= -1e-7F * static_cast<float>(objective_)) continue;
      q_[k] = other;
      gradient_ += change * gram_.col(k);
      objective_ += difference;
      improved = true;
    }
    return improved;
  }

  Eigen::Map<RowMajor>::RowXpr weights_;
  const Eigen::MatrixXf& gram_;
  float scale_;
  const ir::WeightFormatInfo& format_;
  Eigen::VectorXf q_;
  Eigen::VectorXf gradient_;  ///< half of it: gram · error
  double objective_ = 0;
};

}  // namespace

void correct_biases(ir::FoldedNetwork& network, const ir::NetworkScales& scales,
                    const std::map<std::string, InputMoments>& inputs) {
  for (std::size_t i = 0; i < network.network.layers.size(); ++i) {
    const auto found = inputs.find(network.network.layers[i].name);
    if (found == inputs.end()) continue;
    ir::LayerWeights& weights = network.weights.layers.at(found->first);
    const RowMajor change = rounded_matrix(weights, scales.layers[i]) - weight_matrix(weights);
    const auto groups = static_cast<Eigen::Index>(found->second.mean.size());
    for (Eigen::Index channel = 0; channel < change.rows(); ++channel) {
      const Eigen::VectorXf& mean = found->second.mean[channel / (change.rows() / groups)];
      weights.bias.values[channel] -= change.row(channel).dot(mean);
    }
  }
}

double round_adaptively(ir::FoldedNetwork& network, const ir::NetworkScales& scales,
                        const std::map<std::string, InputMoments>& inputs) {
  double ratios = 0;
  int layers = 0;
  for (std::size_t i = 0; i < network.network.layers.size(); ++i) {
    const auto found = inputs.find(network.network.layers[i].name);
    if (found == inputs.end() || found->second.gram.empty()) continue;
    const ir::LayerScales& layer = scales.layers[i];
    if (layer.format == ir::WeightFormat::kBinary) continue;
    Eigen::Map<RowMajor> matrix = weight_matrix(network.weights.layers.at(found->first));
    const auto groups = static_cast<Eigen::Index>(found->second.gram.size());
    Objective sum;
    for (Eigen::Index channel = 0; channel < matrix.rows(); ++channel) {
      const Eigen::MatrixXf& gram = found->second.gram[channel / (matrix.rows() / groups)];
      const float scale = layer.weight[layer.weight.size() == 1 ? 0 : channel];
      const Objective row =
          RowRounding(matrix.row(channel), gram, scale, ir::info(layer.format)).round();
      sum.nearest += row.nearest;
      sum.chosen += row.chosen;
    }
    ratios += sum.nearest > 0 ? sum.chosen / sum.nearest : 1;
    ++layers;
  }
  return layers == 0 ? 1 : ratios / layers;
}

}  // namespace hwnas::compression
