#include "service/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.hpp"

namespace hwnas::service {
namespace {

/// 0: somebody listens; else why not, as errno says it.
int connect_to(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return errno;
  const auto* const any = reinterpret_cast<const sockaddr*>(&address);
  const int failure = ::connect(descriptor, any, sizeof(address)) == 0 ? 0 : errno;
  ::close(descriptor);
  return failure;
}

}  // namespace

void require_free_socket(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return;
    throw error(ErrorCode::kUnavailable, "{}: {}", path.string(), std::strerror(errno));
  }
  if (!S_ISSOCK(status.st_mode)) {
    throw error(ErrorCode::kFailedPrecondition,
                "{}: is there already, and is no socket; remove it, or listen at another path",
                path.string());
  }
  const int failure = connect_to(path);
  // EAGAIN: somebody does, and has not accepted those who wait.
  if (failure == 0 || failure == EAGAIN) {
    throw error(ErrorCode::kFailedPrecondition,
                "{}: another program listens there; stop it first, or listen at another path",
                path.string());
  }
  if (failure != ECONNREFUSED) {
    throw error(ErrorCode::kUnavailable, "{}: {}", path.string(), std::strerror(failure));
  }
}

}  // namespace hwnas::service
