#include "service/identity/jws.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "service/identity/json_web_key_set.h"
#include "tests/service/identity/rfc_vectors.h"
#include "tests/service/identity/token_text.h"

namespace gateway {
namespace {

TEST(JwsTest, TheVectorsOfTheRfcsVerify) {
  const absl::StatusOr<JsonWebKeySet> keys = JsonWebKeySet::Parse(kRfcKeySet);
  ASSERT_TRUE(keys.ok()) << keys.status();
  for (const std::string_view text : {kRfcRs256, kRfcEs256, kRfcEdDsa}) {
    const absl::StatusOr<Jws> jws = ParseJws(text);
    ASSERT_TRUE(jws.ok()) << jws.status();
    EXPECT_EQ(jws->kid, std::nullopt);
    EXPECT_EQ(jws->payload,
              text == kRfcEdDsa ? "Example of Ed25519 signing" : kRfcClaims);
    const JwsKey* const key = keys->Find(jws->algorithm, jws->kid);
    ASSERT_NE(key, nullptr);
    EXPECT_TRUE(key->Verifies(jws->signed_text, jws->signature));
  }
}

// INVALID_ARGUMENT for what is no JWS, UNIMPLEMENTED for one that is refused.
absl::StatusCode CodeOfHeader(std::string_view header) {
  return ParseJws(TokenOf(header, "{}", "s")).status().code();
}

TEST(JwsTest, WhatASignatureIsOfStandsInTheHeader) {
  const std::string text = TokenOf(
      R"({"typ":"JWT","kid":"a b","alg":"ES256","x":{"y":1}})", "p", "s");
  const absl::StatusOr<Jws> jws = ParseJws(text);
  ASSERT_TRUE(jws.ok()) << jws.status();
  EXPECT_EQ(jws->algorithm, JwsAlgorithm::kEs256);
  EXPECT_EQ(jws->kid, "a b");
  EXPECT_EQ(jws->payload, "p");
  EXPECT_EQ(jws->signature, "s");
  EXPECT_EQ(jws->signed_text, text.substr(0, text.rfind('.')));
}

TEST(JwsTest, OtherAlgorithmsAreRefused) {
  for (const std::string_view header :
       {R"({"alg":"none"})", R"({"alg":"None"})", R"({"alg":"HS256"})",
        R"({"alg":"RS384"})", R"({"alg":"ES256K"})", R"({"alg":""})",
        R"({"typ":"JWT"})", "{}"}) {
    EXPECT_EQ(CodeOfHeader(header), absl::StatusCode::kUnimplemented) << header;
  }
}

TEST(JwsTest, ExtensionsAreRefused) {
  for (const std::string_view member :
       {R"("crit":["exp"])", R"("crit":[])", R"("crit":"x")", R"("crit":null)",
        R"("b64":false,"crit":["b64"])", R"("b64":false)", R"("b64":true)",
        R"("cty":"JWT")", R"("cty":"text/plain")"}) {
    EXPECT_EQ(CodeOfHeader("{\"alg\":\"ES256\"," + std::string(member) + "}"),
              absl::StatusCode::kUnimplemented)
        << member;
  }
}

TEST(JwsTest, OtherKindsOfTokensAreRefused) {
  for (const std::string_view type :
       {"JWT", "jwt", "at+jwt", "application/at+jwt", "Application/JWT",
        "JOSE"}) {
    EXPECT_EQ(CodeOfHeader("{\"alg\":\"ES256\",\"typ\":\"" + std::string(type) +
                           "\"}"),
              absl::StatusCode::kOk)
        << type;
  }
  for (const std::string_view type :
       {"logout+jwt", "dpop+jwt", "secevent+jwt", "application/", "",
        "JOSE+JSON", "text/JWT"}) {
    EXPECT_EQ(CodeOfHeader("{\"alg\":\"ES256\",\"typ\":\"" + std::string(type) +
                           "\"}"),
              absl::StatusCode::kUnimplemented)
        << type;
  }
}

TEST(JwsTest, WhatBringsAKeyIsNotLookedAt) {
  EXPECT_EQ(CodeOfHeader(R"({"alg":"ES256","jku":"https://evil.example",)"
                         R"("jwk":{"kty":"EC"},"x5u":1,"x5c":["MII"]})"),
            absl::StatusCode::kOk);
}

TEST(JwsTest, MalformedHeadersAreRefused) {
  for (const std::string_view header :
       {"", "[]", "null", "\"ES256\"", R"({"alg":"ES256"}{)", R"({"alg":7})",
        R"({"alg":["ES256"]})", R"({"alg":"ES256","kid":1})",
        R"({"alg":"ES256","typ":null})", R"({"alg":"none","alg":"ES256"})",
        R"({"alg":"ES256","alg":"ES256"})",
        R"({"alg":"ES256","\u0061lg":"none"})",
        R"({"alg":"ES256","x":{"y":1,"y":2}})",
        "{\"alg\":\"ES256\",\"\xff\":1}", R"({"alg":"ES256",})",
        R"({alg:"ES256"})"}) {
    EXPECT_EQ(CodeOfHeader(header), absl::StatusCode::kInvalidArgument)
        << header;
  }
}

TEST(JwsTest, ThereAreThreePartsInBase64Url) {
  const std::string header = Base64UrlOf(R"({"alg":"ES256"})");
  EXPECT_TRUE(ParseJws(header + ".e30.cw").ok());
  EXPECT_TRUE(ParseJws(header + "..").ok());
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), header,
        header + ".e30", header + ".e30.cw.", header + ".e30.cw.cw",
        header + ".e30.cw.cw.cw", "." + header + ".e30.cw", header + "=.e30.cw",
        header + ".e30=.cw", header + ".e30.cw==", header + ".e30.cx",
        header + ".e30 .cw", header + ".e30.cw\n", " " + header + ".e30.cw",
        header + ".e3+.cw"}) {
    EXPECT_EQ(ParseJws(text).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
}

TEST(JwsTest, TextsHaveALength) {
  const std::string head = Base64UrlOf(R"({"alg":"ES256"})") + ".e30.";
  std::string longest = head + std::string(kJwsBytesMax - head.size(), 'A');
  // Of no length is one character left over.
  if ((longest.size() - head.size()) % 4 == 1) GTEST_FAIL() << "mend the test";
  EXPECT_TRUE(ParseJws(longest).ok());
  EXPECT_FALSE(ParseJws(longest + "AA").ok());
  EXPECT_FALSE(ParseJws(std::string(1 << 22, '.')).ok());
}

TEST(JwsTest, NamesOfKeysHaveALength) {
  const auto header = [](size_t bytes) {
    return "{\"alg\":\"ES256\",\"kid\":\"" + std::string(bytes, 'k') + "\"}";
  };
  EXPECT_EQ(CodeOfHeader(header(kKeyIdBytesMax)), absl::StatusCode::kOk);
  EXPECT_EQ(CodeOfHeader(header(kKeyIdBytesMax + 1)),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace gateway
