#include "engine/differentiable_file.hpp"

#include <cstdint>

#include "core/error.hpp"
#include "core/file.hpp"
#include "report/differentiable_json.hpp"

namespace hwnas::engine {
namespace {

using nlohmann::json;

constexpr std::uintmax_t kMaxBytes = std::uintmax_t{1} << 28;
constexpr const char* kSchema = "hwnas.differentiable/1";

std::filesystem::path file_in(const std::filesystem::path& run_folder) {
  return run_folder / "differentiable.json";
}

DifferentiableRecord record_from(const json& content) {
  if (content.at("schema") != kSchema) {
    throw invalid_argument("schema {}, this program reads {}", content.at("schema").dump(),
                           kSchema);
  }
  DifferentiableRecord record;
  const json& state = content.at("state");
  state.at("logits").get_to(record.state.logits);
  state.at("first_moment").get_to(record.state.first_moment);
  state.at("second_moment").get_to(record.state.second_moment);
  state.at("steps").get_to(record.state.steps);
  content.at("reference_cost").get_to(record.reference_cost);
  if (!content.at("summary").is_null()) {
    record.summary = content.at("summary").get<report::DifferentiableSummary>();
  }
  return record;
}

}  // namespace

void save_differentiable(const std::filesystem::path& run_folder,
                         const DifferentiableRecord& record) {
  const json content = {{"schema", kSchema},
                        {"state",
                         {{"logits", record.state.logits},
                          {"first_moment", record.state.first_moment},
                          {"second_moment", record.state.second_moment},
                          {"steps", record.state.steps}}},
                        {"reference_cost", record.reference_cost},
                        {"summary", record.summary ? json(*record.summary) : json()}};
  write_file_atomically(file_in(run_folder), content.dump() + "\n");
}

std::optional<DifferentiableRecord> find_differentiable(const std::filesystem::path& run_folder) {
  if (!std::filesystem::exists(file_in(run_folder))) return std::nullopt;
  return load_differentiable(run_folder);
}

DifferentiableRecord load_differentiable(const std::filesystem::path& run_folder) {
  const std::filesystem::path file = file_in(run_folder);
  const std::string text = read_file(file, kMaxBytes);
  try {
    return record_from(json::parse(text));
  } catch (const std::exception& fault) {
    throw error(ErrorCode::kFailedPrecondition, "{}: cannot be read ({}); start a new run",
                file.string(), fault.what());
  }
}

search::Start start_of_search(const DifferentiableRecord& record) {
  if (!record.summary || record.summary->genotype.empty()) return {};
  search::Start start{{spaces::genotype_from_string(record.summary->genotype)},
                      search::Distribution{}};
  for (const report::DecisionProbabilities& decision : record.summary->decisions) {
    start.distribution->probabilities.push_back(decision.probabilities);
  }
  return start;
}

}  // namespace hwnas::engine
