// The other services by other tenants' names, and the socket by bytes that no client would send.
#include <fmt/format.h>

#include "tests/core/hostile_yaml.hpp"
#include "tests/service/abuse_cases.hpp"

namespace hwnas::service {
namespace {

using namespace std::string_literals;

/// A request with nothing but the name of what it is about, or of its parent.
std::string request_for(int field, const std::string& name) {
  return fmt::format("{}{}{}", static_cast<char>(field << 3 | 2), static_cast<char>(name.size()),
                     name);
}

struct Method {
  const char* name;
  const char* resource;  ///< below the tenant
  int field = 1;         ///< number of the name
};

constexpr Method kMethods[] = {
    {"/hwnas.v1.DeviceService/CreateDevice", ""},
    {"/hwnas.v1.DeviceService/GetDevice", "/devices/board"},
    {"/hwnas.v1.DeviceService/ListDevices", ""},
    {"/hwnas.v1.DeviceService/DeleteDevice", "/devices/board"},
    {"/hwnas.v1.DeviceService/ReportMeasurements", "/devices/board"},
    {"/hwnas.v1.DeviceService/Predict", "/devices/board"},
    {"/hwnas.v1.DatasetService/CreateUpload", ""},
    {"/hwnas.v1.DatasetService/GetUpload", "/uploads/a"},
    {"/hwnas.v1.DatasetService/WriteUpload", "/uploads/a"},
    {"/hwnas.v1.DatasetService/DeleteUpload", "/uploads/a"},
    {"/hwnas.v1.DatasetService/CreateDataset", ""},
    {"/hwnas.v1.DatasetService/GetDataset", "/datasets/a"},
    {"/hwnas.v1.DatasetService/ListDatasets", ""},
    {"/hwnas.v1.DatasetService/DeleteDataset", "/datasets/a"},
    {"/hwnas.v1.CompressionService/CreateCompressionJob", ""},
    {"/hwnas.v1.CompressionService/GetCompressionJob", "/compressionJobs/a"},
    {"/hwnas.v1.CompressionService/ListCompressionJobs", ""},
    {"/hwnas.v1.CompressionService/CancelCompressionJob", "/compressionJobs/a"},
    {"/hwnas.v1.CompressionService/DeleteCompressionJob", "/compressionJobs/a"},
    {"/vizier.VizierService/CreateStudy", ""},
    {"/vizier.VizierService/GetStudy", "/studies/a"},
    {"/vizier.VizierService/ListStudies", ""},
    {"/vizier.VizierService/DeleteStudy", "/studies/a"},
    {"/vizier.VizierService/SetStudyState", "/studies/a"},
    {"/vizier.VizierService/SuggestTrials", "/studies/a"},
    {"/vizier.VizierService/CreateTrial", "/studies/a"},
    {"/vizier.VizierService/GetTrial", "/studies/a/trials/1"},
    {"/vizier.VizierService/ListTrials", "/studies/a"},
    {"/vizier.VizierService/AddTrialMeasurement", "/studies/a/trials/1"},
    {"/vizier.VizierService/CompleteTrial", "/studies/a/trials/1"},
    {"/vizier.VizierService/DeleteTrial", "/studies/a/trials/1"},
    {"/vizier.VizierService/CheckTrialEarlyStoppingState", "/studies/a/trials/1"},
    {"/vizier.VizierService/StopTrial", "/studies/a/trials/1"},
    {"/vizier.VizierService/ListOptimalTrials", "/studies/a"},
    {"/vizier.VizierService/UpdateMetadata", "/studies/a", 4},
};

}  // namespace

std::vector<AbuseCase> other_service_cases() {
  std::vector<AbuseCase> cases;
  for (const Method& method : kMethods) {
    const std::string tenants = method.name[1] == 'v' ? "owners/" : "tenants/";
    cases.push_back({method.name + " of another tenant"s, method.name,
                     request_for(method.field, tenants + "bolt" + method.resource),
                     grpc::StatusCode::NOT_FOUND});
    cases.push_back({method.name + " of a path"s, method.name,
                     request_for(method.field, tenants + "../../etc" + method.resource),
                     grpc::StatusCode::INVALID_ARGUMENT});
  }
  return cases;
}

std::vector<std::pair<std::string, std::string>> abusive_bytes() {
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const std::string settings("\0\0\0\4\0\0\0\0\0", 9);
  return {
      {"nothing", ""},
      {"one byte", "P"},
      {"HTTP/1.1", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + std::string(500, '\7')},
      {"cut preface", preface.substr(0, 10)},
      {"preface alone", preface},
      {"frame of 16 MiB announced", preface + settings + "\xff\xff\xff\0\0\0\0\0\1"s},
      {"headers cut", preface + settings + "\0\1\0\1\4\0\0\0\1abc"s},
      {"headers of garbage",
       preface + settings + "\0\0\x08\1\5\0\0\0\1\xff\xff\xff\xff\xff\xff\xff\xff"s},
      {"data before headers", preface + settings + "\0\0\5\0\1\0\0\0\1\0\0\0\0\0"s},
      {"ten thousand pings", preface + settings + repeat("\0\0\x08\6\0\0\0\0\0abcdefgh"s, 10'000)},
      {"ten thousand empty settings", preface + repeat(settings, 10'000)},
      {"ten thousand resets", preface + settings + repeat("\0\0\4\3\0\0\0\0\1\0\0\0\x08"s, 10'000)},
      {"continuations without end",
       preface + settings + "\0\0\0\1\0\0\0\0\1"s + repeat("\0\0\0\x09\0\0\0\0\1"s, 10'000)},
      {"random bytes", std::string(100'000, '\x93')},
      {"window overflow", preface + settings + "\0\0\4\x08\0\0\0\0\0\x7f\xff\xff\xff"s},
  };
}

}  // namespace hwnas::service
