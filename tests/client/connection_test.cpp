#include "client/connection.hpp"

#include <gmock/gmock.h>

#include <map>

#include "core/error.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::client {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kToken = "0123456789abcdef";

class ConnectionTest : public testing::Test {
 protected:
  Connection resolve(const ConnectionFlags& flags = {}) const {
    return resolve_connection(flags, [this](const char* name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      if (found == environment_.end()) return std::nullopt;
      return found->second;
    });
  }
  std::string fault(const ConnectionFlags& flags = {}) const {
    try {
      resolve(flags);
    } catch (const Error& failure) {
      return failure.what();
    }
    return "none";
  }
  fs::path write_config(const std::string& text, fs::perms permissions = fs::perms(0600)) const {
    const fs::path file = folder_.write(".config/hwnas/config.yaml", text);
    fs::permissions(file, permissions);
    return file;
  }

  TemporaryFolder folder_;
  std::map<std::string, std::string> environment_{{"HOME", folder_.path().string()}};
};

TEST_F(ConnectionTest, TakesFlagsBeforeTheEnvironmentBeforeTheFileBeforeDefaults) {
  write_config("server: file.example:1\n");
  EXPECT_EQ(resolve().server, "file.example:1");
  EXPECT_EQ(resolve().tenant, "default");
  write_config("server: file.example:1\ntenant: of-file\n");
  EXPECT_EQ(resolve().tenant, "of-file");
  environment_["HWNAS_SERVER"] = "environment.example:2";
  environment_["HWNAS_TENANT"] = "of-environment";
  EXPECT_EQ(resolve().server, "environment.example:2");
  EXPECT_EQ(resolve().tenant, "of-environment");
  EXPECT_EQ(resolve({.server = "flag.example:3"}).server, "flag.example:3");
  EXPECT_EQ(resolve({.tenant = "of-flag"}).tenant, "of-flag");
}

TEST_F(ConnectionTest, FindsTheTokenInTheSameOrder) {
  const fs::path file = folder_.write("token", "token-of-flag-file\n");
  fs::permissions(file, fs::perms(0600));
  write_config("server: unix:/s\ntoken: token-of-config-file\n");
  EXPECT_EQ(resolve().token, "token-of-config-file");
  environment_["HWNAS_TOKEN"] = "token-of-environment";
  EXPECT_EQ(resolve().token, "token-of-environment");
  EXPECT_EQ(resolve({.token_file = file}).token, "token-of-flag-file");
}

TEST_F(ConnectionTest, ReadsFilesBesideTheConfigurationFile) {
  fs::permissions(folder_.write(".config/hwnas/token", kToken), fs::perms(0600));
  write_config("server: h.example:1\ntoken_file: token\ntls_ca: ca.pem\n", fs::perms(0644));
  EXPECT_EQ(resolve().token, kToken);
  EXPECT_EQ(resolve().tls_authority, folder_ / ".config/hwnas/ca.pem");
}

TEST_F(ConnectionTest, LooksForTheConfigurationWhereXdgSays) {
  folder_.write("elsewhere/hwnas/config.yaml", "server: unix:/elsewhere\n");
  environment_["XDG_CONFIG_HOME"] = (folder_ / "elsewhere").string();
  EXPECT_EQ(resolve().server, "unix:/elsewhere");
}

TEST_F(ConnectionTest, RefusesAFileWithATokenThatOthersMayRead) {
  const std::string text = fmt::format("server: unix:/s\ntoken: {}\n", kToken);
  write_config(text, fs::perms(0640));
  EXPECT_THAT(fault(), HasSubstr("chmod 600"));
  write_config(text, fs::perms(0604));
  EXPECT_THAT(fault(), HasSubstr("chmod 600"));
  write_config("server: unix:/s\n", fs::perms(0644));
  EXPECT_EQ(fault(), "none");
}

TEST_F(ConnectionTest, NeverSendsTheFilesTokenToAnotherServer) {
  write_config(fmt::format("server: a.example:1\ntoken: {}\ntls_ca: /ca.pem\n", kToken));
  EXPECT_EQ(resolve({.server = "b.example:1"}).token, "");
  EXPECT_EQ(resolve({.server = "b.example:1"}).tls_authority, "");
  EXPECT_EQ(resolve({.server = "a.example:1"}).token, kToken);
}

TEST_F(ConnectionTest, FindsTheSocketOfTheUsersOwnDaemon) {
  EXPECT_THAT(fault(), HasSubstr((folder_ / ".local/state/hwnas/hwnasd.sock").string()));
  EXPECT_THAT(fault(), HasSubstr("--server"));
  folder_.write(".local/state/hwnas/hwnasd.sock", "");
  EXPECT_EQ(resolve().server, "unix:" + (folder_ / ".local/state/hwnas/hwnasd.sock").string());
  folder_.write("state/hwnas/hwnasd.sock", "");
  environment_["XDG_STATE_HOME"] = (folder_ / "state").string();
  EXPECT_EQ(resolve().server, "unix:" + (folder_ / "state/hwnas/hwnasd.sock").string());
}

TEST_F(ConnectionTest, RefusesAddressesAndTenantsThatAreNone) {
  for (const char* server : {"host", "host:", "host:0", "host:65536", ":1", "host:x",
                             "unix:", "dns:///host:1", "127.0.0.1/../evil.example:1"}) {
    EXPECT_THAT(fault({.server = server}), HasSubstr("HOST:PORT")) << server;
  }
  for (const char* tenant : {"Acme", "-a", ".", "a/b", "a b"}) {
    EXPECT_THAT(fault({.server = "unix:/s", .tenant = tenant}), HasSubstr("1 to 63")) << tenant;
  }
  EXPECT_EQ(fault({.server = "[::1]:50051", .tenant = "a.b_c-1"}), "none");
}

TEST_F(ConnectionTest, SaysWhereTheConfigurationFileIsWrong) {
  const fs::path file = write_config("server: unix:/s\nsever: x\n");
  EXPECT_THAT(fault(), HasSubstr(file.string() + ":2:1: unknown key 'sever', did you mean"));
  write_config("server: unix:/s\ntoken: a\ntoken_file: b\n");
  EXPECT_THAT(fault(), HasSubstr(":3:13: token_file: give either"));
}

TEST_F(ConnectionTest, WantsACertificateAndItsKeyTogether) {
  EXPECT_THAT(fault({.server = "a.example:1", .tls_certificate = "c"}), HasSubstr("--tls-key"));
  environment_["HWNAS_TOKEN"] = "two\nlines";
  EXPECT_THAT(fault({.server = "unix:/s"}), HasSubstr("token"));
}

}  // namespace
}  // namespace hwnas::client
