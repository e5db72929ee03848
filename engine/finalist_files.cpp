#include "engine/finalist_files.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/sha256.hpp"

namespace hwnas::engine {

ir::Network network_of(const FinalistRecord& finalist) {
  return ir::network_from_json(nlohmann::json::parse(finalist.network));
}

namespace {

/// Throws FailedPrecondition unless the file is there as it was written.
void require_unchanged(const std::filesystem::path& file, const std::string& sha256) {
  if (!std::filesystem::exists(file)) {
    throw error(ErrorCode::kFailedPrecondition, "{}: the file that this run wrote is gone",
                file.string());
  }
  if (sha256_of_file(file) != sha256) {
    throw error(ErrorCode::kFailedPrecondition,
                "{}: not the file that this run wrote (their SHA-256 differs)", file.string());
  }
}

}  // namespace

void save_weights(const std::filesystem::path& folder, const ir::Weights& weights,
                  FinalistRecord& finalist) {
  finalist.weights_file = fmt::format("finalists/trial_{}.safetensors", finalist.trial);
  const std::filesystem::path file = folder / finalist.weights_file;
  std::filesystem::create_directories(file.parent_path());
  ir::save_safetensors(weights, file);
  finalist.weights_sha256 = sha256_of_file(file);
}

ir::Weights load_weights(const std::filesystem::path& folder, const FinalistRecord& finalist) {
  const std::filesystem::path file = folder / finalist.weights_file;
  require_unchanged(file, finalist.weights_sha256);
  return ir::load_safetensors(file);
}

void save_integers(const std::filesystem::path& folder, const ir::QuantizedNetwork& network,
                   const FinalistRecord& finalist, CompressionRecord& record) {
  record.file = fmt::format("finalists/trial_{}.quantized.json", finalist.trial);
  write_file_atomically(folder / record.file, ir::to_json(network).dump() + "\n");
  record.sha256 = sha256_of_file(folder / record.file);
}

ir::QuantizedNetwork load_integers(const std::filesystem::path& folder,
                                   const CompressionRecord& record) {
  constexpr std::uintmax_t kMaxBytes = std::uintmax_t{1} << 30;
  const std::filesystem::path file = folder / record.file;
  require_unchanged(file, record.sha256);
  return ir::quantized_network_from_json(nlohmann::json::parse(read_file(file, kMaxBytes)));
}

}  // namespace hwnas::engine
