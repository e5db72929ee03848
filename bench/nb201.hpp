#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "search/strategy.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::bench {

inline constexpr std::size_t kCells = 15'625;

/// The space of NAS-Bench-201 with CIFAR-10's input.
std::unique_ptr<spaces::SearchSpace> nb201_space();

/// The number that a genotype's six digits, of base 5, spell.
std::size_t cell_of(const spaces::Genotype& genotype);

/// A column of a table whose column `ops` holds the six digits, by cell. Throws InvalidArgument
/// unless every cell has a row.
std::vector<double> read_cells(const std::filesystem::path& file, std::string_view column);

/// Runs a strategy as the engine does: `window` trials under way, results told one by one in id
/// order, until `count` have finished or the space is exhausted. `objectives_of` evaluates; every
/// trial is complete.
void simulate(search::Strategy& strategy, std::size_t count, std::size_t window,
              const std::function<std::vector<double>(const spaces::Genotype&)>& objectives_of);

}  // namespace hwnas::bench
