#include "service/identity/jwt.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/identity/json_members.h"
#include "service/identity/json_web_key_set.h"
#include "tests/service/identity/rfc_vectors.h"
#include "tests/service/identity/token_signer.h"
#include "tests/service/identity/token_text.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr int kNow = 1700000000;

class JwtTest : public testing::Test {
 protected:
  JwtTest() {
    rules_.issuer = "https://issuer.example";
    rules_.audiences = {"llm-gateway", "gateway-eu"};
    keys_ =
        Keys({es_.PublicJwk(R"("kid":"es")"), ed_.PublicJwk(R"("kid":"ed")")});
  }

  static std::optional<JsonWebKeySet> Keys(
      const std::vector<std::string>& keys) {
    std::string json = "{\"keys\":[";
    for (const std::string& key : keys) {
      if (json.back() == '}') json += ",";
      json += key;
    }
    absl::StatusOr<JsonWebKeySet> set = JsonWebKeySet::Parse(json + "]}");
    EXPECT_TRUE(set.ok()) << set.status();
    return *std::move(set);
  }

  // Claims that are right, with these besides or in place of them.
  static std::string Claims(
      const std::vector<std::pair<std::string, std::string>>& changes = {}) {
    std::vector<std::pair<std::string, std::string>> members = {
        {"iss", R"("https://issuer.example")"},
        {"aud", R"("llm-gateway")"},
        {"sub", R"("alice")"},
        {"exp", absl::StrCat(kNow + 600)}};
    for (const auto& [name, value] : changes) {
      std::erase_if(members,
                    [&](const auto& member) { return member.first == name; });
      if (!value.empty()) members.emplace_back(name, value);
    }
    std::string json = "{";
    for (const auto& [name, value] : members) {
      if (json.size() > 1) json += ",";
      absl::StrAppend(&json, "\"", name, "\":", value);
    }
    return json + "}";
  }

  JwtVerdict Verify(std::string_view token) {
    return VerifyJwt(ReadJwt(token), rules_, *keys_,
                     absl::FromUnixSeconds(now_));
  }

  // A token with these claims, signed as it should be.
  JwtVerdict VerifyClaims(const std::string& claims) {
    return Verify(ed_.Sign(R"({"alg":"EdDSA","kid":"ed"})", claims));
  }

  // A refusal before the signature is proven: it tells the caller nothing.
  void ExpectUntold(const JwtVerdict& verdict, JwtProblem problem) {
    EXPECT_EQ(JwtProblemName(verdict.problem), JwtProblemName(problem))
        << verdict.detail;
    EXPECT_EQ(FaultReason(verdict.fault), v1::ERROR_REASON_API_KEY_INVALID);
    EXPECT_EQ(verdict.fault.message(), "the token is not accepted");
    EXPECT_EQ(FaultMetadata(verdict.fault, "key"), "");
    EXPECT_NE(verdict.detail, "");
    EXPECT_EQ(verdict.token.caller, "");
  }

  // A refusal afterwards, which names the claim.
  void ExpectTold(const JwtVerdict& verdict, JwtProblem problem,
                  std::string_view claim) {
    EXPECT_EQ(JwtProblemName(verdict.problem), JwtProblemName(problem))
        << verdict.detail;
    EXPECT_EQ(verdict.fault.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_THAT(std::string(verdict.fault.message()),
                HasSubstr("claim `" + std::string(claim) + "`"));
    EXPECT_EQ(verdict.token.caller, "");
  }

  // What a claim of one name is refused as, if it has this value.
  void ExpectBad(const std::string& name, const std::string& value) {
    SCOPED_TRACE(name + ": " + value);
    ExpectTold(VerifyClaims(Claims({{name, value}})), JwtProblem::kBadClaim,
               name);
  }

  const TokenSigner es_ = TokenSigner::Es256();
  const TokenSigner ed_ = TokenSigner::EdDsa();
  std::optional<JsonWebKeySet> keys_;
  JwtRules rules_;
  int now_ = kNow;
};

TEST_F(JwtTest, ATokenThatIsRightNamesItsCaller) {
  for (const std::string& token :
       {es_.Sign(R"({"alg":"ES256","kid":"es"})", Claims()),
        ed_.Sign(R"({"alg":"EdDSA","kid":"ed","typ":"JWT"})", Claims()),
        ed_.Sign(R"({"alg":"EdDSA"})", Claims())}) {
    const JwtVerdict verdict = Verify(token);
    EXPECT_TRUE(verdict.fault.ok()) << verdict.fault << verdict.detail;
    EXPECT_EQ(verdict.problem, JwtProblem::kNone);
    EXPECT_EQ(verdict.token.caller, "alice");
    EXPECT_TRUE(verdict.token.scopes.unrestricted());
    EXPECT_EQ(verdict.token.owner, "");
    EXPECT_EQ(verdict.token.expire_time,
              absl::FromUnixSeconds(kNow + 600 + 60));
    EXPECT_EQ(verdict.token.claims, Claims());
  }
}

TEST_F(JwtTest, TheRsaVectorOfTheRfcIsATokenThatExpired) {
  const absl::StatusOr<JsonWebKeySet> keys = JsonWebKeySet::Parse(kRfcKeySet);
  ASSERT_TRUE(keys.ok());
  rules_.issuer = "joe";
  const Jwt token = ReadJwt(kRfcRs256);
  EXPECT_EQ(token.issuer, "joe");
  // It names neither a caller nor an audience.
  ExpectTold(VerifyJwt(token, rules_, *keys, absl::FromUnixSeconds(0)),
             JwtProblem::kBadClaim, "sub");
}

TEST_F(JwtTest, EveryByteCounts) {
  for (const std::string& right :
       {es_.Sign(R"({"alg":"ES256","kid":"es"})", Claims()),
        ed_.Sign(R"({"alg":"EdDSA","kid":"ed"})", Claims())}) {
    ASSERT_TRUE(Verify(right).fault.ok());
    for (size_t i = 0; i < right.size(); ++i) {
      for (const int flip : {0x01, 0x02, 0x20, 0x80}) {
        std::string wrong = right;
        wrong[i] = static_cast<char>(wrong[i] ^ flip);
        const JwtVerdict verdict = Verify(wrong);
        EXPECT_EQ(verdict.fault.message(), "the token is not accepted") << i;
      }
      EXPECT_FALSE(Verify(right.substr(0, i)).fault.ok()) << i;
    }
    EXPECT_FALSE(Verify(right + "A").fault.ok());
    EXPECT_FALSE(Verify(right + ".").fault.ok());
  }
}

TEST_F(JwtTest, ATokenOfAnotherKeyIsRefusedAndNothingIsTold) {
  const std::string header = R"({"alg":"ES256","kid":"es"})";
  ExpectUntold(Verify(TokenSigner::Es256().Sign(header, Claims())),
               JwtProblem::kWrongSignature);
  // Nor is it told that it would have expired anyway.
  ExpectUntold(
      Verify(TokenSigner::Es256().Sign(header, Claims({{"exp", "1"}}))),
      JwtProblem::kWrongSignature);
  ExpectUntold(Verify(es_.Sign(R"({"alg":"ES256","kid":"gone"})", Claims())),
               JwtProblem::kUnknownKey);
  ExpectUntold(Verify(TokenOf(header, Claims(), "")),
               JwtProblem::kWrongSignature);
  ExpectUntold(RefuseJwt(JwtProblem::kUnknownIssuer, "nobody"),
               JwtProblem::kUnknownIssuer);
}

TEST_F(JwtTest, WithoutAKeyIdOneKeyMustFit) {
  keys_ = Keys({es_.PublicJwk(R"("kid":"a")"),
                TokenSigner::Es256().PublicJwk(R"("kid":"b")")});
  ExpectUntold(Verify(es_.Sign(R"({"alg":"ES256"})", Claims())),
               JwtProblem::kUnknownKey);
  EXPECT_TRUE(
      Verify(es_.Sign(R"({"alg":"ES256","kid":"a"})", Claims())).fault.ok());
}

TEST_F(JwtTest, AnAlgorithmThatDoesNotFitTheKeyIsRefused) {
  // Signed with one key, said to be of another's kind.
  ExpectUntold(Verify(es_.Sign(R"({"alg":"EdDSA","kid":"ed"})", Claims())),
               JwtProblem::kWrongSignature);
  ExpectUntold(Verify(es_.Sign(R"({"alg":"EdDSA","kid":"es"})", Claims())),
               JwtProblem::kUnknownKey);
  ExpectUntold(Verify(es_.Sign(R"({"alg":"RS256","kid":"es"})", Claims())),
               JwtProblem::kUnknownKey);
  for (const std::string_view alg : {"none", "HS256", "RS512", "ES384"}) {
    ExpectUntold(Verify(es_.Sign(absl::StrCat(R"({"kid":"es","alg":")",
                                              std::string(alg), "\"}"),
                                 Claims())),
                 JwtProblem::kUnsupported);
  }
}

TEST_F(JwtTest, NestedAndMalformedTokensAreRefused) {
  const std::string inner = es_.Sign(R"({"alg":"ES256","kid":"es"})", Claims());
  ExpectUntold(
      Verify(es_.Sign(R"({"alg":"ES256","kid":"es","cty":"JWT"})", inner)),
      JwtProblem::kUnsupported);
  ExpectUntold(Verify(es_.Sign(R"({"alg":"ES256","kid":"es"})", inner)),
               JwtProblem::kMalformed);
  for (const std::string_view claims :
       {"", "[]", "{", "{}x", R"({"sub":"a","sub":"b"})",
        R"({"iss":{"a":1,"a":1}})", "{\"sub\":\"\xff\"}", "null"}) {
    ExpectUntold(VerifyClaims(std::string(claims)), JwtProblem::kMalformed);
  }
  ExpectUntold(Verify(std::string(1 << 20, 'A')), JwtProblem::kMalformed);
  ExpectUntold(Verify("llmgw_not_a_token"), JwtProblem::kMalformed);
}

TEST_F(JwtTest, TheIssuerIsExactlyTheOneOfTheRules) {
  ExpectBad("iss", "");
  ExpectBad("iss", R"("https://issuer.example/")");
  ExpectBad("iss", R"("HTTPS://issuer.example")");
  ExpectBad("iss", R"(["https://issuer.example"])");
  ExpectBad("iss", "null");
}

TEST_F(JwtTest, TheAudienceIsATextOrAListWithOneOfOurs) {
  for (const std::string_view aud :
       {R"("gateway-eu")", R"(["other","gateway-eu"])", R"(["llm-gateway"])"}) {
    EXPECT_TRUE(VerifyClaims(Claims({{"aud", std::string(aud)}})).fault.ok())
        << aud;
  }
  for (const std::string_view aud : {"", "[]", R"("other")", R"(["other"])",
                                     R"("llm-gateway ")", R"("LLM-gateway")"}) {
    ExpectTold(VerifyClaims(Claims({{"aud", std::string(aud)}})),
               JwtProblem::kWrongAudience, "aud");
  }
  ExpectBad("aud", "7");
  ExpectBad("aud", R"(["llm-gateway",7])");
  ExpectBad("aud", R"([["llm-gateway"]])");
  ExpectBad("aud", R"({"a":"llm-gateway"})");
  rules_.audiences.clear();
  ExpectTold(VerifyClaims(Claims()), JwtProblem::kWrongAudience, "aud");
}

TEST_F(JwtTest, ATokenExpiresAndItsCallerIsTold) {
  const std::string claims = Claims({{"exp", absl::StrCat(kNow)}});
  now_ = kNow + 59;
  EXPECT_TRUE(VerifyClaims(claims).fault.ok());
  now_ = kNow + 60;
  const JwtVerdict verdict = VerifyClaims(claims);
  ExpectTold(verdict, JwtProblem::kExpired, "exp");
  EXPECT_EQ(FaultReason(verdict.fault), v1::ERROR_REASON_API_KEY_EXPIRED);
  EXPECT_EQ(FaultMetadata(verdict.fault, "key"), "alice");
  rules_.clock_skew = absl::Seconds(61);
  EXPECT_TRUE(VerifyClaims(claims).fault.ok());
}

TEST_F(JwtTest, TimesAreNumbersOfSeconds) {
  ExpectBad("exp", "");
  for (const std::string_view name : {"exp", "nbf", "iat"}) {
    for (const std::string_view value :
         {"\"1700000600\"", "null", "-1", "1e400", "1700000600000", "true",
          "[1700000600]"}) {
      ExpectBad(std::string(name), std::string(value));
    }
  }
  EXPECT_TRUE(VerifyClaims(Claims({{"exp", "1700000600.5"}, {"iat", "1.7e9"}}))
                  .fault.ok());
  EXPECT_EQ(VerifyClaims(Claims({{"exp", "1700000600.5"}})).token.expire_time,
            absl::FromUnixMillis(1700000660500));
}

TEST_F(JwtTest, ATokenIsNotGoodBeforeItsTime) {
  for (const std::string_view name : {"nbf", "iat"}) {
    const std::string claims =
        Claims({{std::string(name), absl::StrCat(kNow)}});
    now_ = kNow - 60;
    EXPECT_TRUE(VerifyClaims(claims).fault.ok());
    now_ = kNow - 61;
    ExpectTold(VerifyClaims(claims), JwtProblem::kNotYetValid, name);
    now_ = kNow;
    EXPECT_TRUE(VerifyClaims(claims).fault.ok());
  }
}

TEST_F(JwtTest, TheCallersNameIsTheClaimOfTheRules) {
  ExpectBad("sub", "");
  ExpectBad("sub", "\"\"");
  ExpectBad("sub", "7");
  ExpectBad("sub", "[\"alice\"]");
  ExpectBad("sub", R"("a\nb")");
  ExpectBad("sub", R"("a\u0000")");
  ExpectBad("sub", "\"" + std::string(257, 'a') + "\"");
  EXPECT_TRUE(
      VerifyClaims(Claims({{"sub", "\"" + std::string(256, 'a') + "\""}}))
          .fault.ok());
  rules_.caller_claim = "client_id";
  ExpectTold(VerifyClaims(Claims()), JwtProblem::kBadClaim, "client_id");
  EXPECT_EQ(VerifyClaims(Claims({{"client_id", "\"batch\""}})).token.caller,
            "batch");
}

// As Kubernetes writes those of service accounts.
TEST_F(JwtTest, AServiceAccountIsNamedByItsSubjectOrItsNamespace) {
  const std::string claims =
      Claims({{"sub", R"("system:serviceaccount:prod:search")"},
              {"kubernetes.io",
               R"({"namespace":"prod","serviceaccount":{"name":"search"}})"},
              {"jti", R"("0c1f")"},
              {"iat", absl::StrCat(kNow)},
              {"nbf", absl::StrCat(kNow)}});
  EXPECT_EQ(VerifyClaims(claims).token.caller,
            "system:serviceaccount:prod:search");
  rules_.caller_claim = "kubernetes.io/serviceaccount/name";
  rules_.owner_claim = "kubernetes.io/namespace";
  const JwtVerdict verdict = VerifyClaims(claims);
  EXPECT_TRUE(verdict.fault.ok()) << verdict.fault;
  EXPECT_EQ(verdict.token.caller, "search");
  EXPECT_EQ(verdict.token.owner, "prod");
  const auto found = ReadMember(verdict.token.claims, "jti", [](JsonValue& v) {
    return v.String().status();
  });
  EXPECT_TRUE(found.ok() && *found);
}

TEST_F(JwtTest, ScopesAreATextOfWordsOrAList) {
  for (const std::string_view scope :
       {R"("openid model:gpt-* api:openai")",
        R"("  model:gpt-*   api:openai ")",
        R"(["openid","model:gpt-*","api:openai"])",
        R"(["model:gpt-* api:openai"])"}) {
    SCOPED_TRACE(scope);
    const JwtVerdict verdict =
        VerifyClaims(Claims({{"scope", std::string(scope)}}));
    ASSERT_TRUE(verdict.fault.ok()) << verdict.fault;
    EXPECT_TRUE(verdict.token.scopes.AllowsModel("gpt-5"));
    EXPECT_FALSE(verdict.token.scopes.AllowsModel("claude"));
    EXPECT_TRUE(verdict.token.scopes.AllowsApi(ScopedApi::kOpenAi));
    EXPECT_FALSE(verdict.token.scopes.AllowsApi(ScopedApi::kGrpc));
  }
  ExpectBad("scope", "7");
  ExpectBad("scope", "[7]");
  rules_.scopes_claim = "https://example.com/roles";
  const JwtVerdict verdict = VerifyClaims(
      Claims({{"https://example.com/roles", R"(["tag:a"])"}, {"scope", "7"}}));
  EXPECT_TRUE(verdict.fault.ok()) << verdict.fault;
  EXPECT_FALSE(verdict.token.scopes.AllowsTag("b"));
}

// Nothing that a token says stands in what the log is told.
TEST_F(JwtTest, DetailsRepeatNothing) {
  for (const std::string& token :
       {TokenOf(R"({"alg":"canary"})", "{}", ""),
        TokenOf(R"({"alg":"ES256","kid":"canary"})", R"({"iss":"canary"})", ""),
        TokenOf(R"({"alg":"ES256","typ":"canary"})", "{}", ""),
        ed_.Sign(R"({"alg":"EdDSA"})", Claims({{"iss", "\"canary\""}})),
        ed_.Sign(R"({"alg":"EdDSA"})", Claims({{"aud", "\"canary\""}}))}) {
    const JwtVerdict verdict = Verify(token);
    EXPECT_FALSE(verdict.fault.ok());
    EXPECT_THAT(verdict.detail, testing::Not(HasSubstr("canary")));
    EXPECT_THAT(verdict.fault.ToString(), testing::Not(HasSubstr("canary")));
  }
}

}  // namespace
}  // namespace gateway
