#include "service/audit/redaction/body_redactor.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/process/process_stats.h"
#include "base/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using BuiltIn = RedactionPatterns::BuiltIn;

constexpr size_t kNoLimit = size_t{1} << 30;

class BodyRedactorTest : public testing::Test {
 protected:
  BodyRedactor Make(const RedactionSettings& settings) {
    auto redactor = BodyRedactor::Make(settings);
    EXPECT_TRUE(redactor.ok()) << redactor.status();
    return *std::move(redactor);
  }
  std::string Redacted(std::string_view body, size_t limit = kNoLimit) {
    return all_.Redact(body, limit).text;
  }

  const BodyRedactor all_ =
      Make({.built_in = {BuiltIn::kKeys, BuiltIn::kTokens, BuiltIn::kEmail,
                         BuiltIn::kCardNumber}});
};

TEST_F(BodyRedactorTest, AJsonTextStaysOne) {
  EXPECT_EQ(
      Redacted(
          R"({"model":"m","card":4111111111111111,"to":["a@b.example, hi"]})"),
      R"({"model":"m","card":"[redacted:card_number]",)"
      R"("to":["[redacted:email], hi"]})");
}

TEST_F(BodyRedactorTest, LikelihoodsHideNothing) {
  constexpr std::string_view kTold =
      R"({"choices":[{"logprobs":{"content":[)"
      R"({"token":"sk-","bytes":[115],"top_logprobs":[{"token":"sk-"}]},)"
      R"({"token":"abcdef","bytes":[97],"top_logprobs":[{"token":"abc"}]},)"
      R"({"token":"ghijklmnop","bytes":null,"top_logprobs":[]}]}}]})";
  EXPECT_EQ(
      Redacted(kTold),
      R"({"choices":[{"logprobs":{"content":[)"
      R"({"token":"[redacted:keys]","bytes":"[redacted:json_path]",)"
      R"("top_logprobs":"[redacted:json_path]"},)"
      R"({"token":"","bytes":"[redacted:json_path]",)"
      R"("top_logprobs":"[redacted:json_path]"},)"
      R"({"token":"","bytes":"[redacted:json_path]",)"
      R"("top_logprobs":"[redacted:json_path]"}]}}]})");
  EXPECT_EQ(Redacted(R"({"logprobsResult":{"topCandidates":[{"token":"a"}]}})"),
            R"({"logprobsResult":{"topCandidates":"[redacted:json_path]"}})");
  EXPECT_EQ(Redacted(R"({"logprobs":{"content":[{"top":[{"token":"a"}],)"
                     R"("utf8Bytes":"YQ==","logprob":-0.5}]}})"),
            R"({"logprobs":{"content":[{"top":"[redacted:json_path]",)"
            R"("utf8Bytes":"[redacted:json_path]","logprob":-0.5}]}})");
  // How many were asked for, and where nothing is taken out, all of it.
  constexpr std::string_view kAsked = R"({"logprobs":true,"top_logprobs":5})";
  EXPECT_EQ(Redacted(kAsked), kAsked);
  EXPECT_EQ(Make({}).Redact(kTold, kNoLimit).text, kTold);
}

TEST_F(BodyRedactorTest, EscapesHideNothing) {
  EXPECT_EQ(Redacted(R"({"x":"a\u0040b.example \ud800 \"q\""})"),
            R"({"x":"[redacted:email] \\ud800 \"q\""})");
}

TEST_F(BodyRedactorTest, JsonWithinAStringHidesNothing) {
  EXPECT_EQ(
      Redacted(
          R"({"arguments":"{\"key\":\"sk\\u002dabcdefghijklmnop\",\"n\":1}"})"),
      R"({"arguments":"{\"key\":\"[redacted:keys]\",\"n\":1}"})");
}

TEST_F(BodyRedactorTest, PartsOfAMessageAreLookedAtAsOneText) {
  const RedactedText redacted = all_.Redact(
      R"({"content":[{"type":"text","text":"it is sk-abcdefgh"},)"
      R"({"type":"text","text":"ijklmnop, a@b.example"}],"x":["4111 1111",)"
      R"(" 1111 1111"]})",
      kNoLimit);
  EXPECT_EQ(redacted.text,
            R"({"content":[{"type":"text","text":"it is [redacted:keys]"},)"
            R"({"type":"text","text":", [redacted:email]"}],)"
            R"("x":["[redacted:card_number]",""]})");
  EXPECT_EQ(redacted.redactions, 3);
}

TEST_F(BodyRedactorTest, PartsThatAreLongAreLookedAtWhereTheyMeet) {
  const std::string prose(20000, ',');
  const std::string body = absl::StrCat(
      R"({"parts":[{"text":")", prose, R"(sk-abcdefgh"},{"text":"ijklmnop)",
      prose, R"(a@b.ex"},{"text":"ample"}]})");
  const RedactedText redacted = all_.Redact(body, kNoLimit);
  EXPECT_EQ(redacted.text, absl::StrCat(R"({"parts":[{"text":")", prose,
                                        R"([redacted:keys]"},{"text":")", prose,
                                        R"([redacted:email]"},{"text":""}]})"));
  EXPECT_EQ(redacted.redactions, 2);
}

TEST_F(BodyRedactorTest, ConfiguredSecretsAreTakenOut) {
  const BodyRedactor redactor =
      Make({.secrets = {Secret("open sesame"), Secret("short")}});
  EXPECT_EQ(
      redactor.Redact(R"({"a":"say open\u0020sesame, short"})", kNoLimit).text,
      R"({"a":"say [redacted:configured_secret], short"})");
  EXPECT_EQ(redactor.RedactText("wrong: open sesame").text,
            "wrong: [redacted:configured_secret]");
}

TEST_F(BodyRedactorTest, WhatHasNothingToHideStaysAsItIs) {
  const std::string body = R"( {"x" : "a\u0041\/", "n":1e5 , "y":[]} )";
  const RedactedText redacted = all_.Redact(body, kNoLimit);
  EXPECT_EQ(redacted.text, body);
  EXPECT_EQ(redacted.redactions, 0);
  EXPECT_FALSE(redacted.truncated);
}

TEST_F(BodyRedactorTest, PiecesOfAStreamAreLookedAtAsOneText) {
  const std::string body =
      "event: message\n"
      R"(data: {"id":"c1","choices":[{"index":0,"delta":{"content":"at a"}}]})"
      "\n\n"
      R"(data: {"id":"c1","choices":[{"index":0,"delta":{"content":"nn@mai"}}]})"
      "\n\n"
      R"(data: {"id":"c1","choices":[{"index":0,"delta":{"content":"l.ex ok"}}]})"
      "\n\ndata: [DONE]\n\n";
  const RedactedText redacted = all_.Redact(body, kNoLimit);
  EXPECT_EQ(redacted.redactions, 1);
  EXPECT_EQ(
      redacted.text,
      "event: message\n"
      R"(data: {"id":"c1","choices":[{"index":0,)"
      R"("delta":{"content":"at [redacted:email]"}}]})"
      "\n\n"
      R"(data: {"id":"c1","choices":[{"index":0,"delta":{"content":""}}]})"
      "\n\n"
      R"(data: {"id":"c1","choices":[{"index":0,"delta":{"content":" ok"}}]})"
      "\n\ndata: [DONE]\n\n");
}

TEST_F(BodyRedactorTest, EventsWithTheirDataInSeveralLinesAreLookedAtAsWell) {
  std::string body;
  for (const char* piece : {"it is sk-ab", "cdefgh", "ijklmnop"}) {
    body += absl::StrCat("data: {\"choices\": [{\"index\": 0,\ndata: ",
                         "\"delta\": {\"content\": \"", piece, "\"}}]}\n\n");
  }
  const RedactedText redacted = all_.Redact(body, kNoLimit);
  EXPECT_EQ(redacted.redactions, 1);
  EXPECT_THAT(redacted.text, Not(HasSubstr("cdefgh")));
}

TEST_F(BodyRedactorTest, ChoicesOfAStreamAreLookedAtApart) {
  const auto piece = [](int choice, std::string_view text) {
    return absl::StrCat("{\"delta\":{\"choiceIndex\":", choice, ",\"text\":\"",
                        std::string(text), "\"}}\n");
  };
  const std::string redacted =
      Redacted(piece(0, "sk-abcdefgh") + piece(1, "!!!") +
               piece(0, "ijklmnopqrst") + piece(1, "???"));
  EXPECT_EQ(redacted, piece(0, "[redacted:keys]") + piece(1, "!!!") +
                          piece(0, "") + piece(1, "???"));
}

TEST_F(BodyRedactorTest, PathsTakeOutWholeValues) {
  const BodyRedactor redactor =
      Make({.json_paths = {"metadata.user_id", "**.password", "tools"}});
  const RedactedText redacted = redactor.Redact(
      R"({"metadata":{"user_id":7,"x":1},"a":[{"password":"p"}],"tools":[{}]})",
      kNoLimit);
  EXPECT_EQ(redacted.text,
            R"({"metadata":{"user_id":"[redacted:json_path]","x":1},)"
            R"("a":[{"password":"[redacted:json_path]"}],)"
            R"("tools":"[redacted:json_path]"})");
  EXPECT_EQ(redacted.redactions, 3);
}

TEST_F(BodyRedactorTest, PathsOfAStreamBeginAtItsEvents) {
  const BodyRedactor redactor = Make({.json_paths = {"choices.*.delta"}});
  EXPECT_EQ(
      redactor.Redact("data: {\"choices\":[{\"delta\":{\"a\":1}}]}\n\n", 1000)
          .text,
      "data: {\"choices\":[{\"delta\":\"[redacted:json_path]\"}]}\n\n");
}

TEST_F(BodyRedactorTest, WhatIsNoJsonIsRedactedToo) {
  EXPECT_EQ(Redacted("mail a@b.example"), "mail [redacted:email]");
  EXPECT_EQ(Redacted("{a@b.example: 4111 1111 1111 1111}"),
            "{[redacted:email]: [redacted:card_number]}");
  EXPECT_EQ(Redacted("[4111 1111 1111 1111]"), "[[redacted:card_number]]");
}

TEST_F(BodyRedactorTest, ABodyIsCutBetweenCharactersBehindWhatIsTakenOut) {
  EXPECT_EQ(Redacted("a\xc3\xa9z", 2), "a");
  EXPECT_EQ(Redacted("a\xc3\xa9z", 3), "a\xc3\xa9");
  EXPECT_TRUE(all_.Redact("abc", 2).truncated);
  EXPECT_FALSE(all_.Redact("abc", 3).truncated);
  // What is found across the limit is not there in part.
  EXPECT_EQ(Redacted("to someone@mail.example and more", 8), "to [reda");
}

TEST_F(BodyRedactorTest, NothingMovesUpFromBehindTheLimit) {
  const std::string key = "sk-" + std::string(500, 'a');
  // Without its domain an address is not found: that is not to be kept, though
  // there is room for it now.
  const std::string body = key + " 12345 someone@";
  EXPECT_EQ(Redacted(body, key.size() + 3), "[redacted:keys] 12");
  const std::string json = absl::StrCat("{\"a\":\"", body, "\"}");
  EXPECT_EQ(Redacted(json, key.size() + 9), "{\"a\":\"[redacted:keys] 12");
}

TEST_F(BodyRedactorTest, TextsThatAreNoBodiesAreRedactedByPatterns) {
  const RedactedText redacted =
      all_.RedactText("openai: 401: key sk-abcdefghijklmnop1234 is wrong");
  EXPECT_EQ(redacted.text, "openai: 401: key [redacted:keys] is wrong");
  EXPECT_EQ(redacted.redactions, 1);
}

TEST_F(BodyRedactorTest, MistakesNameThePatternOrPath) {
  EXPECT_THAT(BodyRedactor::Make({.own = {{"mine", "("}}}).status().message(),
              HasSubstr("mine"));
  EXPECT_THAT(BodyRedactor::Make({.json_paths = {"a..b"}}).status().message(),
              HasSubstr("a..b"));
}

// Eight times the text takes some eight times as long; where each place cost
// the rest of the text it would be sixty times. It is time of the processor,
// which others' work on it does not lengthen.
TEST_F(BodyRedactorTest, TimeGrowsWithTheTextOnly) {
  const auto took = [&](size_t bytes) {
    std::string body;
    while (body.size() < bytes) body += "aaaa@bbbb 4111 1111 bearer sk-a eyJ ";
    absl::Duration best = absl::InfiniteDuration();
    for (int i = 0; i < 5; ++i) {
      const absl::Duration start = ProcessCpuTime();
      EXPECT_EQ(all_.Redact(body, kNoLimit).redactions, 0);
      best = std::min(best, ProcessCpuTime() - start);
    }
    return best;
  };
  EXPECT_LT(took(2 * 1024 * 1024), 48 * took(256 * 1024));
}

// The same of texts that are JSON in strings, in rows.
TEST_F(BodyRedactorTest, TimeGrowsWithTheTextOnlyHoweverItIsWrapped) {
  const auto took = [&](size_t bytes) {
    std::string body = "{\"content\":[";
    while (body.size() < bytes) {
      body += R"({"text":"{\"a\":\"\\u0041aaa@bbb 4111 \\\\n\"}"},)";
    }
    body += "{}]}";
    absl::Duration best = absl::InfiniteDuration();
    for (int i = 0; i < 5; ++i) {
      const absl::Duration start = ProcessCpuTime();
      EXPECT_EQ(all_.Redact(body, kNoLimit).redactions, 0);
      best = std::min(best, ProcessCpuTime() - start);
    }
    return best;
  };
  EXPECT_LT(took(2 * 1024 * 1024), 48 * took(256 * 1024));
}

}  // namespace
}  // namespace gateway
