#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "estimators/cost_model.hpp"
#include "estimators/measure.hpp"

namespace hwnas::measurement {

/// How a measurement came out. Only kOk has numbers; the others are results of their own kind, with
/// a reason.
enum class Status {
  kOk,
  kRefused,         ///< the device or its tools decline the network: too large, an unknown operator
  kCrashed,         ///< the program ended with a signal or an error
  kTimedOut,        ///< not done within the time limit
  kRubbish,         ///< what came back is no measurement
  kConnectionLost,  ///< no connection to the device, or none any more, or it denies access
  kDrifted          ///< the reference network changed around it (measure_all): no comparison holds
};
std::string_view to_string(Status status);

/// What the numbers were taken in, as far as it can be read; empty where not.
struct Environment {
  std::string cpu;                      ///< model of the processor, or of the emulated one
  std::string governor;                 ///< of its frequency: "performance", …
  std::optional<int> pinned_cpu;        ///< the processor that the program was bound to
  std::string binary_sha256;            ///< of what was executed
  std::string tool;                     ///< compiler and flags, emulator or command
  std::optional<double> temperature_c;  ///< the hottest sensor, after the last run
  std::optional<bool> throttled;        ///< whether the clock was held down for heat or power
};

/// One network on one device.
struct Measurement {
  std::string network;          ///< Artifact::name
  std::string network_hash;     ///< Artifact::network_hash
  std::string artifact_sha256;  ///< sha256_of(Artifact)
  std::string runner;           ///< registry name
  Status status = Status::kRubbish;
  std::string reason;  ///< of every status but kOk: for people
  estimators::Origin origin = estimators::Origin::kMeasured;

  int warm_up_runs = 0;      ///< inferences before the first that counts
  int inferences_a_run = 1;  ///< more where one is too short for the clock; times are per inference
  estimators::LatencyMeasurement latency;  ///< no runs where only instructions are counted

  std::optional<double> instructions;  ///< executed by one inference; never cycles
  /// From `instructions` and the cycles an instruction takes on the device, where those are given.
  std::optional<double> estimated_latency_ms;
  std::optional<double> flash_bytes;  ///< code and constants, from the linker
  std::optional<double> ram_bytes;    ///< static data, from the linker; without the stack
  std::optional<double> stack_bytes;  ///< high-water mark

  /// Of the reference network after this one, against the batch's first (measure_all).
  std::optional<double> reference_drift;
  Environment environment;

  bool ok() const { return status == Status::kOk; }
  /// The cost by which networks are compared: median latency, else instructions.
  double value() const;
};

/// Fields that are not known are left out; all numbers read back as they were.
nlohmann::json to_json(const Measurement& measurement);
/// Throws InvalidArgument naming the field for what to_json does not write: unknown statuses,
/// wrong types, a kOk without numbers or with runs that are not positive.
Measurement measurement_from_json(const nlohmann::json& json);

}  // namespace hwnas::measurement
