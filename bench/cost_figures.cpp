#include "bench/cost_figures.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

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

}  // namespace

std::vector<CostFigure> cost_figures(const std::filesystem::path& data) {
  return {help_nb201("help_nb201_5", data, 5), help_nb201("help_nb201_10", data, 10),
          help_fbnet("help_fbnet_10", data, 10), help_fbnet("help_fbnet_20", data, 20)};
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
