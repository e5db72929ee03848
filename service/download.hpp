#pragma once

#include <grpcpp/support/server_callback.h>

#include "hwnas/v1/search_service.grpc.pb.h"
#include "service/server_parts.hpp"

namespace hwnas::service {

/// The stream of one call of DownloadArtifact: the artifact, then its bytes from the offset on, one
/// chunk in memory at a time.
grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* open_download(
    ServerParts& parts, const v1::DownloadArtifactRequest& request, const Credentials& credentials);

}  // namespace hwnas::service
