// Latency of whole networks on microcontrollers, of each network by what the others measured on the
// same board, runtime, build and quantization: a sum over kinds of kernels of MACs, outputs and
// elements times their costs. The last line is the mean absolute relative error.
//
// --table edgemark: series of edgemark_mcu with ten feed-forward networks or more.
// --table modelzoo: STM32 model zoo; the networks held back are all resolutions and data sets of
// one name. The two rows of the STM32F769 are predicted from the STM32H747's fit and the other row.
// Also weights in flash and activations in RAM, by the cost models as they are, against the table.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/csv.hpp"
#include "core/error.hpp"
#include "estimators/cost_model.hpp"
#include "estimators/kernel_features.hpp"
#include "estimators/kernel_latency.hpp"
#include "ir/weights.hpp"
#include "mcu_architectures.hpp"

namespace {

using namespace hwnas;

struct Sample {
  std::string name;  ///< of the network; equal ones are held back together
  Eigen::RowVectorXd counts;
  double milliseconds = 0;
};

/// Few enough to be fitted to ten networks: one inference, its kernels, and by kind what they do.
Eigen::RowVectorXd counts_of(const ir::Network& network) {
  const estimators::FeatureLayout& layout = estimators::kernel_feature_layout();
  const estimators::KernelFeatures features = estimators::kernel_features(network);
  const auto sum = [&](std::string_view name) {
    return features.rows.col(estimators::feature_column(layout, name)).sum();
  };
  const auto sum_of_kind = [&](std::string_view kind, std::string_view name) {
    return features.rows.col(estimators::feature_column(layout, fmt::format("is_{}", kind)))
        .dot(features.rows.col(estimators::feature_column(layout, name)));
  };
  const double unfolded = 4 * sum("im2col.quads") + sum("im2col.rest");
  Eigen::RowVectorXd counts(13);
  counts << 1, static_cast<double>(features.layers.size()), sum_of_kind("conv", "macs"),
      sum_of_kind("conv", "outputs"), unfolded, sum_of_kind("pointwise", "macs"),
      sum_of_kind("pointwise", "outputs"), sum_of_kind("depthwise", "macs"),
      sum_of_kind("depthwise", "outputs"), sum_of_kind("linear", "macs"), sum("linear.rows"),
      sum("pool.elements") + sum("elementwise.elements") + sum("elementwise.table") +
          sum("copy.elements"),
      sum("elementwise.softmax");
  return counts;
}

std::unique_ptr<estimators::CountRegressor> fit(const std::vector<Sample>& samples,
                                                const std::string& without) {
  estimators::FeatureMatrix counts(static_cast<Eigen::Index>(samples.size()),
                                   samples.front().counts.size());
  std::vector<double> measured;
  for (const Sample& sample : samples) {
    if (sample.name == without) continue;
    counts.row(static_cast<Eigen::Index>(measured.size())) = sample.counts;
    measured.push_back(sample.milliseconds);
  }
  counts.conservativeResize(static_cast<Eigen::Index>(measured.size()), counts.cols());
  return estimators::fit_counts(counts, measured);
}

double predict(const estimators::CountRegressor& model, const Sample& sample) {
  return model.predict(sample.counts).front().mean;
}

/// Whether another network does something of all that the sample does: else its cost is unknown.
bool is_covered(const std::vector<Sample>& samples, const Sample& held) {
  Eigen::RowVectorXd most = Eigen::RowVectorXd::Zero(held.counts.size());
  for (const Sample& sample : samples) {
    if (sample.name != held.name) most = most.cwiseMax(sample.counts);
  }
  return (held.counts.array() == 0 || most.array() > 0).all();
}

/// Errors relative to what was measured, of each network by the others.
std::vector<double> leave_one_network_out(const std::vector<Sample>& samples) {
  std::vector<double> errors;
  for (const Sample& sample : samples) {
    errors.push_back(predict(*fit(samples, sample.name), sample) / sample.milliseconds - 1);
  }
  return errors;
}

double mape(const std::vector<double>& errors) {
  double sum = 0;
  for (const double error : errors) sum += std::abs(error);
  return 100 * sum / static_cast<double>(errors.size());
}

double median(std::vector<double> errors) {
  for (double& error : errors) error = std::abs(error);
  std::ranges::sort(errors);
  return 100 * errors[errors.size() / 2];
}

double edgemark(const std::filesystem::path& folder, bool each) {
  const auto networks = bench::edgemark_networks(folder / "architectures.json");
  std::map<std::string, std::vector<Sample>> series;
  CsvReader csv = CsvReader::open(folder / "measurements.csv.gz");
  while (csv.next()) {
    const auto text = [&](const char* column) { return csv.text(csv.column(column)); };
    const auto network = networks.find(text("model"));
    if (network == networks.end() || text("latency_ms").empty()) continue;
    const std::int64_t parameters = ir::parameters(ir::fold_batch_norm(network->second));
    // Of MLPerf Tiny's networks the table counts batch norms as well.
    if (!network->first.starts_with("TinyMLPerf") &&
        parameters != csv.integer(csv.column("params"))) {
      throw invalid_argument("{} has {} parameters, not the table's {}", network->first, parameters,
                             text("params"));
    }
    const double milliseconds = csv.number(csv.column("latency_ms"), 0);
    if (milliseconds <= 0) continue;
    series[fmt::format("{} {} {} {}", text("runtime"), text("board"), text("build"), text("quant"))]
        .push_back({network->first, counts_of(network->second), milliseconds});
  }
  std::vector<double> all, covered;
  for (const auto& [name, samples] : series) {
    if (samples.size() < 10) continue;
    const std::vector<double> errors = leave_one_network_out(samples);
    fmt::print("{:56} {:3} networks: median error {:5.1f} %, MAPE {:6.1f} %\n", name, errors.size(),
               median(errors), mape(errors));
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (is_covered(samples, samples[i])) covered.push_back(errors[i]);
      if (!each) continue;
      fmt::print("  {:20} {:12.4f} ms, error {:+7.1f} %\n", samples[i].name,
                 samples[i].milliseconds, 100 * errors[i]);
    }
    all.insert(all.end(), errors.begin(), errors.end());
  }
  if (all.empty()) throw invalid_argument("{} has no series of ten networks", folder.string());
  fmt::print(
      "{} networks whose kinds of kernels others of the series have: median error {:.1f} %, "
      "MAPE {:.1f} %\n{} networks: median error {:.1f} %\n",
      covered.size(), median(covered), mape(covered), all.size(), median(all));
  return mape(all);
}

struct ZooRow {
  Sample sample;
  std::string board;
  double flash_kib = 0, ram_kib = 0;  ///< of the table; 0 where it has none
  ir::Network network;
};

std::vector<ZooRow> read_modelzoo(const std::filesystem::path& file) {
  std::vector<ZooRow> rows;
  CsvReader csv = CsvReader::open(file);
  while (csv.next()) {
    const auto text = [&](const char* column) { return csv.text(csv.column(column)); };
    const auto number = [&](const char* column) {
      return text(column).empty() ? 0 : csv.number(csv.column(column), 0);
    };
    int height = 0, width = 0, channels = 0, classes = 0;
    if (std::sscanf(text("input").c_str(), "%dx%dx%d", &height, &width, &channels) != 3 ||
        std::sscanf(text("dataset").substr(text("dataset").find('(')).c_str(), "(%d", &classes) !=
            1) {
      csv.fail("malformed input or data set");
    }
    const auto network = bench::modelzoo_network(text("model"), {channels, height, width}, classes);
    if (!network) {
      fmt::print("{}: binary layers, left out\n", text("model"));
      continue;
    }
    rows.push_back({{text("model"), counts_of(*network), number("latency_ms")},
                    text("board"),
                    number("weights_flash_KiB"),
                    number("activation_ram_KiB"),
                    *network});
  }
  return rows;
}

void print_memory(const std::vector<ZooRow>& rows) {
  const estimators::DeviceProfile device =
      estimators::load_device(HWNAS_SOURCE_DIR "/configs/devices/stm32h743.yaml");
  const estimators::RuntimeProfile& runtime = device.runtime("stm32cubeai");
  const auto flash = estimators::make_cost_model("flash_bytes", device, runtime);
  const auto ram = estimators::make_cost_model("peak_sram_bytes", device, runtime);
  std::vector<double> flash_errors, ram_errors;
  for (const ZooRow& row : rows) {
    if (row.flash_kib <= 0) continue;
    flash_errors.push_back(flash->predict(row.network).value / 1024 / row.flash_kib - 1);
    ram_errors.push_back(ram->predict(row.network).value / 1024 / row.ram_kib - 1);
    fmt::print("{:20} {:3}x{:<3} flash {:+6.1f} %, activations {:+6.1f} %\n", row.sample.name,
               row.network.input.height, row.network.input.width, 100 * flash_errors.back(),
               100 * ram_errors.back());
  }
  fmt::print("weights in flash: MAPE {:.1f} %; activations in RAM: MAPE {:.1f} %\n",
             mape(flash_errors), mape(ram_errors));
}

double modelzoo(const std::filesystem::path& file) {
  const std::vector<ZooRow> rows = read_modelzoo(file);
  print_memory(rows);
  std::vector<Sample> main, others;
  for (const ZooRow& row : rows) {
    (row.board.starts_with("STM32H747") ? main : others).push_back(row.sample);
  }
  std::vector<double> errors = leave_one_network_out(main);
  for (std::size_t i = 0; i < main.size(); ++i) {
    fmt::print("STM32H747 {:20} {:8.1f} ms, error {:+6.1f} %\n", main[i].name, main[i].milliseconds,
               100 * errors[i]);
  }
  // Per board one factor, from the rows that are not held back.
  for (std::size_t held = 0; held < others.size(); ++held) {
    const auto model = fit(main, others[held].name);
    std::vector<double> ratios;
    for (std::size_t i = 0; i < others.size(); ++i) {
      if (i != held) ratios.push_back(others[i].milliseconds / predict(*model, others[i]));
    }
    std::ranges::sort(ratios);
    const double factor = ratios[ratios.size() / 2];
    errors.push_back(factor * predict(*model, others[held]) / others[held].milliseconds - 1);
    fmt::print("STM32F769 {:20} {:8.1f} ms, error {:+6.1f} %\n", others[held].name,
               others[held].milliseconds, 100 * errors.back());
  }
  fmt::print("median error {:.1f} %\n", median(errors));
  return mape(errors);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Predicted latency of whole networks on microcontrollers");
  std::filesystem::path data = HWNAS_SOURCE_DIR "/../shared/data";
  std::string table = "edgemark";
  bool each = false;
  app.add_option("--data", data, "Folder of the data sets")->envname("HWNAS_DATA");
  app.add_option("--table", table)->check(CLI::IsMember({"edgemark", "modelzoo"}));
  app.add_flag("--each", each, "EdgeMark: print every network");
  CLI11_PARSE(app, argc, argv);
  try {
    const double figure = table == "edgemark" ? edgemark(data / "edgemark_mcu", each)
                                              : modelzoo(data / "stm32_modelzoo/mcu_latency.csv");
    fmt::print("{:.1f}\n", figure);
  } catch (const Error& fault) {
    fmt::print(stderr, "mcu_networks: {}\n", fault.what());
    return 1;
  }
}
