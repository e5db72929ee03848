// Latency of single convolutions on a Cortex-M4 board, predicted from the loops that CMSIS-NN runs:
// micronas_mcu_ops, folds by shape, so that no shape is on both sides. Firmware sessions are not
// told apart. The last line is the share of held-back operators within 10 % of their measurement.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>

#include "core/csv.hpp"
#include "core/error.hpp"
#include "core/rng.hpp"
#include "estimators/kernel_features.hpp"
#include "estimators/kernel_latency.hpp"

namespace {

using namespace hwnas;

struct Samples {
  std::vector<std::string> shapes;
  std::vector<double> cycles;
  std::vector<Eigen::RowVectorXd> counts;
};

/// "1x64x30x1" -> {1, 64, 30, 1}; of "a|b" the last.
std::vector<int> extents(const std::string& text) {
  std::vector<int> values{0};
  for (const char c : text.substr(text.rfind('|') + 1)) {
    if (c == 'x') {
      values.push_back(0);
    } else {
      values.back() = 10 * values.back() + (c - '0');
    }
  }
  return values;
}

/// A convolution under TensorFlow's "same" padding, NHWC shapes.
ir::Network convolution(const std::vector<int>& in, const std::vector<int>& out,
                        const std::vector<int>& kernel, const std::vector<int>& stride) {
  const auto before = [&](int axis) {
    return std::max(0, (out[axis + 1] - 1) * stride[axis] + kernel[axis] - in[axis + 1]);
  };
  const int vertical = before(0), horizontal = before(1);
  ir::Conv2d conv;
  conv.out_channels = out[3];
  conv.bias = true;
  conv.window = {
      kernel[0],
      kernel[1],
      stride[0],
      stride[1],
      {vertical / 2, horizontal / 2, vertical - vertical / 2, horizontal - horizontal / 2}};
  return {.input = {in[3], in[1], in[2]},
          .layers = {{.name = "conv", .op = conv, .inputs = {ir::kNetworkInput}, .precision = {}}}};
}

Samples read(const std::filesystem::path& file, const std::string& board) {
  const estimators::FeatureGroup& loops =
      estimators::feature_group(estimators::kernel_feature_layout(), "cmsis_nn");
  CsvReader csv = CsvReader::open(file);
  Samples samples;
  while (csv.next()) {
    const auto text = [&](const char* column) { return csv.text(csv.column(column)); };
    if (text("op") != "conv2d" || text("board").find(board) == std::string::npos) continue;
    const ir::Network network =
        convolution(extents(text("input_shape")), extents(text("output_shape")),
                    extents(text("kernel")), extents(text("stride")));
    samples.shapes.push_back(fmt::format("{} {} {} {}", text("input_shape"), text("output_shape"),
                                         text("kernel"), text("stride")));
    samples.cycles.push_back(csv.number(csv.column("op_cycles"), 1));
    samples.counts.push_back(
        estimators::kernel_features(network).rows.row(0).segment(loops.begin, loops.size));
  }
  if (samples.cycles.empty()) {
    throw invalid_argument("{} has no convolutions of board '{}': try nrf52832 or f446re",
                           file.string(), board);
  }
  return samples;
}

/// A fold for each sample, the same for equal shapes.
std::vector<int> folds_by_shape(const std::vector<std::string>& shapes, int folds,
                                std::uint64_t seed) {
  std::vector<std::string> distinct = shapes;
  std::ranges::sort(distinct);
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  Rng rng(seed);
  std::ranges::shuffle(distinct, rng);
  std::map<std::string, int> fold_of;
  for (const std::string& shape : distinct) {
    fold_of.emplace(shape, static_cast<int>(fold_of.size()) % folds);
  }
  std::vector<int> result;
  for (const std::string& shape : shapes) result.push_back(fold_of.at(shape));
  return result;
}

struct HeldBack {
  std::vector<double> errors;  ///< predicted / measured − 1
  int covered = 0;             ///< within the stated 90 % interval

  double within(double bound) const {
    const auto hits =
        std::ranges::count_if(errors, [&](double error) { return std::abs(error) <= bound; });
    return 100.0 * static_cast<double>(hits) / static_cast<double>(errors.size());
  }
};

estimators::FeatureMatrix rows_of(const Samples& samples, const std::vector<std::size_t>& which) {
  estimators::FeatureMatrix rows(static_cast<Eigen::Index>(which.size()),
                                 samples.counts.front().size());
  for (std::size_t i = 0; i < which.size(); ++i) {
    rows.row(static_cast<Eigen::Index>(i)) = samples.counts[which[i]];
  }
  return rows;
}

HeldBack cross_validate(const Samples& samples, int folds, std::uint64_t seed) {
  const std::vector<int> fold_of = folds_by_shape(samples.shapes, folds, seed);
  HeldBack result;
  for (int fold = 0; fold < folds; ++fold) {
    std::vector<std::size_t> training, held;
    for (std::size_t i = 0; i < fold_of.size(); ++i) {
      (fold_of[i] == fold ? held : training).push_back(i);
    }
    std::vector<double> cycles;
    for (const std::size_t i : training) cycles.push_back(samples.cycles[i]);
    const auto model = estimators::fit_counts(rows_of(samples, training), cycles);
    const auto predictions = model->predict(rows_of(samples, held));
    for (std::size_t i = 0; i < held.size(); ++i) {
      const double measured = samples.cycles[held[i]];
      const auto& [mean, sd] = predictions[i];
      result.errors.push_back(mean / measured - 1);
      result.covered += std::abs(mean - measured) <= 1.645 * sd ? 1 : 0;
    }
  }
  return result;
}

void print_costs(const Samples& samples) {
  std::vector<std::size_t> all(samples.cycles.size());
  std::iota(all.begin(), all.end(), 0);
  const auto model = estimators::fit_counts(rows_of(samples, all), samples.cycles);
  const estimators::FeatureLayout& layout = estimators::kernel_feature_layout();
  const int begin = estimators::feature_group(layout, "cmsis_nn").begin;
  for (Eigen::Index i = 0; i < model->costs().size(); ++i) {
    if (model->costs()[i] == 0) continue;
    fmt::print("{:34} {:9.2f} cycles\n", layout.names[static_cast<std::size_t>(begin + i)],
               model->costs()[i]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Predicted latency of single convolutions against micronas_mcu_ops");
  std::filesystem::path data = HWNAS_SOURCE_DIR "/../shared/data";
  std::string board = "nrf52832";
  int folds = 10;
  std::uint64_t seed = 1;
  app.add_option("--data", data, "Folder of the data sets")->envname("HWNAS_DATA");
  app.add_option("--board", board, "nrf52832 or f446re");
  app.add_option("--folds", folds)->check(CLI::Range(2, 1000));
  app.add_option("--seed", seed);
  CLI11_PARSE(app, argc, argv);
  try {
    const Samples samples = read(data / "micronas_mcu_ops/ops.csv.gz", board);
    print_costs(samples);
    const HeldBack held = cross_validate(samples, folds, seed);
    double sum = 0;
    for (const double error : held.errors) sum += std::abs(error);
    fmt::print(
        "{} operators: within 2 % {:.2f}, 5 % {:.2f}; MAPE {:.2f} %; 90 % intervals hold "
        "{:.1f} %\n",
        held.errors.size(), held.within(0.02), held.within(0.05),
        100 * sum / static_cast<double>(held.errors.size()),
        100.0 * held.covered / static_cast<double>(held.errors.size()));
    fmt::print("{:.2f}\n", held.within(0.1));
  } catch (const Error& fault) {
    fmt::print(stderr, "operator_latency: {}\n", fault.what());
    return 1;
  }
}
