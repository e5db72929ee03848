// Targets that read texts: YAML, experiments, filters, names, tokens, networks.
#include <nlohmann/json.hpp>

#include "core/config.hpp"
#include "core/error.hpp"
#include "ir/network.hpp"
#include "service/filter.hpp"
#include "service/page_token.hpp"
#include "service/resource_name.hpp"
#include "service/submission.hpp"
#include "tests/fuzz/sample_datasets.hpp"
#include "tests/fuzz/targets.hpp"

namespace hwnas::fuzz {
using namespace hwnas::service;

void run_config(std::string_view input) {
  refuse_or([&] {
    const Config config = Config::parse(input, "fuzz");
    const std::string written = config.to_yaml();
    if (written.size() > Config::kMaxTextBytes) return;
    require(Config::parse(written, "fuzz").to_yaml() == written, "YAML is read as it was written");
  });
}

void run_submission(std::string_view input) {
  refuse_or([&] { read_submission(std::string(input), sample_datasets()); });
}

void run_filter(std::string_view input) {
  static const FilterSchema schema{{{"state", FilterType::kEnum, {"QUEUED", "RUNNING"}},
                                    {"priority", FilterType::kInteger},
                                    {"display_name", FilterType::kString},
                                    {"on_front", FilterType::kBoolean},
                                    {"create_time", FilterType::kTimestamp}},
                                   true};
  refuse_or([&] {
    Filter::parse(input, schema).matches([](const std::string& field) -> FilterValue {
      if (field == "state") return std::string("RUNNING");
      if (field == "priority") return std::int64_t{-1};
      if (field == "display_name") return std::string("name");
      if (field == "on_front") return true;
      if (field == "create_time") return Time();
      return 1.5;
    });
  });
}

void run_resource_name(std::string_view input) {
  refuse_or([&] {
    require("tenants/" + parse_tenant("name", input) == input, "a tenant's name is read whole");
  });
  refuse_or([&] {
    require(parse_job_name("name", input).text() == input, "a job's name is read whole");
  });
  refuse_or([&] {
    const ArtifactName name = parse_artifact_name("name", input);
    require(name.job.text() + "/artifacts/" + name.id == input, "an artifact's name is read whole");
    require(is_resource_id(name.id) && name.id.find('/') == std::string::npos, "ids are no paths");
  });
}

void run_page_token(std::string_view input) {
  static const PageTokens tokens("key");
  refuse_or([&] {
    tokens.read(input, "arguments");
    require(false, "no token is forged");
  });
  const std::string made = tokens.make(input, "arguments");
  if (input.size() > 1000) return;
  require(tokens.read(made, "arguments") == input, "tokens give their position back");
  refuse_or([&] {
    tokens.read(made, input);
    require(input == "arguments", "tokens hold for their arguments only");
  });
}

void run_network(std::string_view input) {
  refuse_or([&] {
    const auto json = nlohmann::json::parse(input, nullptr, false);
    if (json.is_discarded()) return;
    const ir::Network network = ir::network_from_json(json);
    const auto written = ir::to_json(network);
    require(ir::to_json(ir::network_from_json(written)) == written,
            "a network is read as it was written");
  });
}

}  // namespace hwnas::fuzz
