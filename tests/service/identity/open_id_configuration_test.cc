#include "service/identity/open_id_configuration.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kIssuer = "https://kubernetes.default.svc";

TEST(OpenIdConfigurationTest, TheDocumentIsBelowTheIssuer) {
  EXPECT_EQ(OpenIdConfigurationUrl("https://a.example"),
            "https://a.example/.well-known/openid-configuration");
  EXPECT_EQ(OpenIdConfigurationUrl("https://a.example/t/"),
            "https://a.example/t/.well-known/openid-configuration");
}

TEST(OpenIdConfigurationTest, SaysWhereTheKeySetIs) {
  const absl::StatusOr<std::string> url =
      KeySetUrlOf(R"({"issuer":"https://kubernetes.default.svc",)"
                  R"("jwks_uri":"https://172.18.0.2:6443/openid/v1/jwks",)"
                  R"("response_types_supported":["id_token"]})",
                  kIssuer);
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(*url, "https://172.18.0.2:6443/openid/v1/jwks");
}

std::string Refusal(const std::string& document) {
  const absl::Status status = KeySetUrlOf(document, kIssuer).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << document;
  return std::string(status.message());
}

TEST(OpenIdConfigurationTest, AnotherIssuersDocumentIsRefused) {
  for (const std::string issuer :
       {R"("issuer":"https://kubernetes.default.svc/",)",
        R"("issuer":"https://evil.example",)", R"("issuer":7,)", ""}) {
    EXPECT_THAT(Refusal("{" + issuer + R"("jwks_uri":"https://a/jwks"})"),
                HasSubstr("its `issuer` is another"));
  }
}

TEST(OpenIdConfigurationTest, TheKeySetIsReadOverTlsAlone) {
  const std::string head = R"({"issuer":"https://kubernetes.default.svc")";
  for (const std::string url :
       {R"(,"jwks_uri":"http://a/jwks")", R"(,"jwks_uri":"file:///etc/passwd")",
        R"(,"jwks_uri":["https://a"])", ""}) {
    EXPECT_THAT(Refusal(head + url + "}"), HasSubstr("its `jwks_uri` must be"));
  }
}

TEST(OpenIdConfigurationTest, WhatIsNoDocumentIsRefused) {
  for (const std::string document :
       {"", "<html>", "[]", R"({"issuer":"a","issuer":"b"})"}) {
    EXPECT_THAT(Refusal(document), HasSubstr("is no JSON object"));
  }
  EXPECT_THAT(Refusal(std::string(kOpenIdConfigurationBytesMax + 1, ' ')),
              HasSubstr("at most 65536 are read"));
}

}  // namespace
}  // namespace gateway
