#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "bench/cost_quality.hpp"

namespace hwnas::bench {

/// A figure of docs/cost_models.md: what is measured and what of it is the figure.
struct CostFigure {
  std::string_view name;
  QualityOptions options;  ///< tables relative to the folder of data
  /// Writes the figure's line from qualities that all have the same number of samples.
  std::string (*line)(const std::vector<DeviceQuality>& qualities);
};

/// All figures, with tables in `data`.
std::vector<CostFigure> cost_figures(const std::filesystem::path& data);
/// Throws NotFound listing those there are.
CostFigure cost_figure(std::string_view name, const std::filesystem::path& data);

}  // namespace hwnas::bench
