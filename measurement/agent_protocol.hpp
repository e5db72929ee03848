#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

/// What both ends of hwnas.v1.Agent agree on.
namespace hwnas::measurement {

inline constexpr std::size_t kChunkBytes = std::size_t{256} << 10;
inline constexpr std::size_t kMaxMessageBytes = std::size_t{4} << 20;
inline constexpr std::string_view kAuthorization = "authorization";
inline constexpr std::string_view kBusy = "hwnas-busy";

/// Keeps gRPC's own log off standard error: what fails is in results and errors.
void silence_grpc();

/// "Bearer <token>".
std::string authorization(std::string_view token);
/// Whether both are equal, in a time that does not depend on where they differ.
bool is_same_secret(std::string_view a, std::string_view b);

/// The first line of a file, at least 16 characters. Throws InvalidArgument if there are fewer or
/// if others than the owner may read the file, NotFound if there is none.
std::string read_token(const std::filesystem::path& file);

/// Whether an address "HOST:PORT" can be reached from this machine only: of localhost, 127.x.x.x or
/// [::1], or "unix:PATH".
bool is_loopback(std::string_view address);

}  // namespace hwnas::measurement
