#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "tests/providers/upstream_test.h"
#include "tests/testing/provider_calls.h"

namespace gateway {
namespace {

class ParsedHttpStreamTest : public UpstreamTest {};

TEST_F(ParsedHttpStreamTest, ReadsAStream) {
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

TEST_F(ParsedHttpStreamTest, ReadsToolCallsAndReasoning) {
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

TEST_F(ParsedHttpStreamTest, OfALargeEventOnlyWhatWasReadIsHeld) {
  const size_t bytes = 600 * 1024;
  Script("m", absl::StrCat(R"({"chunks": 1, "chunk_bytes": )", bytes, "}"));
  size_t large = 0;
  const ProviderOutcome outcome =
      calls_.Stream(*openai_, Parsed("m"), [&](const ProviderOutcome& so_far) {
        if (TextOf(so_far.events).empty()) return;
        ++large;
        // What came has been given back.
        EXPECT_EQ(client_.loop().answer_bytes().used_bytes(), 0u);
      });
  ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
  EXPECT_EQ(TextOf(outcome.events).size(), bytes);
  EXPECT_GT(large, 0u);
}

}  // namespace
}  // namespace gateway
