#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/provider.h"
#include "tests/providers/upstream_test.h"
#include "tests/testing/provider_calls.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kRawStream = R"(,"stream":true)";
constexpr std::string_view kRawStreamWithUsage =
    R"(,"stream":true,"stream_options":{"include_usage":true})";

class RawHttpStreamTest : public UpstreamTest {};

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

TEST_F(RawHttpStreamTest, ForwardsAStreamByteForByte) {
  Script("m", R"({"text": "caf\u00e9 one two three", "usage":
                  {"prompt_tokens": 30, "completion_tokens": 4}})");
  struct Case {
    const Provider* provider;
    ProviderQuestion question;
  };
  for (const Case& each : {Case{openai_.get(), Raw("m", kRawStreamWithUsage)},
                           Case{anthropic_.get(), Raw("m", kRawStream)}}) {
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

TEST_F(RawHttpStreamTest, KeepsTheUsageThatNobodyAskedForToItself) {
  Script("m", R"({"text": "one two", "usage":
                  {"prompt_tokens": 30, "completion_tokens": 4}})");
  const ProviderQuestion question = Raw("m", kRawStream);
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

TEST_F(RawHttpStreamTest, UsageThatComesWithContentIsNotStripped) {
  for (const char* where : {"finish_chunk", "every_chunk"}) {
    Script("m", absl::StrCat(R"({"text": "one two", "usage_in": ")", where,
                             R"(", "usage": {"prompt_tokens": 30,
                                             "completion_tokens": 4}})"));
    const ProviderOutcome outcome =
        calls_.Stream(*openai_, Raw("m", kRawStream));
    ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
    EXPECT_EQ(outcome.facts.usage.output_tokens(), 4);
    EXPECT_EQ(WithoutUsageChunk(outcome.bytes), outcome.bytes);
    EXPECT_THAT(outcome.bytes, HasSubstr("\"two\""));
  }
}

// A stream of events of Chat Completions with these members beside `id`.
std::string StreamOf(const std::vector<std::string>& events) {
  std::string body;
  for (const std::string& event : events) {
    absl::StrAppend(&body, R"(data: {\"id\":\"c\",)",
                    absl::StrReplaceAll(event, {{"\"", "\\\""}}), R"(}\n\n)");
  }
  return absl::StrCat(R"({"content_type": "text/event-stream", "body": ")",
                      body, R"("})");
}

std::string Says(std::string_view text) {
  return absl::StrCat(R"("choices":[{"index":0,"delta":{"content":")",
                      std::string(text), R"("},"finish_reason":null}])");
}

std::string Tells(int64_t tokens) {
  return absl::StrCat(R"(,"usage":{"prompt_tokens":50,"completion_tokens":)",
                      tokens, "}");
}

// Of what came after it nobody has told.
TEST_F(RawHttpStreamTest, KnowsWhatWasSaidWithTheLastCount) {
  Script("m", StreamOf({Says("") + Tells(1), Says("1234") + Tells(11),
                        Says("5678") + Tells(15), Says("9012"), Says("3456")}));
  const ProviderOutcome outcome = calls_.Stream(*openai_, Raw("m", kRawStream));
  EXPECT_EQ(Reason(outcome.status), "PROVIDER_UNAVAILABLE");
  EXPECT_EQ(outcome.said_tokens, 15 + 2);
}

TEST_F(RawHttpStreamTest, TextBesideUsageThatCannotBeReadIsSaid) {
  Script("m", StreamOf({Says("1234") + Tells(9), Says("56789") + Tells(-1)}));
  const ProviderOutcome outcome = calls_.Stream(*openai_, Raw("m", kRawStream));
  EXPECT_EQ(Reason(outcome.status), "PROVIDER_BAD_RESPONSE");
  EXPECT_EQ(outcome.said_tokens, 9 + 2);
}

TEST_F(RawHttpStreamTest, TheEventLimitIsExact) {
  // A comment of exactly this size, its blank line included.
  const auto script = [&](size_t size) {
    Script("m",
           absl::StrCat(R"({"content_type": "text/event-stream", "body": ":)",
                        std::string(size - 3, 'x'), R"(\n\n"})"));
  };
  const std::unique_ptr<Provider> small =
      Make(absl::StrCat("name: 'small' openai { base_url: 'http://",
                        upstream_->address(), "/v1' }"),
           /*event_bytes_limit=*/5000);
  script(5000);
  EXPECT_EQ(Reason(calls_.Stream(*small, Raw("m", kRawStream)).status),
            "PROVIDER_UNAVAILABLE");  // It ends without an answer.
  script(5001);
  EXPECT_EQ(Reason(calls_.Stream(*small, Raw("m", kRawStream)).status),
            "PROVIDER_BAD_RESPONSE");
}

TEST_F(RawHttpStreamTest, AReaderWhoDoesNotReadHoldsTheUpstreamBack) {
  Script("m", R"({"chunks": 20000, "chunk_bytes": 1000})");
  bool checked = false;
  calls_.Stream(
      *openai_, Raw("m", kRawStream), [&](const ProviderOutcome& so_far) {
        if (checked || !so_far.content) return;
        checked = true;
        // The loop stands still here, and so does the upstream as
        // soon as the kernel's buffers are full.
        int64_t before = -1;
        int64_t now = Stat("m", "bytes_written");
        for (int i = 0; i < 200 && now != before; ++i) {
          before = now;
          // It is not served meanwhile; this only gives the kernel time.
          upstream_->WaitFor("served", "m", 1, absl::Milliseconds(50))
              .IgnoreError();
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
