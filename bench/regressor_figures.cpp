#include "bench/regressor_figures.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace hwnas::bench {

namespace {

using estimators::Agreement;
using Names = std::vector<std::string>;

constexpr std::size_t kQueries = 4000;

/// Measured devices of HW-NAS-Bench. eyeriss and fpga are simulations that a sum over operators
/// gives exactly.
const Names kHwNasBench = {"edgegpu_latency_ms", "raspi4_latency_ms", "edgetpu_latency_ms",
                           "pixel3_latency_ms"};
/// Without desktop_cpu_i7_7820x_fp32, which repeats the desktop GPU.
const Names kLatBench = {"desktop_gpu_gtx1080ti_fp32",
                         "desktop_gpu_gtx1080ti_large",
                         "edgetpu_int8",
                         "jetson_nano_fp32",
                         "mobile_cpu_snapdragon_450_cortex_a53_int8",
                         "mobile_cpu_snapdragon_855_kryo_485_int8",
                         "mobile_gpu_snapdragon_450_adreno_506_int8",
                         "mobile_gpu_snapdragon_675_adreno_612_int8"};
const Names kOneProxy = {"cortex_a76_tflite21", "adreno_640_tflite21", "adreno_630_tflite21",
                         "myriad_vpu_openvino2019r2"};

Names all_measured() {
  Names names = kHwNasBench;
  names.emplace_back("edgegpu_energy_mJ");
  names.insert(names.end(), kLatBench.begin(), kLatBench.end());
  names.insert(names.end(), kOneProxy.begin(), kOneProxy.end());
  return names;
}

std::vector<double> means(const std::vector<DeviceQuality>& qualities, double Agreement::*member) {
  std::vector<double> result;
  for (const DeviceQuality& quality : qualities) {
    result.push_back(over_draws(quality, member).mean);
  }
  return result;
}

std::string within_line(const std::vector<DeviceQuality>& qualities) {
  std::vector<std::string> parts;
  for (const DeviceQuality& quality : qualities) {
    parts.push_back(fmt::format("{} {:.1f} %", quality.device.substr(0, quality.device.find('_')),
                                100 * over_draws(quality, &Agreement::within_10).mean));
  }
  return fmt::format("within ±10 %: {}", fmt::join(parts, ", "));
}

std::string mean_within_line(const std::vector<DeviceQuality>& qualities) {
  return fmt::format("within ±10 %: {:.1f} % (mean over {} devices)",
                     100 * over_draws(qualities, &Agreement::within_10).mean, qualities.size());
}

std::string coverage_line(const std::vector<DeviceQuality>& qualities) {
  const std::vector<double> coverages = means(qualities, &Agreement::coverage_90);
  const auto [least, most] = std::ranges::minmax(coverages);
  return fmt::format("90 % intervals cover {:.1f} to {:.1f} % on {} device metrics", 100 * least,
                     100 * most, qualities.size());
}

std::string breadth_line(const std::vector<DeviceQuality>& qualities) {
  std::vector<double> rhos = means(qualities, &Agreement::spearman);
  std::ranges::sort(rhos);
  return fmt::format("median {:.3f}, worst {:.3f} of {} device metrics", rhos[rhos.size() / 2],
                     rhos.front(), rhos.size());
}

}  // namespace

std::vector<CostFigure> regressor_figures(const std::filesystem::path& data) {
  const std::filesystem::path hw_nas_bench = data / "hw_nas_bench/nb201_cifar10.csv.gz";
  const std::filesystem::path latbench = data / "latbench/nb201_latency_ms.csv.gz";
  const std::filesystem::path oneproxy = data / "oneproxy/nb201_latency_ms.csv.gz";
  const auto figure = [](std::string_view name, std::vector<std::filesystem::path> tables,
                         Names targets, int samples, auto line) {
    return CostFigure{.name = name,
                      .options = {.space = "nasbench201",
                                  .tables = std::move(tables),
                                  .sources = {},
                                  .targets = std::move(targets),
                                  .samples = {samples},
                                  .draws = samples < 300 ? 30 : 10,
                                  .model = samples < 30 ? "random_bayes_linear" : "stack",
                                  .protocol = Protocol::kBreadth,
                                  .queries = kQueries},
                      .line = line};
  };
  const std::vector<std::filesystem::path> all = {hw_nas_bench, latbench, oneproxy};
  return {figure("hw_nas_bench_50", {hw_nas_bench}, kHwNasBench, 50, within_line),
          figure("hw_nas_bench_900", {hw_nas_bench}, kHwNasBench, 900, within_line),
          figure("latbench_900", {latbench}, kLatBench, 900, mean_within_line),
          figure("coverage_50", all, all_measured(), 50, coverage_line),
          figure("breadth_20", all, all_measured(), 20, breadth_line),
          figure("breadth_50", all, all_measured(), 50, breadth_line)};
}

}  // namespace hwnas::bench
