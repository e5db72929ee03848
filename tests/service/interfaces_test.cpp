// Holds proto/ to what clients in the field depend on.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "tests/service/interface_text.hpp"

namespace hwnas::service {
namespace {

namespace pb = google::protobuf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kGolden = HWNAS_SOURCE_DIR "/tests/service/interfaces.txt";

pb::FileDescriptorSet current_files() {
  std::ifstream file(HWNAS_INTERFACES, std::ios::binary);
  pb::FileDescriptorSet files;
  if (!files.ParseFromIstream(&file)) throw std::runtime_error("cannot read " HWNAS_INTERFACES);
  return files;
}

std::vector<std::string> golden_facts() {
  std::ifstream file(kGolden);
  std::vector<std::string> facts;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && !line.starts_with('#')) facts.push_back(line);
  }
  return facts;
}

std::string lines(const std::vector<std::string>& facts) {
  std::string text;
  for (const std::string& fact : facts) text += fact + "\n";
  return text;
}

/// All our messages, by full name.
std::map<std::string, const pb::DescriptorProto*> messages_of(const pb::FileDescriptorSet& files) {
  std::map<std::string, const pb::DescriptorProto*> messages;
  for (const auto& file : files.file()) {
    for (const auto& message : file.message_type()) {
      messages["." + file.package() + "." + message.name()] = &message;
    }
  }
  return messages;
}

bool has_field(const pb::DescriptorProto& message, const std::string& name) {
  return std::ranges::any_of(message.field(),
                             [&](const auto& field) { return field.name() == name; });
}

TEST(Interfaces, ChangeInNoWayThatBreaksClients) {
  const auto before = golden_facts();
  const auto now = interface_facts(current_files());
  ASSERT_TRUE(std::ranges::is_sorted(before)) << kGolden << " must be sorted (LC_ALL=C sort)";
  EXPECT_THAT(breaking_changes(before, now), IsEmpty())
      << "keep them: give new fields new numbers, and new calls new names";
  std::vector<std::string> added;
  std::ranges::set_difference(now, before, std::back_inserter(added));
  EXPECT_THAT(added, IsEmpty()) << "additions break nobody; put them into " << kGolden << ":\n"
                                << lines(added);
}

TEST(Interfaces, AreComparedByNumberTypeAndName) {
  const auto set_of = [](const std::string& field, int number,
                         pb::FieldDescriptorProto::Type type) {
    pb::FileDescriptorSet files;
    pb::FileDescriptorProto& file = *files.add_file();
    file.set_name("a.proto");
    file.set_package("a");
    file.set_syntax("proto3");
    pb::DescriptorProto& message = *file.add_message_type();
    message.set_name("M");
    pb::FieldDescriptorProto& added = *message.add_field();
    added.set_name(field);
    added.set_number(number);
    added.set_type(type);
    added.set_label(pb::FieldDescriptorProto::LABEL_OPTIONAL);
    return interface_facts(files);
  };
  using Field = pb::FieldDescriptorProto;
  const auto before = set_of("f", 1, Field::TYPE_INT64);
  EXPECT_THAT(before, ElementsAre("field a.M.f: 1 int64"));
  EXPECT_THAT(breaking_changes(before, before), IsEmpty());
  EXPECT_THAT(breaking_changes({}, before), IsEmpty());
  EXPECT_THAT(breaking_changes(before, set_of("f", 2, Field::TYPE_INT64)),
              ElementsAre("field a.M.f: 1 int64, is now field a.M.f: 2 int64"));
  EXPECT_THAT(breaking_changes(before, set_of("f", 1, Field::TYPE_STRING)),
              ElementsAre(HasSubstr("is now field a.M.f: 1 string")));
  EXPECT_THAT(breaking_changes(before, set_of("g", 1, Field::TYPE_INT64)),
              ElementsAre("field a.M.f: 1 int64, is gone"));
}

TEST(Interfaces, LetEveryChangeBeRepeatedAndEveryListBePaged) {
  const pb::FileDescriptorSet files = current_files();
  const auto messages = messages_of(files);
  int checked = 0;
  for (const auto& file : files.file()) {
    if (file.package() != "hwnas.v1") continue;
    for (const auto& service : file.service()) {
      for (const auto& method : service.method()) {
        const pb::DescriptorProto& request = *messages.at(method.input_type());
        const auto starts = [&](const char* verb) { return method.name().starts_with(verb); };
        if (starts("Create") || starts("Cancel") || starts("Delete") || starts("Report")) {
          EXPECT_TRUE(has_field(request, "request_id")) << request.name();
          ++checked;
        }
        if (starts("List")) {
          EXPECT_TRUE(has_field(request, "page_size")) << request.name();
          EXPECT_TRUE(has_field(request, "page_token")) << request.name();
          EXPECT_TRUE(has_field(*messages.at(method.output_type()), "next_page_token"))
              << method.output_type();
          ++checked;
        }
      }
    }
  }
  EXPECT_GT(checked, 10);
}

TEST(Interfaces, HaveEnumsThatStartUnspecified) {
  const pb::FileDescriptorSet files = current_files();
  for (const auto& file : files.file()) {
    if (file.package() != "hwnas.v1") continue;
    for (const auto& message : file.message_type()) {
      for (const auto& type : message.enum_type()) {
        EXPECT_THAT(type.value(0).name(), testing::EndsWith("_UNSPECIFIED")) << type.name();
      }
    }
  }
}

}  // namespace
}  // namespace hwnas::service
