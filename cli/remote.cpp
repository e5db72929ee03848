#include "cli/remote.hpp"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>

namespace hwnas::cli {

std::shared_ptr<client::ConnectionFlags> add_connection_options(CLI::App& command) {
  auto flags = std::make_shared<client::ConnectionFlags>();
  const auto add = [&](const char* name, auto& value, const char* what, const char* type) {
    command.add_option(name, value, what)->type_name(type)->group("Connection");
  };
  add("--server", flags->server, "hwnasd's address [HWNAS_SERVER, or a socket of this machine]",
      "HOST:PORT|unix:PATH");
  add("--tenant", flags->tenant, "Whose jobs [HWNAS_TENANT, or default]", "ID");
  add("--token-file", flags->token_file, "Token that says who calls [HWNAS_TOKEN]", "FILE");
  add("--tls-ca", flags->tls_authority, "Authority of hwnasd's certificate (PEM)", "FILE");
  add("--tls-cert", flags->tls_certificate, "Certificate that says who calls (PEM)", "FILE");
  add("--tls-key", flags->tls_key, "Its key (PEM)", "FILE");
  return flags;
}

client::SearchClient connect(const client::ConnectionFlags& flags) {
  return client::SearchClient(client::resolve_connection(flags));
}

nlohmann::json to_json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!status.ok()) {
    throw error(ErrorCode::kInternal, "hwnasd's answer cannot be written as JSON: {}",
                status.ToString());
  }
  return nlohmann::json::parse(text);
}

std::string short_name(const std::string& name) {
  return name.substr(name.rfind('/') + 1);
}

}  // namespace hwnas::cli
