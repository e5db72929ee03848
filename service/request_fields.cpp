#include "service/request_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "core/sha256.hpp"
#include "core/text.hpp"
#include "service/error_status.hpp"
#include "service/resource_name.hpp"

namespace hwnas::service {
namespace {

constexpr std::size_t kMaxDisplayNameBytes = 63;
constexpr int kMaxPriority = 100;
constexpr std::size_t kMaxRequestIdBytes = 128;
constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1000;

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

RequestKey request_key(const google::protobuf::Message& request, const std::string& id) {
  const bool printable = std::ranges::all_of(id, [](char c) { return c > ' ' && c <= '~'; });
  if (id.size() > kMaxRequestIdBytes || !printable) {
    throw InvalidField("request_id", "give at most 128 printable ASCII characters, or none");
  }
  const std::unique_ptr<google::protobuf::Message> arguments(request.New());
  arguments->CopyFrom(request);
  const auto* field = request.GetDescriptor()->FindFieldByName("request_id");
  if (field != nullptr) arguments->GetReflection()->ClearField(arguments.get(), field);
  return {id, sha256(request.GetTypeName() + "\n" + arguments->SerializeAsString())};
}

std::size_t checked_page_size(int page_size) {
  if (page_size < 0) {
    throw InvalidField("page_size",
                       fmt::format("{} is negative; 0 stands for {}", page_size, kDefaultPageSize));
  }
  return static_cast<std::size_t>(page_size == 0 ? kDefaultPageSize
                                                 : std::min(page_size, kMaxPageSize));
}

}  // namespace hwnas::service
