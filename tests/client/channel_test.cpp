// Connections with certificates.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/file.hpp"
#include "tests/client/fake_daemon.hpp"

namespace hwnas::client {
namespace {

namespace fs = std::filesystem;

class ChannelTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("openssl version > /dev/null 2>&1") != 0) GTEST_SKIP() << "needs openssl";
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {0}/ca.key "
        "-out {0}/ca.pem -days 2 -subj /CN=ca");
    make_certificate("server", "IP:127.0.0.1");
    make_certificate("acme", "URI:hwnas:tenants/acme");
  }

  void run(const std::string& command) const {
    const std::string line =
        fmt::format(fmt::runtime(command), folder_.path().string()) + " 2> /dev/null";
    ASSERT_EQ(std::system(line.c_str()), 0) << line;
  }
  void make_certificate(const std::string& name, const std::string& alternative_name) const {
    folder_.write(name + ".cnf", fmt::format("subjectAltName={}\n", alternative_name));
    run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {0}/" + name +
        ".key -out {0}/" + name + ".csr -subj /CN=" + name);
    run("openssl x509 -req -in {0}/" + name + ".csr -CA {0}/ca.pem -CAkey {0}/ca.key " +
        "-CAcreateserial -days 2 -extfile {0}/" + name + ".cnf -out {0}/" + name + ".pem");
  }
  std::string pem(const std::string& name) const { return read_file(folder_ / name, 1 << 20); }
  std::shared_ptr<grpc::ServerCredentials> server_credentials() const {
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = pem("ca.pem");
    options.pem_key_cert_pairs = {{pem("server.key"), pem("server.pem")}};
    return grpc::SslServerCredentials(options);
  }
  /// The job's name, if the connection is made.
  static std::string get(const Connection& connection) {
    return SearchClient(connection, FakeDaemon::quick()).get("a").name();
  }

  const TemporaryFolder folder_;
};

TEST_F(ChannelTest, ShowsItsCertificateAndWantsOneOfTheAuthority) {
  FakeDaemon daemon(server_credentials());
  daemon.get = [](const v1::GetSearchJobRequest& request, v1::SearchJob& job) {
    job.set_name(request.name());
    return grpc::Status::OK;
  };
  Connection connection{.server = daemon.address(),
                        .tenant = "acme",
                        .tls_authority = folder_ / "ca.pem",
                        .tls_certificate = folder_ / "acme.pem",
                        .tls_key = folder_ / "acme.key"};
  EXPECT_EQ(get(connection), "tenants/acme/searchJobs/a");
  connection.tls_authority.clear();
  EXPECT_THROW(get(connection), CallError) << "the system's authorities have not signed it";
  EXPECT_THROW(get({.server = daemon.address(), .tenant = "acme"}), CallError);
}

TEST_F(ChannelTest, NamesAFileOfCertificatesThatIsMissing) {
  const Connection connection{
      .server = "127.0.0.1:1", .tenant = "acme", .tls_authority = folder_ / "none.pem"};
  EXPECT_THROW(get(connection), Error);
}

}  // namespace
}  // namespace hwnas::client
