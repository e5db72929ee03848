#pragma once

#include <memory>

#include "cli/command.hpp"
#include "client/search_client.hpp"

namespace hwnas::cli {

/// The options of every command that calls hwnasd. The object outlives the parse of `command`.
std::shared_ptr<client::ConnectionFlags> add_connection_options(CLI::App& command);

/// Throws as client::resolve_connection; connects with the first call.
client::SearchClient connect(const client::ConnectionFlags& flags);

/// A message of hwnasd's interface in protobuf's JSON form, with the names of the .proto files and
/// with fields that are not set.
nlohmann::json to_json(const google::protobuf::Message& message);

/// The last part of a name: "tenants/acme/searchJobs/a" is "a".
std::string short_name(const std::string& name);

}  // namespace hwnas::cli
