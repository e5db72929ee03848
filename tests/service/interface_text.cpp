#include "tests/service/interface_text.hpp"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <iterator>
#include <map>

namespace hwnas::service {
namespace {

namespace pb = google::protobuf;
using Facts = std::vector<std::string>;

std::string type_of(const pb::FieldDescriptor& field) {
  if (field.is_map()) {
    return fmt::format("map<{}, {}>", type_of(*field.message_type()->map_key()),
                       type_of(*field.message_type()->map_value()));
  }
  std::string type = field.type_name();
  if (field.message_type() != nullptr) type = field.message_type()->full_name();
  if (field.enum_type() != nullptr) type = field.enum_type()->full_name();
  if (field.is_repeated()) type = "repeated " + type;
  if (const auto* oneof = field.containing_oneof()) type += " of oneof " + oneof->name();
  return type;
}

void add_enum(const pb::EnumDescriptor& type, Facts& facts) {
  for (int i = 0; i < type.value_count(); ++i) {
    facts.push_back(fmt::format("value {}.{}: {}", type.full_name(), type.value(i)->name(),
                                type.value(i)->number()));
  }
}

void add_message(const pb::Descriptor& message, Facts& facts) {
  if (message.options().map_entry()) return;
  for (int i = 0; i < message.field_count(); ++i) {
    const pb::FieldDescriptor& field = *message.field(i);
    facts.push_back(
        fmt::format("field {}: {} {}", field.full_name(), field.number(), type_of(field)));
  }
  for (int i = 0; i < message.enum_type_count(); ++i) add_enum(*message.enum_type(i), facts);
  for (int i = 0; i < message.nested_type_count(); ++i) {
    add_message(*message.nested_type(i), facts);
  }
}

void add_service(const pb::ServiceDescriptor& service, Facts& facts) {
  for (int i = 0; i < service.method_count(); ++i) {
    const pb::MethodDescriptor& method = *service.method(i);
    facts.push_back(
        fmt::format("rpc {}: {}{} -> {}{}", method.full_name(),
                    method.client_streaming() ? "stream " : "", method.input_type()->full_name(),
                    method.server_streaming() ? "stream " : "", method.output_type()->full_name()));
  }
}

std::string name_of(const std::string& fact) {
  return fact.substr(0, fact.find(':'));
}

}  // namespace

Facts interface_facts(const pb::FileDescriptorSet& files) {
  pb::DescriptorPool pool;
  Facts facts;
  for (const pb::FileDescriptorProto& proto : files.file()) {
    const pb::FileDescriptor* file = pool.BuildFile(proto);
    if (file == nullptr) throw std::runtime_error(proto.name() + ": not a valid descriptor");
    if (file->package() == "google.protobuf") continue;
    for (int i = 0; i < file->message_type_count(); ++i) add_message(*file->message_type(i), facts);
    for (int i = 0; i < file->enum_type_count(); ++i) add_enum(*file->enum_type(i), facts);
    for (int i = 0; i < file->service_count(); ++i) add_service(*file->service(i), facts);
  }
  std::ranges::sort(facts);
  return facts;
}

Facts breaking_changes(const Facts& before, const Facts& now) {
  std::map<std::string, std::string> by_name;
  for (const std::string& fact : now) by_name[name_of(fact)] = fact;
  Facts gone;
  std::ranges::set_difference(before, now, std::back_inserter(gone));
  for (std::string& fact : gone) {
    const auto found = by_name.find(name_of(fact));
    fact += found == by_name.end() ? ", is gone" : ", is now " + found->second;
  }
  return gone;
}

}  // namespace hwnas::service
