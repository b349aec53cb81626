#include "service/audit/redaction/redaction_patterns.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using BuiltIn = RedactionPatterns::BuiltIn;

class RedactionPatternsTest : public testing::Test {
 protected:
  RedactionPatterns Make(std::vector<BuiltIn> built_in,
                         std::vector<RedactionPatterns::Own> own = {}) {
    auto patterns = RedactionPatterns::Make(built_in, own);
    EXPECT_TRUE(patterns.ok()) << patterns.status();
    return *std::move(patterns);
  }
  std::vector<std::string> Found(const RedactionPatterns& patterns,
                                 std::string_view text) {
    std::vector<RedactedSpan> spans;
    patterns.Find(text, &spans);
    std::vector<std::string> found;
    for (const RedactedSpan& span : spans) {
      found.emplace_back(text.substr(span.begin, span.end - span.begin));
    }
    return found;
  }
};

TEST_F(RedactionPatternsTest, KeysOfVendorsAreFound) {
  const RedactionPatterns patterns = Make({BuiltIn::kKeys});
  for (const std::string key : {
           "sk-ant-api03-AbCdEfGhIjKlMnOpQrSt",
           "sk-proj-abcdefghijklmnop1234",
           "sk_live_51HabcdefghijKLMNOP",
           "AKIAIOSFODNN7EXAMPLE",
           "AIzaSyA-1234567890abcdefghijklmnopqrstu",
           "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
           "xoxb-123456789012-abcdefABCDEF",
           "hf_abcdefghijklmnopqrstuvwx",
           "llmgw_k7wq2m5xd3hzr6ba_2Jx0abcdefghijklmnopqrstuvwxyzQf9bT3aZ",
           "nvapi-Q7w8E9r0T1y2U3i4O5p6A7s8D9f0-1h2J3k4L5z6",
           "AQ.Ab8RN6Q7w8E9r0T1y2U3i4O5p6A7s8D9f0G1h2J3k4L5z6",
       }) {
    EXPECT_THAT(Found(patterns, absl::StrCat("use ", key, ", please")),
                ElementsAre(key));
    EXPECT_THAT(Found(patterns, absl::StrCat("\"", key, "\"")),
                ElementsAre(key));
  }
  EXPECT_THAT(Found(patterns, "task-force, risk-management-of-everything"),
              IsEmpty());
}

TEST_F(RedactionPatternsTest, AKeyIsFoundDirectlyBehindAWord) {
  const RedactionPatterns patterns = Make({BuiltIn::kKeys});
  for (const std::string key : {
           "sk-proj-abcdefghijklmnop1234",
           "sk-ant-api03-AbCdEfGhIjKlMnOpQrSt1",
           "sk-0a1b2c3d0a1b2c3d0a1b2c3d0a1b2c3d",
           "AIzaSyA-1234567890abcdefghijklmnopqrstu",
           "AKIAIOSFODNN7EXAMPLE",
           "nvapi-Q7w8E9r0T1y2U3i4O5p6A7s8D9f0G1h2J3k4L5z6",
           "AQ.Ab8RN6Q7w8E9r0T1y2U3i4O5p6A7s8D9f0G1h2J3k4L5z6",
           "gsk_Q7w8E9r0T1y2U3i4O5p6A7s8D9f0G1h2J3k4",
           "llmgw_k7wq2m5xd3hzr6ba_2Jx0abcdefghijklmnopqrstuvwxyz",
       }) {
    for (const std::string before : {"x", "my_", "A", "7"}) {
      EXPECT_THAT(Found(patterns, before + key), ElementsAre(key)) << before;
    }
  }
  for (const char* const kept :
       {"task-0f8fad5b-d9cb-469f-a165-70867728950e",
        "risk-507f1f77bcf86cd799439011", "test_hf_transformers_are_loaded_4",
        "the_disk_of_the_machine_number_12345678901234"}) {
    EXPECT_THAT(Found(patterns, kept), IsEmpty()) << kept;
  }
}

TEST_F(RedactionPatternsTest, AKeyIsFoundBehindWhatUrlsEscapeAndNobodySees) {
  const RedactionPatterns patterns = Make({BuiltIn::kKeys, BuiltIn::kTokens});
  for (const std::string key :
       {"sk%2Dproj%2Dabcdefghijklmnop1234", "sk%252Dproj-abcdefghijklmnop1234",
        "sk-proj-\xe2\x80\x8b"
        "abcdefghijklmnop1234",
        "sk-proj-%E2%80%8Babcdefghijklmnop1234",
        "%73k-pro\xc2\xad"
        "j-abcdefghijklmnop1234",
        // A joiner, a mark of direction, a tag, other forms of letters.
        "sk-p\xcd\x8froj-abcdefghijklmnop1234",
        "sk-proj\xe2\x80\xae-abcdefghijklmnop1234",
        "sk-proj-%F3%A0%81%81"
        "abcdefghijklmnop1234",
        "\xef\xbd\x93k\xe2\x80\x91proj-abcdefghijklmnop1234"}) {
    for (const std::string before : {"/v1/", "a%3A", "%20", "x%3F", "%2F"}) {
      EXPECT_THAT(Found(patterns, before + key), ElementsAre(key)) << before;
    }
  }
  EXPECT_THAT(Found(patterns, "/x%3Fkey%3Dabcdef123%26y=1"),
              ElementsAre("abcdef123"));
}

TEST_F(RedactionPatternsTest, APrivateKeyIsFoundWholeAndCutOff) {
  const RedactionPatterns patterns = Make({BuiltIn::kKeys});
  const std::string body(3000, 'A');
  const std::string key = absl::StrCat("-----BEGIN RSA PRIVATE KEY-----\n",
                                       body, "\n-----END RSA PRIVATE KEY-----");
  EXPECT_THAT(Found(patterns, absl::StrCat("x ", key, " y")), ElementsAre(key));
  const std::string cut = key.substr(0, 2000);
  EXPECT_THAT(Found(patterns, absl::StrCat("x ", cut)), ElementsAre(cut));
}

TEST_F(RedactionPatternsTest, TokensAndPasswordsAreFound) {
  const RedactionPatterns patterns = Make({BuiltIn::kTokens});
  EXPECT_THAT(Found(patterns, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbg"),
              ElementsAre("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbg"));
  EXPECT_THAT(Found(patterns, "Authorization: Bearer abc123def456"),
              ElementsAre("abc123def456"));
  EXPECT_THAT(Found(patterns, "basic dXNlcjpwYXNz"),
              ElementsAre("dXNlcjpwYXNz"));
  EXPECT_THAT(Found(patterns, "at https://user:hunter2@host/x"),
              ElementsAre("hunter2"));
  EXPECT_THAT(Found(patterns, "GET /v1?api_key=abcdef123&x=1"),
              ElementsAre("abcdef123"));
  EXPECT_THAT(Found(patterns, "a basic understanding; bearer certificates"),
              IsEmpty());
}

TEST_F(RedactionPatternsTest, AddressesAndCardsAreFound) {
  const RedactionPatterns patterns =
      Make({BuiltIn::kEmail, BuiltIn::kCardNumber});
  EXPECT_THAT(Found(patterns, "ann@mail.example paid 4111111111111111"),
              ElementsAre("ann@mail.example", "4111111111111111"));
  EXPECT_THAT(Found(patterns, "@mention, a@b"), IsEmpty());
}

TEST_F(RedactionPatternsTest, OwnExpressionsTakeTheirFirstGroup) {
  const RedactionPatterns patterns =
      Make({}, {{"ticket", "T-[0-9]+"}, {"pin", "pin: ([0-9]{4})"}});
  std::vector<RedactedSpan> spans;
  patterns.Find("T-12 has pin: 1234", &spans);
  EXPECT_THAT(spans, ElementsAre(RedactedSpan{0, 4, "ticket"},
                                 RedactedSpan{14, 18, "pin"}));
}

TEST_F(RedactionPatternsTest, WhatOverlapsIsOneFinding) {
  const RedactionPatterns patterns =
      Make({}, {{"late", "cdef"}, {"early", "abcd"}});
  std::vector<RedactedSpan> spans;
  patterns.Find("-abcdef-", &spans);
  EXPECT_THAT(spans, ElementsAre(RedactedSpan{1, 7, "early"}));
}

TEST_F(RedactionPatternsTest, EscapesOfJsonHideNothing) {
  const RedactionPatterns patterns = Make({BuiltIn::kKeys});
  EXPECT_THAT(Found(patterns, R"({"key":"sk\u002dabcdefghijklmnop\u0071"})"),
              ElementsAre(R"(sk\u002dabcdefghijklmnop\u0071)"));
  // A letter of an escape is none of the word behind it.
  EXPECT_THAT(Found(patterns, R"(\nsk-abcdefghijklmnop)"),
              ElementsAre("sk-abcdefghijklmnop"));
  // JSON in a string of JSON, that is in a string again.
  EXPECT_THAT(
      Found(patterns, R"("{\"a\":\"\\\"sk\\u002dabcdefghijklmnop\\\"\"}")"),
      ElementsAre(R"(sk\\u002dabcdefghijklmnop)"));
}

TEST_F(RedactionPatternsTest, KnownSecretsAreFoundWhateverThePatterns) {
  auto patterns =
      RedactionPatterns::Make({}, {}, {Secret("correct horse"), Secret("no")});
  ASSERT_TRUE(patterns.ok()) << patterns.status();
  std::vector<RedactedSpan> spans;
  patterns->Find("no correct horse", &spans);
  EXPECT_THAT(spans, ElementsAre(RedactedSpan{3, 16, "configured_secret"}));
}

TEST_F(RedactionPatternsTest, AWrongExpressionIsRefusedByName) {
  for (const auto& [regex, why] :
       std::vector<std::pair<std::string, std::string>>{
           {"(", "RE2"}, {"a*", "empty text"}, {"(?=x)", "RE2"}}) {
    const auto made = RedactionPatterns::Make({}, {{{"mine", regex}}});
    EXPECT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(made.status().message(), HasSubstr("mine"));
    EXPECT_THAT(made.status().message(), HasSubstr(why));
  }
}

TEST_F(RedactionPatternsTest, WhatStandsAcrossTheEndOfAWindowIsFound) {
  const RedactionPatterns patterns = Make({BuiltIn::kEmail});
  const std::string address = "somebody@mail.example";
  for (const size_t before :
       {RedactionPatterns::kWindowBytes - 1,
        RedactionPatterns::kWindowBytes - address.size(),
        RedactionPatterns::kWindowBytes - 5, RedactionPatterns::kWindowBytes}) {
    std::string text(before, ' ');
    text += address;
    text.append(100, ' ');
    EXPECT_THAT(Found(patterns, text), ElementsAre(address)) << before;
  }
}

TEST_F(RedactionPatternsTest, OfTooManyFindingsTheRestIsOne) {
  const RedactionPatterns patterns =
      Make({BuiltIn::kEmail}, {{"digit", "[0-9]"}});
  std::string text = "early@mail.example ";
  text.append(RedactionPatterns::kFindingsMax, '1');
  std::vector<RedactedSpan> spans;
  patterns.Find(text, &spans);
  EXPECT_THAT(spans, SizeIs(RedactionPatterns::kFindingsMax + 1));
  spans.clear();
  text += " late@mail.example and more";
  patterns.Find(text, &spans);
  EXPECT_EQ(spans.front(), (RedactedSpan{0, 18, "email"}));
  EXPECT_EQ(spans.back().name, "too_many");
  EXPECT_EQ(spans.back().end, text.size());
  EXPECT_LE(spans.back().begin, text.find(" late"));
}

}  // namespace
}  // namespace gateway
