#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/format.hpp"
#include "cli/interrupt.hpp"
#include "cli/runner_options.hpp"
#include "cli/text_table.hpp"
#include "measurement/batch.hpp"
#include "measurement/journal.hpp"

namespace hwnas::cli {
namespace {

using measurement::Measurement;

struct Options : RunnerOptions {
  std::vector<std::string> files;
  std::string reference;
  int reference_every = 10;
  std::uint64_t seed = 1;
  std::string journal;
};

std::string number_or_nothing(const std::optional<double>& value) {
  return value ? format_number(*value) : "";
}

std::vector<std::string> table_row(const Measurement& measured) {
  const auto& latency = measured.latency;
  const bool timed = latency.runs > 0;
  return {measured.network,
          std::string(to_string(measured.status)),
          timed ? format_number(latency.median_ms) : "",
          timed ? format_number(latency.mad_ms) : "",
          timed ? fmt::format("{}", latency.runs) : "",
          timed ? fmt::format("{}", latency.outliers) : "",
          number_or_nothing(measured.instructions),
          number_or_nothing(measured.flash_bytes),
          number_or_nothing(measured.ram_bytes),
          number_or_nothing(measured.stack_bytes),
          measured.ok() ? std::string(to_string(measured.origin)) : measured.reason};
}

void print_table(const std::vector<Measurement>& measurements) {
  std::vector<std::vector<std::string>> rows = {{"network", "status", "median ms", "MAD", "runs",
                                                 "outliers", "instructions", "flash B", "RAM B",
                                                 "stack B", "origin"}};
  for (const Measurement& measured : measurements) rows.push_back(table_row(measured));
  fmt::print("{}", format_table(rows));
}

std::vector<Measurement> measure_one_by_one(measurement::Runner& runner,
                                            const std::vector<measurement::Artifact>& artifacts,
                                            const std::stop_token& stop) {
  std::vector<Measurement> measurements;
  for (const auto& artifact : artifacts) measurements.push_back(runner.measure(artifact, stop));
  return measurements;
}

std::vector<Measurement> measure_batch(measurement::Runner& runner,
                                       const std::vector<measurement::Artifact>& artifacts,
                                       const Options& options, const std::stop_token& stop) {
  measurement::BatchOptions batch{.seed = options.seed,
                                  .reference = measurement::artifact_of(options.reference),
                                  .reference_every = options.reference_every};
  std::optional<measurement::Journal> journal;
  if (!options.journal.empty()) {
    journal.emplace(options.journal);
    batch.recorded = journal->measurements();
    batch.record = [&](const Measurement& measured) { journal->append(measured); };
  }
  return measurement::measure_all(runner, artifacts, batch, stop).measurements;
}

void measure(const Options& options, Invocation& invocation) {
  const auto runner = make_runner(options);
  std::vector<measurement::Artifact> artifacts;
  for (const std::string& file : options.files) artifacts.push_back(measurement::artifact_of(file));
  const InterruptGuard guard([] { print_message("stopping"); });
  const std::vector<Measurement> measurements =
      options.reference.empty() ? measure_one_by_one(*runner, artifacts, guard.token())
                                : measure_batch(*runner, artifacts, options, guard.token());
  nlohmann::json json = nlohmann::json::array();
  for (const Measurement& measured : measurements) {
    json.push_back(to_json(measured));
    if (!measured.ok()) invocation.exit_code = ExitCode::kFailed;
  }
  if (invocation.json)
    print_json(json);
  else
    print_table(measurements);
}

}  // namespace

void add_measure(CLI::App& app, Invocation& invocation) {
  CLI::App* command = add_command(
      app,
      {"measure",
       "Measure exported networks on a device",
       {"hwnas measure runs/fashion_mnist_mcu/export/fashion_mnist_mcu.c",
        "hwnas measure net.c --runner qemu_cortex_m --set ram_bytes=327680 --json",
        "hwnas measure nets/*.tflite --config pi.yaml --reference ref.tflite --journal pi.jsonl"}},
      invocation);
  auto options = std::make_shared<Options>();
  command->add_option("FILE", options->files, "Exported networks")->type_name("FILE")->required();
  add_runner_options(*command, *options);
  CLI::Option* reference =
      command
          ->add_option("--reference", options->reference,
                       "Network that is measured in between, to find drift; the others are then "
                       "measured in a random order")
          ->type_name("FILE");
  command->add_option("--every", options->reference_every, "Networks between references")
      ->check(CLI::Range(1, 1'000'000))
      ->needs(reference)
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Of the order")
      ->needs(reference)
      ->capture_default_str();
  command
      ->add_option("--journal", options->journal,
                   "Keep results here as they come, and go on from those that are there")
      ->type_name("FILE")
      ->needs(reference);
  command->callback([options, &invocation] { measure(*options, invocation); });
}

}  // namespace hwnas::cli
