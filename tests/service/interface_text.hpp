#pragma once

#include <google/protobuf/descriptor.pb.h>

#include <string>
#include <vector>

namespace hwnas::service {

/// What of interfaces their clients depend on, one fact a line, sorted:
///   field hwnas.v1.Trial.id: 2 int64           value hwnas.v1.Trial.State.RUNNING: 1
///   rpc hwnas.v1.SearchService.GetSearchJob: hwnas.v1.GetSearchJobRequest -> hwnas.v1.SearchJob
/// Files of google.protobuf are left out: they are not ours.
std::vector<std::string> interface_facts(const google::protobuf::FileDescriptorSet& files);

/// Facts of `before` that are gone or different now, each with what became of it: what breaks
/// clients. Both sorted.
std::vector<std::string> breaking_changes(const std::vector<std::string>& before,
                                          const std::vector<std::string>& now);

}  // namespace hwnas::service
