#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/http_provider.h"
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

class HttpStreamsTest : public UpstreamTest {
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

// The stream without its events that have no choices.
std::string WithoutUsageChunk(const std::string& stream) {
  std::string kept;
  size_t at = 0;
  while (at < stream.size()) {
    const size_t end = stream.find("\n\n", at) + 2;
    const std::string event = stream.substr(at, end - at);
    if (!absl::StrContains(event, "\"choices\":[]")) kept += event;
    at = end;
  }
  return kept;
}

TEST_F(HttpStreamsTest, ForwardsAStreamByteForByte) {
  Script("m", R"({"text": "caf\u00e9 one two three", "usage":
                  {"prompt_tokens": 30, "completion_tokens": 4}})");
  struct Case {
    const Provider* provider;
    ProviderQuestion question;
  };
  for (const Case& each :
       {Case{openai_.get(), Raw("m", kStreamWithUsage)},
        Case{anthropic_.get(), Raw("m", kStream)}}) {
    const std::string expected = Directly(*each.provider, each.question.body);
    const ProviderOutcome outcome =
        calls_.Stream(*each.provider, each.question);
    ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
    EXPECT_EQ(outcome.bytes, expected);
    EXPECT_EQ(*upstream_->LastBody("m"), each.question.body);
    EXPECT_EQ(outcome.facts.usage.input_tokens(), 30);
    EXPECT_EQ(outcome.facts.usage.output_tokens(), 4);
    EXPECT_EQ(outcome.facts.finish_reason, v1::FINISH_REASON_STOP);
    EXPECT_TRUE(outcome.content);
  }
}

TEST_F(HttpStreamsTest, KeepsTheUsageThatNobodyAskedForToItself) {
  Script("m", R"({"text": "one two", "usage":
                  {"prompt_tokens": 30, "completion_tokens": 4}})");
  const ProviderQuestion question = Raw("m", kStream);
  const ProviderOutcome outcome = calls_.Stream(*openai_, question);
  ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
  // Asked for upstream, by an insertion and nothing else.
  const std::string sent = *upstream_->LastBody("m");
  EXPECT_EQ(absl::StrReplaceAll(
                sent, {{R"("stream_options":{"include_usage":true},)", ""}}),
            question.body);
  EXPECT_EQ(sent.size(), question.body.size() + 40);
  // Recorded, and not passed on.
  EXPECT_EQ(outcome.facts.usage.output_tokens(), 4);
  const std::string whole = Directly(*openai_, sent);
  EXPECT_EQ(outcome.bytes, WithoutUsageChunk(whole));
  EXPECT_LT(outcome.bytes.size(), whole.size());
  EXPECT_TRUE(absl::EndsWith(outcome.bytes, "data: [DONE]\n\n"));
}

TEST_F(HttpStreamsTest, UsageThatComesWithContentIsNotStripped) {
  for (const char* where : {"finish_chunk", "every_chunk"}) {
    Script("m", absl::StrCat(R"({"text": "one two", "usage_in": ")", where,
                             R"(", "usage": {"prompt_tokens": 30,
                                             "completion_tokens": 4}})"));
    const ProviderOutcome outcome =
        calls_.Stream(*openai_, Raw("m", kStream));
    ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
    EXPECT_EQ(outcome.facts.usage.output_tokens(), 4);
    EXPECT_EQ(WithoutUsageChunk(outcome.bytes), outcome.bytes);
    EXPECT_THAT(outcome.bytes, HasSubstr("\"two\""));
  }
}

TEST_F(HttpStreamsTest, ReadsAStream) {
  Script("m", R"({"text": "one two three", "usage":
                  {"prompt_tokens": 30, "completion_tokens": 4}})");
  for (const Provider* provider : {openai_.get(), anthropic_.get()}) {
    const ProviderOutcome outcome = calls_.Stream(*provider, Parsed("m"));
    ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
    EXPECT_EQ(TextOf(outcome.events), "one two three");
    EXPECT_TRUE(outcome.events[0].has_started());
    int ends = 0;
    for (const v1::GenerateEvent& event : outcome.events) {
      ends += event.has_choice_end();
      EXPECT_FALSE(event.has_end());  // The pipeline's.
    }
    EXPECT_EQ(ends, 1);
    EXPECT_TRUE(outcome.facts.has_usage);
    EXPECT_EQ(outcome.facts.usage.input_tokens(), 30);
    EXPECT_EQ(outcome.facts.usage.output_tokens(), 4);
    EXPECT_EQ(outcome.facts.finish_reason, v1::FINISH_REASON_STOP);
  }
}

TEST_F(HttpStreamsTest, ReadsToolCallsAndReasoning) {
  Script("m", R"({"reasoning": {"text": "Hmm.", "signature": "abc="},
                  "tool_calls": [{"name": "f", "arguments": "{\"a\":1}"}]})");
  for (const Provider* provider : {openai_.get(), anthropic_.get()}) {
    const ProviderOutcome outcome = calls_.Stream(*provider, Parsed("m"));
    ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
    std::string reasoning;
    std::string name;
    std::string arguments;
    for (const v1::GenerateEvent& event : outcome.events) {
      reasoning += event.delta().reasoning();
      name += event.delta().tool_call().name();
      arguments += event.delta().tool_call().arguments();
    }
    EXPECT_EQ(reasoning, "Hmm.");
    EXPECT_EQ(name, "f");
    EXPECT_EQ(arguments, "{\"a\":1}");
    EXPECT_EQ(outcome.facts.finish_reason, v1::FINISH_REASON_TOOL_CALLS);
  }
}

// However the bytes are cut and dressed, the meaning is the same, and raw
// bytes stay what they are.
TEST_F(HttpStreamsTest, SurvivesEveryManner) {
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

TEST_F(HttpStreamsTest, AStreamThatEndsTooSoonIsNoSuccess) {
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

TEST_F(HttpStreamsTest, WhatCameBeforeTheBreakIsDelivered) {
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

TEST_F(HttpStreamsTest, AnEndWithoutAReasonIsNoSuccess) {
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

TEST_F(HttpStreamsTest, TheLastBlankLineMayBeMissing) {
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

TEST_F(HttpStreamsTest, AnErrorEventIsTheProvidersFailure) {
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

TEST_F(HttpStreamsTest, GarbageIsABadResponseAndHurtsNobodyElse) {
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

TEST_F(HttpStreamsTest, OddButLegalTextIsPassedIntact) {
  Script("m", R"({"text": "a", "garbage": "split_code_point"})");
  for (const Way& way : Ways("m")) {
    const ProviderOutcome outcome = calls_.Stream(*way.provider, way.question);
    EXPECT_EQ(Reason(outcome.status), "OK") << outcome.status;
    EXPECT_THAT(outcome.bytes, HasSubstr("a😀"));
  }
}

TEST_F(HttpStreamsTest, NegativeUsageIsNotBelieved) {
  Script("m", R"({"text": "a", "garbage": "negative_usage"})");
  for (const Way& way : Ways("m")) {
    const ProviderOutcome outcome = calls_.Stream(*way.provider, way.question);
    EXPECT_GE(outcome.facts.usage.input_tokens(), 0) << way.name;
    EXPECT_GE(outcome.facts.usage.output_tokens(), 0) << way.name;
  }
}

TEST_F(HttpStreamsTest, ALineThatNeverEndsIsBounded) {
  Script("m", R"({"garbage": "huge_line"})");
  for (const Way& way : Ways("m")) {
    const ProviderOutcome outcome = calls_.Stream(*way.provider, way.question);
    EXPECT_EQ(Reason(outcome.status), "PROVIDER_BAD_RESPONSE") << way.name;
    EXPECT_THAT(std::string(outcome.status.message()), HasSubstr("1048576"));
  }
  ExpectAllIsWell();
}

TEST_F(HttpStreamsTest, TheEventLimitIsExact) {
  // A comment of exactly this size, its blank line included.
  const auto script = [&](size_t size) {
    Script("m", absl::StrCat(
                    R"({"content_type": "text/event-stream", "body": ":)",
                    std::string(size - 3, 'x'), R"(\n\n"})"));
  };
  const std::unique_ptr<Provider> small = Make(
      absl::StrCat("name: 'small' openai { base_url: 'http://",
                   upstream_->address(), "/v1' }"),
      /*event_bytes_limit=*/5000);
  script(5000);
  EXPECT_EQ(Reason(calls_.Stream(*small, Raw("m", kStream)).status),
            "PROVIDER_UNAVAILABLE");  // It ends without an answer.
  script(5001);
  EXPECT_EQ(Reason(calls_.Stream(*small, Raw("m", kStream)).status),
            "PROVIDER_BAD_RESPONSE");
}

TEST_F(HttpStreamsTest, AStreamGivesItsConnectionBackAfterItsEnd) {
  for (const Way& way : Ways("m")) {
    ASSERT_EQ(Reason(calls_.Stream(*way.provider, way.question).status), "OK");
    client_.Settle();
    const ProviderOutcome second = calls_.Stream(*way.provider, way.question);
    EXPECT_EQ(Reason(second.status), "OK");
    EXPECT_TRUE(second.progress.http.reused_connection) << way.name;
    EXPECT_THAT(*upstream_->Last("m"), HasSubstr("\"reused\":true"));
  }
}

TEST_F(HttpStreamsTest, AStreamWhoseBodyGoesOnDoesNotHoldItsCaller) {
  // The end marker has come; the connection's own end has not.
  Script("m", R"({"text": "one", "garbage": "data_after_done",
                  "chunk_delay_ms": 1})");
  EXPECT_EQ(Reason(calls_.Stream(*openai_, Raw("m", kStream)).status), "OK");
}

TEST_F(HttpStreamsTest, SilenceIsTheProvidersTimeout) {
  MakeProviders("timeouts { idle { nanos: 50000000 } }");
  Script("m", R"({"stall_after_chunks": 1})");
  for (const Way& way : Ways("m")) {
    const ProviderOutcome outcome = calls_.Stream(*way.provider, way.question);
    EXPECT_EQ(Reason(outcome.status), "PROVIDER_TIMEOUT") << outcome.status;
    EXPECT_TRUE(outcome.content);
  }
}

TEST_F(HttpStreamsTest, CancelInTheMiddleReachesTheUpstream) {
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

TEST_F(HttpStreamsTest, AReaderWhoDoesNotReadHoldsTheUpstreamBack) {
  Script("m", R"({"chunks": 20000, "chunk_bytes": 1000})");
  bool checked = false;
  calls_.Stream(*openai_, Raw("m", kStream),
                [&](const ProviderOutcome& so_far) {
                  if (checked || !so_far.content) return;
                  checked = true;
                  // The loop stands still here, and so does the upstream as
                  // soon as the kernel's buffers are full.
                  int64_t before = -1;
                  int64_t now = Stat("m", "bytes_written");
                  for (int i = 0; i < 200 && now != before; ++i) {
                    before = now;
                    (void)upstream_->WaitFor("served", "m", 1,
                                             absl::Milliseconds(50));
                    now = Stat("m", "bytes_written");
                  }
                  EXPECT_EQ(now, before);
                  EXPECT_LT(now, 20'000'000);
                });
  EXPECT_TRUE(checked);
  EXPECT_EQ(Stat("m", "served"), 1);
}

}  // namespace
}  // namespace gateway
