#include "providers/refused_answer.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/provider.h"
#include "tests/providers/upstream_test.h"
#include "tests/testing/provider_calls.h"

namespace gateway {
namespace {

using Answer = AttemptProgress::Answer;

constexpr std::string_view kOtherTypes[] = {"text/plain", "text/html",
                                            "application/octet-stream"};

class RefusedAnswerTest : public UpstreamTest {
 protected:
  void ScriptBody(std::string_view type, std::string_view body) {
    Script("m",
           absl::StrCat(R"({"content_type": ")", std::string(type),
                        R"(", "body": ")",
                        absl::StrReplaceAll(
                            std::string(body),
                            {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}),
                        R"("})"));
  }
  // What comes of asking for the whole of it, and for a stream, as bytes and
  // read.
  std::vector<ProviderOutcome> AskEach(const Provider& provider) {
    std::vector<ProviderOutcome> outcomes;
    for (const ProviderQuestion& question : {Raw("m"), Parsed("m")}) {
      outcomes.push_back(calls_.Generate(provider, question));
      outcomes.push_back(calls_.Stream(provider, question));
    }
    return outcomes;
  }
  // By estimate, from what a stream has told as it went.
  static int64_t SaidTokens(const ProviderOutcome& outcome) {
    return outcome.progress.unasked->output_tokens;
  }
  static int64_t OutputTokens(const ProviderOutcome& outcome) {
    return outcome.progress.unasked->response.usage().output_tokens();
  }
};

TEST_F(RefusedAnswerTest, AnAnswerUnderAnotherTypeIsReadForWhatItCost) {
  for (const std::string_view type : kOtherTypes) {
    ScriptBody(type, R"({"id":"c","choices":[{"index":0,"message":
        {"role":"assistant","content":"some words"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":100,"completion_tokens":500}})");
    for (const ProviderOutcome& outcome : AskEach(*openai_)) {
      EXPECT_EQ(Reason(outcome.status), "PROVIDER_BAD_RESPONSE");
      EXPECT_EQ(outcome.progress.answer, Answer::kWhole);
      ASSERT_NE(outcome.progress.unasked, nullptr);
      EXPECT_TRUE(outcome.progress.unasked->usage_is_final);
      EXPECT_EQ(OutputTokens(outcome), 500);
      EXPECT_EQ(SaidTokens(outcome), 3);
    }
  }
}

TEST_F(RefusedAnswerTest, SoIsAStream) {
  for (const std::string_view type : kOtherTypes) {
    ScriptBody(type,
               "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":"
               "{\"content\":\"some words\"},\"finish_reason\":\"stop\"}],"
               "\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":500}}"
               "\n\ndata: [DONE]\n\n");
    for (const ProviderOutcome& outcome : AskEach(*openai_)) {
      EXPECT_EQ(Reason(outcome.status), "PROVIDER_BAD_RESPONSE");
      EXPECT_EQ(outcome.progress.answer, Answer::kStream);
      ASSERT_NE(outcome.progress.unasked, nullptr);
      EXPECT_TRUE(outcome.progress.unasked->usage_is_final);
      EXPECT_EQ(OutputTokens(outcome), 500);
      EXPECT_EQ(SaidTokens(outcome), 500);
    }
  }
}

TEST_F(RefusedAnswerTest, WhatIsNoJsonIsTextOrBytes) {
  ScriptBody("text/plain", "some words");
  for (const ProviderOutcome& outcome : AskEach(*openai_)) {
    EXPECT_EQ(outcome.progress.answer, Answer::kWhole);
    ASSERT_NE(outcome.progress.unasked, nullptr);
    EXPECT_FALSE(outcome.progress.unasked->usage_is_final);
    EXPECT_EQ(SaidTokens(outcome), 3);
  }
  Script("m", R"({"content_type": "application/octet-stream",
                  "text": "words", "garbage": "bad_utf8"})");
  const ProviderOutcome outcome = calls_.Generate(*openai_, Raw("m"));
  EXPECT_EQ(outcome.progress.answer, Answer::kWhole);
  EXPECT_GT(outcome.progress.http.body_bytes, 0U);
}

TEST_F(RefusedAnswerTest, APageIsNobodysWork) {
  const std::string page = "\n<!DOCTYPE html><html><body>words</body></html>";
  for (const char* type : {"text/html", "Text/HTML; charset=utf-8",
                           "application/xhtml+xml", "text/plain", "a/b"}) {
    ScriptBody(type, page);
    for (const ProviderOutcome& outcome : AskEach(*openai_)) {
      EXPECT_EQ(Reason(outcome.status), "PROVIDER_BAD_RESPONSE");
      EXPECT_EQ(outcome.progress.answer, Answer::kNone) << type;
      EXPECT_EQ(outcome.progress.unasked, nullptr);
    }
  }
}

// Each under the media type of the other, or under its own where the other was
// asked for.
class OtherFormTest : public RefusedAnswerTest {
 protected:
  static constexpr std::string_view kTypes[] = {"application/json",
                                                "text/event-stream"};
  static constexpr std::string_view kWhole =
      R"({"id":"c","choices":[{"index":0,"message":{"role":"assistant",)"
      R"("content":"some words"},"finish_reason":"stop"}],)"
      R"("usage":{"prompt_tokens":100,"completion_tokens":500}})";

  static constexpr const char* kEvents =
      "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
      "\"some words\"},\"finish_reason\":\"stop\"}],\"usage\":"
      "{\"prompt_tokens\":100,\"completion_tokens\":500}}\n\n"
      "data: [DONE]\n\n";

  static void ExpectRefused(const ProviderOutcome& outcome, Answer answer) {
    EXPECT_EQ(Reason(outcome.status), "PROVIDER_BAD_RESPONSE");
    EXPECT_THAT(std::string(outcome.status.message()),
                testing::Not(testing::HasSubstr("words")));
    EXPECT_EQ(outcome.progress.answer, answer);
    ASSERT_NE(outcome.progress.unasked, nullptr);
    EXPECT_TRUE(outcome.progress.unasked->usage_is_final);
    EXPECT_EQ(OutputTokens(outcome), 500);
    EXPECT_EQ(SaidTokens(outcome), answer == Answer::kStream ? 500 : 3);
  }
};

TEST_F(OtherFormTest, AnObjectIsNoStreamWhateverItIsCalled) {
  for (const std::string_view type : kTypes) {
    for (const std::string_view before : {"", "\n \n"}) {
      ScriptBody(type, absl::StrCat(std::string(before), std::string(kWhole)));
      ExpectRefused(calls_.Stream(*openai_, Raw("m")), Answer::kWhole);
      ExpectRefused(calls_.Stream(*openai_, Parsed("m")), Answer::kWhole);
    }
  }
  // Nor is it one where it is what was asked for, under the stream's name.
  ScriptBody("text/event-stream", kWhole);
  ExpectRefused(calls_.Generate(*openai_, Raw("m")), Answer::kWhole);
  ExpectRefused(calls_.Generate(*openai_, Parsed("m")), Answer::kWhole);
}

TEST_F(OtherFormTest, AListOfOneAnswerIsThatAnswer) {
  for (const std::string_view type : kTypes) {
    ScriptBody(type, absl::StrCat("[", std::string(kWhole), "]"));
    for (const ProviderOutcome& outcome : AskEach(*openai_)) {
      ExpectRefused(outcome, Answer::kWhole);
    }
  }
}

TEST_F(OtherFormTest, EventsAreNoWholeAnswer) {
  for (const std::string_view begin : {"", ": keep-alive\n\n", "\n\n"}) {
    ScriptBody("application/json", absl::StrCat(std::string(begin), kEvents));
    for (const ProviderOutcome& outcome : AskEach(*openai_)) {
      ExpectRefused(outcome, Answer::kStream);
    }
  }
}

TEST_F(OtherFormTest, WhatIsNeitherIsBilledByItsSize) {
  for (const std::string_view type : kTypes) {
    ScriptBody(type, "[1, 2, \"some words\"]");
    for (const ProviderOutcome& outcome : AskEach(*openai_)) {
      EXPECT_EQ(Reason(outcome.status), "PROVIDER_BAD_RESPONSE");
      EXPECT_EQ(outcome.progress.answer, Answer::kWhole);
      EXPECT_EQ(outcome.progress.unasked, nullptr);
    }
  }
}

TEST_F(OtherFormTest, APageIsNobodysWorkUnderAnyName) {
  for (const std::string_view type : kTypes) {
    ScriptBody(type, "<!doctype html><p>words");
    for (const ProviderOutcome& outcome : AskEach(*openai_)) {
      EXPECT_EQ(Reason(outcome.status), "PROVIDER_BAD_RESPONSE");
      EXPECT_EQ(outcome.progress.answer, Answer::kNone);
      EXPECT_EQ(outcome.progress.unasked, nullptr);
    }
  }
}

TEST_F(OtherFormTest, AFailureThatIsToldStaysOne) {
  const std::string_view error =
      R"({"error":{"message":"slow down","type":"x","code":"rate_limit_exceeded"}})";
  for (const std::string_view type : kTypes) {
    for (const std::string& body :
         {std::string(error), absl::StrCat("[", std::string(error), "]")}) {
      ScriptBody(type, body);
      for (const ProviderOutcome& outcome : AskEach(*openai_)) {
        EXPECT_EQ(Reason(outcome.status), "PROVIDER_RATE_LIMITED")
            << type << body << outcome.status;
      }
    }
  }
}

// Whole answers of which the beginning comes, forwarded and read.
class CutAnswerTest : public RefusedAnswerTest {
 protected:
  // The connection breaks off behind `body`, or ends there as it may.
  std::vector<ProviderOutcome> Ask(std::string_view body, bool breaks_off) {
    std::string step;
    JsonWriter json(&step);
    json.StartObject();
    json.StringField("content_type", "application/json");
    json.StringField("body", body);
    if (breaks_off) json.StringField("garbage", "short_body");
    json.EndObject();
    Script("m", step);
    std::vector<ProviderOutcome> outcomes;
    outcomes.push_back(calls_.Generate(*openai_, Raw("m")));
    outcomes.push_back(calls_.Generate(*openai_, Parsed("m")));
    return outcomes;
  }
  void Expect(std::string_view body, int64_t input, int64_t output,
              int64_t said) {
    for (const bool breaks_off : {true, false}) {
      for (const ProviderOutcome& outcome : Ask(body, breaks_off)) {
        EXPECT_EQ(Reason(outcome.status), breaks_off ? "PROVIDER_UNAVAILABLE"
                                                     : "PROVIDER_BAD_RESPONSE");
        EXPECT_EQ(outcome.progress.answer, Answer::kWhole);
        ASSERT_NE(outcome.progress.unasked, nullptr);
        const UnaskedAnswer& came = *outcome.progress.unasked;
        EXPECT_FALSE(came.usage_is_final);
        EXPECT_EQ(came.response.usage().input_tokens(), input) << body;
        EXPECT_EQ(OutputTokens(outcome), output) << body;
        EXPECT_EQ(SaidTokens(outcome), said) << body;
      }
    }
  }
};

TEST_F(CutAnswerTest, WhatCameOfItIsRead) {
  const std::string begin = R"({"id":"c","choices":[{"index":0,"message":{)";
  const std::string text = begin + R"("role":"assistant","content":"some wor)";
  Expect("{", 0, 0, 0);
  Expect(begin, 0, 0, 0);
  Expect(text, 0, 0, 2);
  Expect(text + "ds\\", 0, 0, 3);
  const std::string usage = text + R"(ds"}}],"usage":{"prompt_tokens":100,)";
  Expect(usage + R"("completion_tokens":5)", 100, 0, 3);
  Expect(usage + R"("completion_tokens":500})", 100, 500, 3);
}

TEST_F(CutAnswerTest, ACountThatIsNoNumberLeavesTheOthers) {
  const std::string begin =
      R"({"id":"c","choices":[{"index":0,"message":{"role":"assistant",)"
      R"("content":"some words"}}],"usage":{"prompt_tokens":)";
  for (const char* const no_number : {"NaN", "-Infinity", "1e400", "-5"}) {
    Expect(absl::StrCat(begin, no_number, R"(,"completion_tokens":500}})"), 0,
           500, 3);
  }
  Expect(begin + R"(100,"completion_tokens":NaN}})", 100, 0, 3);
}

TEST_F(CutAnswerTest, ItsTextCountsThoughTheRestMakesNoSense) {
  const std::string begin =
      R"({"id":"c","choices":[{"index":0,"message":{"content":"some words",)";
  // A call that has no name yet, which no reader takes.
  Expect(begin + R"("tool_calls":[{"id":"c")", 0, 0, 3);
  Expect(begin + R"("tool_calls":[{"id":"c","function":{"name":"abcd")", 0, 0,
         4);
}

TEST_F(CutAnswerTest, HalfATierIsNone) {
  const std::string begin =
      R"({"id":"c","choices":[{"message":{}}],"service_tier":"flex)";
  for (const bool is_whole : {false, true}) {
    for (const ProviderOutcome& outcome :
         Ask(absl::StrCat(begin, is_whole ? "\"" : ""), true)) {
      ASSERT_NE(outcome.progress.unasked, nullptr);
      EXPECT_EQ(outcome.progress.unasked->response.service_tier(),
                is_whole ? "flex" : "");
    }
  }
}

TEST_F(CutAnswerTest, AFailureThatItTellsStaysOne) {
  for (const bool breaks_off : {true, false}) {
    for (const ProviderOutcome& outcome :
         Ask(R"({"error":{"code":429,"message":"slow do)", breaks_off)) {
      EXPECT_EQ(Reason(outcome.status), "PROVIDER_RATE_LIMITED");
    }
  }
}

TEST_F(CutAnswerTest, APageIsNobodysWork) {
  for (const ProviderOutcome& outcome : Ask("<html>words", true)) {
    EXPECT_EQ(Reason(outcome.status), "PROVIDER_UNAVAILABLE");
    EXPECT_EQ(outcome.progress.answer, Answer::kNone);
  }
}

// Whoever speaks in the provider's place: a proxy, or another vendor's server.
TEST_F(RefusedAnswerTest, AFailureIsToldInWhicheverForm) {
  for (const char* error :
       {R"({"error":{"message":"no till","type":"api_error"}})",
        R"({"error":"no till"})",
        R"({"type":"error","error":{"type":"api_error","message":"no till"}})",
        R"({"error":{"code":500,"message":"no till","status":"INTERNAL"}})",
        R"({"statusCode":500,"message":"no till"})"}) {
    for (const char* type : {"application/json", "text/plain"}) {
      ScriptBody(type, error);
      for (const Provider* provider : {openai_.get(), anthropic_.get()}) {
        for (const ProviderOutcome& outcome : AskEach(*provider)) {
          EXPECT_EQ(Reason(outcome.status), "PROVIDER_UNAVAILABLE") << error;
          EXPECT_THAT(std::string(outcome.status.message()),
                      testing::HasSubstr("no till"));
        }
      }
    }
  }
}

// As Gemini answers who asks for a stream, and not for server-sent events.
class ListedEventsTest : public RefusedAnswerTest {
 protected:
  void SetUp() override {
    RefusedAnswerTest::SetUp();
    gemini_ = Make(absl::StrCat("name: 'gemini' gemini { base_url: 'http://",
                                upstream_->address(), "' }"));
  }
  ProviderOutcome Ask(std::string_view list) {
    ScriptBody("application/json; charset=UTF-8", list);
    return calls_.Stream(*gemini_, Parsed("m"));
  }
  std::unique_ptr<Provider> gemini_;
};

TEST_F(ListedEventsTest, AreReadAsOnesOfAStream) {
  const ProviderOutcome whole = Ask(R"([{
    "candidates": [{"content": {"parts": [{"text": "some "}]}}],
    "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 2}
  },
  {
    "candidates": [{"content": {"parts": [{"text": "words\n"}]},
                    "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 500}
  }
])");
  EXPECT_EQ(Reason(whole.status), "PROVIDER_BAD_RESPONSE");
  EXPECT_EQ(whole.progress.answer, Answer::kStream);
  ASSERT_NE(whole.progress.unasked, nullptr);
  EXPECT_EQ(SaidTokens(whole), 500);
  EXPECT_EQ(OutputTokens(whole), 500);
  EXPECT_TRUE(whole.progress.unasked->usage_is_final);
}

TEST_F(ListedEventsTest, ThatIsNoWholeAnswerEither) {
  ScriptBody("application/json", R"([{
    "candidates": [{"content": {"parts": [{"text": "some "}]}}]},
    {"candidates": [{"content": {"parts": [{"text": "words"}]},
                     "finishReason": "STOP"}],
     "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 500}}
  ])");
  const ProviderOutcome whole = calls_.Generate(*gemini_, Parsed("m"));
  EXPECT_EQ(Reason(whole.status), "PROVIDER_BAD_RESPONSE");
  EXPECT_THAT(std::string(whole.status.message()),
              testing::HasSubstr("is not a JSON object but a list under "
                                 "application/json, of "));
  EXPECT_EQ(whole.progress.answer, Answer::kStream);
  ASSERT_NE(whole.progress.unasked, nullptr);
  EXPECT_EQ(OutputTokens(whole), 500);
  EXPECT_TRUE(whole.progress.unasked->usage_is_final);
}

TEST_F(ListedEventsTest, AnErrorAmongThemKeepsItsReason) {
  const ProviderOutcome outcome = Ask(
      R"([{"error": {"code": 429, "message": "slow down",
                     "status": "RESOURCE_EXHAUSTED"}}])");
  EXPECT_EQ(Reason(outcome.status), "PROVIDER_RATE_LIMITED") << outcome.status;
}

}  // namespace
}  // namespace gateway
