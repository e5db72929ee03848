#include "service/authorization.hpp"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>

#include "hwnas/v1/search_service.pb.h"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kGet = "hwnas.v1.SearchService/GetSearchJob";
constexpr const char* kCreate = "hwnas.v1.SearchService/CreateSearchJob";
constexpr const char* kWriter = "0123456789abcdef-writer";
constexpr const char* kReader = "0123456789abcdef-reader";

fs::path write_tokens(const TemporaryFolder& folder, const std::string& text) {
  const fs::path file = folder.write("tokens", text);
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  return file;
}

Authorization with_tokens(const TemporaryFolder& folder) {
  const auto file = write_tokens(folder, std::string("# who may call\nacme write ") + kWriter +
                                             "\nacme read " + kReader + "  # a dashboard\n");
  return Authorization({.tokens = Tokens::load(file)});
}

Credentials bearer(const std::string& token) {
  return {.bearer_token = token, .certificate_uris = {}};
}

/// OK where it is allowed.
grpc::StatusCode answer(const Authorization& authorization, std::string_view method,
                        const Credentials& credentials, std::string_view tenant) {
  try {
    authorization.require(method, credentials, tenant);
    return grpc::StatusCode::OK;
  } catch (const Error&) {
    return code_of(std::current_exception());
  }
}

TEST(Authorization, EveryMethodOfEveryServiceThatIsServedHasARule) {
  const auto& file =
      *v1::SearchJob::descriptor()->file()->pool()->FindFileByName("hwnas/v1/search_service.proto");
  int methods = 0;
  for (int s = 0; s < file.service_count(); ++s) {
    for (int m = 0; m < file.service(s)->method_count(); ++m, ++methods) {
      const std::string name =
          file.service(s)->full_name() + "/" + file.service(s)->method(m)->name();
      EXPECT_THAT(method_rules(), testing::Contains(testing::Field(&MethodRule::method, name)));
    }
  }
  EXPECT_EQ(methods, 11);
}

TEST(Authorization, AMethodWithoutARuleIsDeniedEvenToTheOperator) {
  const Authorization authorization({});
  EXPECT_EQ(answer(authorization, "hwnas.v1.SearchService/Format", {}, "acme"),
            grpc::StatusCode::PERMISSION_DENIED);
}

TEST(Authorization, OnASocketOfItsOwnerEveryCallerMayDoAll) {
  EXPECT_EQ(answer(Authorization({}), kCreate, {}, "acme"), grpc::StatusCode::OK);
}

TEST(Authorization, ATokenLetsItsTenantDoWhatItsRightSays) {
  const TemporaryFolder folder;
  const Authorization authorization = with_tokens(folder);
  EXPECT_EQ(answer(authorization, kCreate, bearer(kWriter), "acme"), grpc::StatusCode::OK);
  EXPECT_EQ(answer(authorization, kGet, bearer(kReader), "acme"), grpc::StatusCode::OK);
  EXPECT_EQ(answer(authorization, kCreate, bearer(kReader), "acme"),
            grpc::StatusCode::PERMISSION_DENIED);
}

TEST(Authorization, WhoIsNotKnownIsUnauthenticated) {
  const TemporaryFolder folder;
  const Authorization authorization = with_tokens(folder);
  EXPECT_EQ(answer(authorization, kGet, {}, "acme"), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(answer(authorization, kGet, bearer("0123456789abcdef"), "acme"),
            grpc::StatusCode::UNAUTHENTICATED);
}

TEST(Authorization, WhatBelongsToAnotherTenantIsNotFound) {
  const TemporaryFolder folder;
  EXPECT_EQ(answer(with_tokens(folder), kGet, bearer(kWriter), "bolt"),
            grpc::StatusCode::NOT_FOUND);
}

TEST(Authorization, ACertificateIsTheTenantThatItsUriNames) {
  const Authorization authorization({.tokens = {}, .certificates = true});
  const auto with_uri = [](const char* uri) {
    return Credentials{.bearer_token = {}, .certificate_uris = {"spiffe://other", uri}};
  };
  EXPECT_EQ(answer(authorization, kCreate, with_uri("hwnas:tenants/acme"), "acme"),
            grpc::StatusCode::OK);
  EXPECT_EQ(answer(authorization, kCreate, with_uri("hwnas:tenants/acme"), "bolt"),
            grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(answer(authorization, kCreate, with_uri("hwnas:tenants/"), ""),
            grpc::StatusCode::UNAUTHENTICATED);
}

TEST(Authorization, AFileOfTokensThatOthersCanReadIsRefused) {
  const TemporaryFolder folder;
  const auto file = write_tokens(folder, std::string("acme write ") + kWriter);
  fs::permissions(file, fs::perms::others_read, fs::perm_options::add);
  EXPECT_THAT([&] { Tokens::load(file); },
              testing::ThrowsMessage<Error>(HasSubstr("others can read the tokens")));
}

TEST(Authorization, AFaultInAFileOfTokensIsToldWithItsLine) {
  const TemporaryFolder folder;
  for (const char* line : {"acme write short", "acme own 0123456789abcdef", "acme write",
                           "../x read 0123456789abcdef", "acme read 0123456789abcdef more"}) {
    const auto file = write_tokens(folder, std::string("\n") + line + "\n");
    EXPECT_THAT([&] { Tokens::load(file); },
                testing::ThrowsMessage<Error>(HasSubstr("tokens:2: expected TENANT")))
        << line;
  }
}

}  // namespace
}  // namespace hwnas::service
