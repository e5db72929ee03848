// What a client finds out about hwnasd by reflection alone, as grpc_cli does.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/generic/generic_stub.h>

#include <algorithm>
#include <string>
#include <vector>

#include "service/authorization.hpp"
#include "tests/service/sample_daemon.hpp"

namespace hwnas::service {
namespace {

using google::protobuf::UnknownFieldSet;

// Fields of grpc.reflection.v1alpha (grpc/reflection/v1alpha/reflection.proto), whose messages
// Debian does not ship.
constexpr int kFileContainingSymbol = 4;
constexpr int kListServices = 7;
constexpr int kFileDescriptorResponse = 4;
constexpr int kListServicesResponse = 6;

/// The values of a field of bytes, or of messages, in the order of the wire.
std::vector<std::string> values_of(const std::string& message, int number) {
  UnknownFieldSet fields;
  EXPECT_TRUE(fields.ParseFromString(message));
  std::vector<std::string> values;
  for (int i = 0; i < fields.field_count(); ++i) {
    if (fields.field(i).number() == number) values.push_back(fields.field(i).length_delimited());
  }
  return values;
}

/// One request and its response over a stream of its own.
std::string ask(const std::shared_ptr<grpc::Channel>& channel, int field,
                const std::string& value) {
  UnknownFieldSet request;
  request.AddLengthDelimited(field, value);
  std::string bytes;
  EXPECT_TRUE(request.SerializeToString(&bytes));
  grpc::Slice slice(bytes);

  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel);
  const auto call = stub.PrepareCall(
      &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  const auto wait = [&] {
    void* tag = nullptr;
    bool done = false;
    EXPECT_TRUE(queue.Next(&tag, &done) && done);
  };
  call->StartCall(nullptr);
  wait();
  call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
  wait();
  grpc::ByteBuffer response;
  call->Read(&response, nullptr);
  wait();
  grpc::Slice all;
  EXPECT_TRUE(response.DumpToSingleSlice(&all).ok());
  context.TryCancel();
  return {reinterpret_cast<const char*>(all.begin()), all.size()};
}

std::vector<std::string> listed_services(const std::shared_ptr<grpc::Channel>& channel) {
  std::vector<std::string> names;
  for (const auto& list : values_of(ask(channel, kListServices, "*"), kListServicesResponse)) {
    for (const auto& service : values_of(list, 1)) names.push_back(values_of(service, 1).at(0));
  }
  return names;
}

/// "hwnas.v1.SearchService/GetSearchJob", …
std::vector<std::string> methods_of(const std::shared_ptr<grpc::Channel>& channel,
                                    const std::string& service) {
  std::vector<std::string> methods;
  for (const auto& files :
       values_of(ask(channel, kFileContainingSymbol, service), kFileDescriptorResponse)) {
    for (const auto& text : values_of(files, 1)) {
      google::protobuf::FileDescriptorProto file;
      EXPECT_TRUE(file.ParseFromString(text));
      for (const auto& described : file.service()) {
        if (file.package() + "." + described.name() != service) continue;
        for (const auto& method : described.method()) {
          methods.push_back(service + "/" + method.name());
        }
      }
    }
  }
  return methods;
}

TEST(Reflection, ListsEveryServiceAndEachMethodHasARule) {
  const TemporaryFolder folder;
  DaemonProcess daemon(folder / "data", {});
  ASSERT_TRUE(connect(folder / "data")) << daemon.errors();
  const auto channel = grpc::CreateChannel("unix:" + (folder / "data" / "hwnasd.sock").string(),
                                           grpc::InsecureChannelCredentials());
  const std::vector<std::string> services = listed_services(channel);
  for (const char* service :
       {"hwnas.v1.SearchService", "hwnas.v1.DeviceService", "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection"}) {
    EXPECT_THAT(services, testing::Contains(service));
  }
  for (const std::string& service : services) {
    const std::vector<std::string> methods = methods_of(channel, service);
    // gRPC's own health service is served without a description.
    EXPECT_TRUE(!methods.empty() || service.starts_with("grpc.")) << service;
    for (const std::string& method : methods) {
      EXPECT_EQ(std::ranges::count(method_rules(), method, &MethodRule::method), 1)
          << method << " has no rule in service/authorization.cpp";
    }
  }
  for (const MethodRule& rule : method_rules()) {
    const std::string service(rule.method.substr(0, rule.method.find('/')));
    EXPECT_THAT(services, testing::Contains(service)) << rule.method << " is not served";
    const std::vector<std::string> methods = methods_of(channel, service);
    if (methods.empty()) continue;
    EXPECT_THAT(methods, testing::Contains(rule.method)) << "a rule for what is not served";
  }
}

}  // namespace
}  // namespace hwnas::service
