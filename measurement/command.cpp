#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "measurement/option_values.hpp"
#include "measurement/runner_rows.hpp"
#include "measurement/runner_tools.hpp"

namespace hwnas::measurement {

namespace {

struct CommandOptions {
  std::vector<std::string> command;
  std::vector<std::string> push;  ///< run before; empty: nothing
  std::unique_ptr<RE2> pattern;   ///< its one group is a time
  std::unique_ptr<RE2> refusal;   ///< output that says that the tool declines; may be null
  double unit_ms = 1;
  int runs = 50;
  int warm_up_runs = 10;
  int lost_code = 255;
  int retries = 0;  ///< after a lost connection
  std::chrono::milliseconds time_limit;
};

constexpr std::array kPlaceholders = {"artifact", "file", "name", "runs", "warm_up_runs"};

/// Backtracking matchers can be made to run for hours by what a device prints; RE2 is linear.
std::unique_ptr<RE2> compiled(const Config& value) {
  RE2::Options quiet;
  quiet.set_log_errors(false);
  quiet.set_one_line(false);
  auto pattern = std::make_unique<RE2>("(?m)" + value.as_string(), quiet);
  if (!pattern->ok()) value.fail(fmt::format("no regular expression: {}", pattern->error()));
  return pattern;
}

/// Throws at `value` unless every {…} is a placeholder.
std::vector<std::string> checked_template(const Config& value) {
  std::vector<std::string> arguments = words(value);
  if (arguments.empty() || arguments[0].empty()) value.fail("names no program");
  const RE2 braces("\\{([a-z_]+)\\}");
  for (const std::string& argument : arguments) {
    re2::StringPiece rest(argument);
    for (std::string name; RE2::FindAndConsume(&rest, braces, &name);) {
      if (std::ranges::find(kPlaceholders, name) == kPlaceholders.end()) {
        value.fail(fmt::format("{{{}}} is none of {{{}}}", name, fmt::join(kPlaceholders, "}, {")));
      }
    }
  }
  return arguments;
}

/// Whether the text means itself to a shell, such as the one that ssh hands its arguments to.
bool is_shell_safe(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_./-+=@,:").find(c) != std::string_view::npos;
  });
}

class CommandRunner : public Runner {
 public:
  explicit CommandRunner(CommandOptions options) : options_(std::move(options)) {}

  std::string_view name() const override { return "command"; }

  Measurement measure(const Artifact& artifact, std::stop_token stop) override {
    Measurement measurement = begun(artifact, name(), estimators::Origin::kMeasured);
    measurement.warm_up_runs = asks_for_warm_up() ? options_.warm_up_runs : 0;
    if (!is_shell_safe(artifact.main_file().string())) {
      return failed(std::move(measurement), Status::kRefused,
                    fmt::format("{}: the path has characters that may mean something to a shell; "
                                "move the file",
                                artifact.main_file().string()));
    }
    measurement.environment.binary_sha256 = sha256_of_file(artifact.main_file());
    Measurement result = attempt(artifact, measurement, stop);
    for (int i = 0; i < options_.retries && result.status == Status::kConnectionLost; ++i) {
      result = attempt(artifact, measurement, stop);
    }
    return result;
  }

 private:
  Measurement attempt(const Artifact& artifact, Measurement measurement,
                      const std::stop_token& stop) const {
    for (const std::vector<std::string>* step : {&options_.push, &options_.command}) {
      if (step->empty()) continue;
      const ProcessRequest request = request_of(*step, artifact);
      const ProcessResult result = run_or_cancel(request, stop);
      measurement.environment.tool = fmt::format("{}", fmt::join(request.arguments, " "));
      if (!result.succeeded()) return with_failure(std::move(measurement), request, result);
      if (step == &options_.command) measurement = with_times(std::move(measurement), result);
    }
    return measurement;
  }

  bool asks_for_warm_up() const {
    return std::ranges::any_of(options_.command, [](const std::string& argument) {
      return argument.find("{warm_up_runs}") != std::string::npos;
    });
  }

  ProcessRequest request_of(const std::vector<std::string>& words, const Artifact& artifact) const {
    const std::array<std::string, kPlaceholders.size()> values = {
        artifact.main_file().string(), artifact.main_file().filename().string(), artifact.name,
        fmt::format("{}", options_.runs), fmt::format("{}", options_.warm_up_runs)};
    ProcessRequest request{.arguments = words,
                           .folder = {},
                           .input = {},
                           .output = {},
                           .time_limit = options_.time_limit};
    for (std::string& argument : request.arguments) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        RE2::GlobalReplace(&argument, fmt::format("\\{{{}\\}}", kPlaceholders[i]), values[i]);
      }
    }
    return request;
  }

  bool is_refusal(const ProcessResult& result) const {
    return options_.refusal != nullptr && (RE2::PartialMatch(result.output, *options_.refusal) ||
                                           RE2::PartialMatch(result.errors, *options_.refusal));
  }

  Measurement with_failure(Measurement measurement, const ProcessRequest& request,
                           const ProcessResult& result) const {
    Status status = status_of(result);
    if (result.end == ProcessEnd::kExited && result.code == options_.lost_code) {
      status = Status::kConnectionLost;
    } else if (is_refusal(result)) {
      status = Status::kRefused;
    }
    return failed(std::move(measurement), status, reason_of(request, result));
  }

  Measurement with_times(Measurement measurement, const ProcessResult& result) const {
    if (is_refusal(result)) {
      return failed(std::move(measurement), Status::kRefused,
                    tail(result.errors.empty() ? result.output : result.errors));
    }
    std::vector<double> runs_ms;
    // TensorFlow Lite's benchmark_model, for one, reports to standard error.
    for (const std::string* stream : {&result.output, &result.errors}) {
      re2::StringPiece rest(*stream);
      for (std::string text; RE2::FindAndConsume(&rest, *options_.pattern, &text);) {
        const std::optional<double> value = parse_number(text);
        if (!value || !(*value > 0)) {
          return failed(std::move(measurement), Status::kRubbish,
                        fmt::format("{} is no time", in_quotes(text)));
        }
        runs_ms.push_back(*value * options_.unit_ms);
      }
    }
    if (runs_ms.empty()) {
      return failed(std::move(measurement), Status::kRubbish,
                    fmt::format("nothing in the output matches the pattern; its end: {}",
                                tail(result.output + result.errors)));
    }
    measurement.status = Status::kOk;
    measurement.latency = estimators::summarize(std::move(runs_ms));
    return measurement;
  }

  CommandOptions options_;
};

}  // namespace

std::unique_ptr<Runner> make_command(const Config& options) {
  options.require_known_keys({"runner", "command", "push", "pattern", "unit", "refusal", "runs",
                              "warm_up_runs", "lost_code", "retries", "time_limit_s"});
  constexpr std::array<double, 3> kUnitsMs = {1, 1e-3, 1e3};
  CommandOptions own;
  own.command = checked_template(options.at("command"));
  if (const Config* push = options.find("push")) own.push = checked_template(*push);
  own.pattern = compiled(options.at("pattern"));
  if (own.pattern->NumberOfCapturingGroups() != 1) {
    options.at("pattern").fail("must have one group, ( ), around the time");
  }
  if (const Config* refusal = options.find("refusal")) own.refusal = compiled(*refusal);
  if (const Config* unit = options.find("unit")) {
    own.unit_ms = kUnitsMs[unit->as_one_of({"ms", "us", "s"})];
  }
  own.runs = static_cast<int>(options.int_or("runs", own.runs, 1, 1'000'000));
  own.warm_up_runs =
      static_cast<int>(options.int_or("warm_up_runs", own.warm_up_runs, 0, 1'000'000));
  own.lost_code = static_cast<int>(options.int_or("lost_code", own.lost_code, 1, 255));
  own.retries = static_cast<int>(options.int_or("retries", own.retries, 0, 100));
  own.time_limit = time_limit_or(options, 300);
  return std::make_unique<CommandRunner>(std::move(own));
}

}  // namespace hwnas::measurement
