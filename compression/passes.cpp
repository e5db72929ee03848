#include <fmt/format.h>

#include <array>
#include <chrono>

#include "compression/pass.hpp"
#include "compression/pass_rows.hpp"

namespace hwnas::compression {

namespace {

constexpr std::array kPasses = {
    PassInfo{"quantize", "all layers in one weight format", make_quantize},
    PassInfo{"mixed_precision", "a weight format for each layer, within limits",
             make_mixed_precision},
};

}  // namespace

std::span<const PassInfo> passes() {
  return kPasses;
}

std::unique_ptr<CompressionPass> make_pass(const Config& options) {
  std::vector<std::string> names;
  for (const PassInfo& row : kPasses) names.emplace_back(row.name);
  return kPasses[options.at("pass").as_one_of(names)].make(options);
}

Compression compress(const ir::Network& network, const ir::Weights& weights,
                     std::span<const std::unique_ptr<CompressionPass>> passes,
                     const PassContext& context) {
  Compression result{.model = {.network = lowered(network, weights),
                               .integers = {},
                               .accuracy = context.float_accuracy},
                     .reports = {}};
  for (std::size_t i = 0; i < passes.size() && !context.stop.stop_requested(); ++i) {
    const auto start = std::chrono::steady_clock::now();
    PassReport report{.pass = {}, .accuracy_before = result.model.accuracy, .summary = {}};
    CompressedModel next = passes[i]->apply(result.model, context, report);
    report.pass = passes[i]->name();
    report.accuracy_after = next.accuracy;
    const double floor = context.float_accuracy - passes[i]->accuracy_drop();
    report.accepted = next.accuracy >= floor;
    if (report.accepted) {
      result.model = std::move(next);
    } else {
      report.summary =
          fmt::format("rolled back, under the floor of {:.2f} %: {}", floor, report.summary);
    }
    report.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    context.log(fmt::format("{}: {:.2f} % ({:.2f} % before), {}", report.pass,
                            report.accuracy_after, report.accuracy_before, report.summary));
    result.reports.push_back(std::move(report));
  }
  return result;
}

}  // namespace hwnas::compression
