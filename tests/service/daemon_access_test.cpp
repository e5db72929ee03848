// Who gets into hwnasd over TCP: by token, and by certificate.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "core/file.hpp"
#include "tests/service/sample_daemon.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;

constexpr const char* kToken = "0123456789abcdef";

/// "127.0.0.1:PORT", of its log; empty after half a minute.
std::string address_of(const DaemonProcess& daemon) {
  for (int i = 0; i < 3000; ++i) {
    std::istringstream lines(daemon.errors());
    for (std::string line; std::getline(lines, line);) {
      const auto event = nlohmann::json::parse(line, nullptr, false);
      if (event.is_object() && event.value("event", "") == "serving") return event.at("address");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return "";
}

grpc::StatusCode list_jobs(const std::shared_ptr<grpc::Channel>& channel, const std::string& tenant,
                           const std::string& token = "") {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
  v1::ListSearchJobsRequest request;
  request.set_parent("tenants/" + tenant);
  v1::ListSearchJobsResponse response;
  return v1::SearchService::NewStub(channel)
      ->ListSearchJobs(&context, request, &response)
      .error_code();
}

TEST(DaemonAccess, OnLoopbackATokenOpensTheDoorOfItsTenantOnly) {
  const TemporaryFolder folder;
  const fs::path tokens = folder.write("tokens", fmt::format("acme read {}\n", kToken));
  fs::permissions(tokens, fs::perms::owner_read | fs::perms::owner_write);
  const DaemonProcess daemon(folder / "data",
                             {"--listen", "127.0.0.1:0", "--tokens", tokens.string()});
  const auto channel = grpc::CreateChannel(address_of(daemon), grpc::InsecureChannelCredentials());
  EXPECT_EQ(list_jobs(channel, "acme", kToken), grpc::StatusCode::OK) << daemon.errors();
  EXPECT_EQ(list_jobs(channel, "bolt", kToken), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(list_jobs(channel, "acme"), grpc::StatusCode::UNAUTHENTICATED);
}

/// A certificate of the folder's authority "ca", with the given subject alternative name.
void make_certificate(const TemporaryFolder& folder, const std::string& name,
                      const std::string& alternative_name) {
  const fs::path extension =
      folder.write(name + ".cnf", fmt::format("subjectAltName={}\n", alternative_name));
  const std::string file = (folder / name).string();
  const std::string authority = (folder / "ca").string();
  const std::string command = fmt::format(
      "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {0}.key -out {0}.csr "
      "-subj /CN={1} 2>/dev/null && openssl x509 -req -in {0}.csr -CA {2}.pem -CAkey {2}.key "
      "-CAcreateserial -days 2 -extfile {3} -out {0}.pem 2>/dev/null",
      file, name, authority, extension.string());
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

void make_authority(const TemporaryFolder& folder) {
  const std::string command = fmt::format(
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {0}.key -out "
      "{0}.pem -days 2 -subj /CN=ca 2>/dev/null",
      (folder / "ca").string());
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

std::shared_ptr<grpc::Channel> channel_with(const TemporaryFolder& folder,
                                            const std::string& address, const std::string& client) {
  const auto read = [&](const std::string& name) {
    return read_file(folder / name, std::uintmax_t{1} << 20);
  };
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = read("ca.pem");
  if (!client.empty()) {
    options.pem_private_key = read(client + ".key");
    options.pem_cert_chain = read(client + ".pem");
  }
  return grpc::CreateChannel(address, grpc::SslCredentials(options));
}

TEST(DaemonAccess, ACertificateOpensTheDoorOfItsTenantOnly) {
  if (std::system("openssl version >/dev/null 2>&1") != 0) GTEST_SKIP() << "needs openssl";
  const TemporaryFolder folder;
  make_authority(folder);
  make_certificate(folder, "server", "IP:127.0.0.1");
  make_certificate(folder, "acme", "URI:hwnas:tenants/acme");
  const DaemonProcess daemon(
      folder / "data",
      {"--listen", "0.0.0.0:0", "--tls-cert", (folder / "server.pem").string(), "--tls-key",
       (folder / "server.key").string(), "--tls-client-ca", (folder / "ca.pem").string()});
  std::string address = address_of(daemon);
  ASSERT_NE(address, "") << daemon.errors();
  address.replace(0, address.find(':'), "127.0.0.1");
  EXPECT_EQ(list_jobs(channel_with(folder, address, "acme"), "acme"), grpc::StatusCode::OK);
  EXPECT_EQ(list_jobs(channel_with(folder, address, "acme"), "bolt"), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(list_jobs(channel_with(folder, address, ""), "acme"), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace hwnas::service
