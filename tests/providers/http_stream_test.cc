// Both forms of a stream, of both vendors: bytes and events.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "tests/providers/upstream_test.h"
#include "tests/testing/mock_upstream_process.h"
#include "tests/testing/provider_calls.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kStream = R"(,"stream":true)";
constexpr std::string_view kStreamWithUsage =
    R"(,"stream":true,"stream_options":{"include_usage":true})";

class HttpStreamTest : public UpstreamTest {
 protected:
  // Both vendors, each raw and parsed.
  struct Way {
    const Provider* provider;
    ProviderQuestion question;
    std::string name;
  };
  std::vector<Way> Ways(const std::string& model) {
    std::vector<Way> ways;
    for (const Provider* provider : {openai_.get(), anthropic_.get()}) {
      const std::string name(provider->name());
      ways.push_back({provider, Raw(model, kStream), name + " raw"});
      ways.push_back({provider, Parsed(model), name + " parsed"});
    }
    return ways;
  }

  // A stream that goes well and then the next one on the same pool.
  void ExpectAllIsWell() {
    for (const Way& way : Ways("good")) {
      EXPECT_EQ(Reason(calls_.Stream(*way.provider, way.question).status),
                "OK");
    }
  }
};

// However the bytes are cut and dressed, the meaning is the same, and raw
// bytes stay what they are.
TEST_F(HttpStreamTest, SurvivesEveryManner) {
  for (const char* manner :
       {R"("split_bytes": 1)", R"("split_bytes": 7)", R"("split_bytes": 100)",
        R"("wire_split_bytes": 1)", R"("line_ending": "crlf")",
        R"("line_ending": "cr")", R"("line_ending": "mixed")", R"("bom": true)",
        R"("comments": 2)", R"("multi_line_data": true)",
        R"("no_space": true)", R"("events_per_write": 50)",
        R"("framing": "close")", R"("framing": "content_length")",
        R"("garbage": "data_after_done")", R"("garbage": "duplicate_finish")",
        R"("line_ending": "crlf", "split_bytes": 1)"}) {
    SCOPED_TRACE(manner);
    Script("m", absl::StrCat(R"({"text": "caf\u00e9 one \ud83d\ude00 two", )",
                             manner, "}"));
    for (const Way& way : Ways("m")) {
      SCOPED_TRACE(way.name);
      const ProviderOutcome outcome =
          calls_.Stream(*way.provider, way.question);
      ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
      if (way.question.body.empty()) {
        EXPECT_EQ(TextOf(outcome.events), "café one 😀 two");
      }
    }
    const ProviderQuestion question = Raw("m", kStreamWithUsage);
    const ProviderOutcome raw = calls_.Stream(*openai_, question);
    ASSERT_EQ(Reason(raw.status), "OK") << raw.status;
    const std::string expected = Directly(*openai_, question.body);
    if (absl::StrContains(manner, "after_done")) {
      EXPECT_TRUE(absl::StartsWith(expected, raw.bytes));
    } else {
      EXPECT_EQ(raw.bytes, expected);
    }
  }
}

TEST_F(HttpStreamTest, AStreamThatEndsTooSoonIsNoSuccess) {
  for (const char* script :
       {R"({"omit_terminator": true})", R"({"end_after_chunks": 2})",
        R"({"close_after_chunks": 2})", R"({"reset_after_chunks": 2})",
        R"({"half_close_after_chunks": 2})", R"({"end_after_chunks": 0})",
        R"({"close_after_chunks": 0, "framing": "close"})"}) {
    Script("m", script);
    for (const Way& way : Ways("m")) {
      SCOPED_TRACE(absl::StrCat(script, " ", way.name));
      const ProviderOutcome outcome =
          calls_.Stream(*way.provider, way.question);
      EXPECT_EQ(Reason(outcome.status), "PROVIDER_UNAVAILABLE")
          << outcome.status;
    }
  }
}

TEST_F(HttpStreamTest, WhatCameBeforeTheBreakIsDelivered) {
  Script("m", R"({"text": "one two three four", "close_after_chunks": 2})");
  for (const Way& way : Ways("m")) {
    const ProviderOutcome outcome = calls_.Stream(*way.provider, way.question);
    EXPECT_EQ(Reason(outcome.status), "PROVIDER_UNAVAILABLE") << way.name;
    EXPECT_TRUE(outcome.content);
    if (way.question.body.empty()) {
      EXPECT_EQ(TextOf(outcome.events), "one two ");
    } else {
      EXPECT_THAT(outcome.bytes, HasSubstr("two "));
    }
  }
}

TEST_F(HttpStreamTest, AnEndWithoutAReasonIsNoSuccess) {
  // `[DONE]` comes, but no choice ever said why it ended.
  Script("m", R"({"content_type": "text/event-stream", "body":
      "data: {\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,)"
              R"(\"delta\":{\"content\":\"hi\"},\"finish_reason\":null}]})"
              R"(\n\ndata: [DONE]\n\n"})");
  for (const ProviderQuestion& question : {Raw("m", kStream), Parsed("m")}) {
    const ProviderOutcome outcome = calls_.Stream(*openai_, question);
    EXPECT_EQ(Reason(outcome.status), "PROVIDER_BAD_RESPONSE")
        << outcome.status;
  }
  Script("m", R"({"content_type": "text/event-stream",
                  "body": "data: [DONE]\n\n"})");
  for (const ProviderQuestion& question : {Raw("m", kStream), Parsed("m")}) {
    EXPECT_EQ(Reason(calls_.Stream(*openai_, question).status),
              "PROVIDER_BAD_RESPONSE");
  }
}

TEST_F(HttpStreamTest, TheLastBlankLineMayBeMissing) {
  const std::string chunk =
      R"(data: {"id":"x","model":"m","choices":[{"index":0,)"
      R"("delta":{"content":"hi"},"finish_reason":"stop"}]})";
  for (const std::string end : {"data: [DONE]", "data: [DONE]\n"}) {
    ScriptEvents("m", absl::StrCat(chunk, "\n\n", end));
    const ProviderOutcome raw = calls_.Stream(*openai_, Raw("m", kStream));
    EXPECT_EQ(Reason(raw.status), "OK") << raw.status;
    EXPECT_TRUE(absl::EndsWith(raw.bytes, "data: [DONE]\n\n")) << raw.bytes;
    const ProviderOutcome parsed = calls_.Stream(*openai_, Parsed("m"));
    EXPECT_EQ(Reason(parsed.status), "OK") << parsed.status;
    EXPECT_EQ(TextOf(parsed.events), "hi");
  }
  // What was cut off inside is no end.
  ScriptEvents("m", absl::StrCat(chunk, "\n\n", R"(data: {"id":"x)"));
  for (const ProviderQuestion& question : {Raw("m", kStream), Parsed("m")}) {
    EXPECT_EQ(Reason(calls_.Stream(*openai_, question).status),
              "PROVIDER_UNAVAILABLE");
  }
}

TEST_F(HttpStreamTest, AnErrorEventIsTheProvidersFailure) {
  Script("m", absl::StrCat(
                  R"({"text": "one two three", "error_after_chunks": 1,
                      "error": {"message": "key )",
                  std::string(kTestKey), R"( is tired"}})"));
  for (const Way& way : Ways("m")) {
    const ProviderOutcome outcome = calls_.Stream(*way.provider, way.question);
    EXPECT_EQ(Reason(outcome.status), "PROVIDER_UNAVAILABLE") << way.name;
    EXPECT_THAT(std::string(outcome.status.message()),
                HasSubstr("** is tired"));
    // The API writes its own.
    EXPECT_FALSE(absl::StrContains(outcome.bytes, "tired"));
    EXPECT_TRUE(outcome.content);
  }
}

TEST_F(HttpStreamTest, GarbageIsABadResponseAndHurtsNobodyElse) {
  for (const std::string garbage :
       {"bad_utf8", "invalid_json", "wrong_shape", "html",
        "wrong_content_type", "empty_body", "bad_status_line",
        "oversize_headers"}) {
    Script("m", absl::StrCat(R"({"garbage": ")", garbage, R"("})"));
    for (const Way& way : Ways("m")) {
      // Text that is only forwarded is its receiver's to check.
      if (garbage == "invalid_json" && way.name == "openai raw") continue;
      if (garbage == "bad_utf8" && way.name == "anthropic raw") continue;
      SCOPED_TRACE(absl::StrCat(garbage, " ", way.name));
      const ProviderOutcome outcome =
          calls_.Stream(*way.provider, way.question);
      EXPECT_EQ(Reason(outcome.status), "PROVIDER_BAD_RESPONSE")
          << outcome.status;
    }
    ExpectAllIsWell();
  }
}

TEST_F(HttpStreamTest, OddButLegalTextIsPassedIntact) {
  Script("m", R"({"text": "a", "garbage": "split_code_point"})");
  for (const Way& way : Ways("m")) {
    const ProviderOutcome outcome = calls_.Stream(*way.provider, way.question);
    EXPECT_EQ(Reason(outcome.status), "OK") << outcome.status;
    EXPECT_THAT(outcome.bytes, HasSubstr("a😀"));
  }
}

TEST_F(HttpStreamTest, NegativeUsageIsNotBelieved) {
  Script("m", R"({"text": "a", "garbage": "negative_usage"})");
  for (const Way& way : Ways("m")) {
    const ProviderOutcome outcome = calls_.Stream(*way.provider, way.question);
    EXPECT_GE(outcome.facts.usage.input_tokens(), 0) << way.name;
    EXPECT_GE(outcome.facts.usage.output_tokens(), 0) << way.name;
  }
}

TEST_F(HttpStreamTest, ALineThatNeverEndsIsBounded) {
  Script("m", R"({"garbage": "huge_line"})");
  for (const Way& way : Ways("m")) {
    const ProviderOutcome outcome = calls_.Stream(*way.provider, way.question);
    EXPECT_EQ(Reason(outcome.status), "PROVIDER_BAD_RESPONSE") << way.name;
    EXPECT_THAT(std::string(outcome.status.message()), HasSubstr("1048576"));
  }
  ExpectAllIsWell();
}

TEST_F(HttpStreamTest, AStreamGivesItsConnectionBackAfterItsEnd) {
  for (const Way& way : Ways("m")) {
    ASSERT_EQ(Reason(calls_.Stream(*way.provider, way.question).status), "OK");
    client_.Settle();
    const ProviderOutcome second = calls_.Stream(*way.provider, way.question);
    EXPECT_EQ(Reason(second.status), "OK");
    EXPECT_TRUE(second.progress.http.reused_connection) << way.name;
    EXPECT_THAT(*upstream_->Last("m"), HasSubstr("\"reused\":true"));
  }
}

TEST_F(HttpStreamTest, AStreamWhoseBodyGoesOnDoesNotHoldItsCaller) {
  // The end marker has come; the connection's own end has not.
  Script("m", R"({"text": "one", "garbage": "data_after_done",
                  "chunk_delay_ms": 1})");
  EXPECT_EQ(Reason(calls_.Stream(*openai_, Raw("m", kStream)).status), "OK");
}

TEST_F(HttpStreamTest, SilenceIsTheProvidersTimeout) {
  MakeProviders("timeouts { idle { nanos: 50000000 } }");
  Script("m", R"({"stall_after_chunks": 1})");
  for (const Way& way : Ways("m")) {
    const ProviderOutcome outcome = calls_.Stream(*way.provider, way.question);
    EXPECT_EQ(Reason(outcome.status), "PROVIDER_TIMEOUT") << outcome.status;
    EXPECT_TRUE(outcome.content);
  }
}

TEST_F(HttpStreamTest, CancelInTheMiddleReachesTheUpstream) {
  Script("m", R"({"chunks": 100, "stall_after_chunks": 2})");
  int cancelled = 0;
  for (const Way& way : Ways("m")) {
    calls_.RenewCancel();
    const ProviderOutcome outcome = calls_.Stream(
        *way.provider, way.question, [&](const ProviderOutcome& so_far) {
          if (!so_far.content) return;
          calls_.cancel().Cancel(absl::CancelledError("the client left"));
        });
    EXPECT_EQ(outcome.status.message(), "the client left") << way.name;
    EXPECT_TRUE(upstream_->WaitFor("cancelled", "m", ++cancelled).ok());
  }
}

TEST_F(HttpStreamTest, AnEventMayBeAsLargeAsTheLimitAndNoLarger) {
  const std::string frame =
      R"(data: {"id":"x","model":"m","choices":[{"index":0,)"
      R"("delta":{"content":"@"},"finish_reason":"stop"}]})"
      "\n\n";
  const size_t at = frame.find('@');
  for (const size_t more : {0, 1}) {
    // The providers' limit is 1 MiB; a text that is read off the loop.
    std::string event = frame;
    event.replace(at, 1,
                  std::string(1024 * 1024 + more + 1 - frame.size(), 'a'));
    ScriptEvents("m", absl::StrCat(event, "data: [DONE]\n\n"));
    for (const ProviderQuestion& question : {Raw("m", kStream), Parsed("m")}) {
      const ProviderOutcome outcome = calls_.Stream(*openai_, question);
      EXPECT_EQ(Reason(outcome.status),
                more == 0 ? "OK" : "PROVIDER_BAD_RESPONSE")
          << outcome.status;
      if (more == 0) continue;
      EXPECT_THAT(std::string(outcome.status.message()),
                  HasSubstr("limit of 1048576 bytes "
                            "(limits.sse_event_bytes_limit)"));
    }
  }
}

// Of an event that did not come whole nobody gets anything, and the model has
// said it: forwarded and read, it counts with what came before it.
TEST_F(HttpStreamTest, AnEventThatBreaksOffCounts) {
  const auto chunk = [](std::string_view text) {
    return absl::StrCat(R"(data: {"id":"c","choices":[{"index":0,"delta":)",
                        R"({"content":")", std::string(text));
  };
  const std::string begin =
      absl::StrCat(chunk("word"), R"("},"finish_reason":null}]})", "\n\n");
  for (const bool breaks_off : {true, false}) {
    for (const auto& [cut, said] : {std::pair<std::string, int64_t>{"", 1},
                                    {chunk(""), 1},
                                    {chunk("w"), 2},
                                    {chunk("words\\ud83d"), 3},
                                    {chunk("words more\""), 4}}) {
      std::string step;
      JsonWriter json(&step);
      json.StartObject();
      json.StringField("content_type", "text/event-stream");
      json.StringField("body", begin + cut);
      if (breaks_off) json.StringField("garbage", "short_body");
      json.EndObject();
      Script("m", step);
      const ProviderOutcome raw = calls_.Stream(*openai_, Raw("m", kStream));
      EXPECT_EQ(Reason(raw.status), "PROVIDER_UNAVAILABLE");
      EXPECT_EQ(raw.said_tokens, said) << cut;
      const ProviderOutcome read = calls_.Stream(*openai_, Parsed("m"));
      EXPECT_EQ(Reason(read.status), "PROVIDER_UNAVAILABLE");
      // What was delivered is counted by whoever gets it.
      EXPECT_EQ(read.said_tokens, said - 1) << cut;
    }
  }
}

// Where events have names, one that ends a part repeats what was said.
TEST_F(HttpStreamTest, WhatIsRepeatedCountsOnce) {
  ScriptEvents("m", R"(event: message_start
data: {"type":"message_start","message":{"id":"m","content":[]}}

event: content_block_delta
data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"word"}}

event: content_block_stop
data: {"type":"content_block_stop","text":"word)");
  EXPECT_EQ(calls_.Stream(*anthropic_, Parsed("m")).said_tokens, 0);
}

// Whoever writes it: a proxy, or another vendor's server.
TEST_F(HttpStreamTest, AnErrorInAnotherVendorsFormEndsIt) {
  for (const char* error :
       {R"({"error":{"message":"no till"}})", R"({"error":"no till"})",
        R"({"statusCode":500,"message":"no till"})"}) {
    ScriptEvents("m", absl::StrCat("data: ", error, "\n\n"));
    for (const Way& way : Ways("m")) {
      const absl::Status status =
          calls_.Stream(*way.provider, way.question).status;
      EXPECT_EQ(Reason(status), "PROVIDER_UNAVAILABLE") << way.name << error;
      EXPECT_THAT(std::string(status.message()), HasSubstr("no till"))
          << way.name << error;
    }
  }
}

}  // namespace
}  // namespace gateway
