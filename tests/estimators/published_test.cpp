// Predictions against published measurements. What the constants were fitted to is here to show
// that the profiles and the model reproduce it; what they were not fitted to is marked "unseen".

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/csv.hpp"
#include "device_files.hpp"
#include "estimators/cost_model.hpp"
#include "estimators/peak_sram.hpp"
#include "networks.hpp"

namespace hwnas::estimators {
namespace {

std::filesystem::path data_folder() {
  const char* const folder = std::getenv("HWNAS_DATA");
  return folder != nullptr ? std::filesystem::path(folder)
                           : std::filesystem::path(HWNAS_SOURCE_DIR) / "../shared/data";
}

std::unique_ptr<CostModel> model(std::string_view metric, const std::string& device_name,
                                 const std::string& runtime) {
  const DeviceProfile device = testing::device(device_name);
  return make_cost_model(metric, device, device.runtime(runtime));
}

ir::Network named(const std::string& network) {
  if (network == "resnet8") return testing::resnet8();
  if (network == "ds_cnn") return testing::ds_cnn();
  if (network == "autoencoder") return testing::autoencoder();
  return testing::mobilenet_v1(1, 96, 2);
}

struct PublishedLatency {
  std::string device, runtime, network;
  double milliseconds = 0;
  double within = 0;  ///< relative
};

std::ostream& operator<<(std::ostream& out, const PublishedLatency& row) {
  return out << row.device << " " << row.runtime << " " << row.network;
}

/// EdgeMark (tflite_micro); MLPerf Tiny v1.1, bosch (hale), and v1.0, STMicroelectronics
/// (stm32cubeai) and GreenWaves Technologies (gap_sdk).
const std::vector<PublishedLatency> kPublished = {
    {"stm32l4r5", "tflite_micro", "autoencoder", 8.92, 0.05},
    {"stm32l4r5", "tflite_micro", "resnet8", 407.7, 0.05},
    {"stm32l4r5", "tflite_micro", "ds_cnn", 110.6, 0.15},
    {"stm32l4r5", "tflite_micro", "mobilenet_v1", 384.7, 0.15},
    {"stm32l4r5", "stm32cubeai", "autoencoder", 7.58, 0.05},
    {"stm32l4r5", "stm32cubeai", "resnet8", 226.9, 0.05},
    {"stm32l4r5", "stm32cubeai", "ds_cnn", 75.1, 0.05},
    {"stm32l4r5", "stm32cubeai", "mobilenet_v1", 230.5, 0.05},
    {"stm32f746", "hale", "autoencoder", 1.70, 0.05},
    {"stm32f746", "hale", "resnet8", 61.6, 0.05},
    {"stm32f746", "hale", "ds_cnn", 18.4, 0.05},
    {"stm32f746", "hale", "mobilenet_v1", 57.2, 0.05},
    {"gap9", "gap_sdk", "autoencoder", 0.176, 0.05},
    {"gap9", "gap_sdk", "resnet8", 0.616, 0.1},
    {"gap9", "gap_sdk", "ds_cnn", 0.475, 0.1},
    {"gap9", "gap_sdk", "mobilenet_v1", 1.125, 0.15},
    // unseen: X-CUBE-AI 7 to 10 on another Cortex-M7, NUCLEO_H7A3ZI_Q at 280 MHz (v1.0), per clock
    {"stm32h743", "stm32cubeai", "resnet8", 54.3 * 280 / 400, 0.25},
    {"stm32h743", "stm32cubeai", "ds_cnn", 16.8 * 280 / 400, 0.25},
    {"stm32h743", "stm32cubeai", "mobilenet_v1", 50.7 * 280 / 400, 0.25},
};

class PublishedLatencies : public ::testing::TestWithParam<PublishedLatency> {};

TEST_P(PublishedLatencies, ArePredictedWithinTheStatedFactor) {
  const auto& [device, runtime, network, milliseconds, within] = GetParam();
  const Estimate estimate = model("latency_ms", device, runtime)->predict(named(network));
  fmt::print("{:10} {:12} {:12} published {:8.2f} ms, predicted {:8.2f} ms, {:+.1f} %\n", device,
             runtime, network, milliseconds, estimate.value,
             100 * (estimate.value / milliseconds - 1));
  EXPECT_NEAR(estimate.value, milliseconds, within * milliseconds);
}

INSTANTIATE_TEST_SUITE_P(Microcontrollers, PublishedLatencies, ::testing::ValuesIn(kPublished));

/// Residuals of predictions over many networks.
struct Residuals {
  std::vector<double> relative;

  void add(double predicted, double measured) { relative.push_back(predicted / measured - 1); }
  double median_absolute() const {
    std::vector<double> sizes;
    for (const double r : relative) sizes.push_back(std::abs(r));
    std::nth_element(sizes.begin(), sizes.begin() + sizes.size() / 2, sizes.end());
    return sizes[sizes.size() / 2];
  }
  double within(double bound) const {
    return static_cast<double>(std::count_if(relative.begin(), relative.end(),
                                             [&](double r) { return std::abs(r) <= bound; })) /
           static_cast<double>(relative.size());
  }
};

bool is_connected(const std::string& ops) {
  const bool node1 = ops[0] != '0';
  const bool node2 = ops[1] != '0' || (node1 && ops[2] != '0');
  return ops[3] != '0' || (node1 && ops[4] != '0') || (node2 && ops[5] != '0');
}

struct CellLatencies {
  std::string device, runtime, file, column;
  int every = 1;             ///< rows between the networks looked at
  double within_one_sd = 0;  ///< least share of networks within latency_relative_sd
};

std::ostream& operator<<(std::ostream& out, const CellLatencies& row) {
  return out << row.device << " " << row.runtime;
}

class NasBench201Latencies : public ::testing::TestWithParam<CellLatencies> {};

TEST_P(NasBench201Latencies, FallIntoThePredictedInterval) {
  const CellLatencies& row = GetParam();
  const std::filesystem::path file = data_folder() / row.file;
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file;
  const auto latency = model("latency_ms", row.device, row.runtime);
  const double sd = testing::device(row.device).runtime(row.runtime).latency_relative_sd.value;
  CsvReader csv = CsvReader::open(file);
  const std::size_t ops = csv.column("ops"), milliseconds = csv.column(row.column);
  Residuals residuals;
  for (int i = 0; csv.next(); ++i) {
    if (i % row.every != 0 || csv.text(milliseconds).empty() || !is_connected(csv.text(ops)))
      continue;
    const double measured = csv.number(milliseconds);
    if (measured <= 0) continue;  // the compiler refused the network
    residuals.add(latency->predict(testing::nasbench201(csv.text(ops))).value, measured);
  }
  fmt::print("{:14} {:10} {} networks: median error {:.1f} %, {:.0f} % within {:.0f} %\n",
             row.device, row.runtime, residuals.relative.size(), 100 * residuals.median_absolute(),
             100 * residuals.within(sd), 100 * sd);
  EXPECT_GE(residuals.within(sd), row.within_one_sd);
}

INSTANTIATE_TEST_SUITE_P(
    Devices, NasBench201Latencies,
    ::testing::Values(CellLatencies{"raspberry_pi_4", "tflite", "hw_nas_bench/nb201_cifar10.csv.gz",
                                    "raspi4_latency_ms", 160, 0.6},
                      CellLatencies{"pixel_3", "tflite", "hw_nas_bench/nb201_cifar10.csv.gz",
                                    "pixel3_latency_ms", 160, 0.6},
                      CellLatencies{"pixel_3", "tflite_gpu", "oneproxy/nb201_latency_ms.csv.gz",
                                    "adreno_630_tflite21", 20, 0.6},
                      CellLatencies{"coral_edge_tpu", "edgetpu",
                                    "hw_nas_bench/nb201_cifar10.csv.gz", "edgetpu_latency_ms", 160,
                                    0.6},
                      CellLatencies{"jetson_tx2", "tensorrt", "hw_nas_bench/nb201_cifar10.csv.gz",
                                    "edgegpu_latency_ms", 160, 0.6},
                      CellLatencies{"jetson_nano", "tensorflow", "latbench/nb201_latency_ms.csv.gz",
                                    "jetson_nano_fp32", 160, 0.6},
                      CellLatencies{"myriad_x", "openvino", "oneproxy/nb201_latency_ms.csv.gz",
                                    "myriad_vpu_openvino2019r2", 20, 0.6}));

/// "1x64x30x1|…" -> height, width, channels of the last tensor; "3x1" -> its numbers.
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

TEST(OperatorLatencies, OfAnUnseenChipWithTheSameCoreArePredictedInTheMedian) {
  const std::filesystem::path file = data_folder() / "micronas_mcu_ops/ops.csv.gz";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file;
  const auto latency = model("latency_ms", "nrf52840", "tflite_micro");
  CsvReader csv = CsvReader::open(file);
  Residuals residuals;
  while (csv.next()) {
    if (csv.text(csv.column("op")) != "conv2d" || csv.text(csv.column("set")) != "main" ||
        csv.text(csv.column("board")).rfind("nicla", 0) != 0) {
      continue;
    }
    const std::vector<int> in = extents(csv.text(csv.column("input_shape")));
    const std::vector<int> out = extents(csv.text(csv.column("output_shape")));
    const std::vector<int> kernel = extents(csv.text(csv.column("kernel")));
    const std::vector<int> stride = extents(csv.text(csv.column("stride")));
    testing::Builder net({in[3], in[1], in[2]});
    net.conv(ir::kNetworkInput, out[3], kernel[0], kernel[1], stride[0], stride[1], 1, true);
    residuals.add(latency->predict(net.take()).value, csv.number(csv.column("op_latency_ms")));
  }
  fmt::print("nRF52832, {} convolutions: median error {:.1f} %, {:.0f} % within 25 %\n",
             residuals.relative.size(), 100 * residuals.median_absolute(),
             100 * residuals.within(0.25));
  EXPECT_LT(residuals.median_absolute(), 0.25);
}

TEST(PublishedMemory, OfMlperfTinyIsTheArenaThatTfliteMicroPlans) {
  // tflm_arena data set, int8, Cortex-M reference kernels: planned bytes of the arena.
  const SramOptions no_reuse{.in_place_elementwise = false};
  EXPECT_EQ(peak_sram(testing::resnet8(), no_reuse).bytes, 49152);
  EXPECT_EQ(peak_sram(testing::ds_cnn(), no_reuse).bytes, 16000);
}

TEST(PublishedMemory, OfFloatResnet8IsFourTimesThat) {
  ir::Network network = testing::resnet8();
  for (ir::Layer& layer : network.layers) layer.precision = {32, 32};
  EXPECT_EQ(peak_sram(network, {.in_place_elementwise = false}).bytes, 196608);
}

TEST(PublishedFlash, OfModelZooNetworksLacksOnlyTheirScales) {
  // ST model zoo, STM32Cube.AI 10.0, int8: weights flash in KiB. That runtime stores no scale a
  // channel, which the metric counts with 4 bytes.
  const auto flash = model("flash_bytes", "stm32h743", "stm32cubeai");
  EXPECT_NEAR(flash->predict(testing::resnet8()).value / 1024, 76.9, 0.06 * 76.9);
  EXPECT_NEAR(flash->predict(testing::mobilenet_v1(1, 96, 5)).value / 1024, 214.69, 0.06 * 214.69);
  EXPECT_NEAR(flash->predict(testing::mobilenet_v1(4, 224, 1000)).value / 1024, 4157.09,
              0.06 * 4157.09);
}

struct PublishedEnergy {
  std::string network;
  double millijoules = 0;
};

TEST(PublishedEnergies, OfTheReferenceBoardAreWithinTheInterval) {
  // MLPerf Tiny v1.0, STMicroelectronics, NUCLEO_L4R5ZI
  const auto energy = model("energy_mj", "stm32l4r5", "stm32cubeai");
  for (const PublishedEnergy& row : {PublishedEnergy{"autoencoder", 0.323},
                                     {"resnet8", 10.68},
                                     {"ds_cnn", 3.372},
                                     {"mobilenet_v1", 10.07}}) {
    const Estimate estimate = energy->predict(named(row.network));
    EXPECT_NEAR(estimate.value, row.millijoules, estimate.standard_deviation) << row.network;
  }
}

}  // namespace
}  // namespace hwnas::estimators
