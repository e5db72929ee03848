#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "client/search_client.hpp"

namespace hwnas::client {

/// Downloads an artifact (as SearchClient::artifacts lists it) into a folder, which is made if need
/// be, under the file name that it proposes; returns the file. Its bytes are collected beside it,
/// in
/// ".<file name>.<its SHA-256>.partial": after a cut, and after the end of this process, the
/// download goes on from there. The file appears with all of its bytes, on the disk, and the
/// SHA-256 checked; if one with this content is there already, nothing is done. One downloader a
/// file at a time. Throws CallError; Internal if the bytes are not what the SHA-256 says; what
/// writing files throws.
std::filesystem::path download(const SearchClient& client, const v1::Artifact& artifact,
                               const std::filesystem::path& folder);

/// Those of `formats`, in that order; all if it is empty. Throws NotFound naming the formats that
/// there are.
std::vector<v1::Artifact> select_artifacts(const std::vector<v1::Artifact>& artifacts,
                                           const std::vector<std::string>& formats);

}  // namespace hwnas::client
