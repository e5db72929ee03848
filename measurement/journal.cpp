#include "measurement/journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

#include "core/error.hpp"
#include "core/file.hpp"

namespace hwnas::measurement {

namespace {

constexpr std::uintmax_t kMaxBytes = std::uintmax_t{1} << 30;

Measurement measurement_at(std::string_view line, const std::filesystem::path& file, int number) {
  try {
    return measurement_from_json(nlohmann::json::parse(line));
  } catch (const nlohmann::json::exception& failure) {
    throw invalid_argument("{}:{}: {}", file.string(), number, failure.what());
  } catch (const Error& failure) {
    throw invalid_argument("{}:{}: {}", file.string(), number, failure.what());
  }
}

[[noreturn]] void fail(const std::filesystem::path& file, int reason) {
  throw error(reason == ENOSPC || reason == EDQUOT ? ErrorCode::kResourceExhausted
                                                   : ErrorCode::kFailedPrecondition,
              "{}: cannot write: {}", file.string(), std::strerror(reason));
}

}  // namespace

Journal::Journal(std::filesystem::path file) : file_(std::move(file)) {
  if (!std::filesystem::exists(file_)) return;
  const std::string text = read_file(file_, kMaxBytes);
  std::size_t begin = 0;
  int number = 1;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const auto line = std::string_view(text).substr(begin, end - begin);
    measurements_.push_back(measurement_at(line, file_, number++));
  }
  if (begin < text.size()) std::filesystem::resize_file(file_, begin);
}

void Journal::append(const Measurement& measurement) {
  const std::string line =
      to_json(measurement).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  const int descriptor = open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) fail(file_, errno);
  const bool written =
      write(descriptor, line.data(), line.size()) == std::ssize(line) && fdatasync(descriptor) == 0;
  const int reason = errno;
  close(descriptor);
  if (!written) fail(file_, reason);
  measurements_.push_back(measurement);
}

}  // namespace hwnas::measurement
