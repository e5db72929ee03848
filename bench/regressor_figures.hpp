#pragma once

#include <filesystem>
#include <vector>

#include "bench/cost_figures.hpp"

namespace hwnas::bench {

/// Figures of devices learned from their own measurements alone, drawn at random: hw_nas_bench_50,
/// hw_nas_bench_900, latbench_900, coverage_50, breadth_20 and breadth_50.
std::vector<CostFigure> regressor_figures(const std::filesystem::path& data);

}  // namespace hwnas::bench
