#include "service/compression_results.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "engine/compress.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uintmax_t kMaxResultBytes = 1 << 20;
constexpr std::string_view kExact = "macs";  // of the costs: the others are predicted

std::optional<json> read_result(const fs::path& run) {
  if (!fs::exists(run / engine::kCompressResult)) return std::nullopt;
  return json::parse(read_file(run / engine::kCompressResult, kMaxResultBytes));
}

Error unreadable(const json::exception& fault) {
  return error(ErrorCode::kInternal, "the result of a compression cannot be read: {}",
               fault.what());
}

void add_metric(std::string name, const json& value, v1::Metric::Origin origin,
                v1::CompressionJob& message) {
  v1::Metric& metric = *message.add_metrics();
  metric.set_name(std::move(name));
  metric.set_value(value.get<double>());
  metric.set_origin(origin);
}

}  // namespace

std::vector<JobArtifact> compression_artifacts(const fs::path& run, const JobName& job) {
  std::vector<JobArtifact> artifacts;
  try {
    const auto result = read_result(run);
    if (!result) return artifacts;
    for (const json& exported : result->at("artifacts")) {
      JobArtifact& artifact = artifacts.emplace_back();
      const std::string format = exported.at("format");
      artifact.file = fs::path(exported.at("file").get<std::string>()).filename().string();
      artifact.message.set_name(fmt::format("{}/artifacts/{}", job.text(), format));
      artifact.message.set_format(format);
      artifact.message.set_file_name(artifact.file);
      artifact.message.set_size_bytes(exported.at("bytes"));
      artifact.message.set_sha256(exported.at("sha256"));
    }
  } catch (const json::exception& fault) {
    throw unreadable(fault);
  }
  return artifacts;
}

void add_compression_results(const fs::path& run, v1::CompressionJob& message) {
  try {
    const auto result = read_result(run);
    if (!result) return;
    for (const json& pass : result->at("passes")) {
      v1::PassResult& added = *message.add_results();
      added.set_pass(pass.at("pass"));
      added.set_accepted(pass.at("accepted"));
      added.set_val_top1_before(pass.at("val_top1_before"));
      added.set_val_top1_after(pass.at("val_top1_after"));
      added.set_summary(one_line(pass.at("summary").get<std::string>()));
    }
    for (const char* const accuracy : {"val_top1", "test_top1"}) {
      add_metric(accuracy, result->at(accuracy), v1::Metric::MEASURED, message);
    }
    for (const auto& [cost, values] : result->at("costs").items()) {
      add_metric(cost, values.at("compressed"),
                 cost == kExact ? v1::Metric::EXACT : v1::Metric::PREDICTED, message);
    }
  } catch (const json::exception& fault) {
    throw unreadable(fault);
  }
}

}  // namespace hwnas::service
