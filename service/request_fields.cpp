#include "service/request_fields.hpp"

#include <fmt/format.h>

#include "core/text.hpp"
#include "service/error_status.hpp"
#include "service/resource_name.hpp"

namespace hwnas::service {
namespace {

constexpr std::size_t kMaxDisplayNameBytes = 63;
constexpr int kMaxPriority = 100;

}  // namespace

void require_id(const std::string& field, const std::string& id) {
  if (is_resource_id(id)) return;
  throw InvalidField(field, fmt::format("{} is no id: 1 to 63 of a-z, 0-9, '.', '_', '-', the "
                                        "first a letter or digit",
                                        in_quotes(id)));
}

void require_display_name(const std::string& field, const std::string& text) {
  if (text.size() <= kMaxDisplayNameBytes && !find_text_fault(text)) return;
  throw InvalidField(field, "give at most 63 characters of UTF-8");
}

void require_priority(const std::string& field, int priority) {
  if (priority >= -kMaxPriority && priority <= kMaxPriority) return;
  throw InvalidField(field, fmt::format("{} is not between -100 and 100", priority));
}

}  // namespace hwnas::service
