#include "engine/finalist_files.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/sha256.hpp"

namespace hwnas::engine {

ir::Network network_of(const FinalistRecord& finalist) {
  return ir::network_from_json(nlohmann::json::parse(finalist.network));
}

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
  if (!std::filesystem::exists(file)) {
    throw error(ErrorCode::kFailedPrecondition, "{}: the weights of trial {} are gone",
                file.string(), finalist.trial);
  }
  if (sha256_of_file(file) != finalist.weights_sha256) {
    throw error(ErrorCode::kFailedPrecondition,
                "{}: not the weights that were trained (their SHA-256 differs)", file.string());
  }
  return ir::load_safetensors(file);
}

}  // namespace hwnas::engine
