#include "bench/nb201.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <utility>

#include "core/config.hpp"
#include "core/csv.hpp"

namespace hwnas::bench {

std::unique_ptr<spaces::SearchSpace> nb201_space() {
  return spaces::make_space(Config::parse("family: nasbench201", "bench"),
                            {.input = {.channels = 3, .height = 32, .width = 32}, .classes = 10});
}

std::size_t cell_of(const spaces::Genotype& genotype) {
  std::size_t cell = 0;
  for (const std::uint16_t digit : genotype.choices) cell = cell * 5 + digit;
  return cell;
}

std::vector<double> read_cells(const std::filesystem::path& file, std::string_view column) {
  std::vector<double> values(kCells, std::numeric_limits<double>::quiet_NaN());
  CsvReader csv = CsvReader::open(file);
  const std::size_t ops = csv.column("ops");
  const std::size_t value = csv.column(column);
  std::size_t rows = 0;
  for (; csv.next(); ++rows) {
    spaces::Genotype genotype;
    for (const char digit : csv.text(ops)) {
      genotype.choices.push_back(static_cast<std::uint16_t>(digit - '0'));
    }
    if (cell_of(genotype) >= kCells) csv.fail("ops: expected six digits of 0..4");
    values[cell_of(genotype)] = csv.number(value);
  }
  if (std::ranges::any_of(values, [](double x) { return std::isnan(x); })) {
    csv.fail(fmt::format("{} rows do not name all {} cells", rows, kCells));
  }
  return values;
}

void simulate(search::Strategy& strategy, std::size_t count, std::size_t window,
              const std::function<std::vector<double>(const spaces::Genotype&)>& objectives_of) {
  std::deque<search::Trial> under_way;
  std::uint64_t next_id = 0;
  for (std::size_t finished = 0; finished < count; ++finished) {
    for (search::Proposal& proposal : strategy.ask(window - under_way.size())) {
      under_way.push_back({.id = next_id++, .genotype = std::move(proposal.genotype)});
    }
    if (under_way.empty()) return;
    search::Trial trial = std::move(under_way.front());
    under_way.pop_front();
    trial.state = search::TrialState::kComplete;
    trial.objectives = objectives_of(trial.genotype);
    strategy.tell({&trial, 1});
  }
}

}  // namespace hwnas::bench
