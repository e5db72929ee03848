#include "tests/fuzz/targets.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "core/error.hpp"

namespace hwnas::fuzz {
namespace {

constexpr Target kTargets[] = {{"config", run_config},
                               {"submission", run_submission},
                               {"requests", run_requests},
                               {"page_token", run_page_token},
                               {"filter", run_filter},
                               {"event", run_event},
                               {"resource_name", run_resource_name},
                               {"network", run_network}};

}  // namespace

std::span<const Target> targets() {
  return kTargets;
}

const Target& find_target(std::string_view name) {
  const auto found = std::ranges::find(kTargets, name, &Target::name);
  if (found == std::end(kTargets)) {
    throw std::invalid_argument("no fuzz target '" + std::string(name) + "'");
  }
  return *found;
}

void require(bool holds, const char* property) {
  if (!holds) throw std::logic_error(property);
}

void refuse_or(const std::function<void()>& read) {
  try {
    read();
  } catch (const Error& refusal) {
    require(refusal.code() == ErrorCode::kInvalidArgument || refusal.code() == ErrorCode::kNotFound,
            "what a client sends is refused as the client's fault");
  }
}

}  // namespace hwnas::fuzz
