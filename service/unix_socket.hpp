#pragma once

#include <filesystem>

namespace hwnas::service {

/// What a daemon that was killed has left is taken over; nothing else is. Throws FailedPrecondition
/// if somebody listens at the path, or if what is there is no socket; Unavailable if it cannot be
/// looked at.
void require_free_socket(const std::filesystem::path& path);

}  // namespace hwnas::service
