#pragma once

#include <grpcpp/channel.h>

#include <memory>

#include "client/connection.hpp"
#include "client/retry.hpp"

namespace hwnas::client {

/// A channel that connects with the first call on it. Unencrypted only to a Unix socket or to this
/// machine, and there only if no certificate is named. Notices within half a minute that the
/// other side has gone silently. Throws as read_file for certificates.
std::shared_ptr<grpc::Channel> open_channel(const Connection& connection,
                                            const RetryPolicy& policy);

}  // namespace hwnas::client
