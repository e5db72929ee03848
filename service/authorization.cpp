#include "service/authorization.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/stat.h>

#include <algorithm>
#include <sstream>

#include "core/file.hpp"
#include "core/sha256.hpp"
#include "service/resource_name.hpp"

namespace hwnas::service {
namespace {

constexpr std::uintmax_t kMaxTokenFileBytes = 1 << 20;
constexpr std::size_t kMinTokenBytes = 16;
constexpr std::string_view kTenantUri = "hwnas:tenants/";

constexpr MethodRule kRules[] = {
    {"grpc.health.v1.Health/Check", Right::kAnyone},
    {"grpc.health.v1.Health/Watch", Right::kAnyone},
    {"grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Right::kAnyone},
    {"hwnas.v1.CompressionService/CancelCompressionJob", Right::kWrite},
    {"hwnas.v1.CompressionService/CreateCompressionJob", Right::kWrite},
    {"hwnas.v1.CompressionService/DeleteCompressionJob", Right::kWrite},
    {"hwnas.v1.CompressionService/GetCompressionJob", Right::kRead},
    {"hwnas.v1.CompressionService/ListCompressionJobs", Right::kRead},
    {"hwnas.v1.DatasetService/CreateDataset", Right::kWrite},
    {"hwnas.v1.DatasetService/CreateUpload", Right::kWrite},
    {"hwnas.v1.DatasetService/DeleteDataset", Right::kWrite},
    {"hwnas.v1.DatasetService/DeleteUpload", Right::kWrite},
    {"hwnas.v1.DatasetService/GetDataset", Right::kRead},
    {"hwnas.v1.DatasetService/GetUpload", Right::kRead},
    {"hwnas.v1.DatasetService/ListDatasets", Right::kRead},
    {"hwnas.v1.DatasetService/WriteUpload", Right::kWrite},
    {"hwnas.v1.SearchService/CreateSearchJob", Right::kWrite},
    {"hwnas.v1.SearchService/GetSearchJob", Right::kRead},
    {"hwnas.v1.SearchService/ListSearchJobs", Right::kRead},
    {"hwnas.v1.SearchService/WatchSearchJob", Right::kRead},
    {"hwnas.v1.SearchService/CancelSearchJob", Right::kWrite},
    {"hwnas.v1.SearchService/DeleteSearchJob", Right::kWrite},
    {"hwnas.v1.SearchService/ValidateSearchJob", Right::kRead},
    {"hwnas.v1.SearchService/ListTrials", Right::kRead},
    {"hwnas.v1.SearchService/GetParetoFront", Right::kRead},
    {"hwnas.v1.SearchService/ListArtifacts", Right::kRead},
    {"hwnas.v1.SearchService/DownloadArtifact", Right::kRead},
    {"vizier.VizierService/CreateStudy", Right::kWrite},
    {"vizier.VizierService/GetStudy", Right::kRead},
    {"vizier.VizierService/ListStudies", Right::kRead},
    {"vizier.VizierService/DeleteStudy", Right::kWrite},
    {"vizier.VizierService/SetStudyState", Right::kWrite},
    {"vizier.VizierService/SuggestTrials", Right::kWrite},
    {"vizier.VizierService/GetOperation", Right::kRead},
    {"vizier.VizierService/CreateTrial", Right::kWrite},
    {"vizier.VizierService/GetTrial", Right::kRead},
    {"vizier.VizierService/ListTrials", Right::kRead},
    {"vizier.VizierService/AddTrialMeasurement", Right::kWrite},
    {"vizier.VizierService/CompleteTrial", Right::kWrite},
    {"vizier.VizierService/DeleteTrial", Right::kWrite},
    {"vizier.VizierService/CheckTrialEarlyStoppingState", Right::kRead},
    {"vizier.VizierService/StopTrial", Right::kWrite},
    {"vizier.VizierService/ListOptimalTrials", Right::kRead},
    {"vizier.VizierService/UpdateMetadata", Right::kWrite},
    {"hwnas.v1.DeviceService/CreateDevice", Right::kWrite},
    {"hwnas.v1.DeviceService/GetDevice", Right::kRead},
    {"hwnas.v1.DeviceService/ListDevices", Right::kRead},
    {"hwnas.v1.DeviceService/DeleteDevice", Right::kWrite},
    {"hwnas.v1.DeviceService/ReportMeasurements", Right::kWrite},
    {"hwnas.v1.DeviceService/Predict", Right::kRead},
};

void require_private(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    throw invalid_argument("{}: others can read the tokens; run chmod 600 {}", file.string(),
                           file.string());
  }
}

}  // namespace

std::span<const MethodRule> method_rules() {
  return kRules;
}

Tokens Tokens::load(const std::filesystem::path& file) {
  std::istringstream lines(read_file(file, kMaxTokenFileBytes));
  require_private(file);
  Tokens tokens;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    std::istringstream words(line.substr(0, line.find('#')));
    std::string tenant, right, token, more;
    if (!(words >> tenant)) continue;
    const bool complete = static_cast<bool>(words >> right >> token) && !(words >> more);
    if (!complete || !is_resource_id(tenant) || (right != "read" && right != "write") ||
        token.size() < kMinTokenBytes) {
      throw invalid_argument(
          "{}:{}: expected TENANT read|write TOKEN, with a token of at least {} characters",
          file.string(), number, kMinTokenBytes);
    }
    tokens.entries_.push_back(
        {{tenant, right == "write" ? Right::kWrite : Right::kRead}, sha256(token)});
  }
  if (tokens.entries_.empty()) {
    throw invalid_argument("{}: no tokens, so that nobody could call", file.string());
  }
  return tokens;
}

std::optional<Caller> Tokens::find(std::string_view token) const {
  const std::string digest = sha256(token);
  std::optional<Caller> caller;
  for (const Entry& entry : entries_) {
    const bool same = CRYPTO_memcmp(entry.digest.data(), digest.data(),
                                    std::min(digest.size(), entry.digest.size())) == 0;
    if (same) caller = entry.caller;
  }
  return caller;
}

Caller Authorization::caller_of(const Credentials& credentials) const {
  if (!options_.tokens && !options_.certificates) return {"", Right::kWrite};
  if (options_.certificates) {
    for (const std::string& uri : credentials.certificate_uris) {
      if (!uri.starts_with(kTenantUri)) continue;
      const std::string tenant = uri.substr(kTenantUri.size());
      if (is_resource_id(tenant)) return {tenant, Right::kWrite};
    }
  }
  if (credentials.bearer_token) {
    if (const auto caller = caller_with(*credentials.bearer_token)) return *caller;
  }
  throw RpcError(grpc::StatusCode::UNAUTHENTICATED,
                 "nobody known: send 'authorization: Bearer TOKEN' with a token of this daemon, or "
                 "a certificate with the URI hwnas:tenants/ID");
}

std::optional<Caller> Authorization::caller_with(std::string_view token) const {
  return options_.tokens ? options_.tokens->find(token) : std::nullopt;
}

void Authorization::require(std::string_view method, const Credentials& credentials,
                            std::string_view tenant) const {
  const auto rule = std::ranges::find(kRules, method, &MethodRule::method);
  if (rule == std::end(kRules)) {
    throw RpcError(grpc::StatusCode::PERMISSION_DENIED,
                   fmt::format("{}: no rule lets anybody call it", method));
  }
  if (rule->right == Right::kAnyone) return;
  const Caller caller = caller_of(credentials);
  if (!caller.tenant.empty() && caller.tenant != tenant) {
    throw error(ErrorCode::kNotFound, "tenants/{}: no such tenant", tenant);
  }
  if (caller.right < rule->right) {
    throw RpcError(grpc::StatusCode::PERMISSION_DENIED,
                   fmt::format("{}: tenants/{} may read and not write with this token", method,
                               caller.tenant));
  }
}

}  // namespace hwnas::service
