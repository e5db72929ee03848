#include "bench/cost_figures.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "bench/regressor_figures.hpp"
#include "core/error.hpp"

namespace hwnas::bench {

namespace {

using estimators::Agreement;
using Names = std::vector<std::string>;

/// Source and target devices of HELP's Tables 2 and 3.
const Names kHelpSources = {"1080ti_1",    "1080ti_32",      "1080ti_256",
                            "silver_4114", "silver_4210r",   "samsung_a50",
                            "pixel3",      "essential_ph_1", "samsung_s7"};
const Names kHelpFbnetSources = {"1080ti_1",    "1080ti_32",      "1080ti_64",
                                 "silver_4114", "silver_4210r",   "samsung_a50",
                                 "pixel3",      "essential_ph_1", "samsung_s7"};
const Names kHelpTargets = {"titan_rtx_256", "gold_6226", "fpga", "pixel2", "raspi4", "eyeriss"};
const Names kHelpFbnetTargets = {"raspi4", "eyeriss", "fpga"};

std::string spearman_line(const std::vector<DeviceQuality>& qualities) {
  const DrawStatistic rho = over_draws(qualities, &Agreement::spearman);
  return fmt::format("{:.4f} (worst of {} draws {:.4f})", rho.mean, qualities.front().draws.size(),
                     rho.worst);
}

CostFigure help_nb201(std::string_view name, const std::filesystem::path& data, int samples) {
  return {.name = name,
          .options = {.space = "nasbench201",
                      .tables = {data / "help/nb201_latency_ms.csv.gz"},
                      .sources = kHelpSources,
                      .targets = kHelpTargets,
                      .samples = {samples},
                      .model = "bayes_linear",
                      .protocol = Protocol::kHelp},
          .line = spearman_line};
}

CostFigure help_fbnet(std::string_view name, const std::filesystem::path& data, int samples) {
  return {.name = name,
          .options = {.space = "fbnet",
                      .tables = {data / "help/fbnet_latency_ms.csv.gz"},
                      .sources = kHelpFbnetSources,
                      .targets = kHelpFbnetTargets,
                      .samples = {samples},
                      .model = "additive_linear",
                      .protocol = Protocol::kHelp},
          .line = spearman_line};
}

/// Splits N1, N3 and N4 of NASFLAT (Akhauri and Abdelfattah, MLSys 2024), tasks 1, 3 and 4 of
/// nasflat_device_splits.json. Its names of LatBench's devices are these:
/// embedded_tpu_edge_tpu_int8 is edgetpu_int8, embedded_gpu_jetson_nano_fp32 is jetson_nano_fp32,
/// desktop_gpu_gtx_1080ti_fp32 is desktop_gpu_gtx1080ti_fp32, desktop_cpu_core_i7_7820x_fp32 is
/// desktop_cpu_i7_7820x_fp32. No table has the sources embedded_gpu_jetson_nano_fp16,
/// mobile_gpu_snapdragon_855_adreno_640_int8, mobile_dsp_snapdragon_675_hexagon_685_int8 and
/// mobile_dsp_snapdragon_855_hexagon_690_int8. All targets are there.
CostFigure nasflat(std::string_view name, const std::filesystem::path& data, Names sources,
                   Names targets) {
  return {.name = name,
          .options = {.space = "nasbench201",
                      .tables = {data / "help/nb201_latency_ms.csv.gz",
                                 data / "latbench/nb201_latency_ms.csv.gz"},
                      .sources = std::move(sources),
                      .targets = std::move(targets),
                      .samples = {20},
                      .model = "bayes_linear",
                      .protocol = Protocol::kBreadth},
          .line = spearman_line};
}

std::vector<CostFigure> nasflat_figures(const std::filesystem::path& data) {
  return {
      nasflat("nasflat_n1", data,
              {"edgetpu_int8", "eyeriss", "mobile_gpu_snapdragon_675_adreno_612_int8", "pixel3"},
              {"1080ti_1", "titan_rtx_32", "titanxp_1", "2080ti_32", "titan_rtx_1"}),
      nasflat("nasflat_n3", data, {"desktop_gpu_gtx1080ti_fp32", "eyeriss"},
              {"1080ti_1", "2080ti_1", "titanxp_1", "2080ti_32", "titanxp_32"}),
      nasflat("nasflat_n4", data,
              {"desktop_cpu_i7_7820x_fp32", "jetson_nano_fp32", "edgetpu_int8", "eyeriss",
               "mobile_cpu_snapdragon_855_kryo_485_int8",
               "mobile_gpu_snapdragon_675_adreno_612_int8", "pixel2"},
              {"1080ti_1", "2080ti_1", "titan_rtx_1"})};
}

}  // namespace

std::vector<CostFigure> cost_figures(const std::filesystem::path& data) {
  std::vector<CostFigure> figures = {
      help_nb201("help_nb201_5", data, 5), help_nb201("help_nb201_10", data, 10),
      help_fbnet("help_fbnet_10", data, 10), help_fbnet("help_fbnet_20", data, 20)};
  std::ranges::move(nasflat_figures(data), std::back_inserter(figures));
  std::ranges::move(regressor_figures(data), std::back_inserter(figures));
  return figures;
}

CostFigure cost_figure(std::string_view name, const std::filesystem::path& data) {
  std::vector<std::string_view> names;
  for (const CostFigure& figure : cost_figures(data)) {
    if (figure.name == name) return figure;
    names.push_back(figure.name);
  }
  throw error(ErrorCode::kNotFound, "no figure '{}'; there are {}", name, fmt::join(names, ", "));
}

}  // namespace hwnas::bench
