#include "service/audit_chain.hpp"

#include <nlohmann/json.hpp>

#include "core/sha256.hpp"

namespace hwnas::service {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::string_view kBeforeHash = ",\"hash\":\"";
constexpr std::string_view kAfterHash = "\"}";
constexpr std::size_t kTailBytes = kBeforeHash.size() + kNoHash.size() + kAfterHash.size();

}  // namespace

MadeLine make_audit_line(std::uint64_t sequence, const ordered_json& fields,
                         std::string_view previous) {
  ordered_json line{{"sequence", sequence}};
  line.update(fields);
  line["previous"] = previous;
  std::string text = line.dump(-1, ' ', true, json::error_handler_t::replace);
  text.pop_back();  // the brace
  std::string hash = sha256(text);
  text.append(kBeforeHash).append(hash).append(kAfterHash);
  return {std::move(text), std::move(hash)};
}

std::optional<AuditLine> read_audit_line(std::string_view line) {
  if (line.size() < kTailBytes || line.size() > kMaxAuditLineBytes) return std::nullopt;
  const std::string_view body = line.substr(0, line.size() - kTailBytes);
  const std::string hash = sha256(body);
  if (line.substr(body.size()) != std::string(kBeforeHash).append(hash).append(kAfterHash)) {
    return std::nullopt;
  }
  const json fields = json::parse(std::string(body) + "}", nullptr, false);
  if (!fields.is_object()) return std::nullopt;
  const auto sequence = fields.find("sequence");
  const auto previous = fields.find("previous");
  if (sequence == fields.end() || !sequence->is_number_unsigned() || previous == fields.end() ||
      !previous->is_string()) {
    return std::nullopt;
  }
  return AuditLine{*sequence, *previous, hash};
}

}  // namespace hwnas::service
