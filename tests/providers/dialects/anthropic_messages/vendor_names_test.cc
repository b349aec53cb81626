#include "providers/dialects/anthropic_messages/vendor_names.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text/json.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::anthropic {
namespace {

TEST(StopReasonTest, EveryWordReadsBackAsItself) {
  for (const std::string_view word :
       {"end_turn", "stop_sequence", "max_tokens",
        "model_context_window_exceeded", "tool_use", "refusal", "pause_turn"}) {
    const v1::FinishReason reason = FinishReasonOfWord(word);
    EXPECT_NE(reason, v1::FINISH_REASON_UNSPECIFIED) << word;
    EXPECT_EQ(StopReasonWord(reason, word, ""), word);
  }
}

TEST(StopReasonTest, WordsOfOtherFormatsAreTranslated) {
  EXPECT_EQ(StopReasonWord(v1::FINISH_REASON_STOP, "stop", ""), "end_turn");
  EXPECT_EQ(StopReasonWord(v1::FINISH_REASON_STOP, "stop", "END"),
            "stop_sequence");
  EXPECT_EQ(StopReasonWord(v1::FINISH_REASON_LENGTH, "length", ""),
            "max_tokens");
  EXPECT_EQ(StopReasonWord(v1::FINISH_REASON_TOOL_CALLS, "tool_calls", ""),
            "tool_use");
  EXPECT_EQ(StopReasonWord(v1::FINISH_REASON_CONTENT_FILTER, "", ""),
            "refusal");
  EXPECT_EQ(StopReasonWord(v1::FINISH_REASON_UNSPECIFIED, "", ""), "end_turn");
}

TEST(StopReasonTest, AWordThatContradictsTheReasonIsNotUsed) {
  EXPECT_EQ(StopReasonWord(v1::FINISH_REASON_TOOL_CALLS, "end_turn", ""),
            "tool_use");
}

TEST(StopReasonTest, AToolCallMakesATurnThatWaitsForTools) {
  EXPECT_EQ(FinishReasonOfTurn("end_turn", true, true),
            v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_EQ(FinishReasonOfTurn("max_tokens", true, true),
            v1::FINISH_REASON_LENGTH);
  EXPECT_EQ(FinishReasonOfTurn("refusal", true, true),
            v1::FINISH_REASON_CONTENT_FILTER);
}

TEST(StopReasonTest, AnUnknownWordIsAStopOnlyIfSomethingWasSaid) {
  EXPECT_EQ(FinishReasonOfTurn("bored", false, true), v1::FINISH_REASON_STOP);
  EXPECT_EQ(FinishReasonOfTurn("bored", false, false), v1::FINISH_REASON_ERROR);
}

TEST(EffortTest, EveryWordReadsBackAsItself) {
  for (const std::string_view word :
       {"low", "medium", "high", "xhigh", "max"}) {
    EXPECT_EQ(WordOfEffort(EffortOfWord(word)), word);
  }
  EXPECT_EQ(EffortOfWord("minimal"), v1::ReasoningSettings::EFFORT_UNSPECIFIED);
  EXPECT_EQ(WordOfEffort(v1::ReasoningSettings::EFFORT_MINIMAL), "low");
  EXPECT_EQ(WordOfEffort(v1::ReasoningSettings::EFFORT_NONE), "");
}

absl::Status ReadInto(std::string_view text, WireUsage& usage,
                      ExtensionList* extensions = nullptr) {
  return ReadJson(
      text, [&](JsonValue& root) { return usage.Read(root, extensions); });
}

TEST(WireUsageTest, CountsCachedTokensAsInput) {
  WireUsage usage;
  ASSERT_TRUE(ReadInto(R"({"input_tokens":40,"cache_creation_input_tokens":300,
                       "cache_read_input_tokens":1000,"output_tokens":22,
                       "cache_creation":{"ephemeral_5m_input_tokens":100,
                                         "ephemeral_1h_input_tokens":200},
                       "output_tokens_details":{"thinking_tokens":9},
                       "service_tier":"priority"})",
                       usage)
                  .ok());
  const v1::Usage read = usage.ToUsage();
  EXPECT_EQ(read.input_tokens(), 1340);
  EXPECT_EQ(read.cached_input_tokens(), 1000);
  EXPECT_EQ(read.cache_write_tokens(), 300);
  EXPECT_EQ(read.cache_write_1h_tokens(), 200);
  EXPECT_EQ(read.output_tokens(), 22);
  EXPECT_EQ(read.reasoning_tokens(), 9);
  EXPECT_EQ(usage.service_tier(), "priority");
}

TEST(WireUsageTest, LaterCountsReplaceEarlierOnesUnlessNull) {
  WireUsage usage;
  ASSERT_TRUE(ReadInto(R"({"input_tokens":40,"output_tokens":1})", usage).ok());
  ASSERT_TRUE(
      ReadInto(R"({"input_tokens":null,"output_tokens":22})", usage).ok());
  EXPECT_EQ(usage.ToUsage().input_tokens(), 40);
  EXPECT_EQ(usage.ToUsage().output_tokens(), 22);
}

TEST(WireUsageTest, APlaceholderStandsWhereALaterCountIsZero) {
  WireUsage usage;
  ASSERT_TRUE(ReadInto(R"({"output_tokens":3})", usage).ok());
  ASSERT_TRUE(ReadInto(R"({"output_tokens":0})", usage).ok());
  EXPECT_EQ(usage.ToUsage().output_tokens(), 3);
  EXPECT_FALSE(usage.told_output());
}

// Some servers fill in zeros where they do not know.
TEST(WireUsageTest, InputThatWasToldStandsWhereALaterOneIsAllZeros) {
  for (const std::string_view later :
       {R"({"output_tokens":300})",
        R"({"input_tokens":0,"output_tokens":300})",
        R"({"input_tokens":0,"cache_creation_input_tokens":0,)"
        R"("cache_read_input_tokens":0,"output_tokens":300})",
        R"({"input_tokens":0,"cache_creation_input_tokens":null,)"
        R"("cache_creation":{"ephemeral_1h_input_tokens":0},)"
        R"("cache_read_input_tokens":0,"output_tokens":300})"}) {
    WireUsage usage;
    ASSERT_TRUE(ReadInto(R"({"input_tokens":50000,"output_tokens":1,
                             "cache_creation_input_tokens":300,"cache_creation":
                             {"ephemeral_1h_input_tokens":200},
                             "cache_read_input_tokens":20000})",
                         usage)
                    .ok());
    ASSERT_TRUE(ReadInto(later, usage).ok());
    const v1::Usage read = usage.ToUsage();
    EXPECT_EQ(read.input_tokens(), 70'300) << later;
    EXPECT_EQ(read.cached_input_tokens(), 20'000) << later;
    EXPECT_EQ(read.cache_write_tokens(), 300) << later;
    EXPECT_EQ(read.cache_write_1h_tokens(), 200) << later;
    EXPECT_EQ(read.output_tokens(), 300) << later;
  }
}

TEST(WireUsageTest, AZeroBesideAnotherPartOfTheInputCounts) {
  WireUsage usage;
  ASSERT_TRUE(ReadInto(R"({"input_tokens":500,"cache_read_input_tokens":0})",
                       usage)
                  .ok());
  ASSERT_TRUE(ReadInto(R"({"input_tokens":0,"cache_read_input_tokens":500})",
                       usage)
                  .ok());
  EXPECT_EQ(usage.ToUsage().input_tokens(), 500);
  EXPECT_EQ(usage.ToUsage().cached_input_tokens(), 500);
}

TEST(WireUsageTest, RefusesCountsThatAreNone) {
  WireUsage usage;
  EXPECT_FALSE(ReadInto(R"({"input_tokens":-1})", usage).ok());
  EXPECT_FALSE(ReadInto(R"({"output_tokens":"7"})", usage).ok());
}

TEST(WireUsageTest, KeepsCountsThatNobodyKnows) {
  WireUsage usage;
  ExtensionList extensions;
  ASSERT_TRUE(ReadInto(R"({"server_tool_use":{"web_search_requests":2},
                       "inference_geo":null})",
                       usage, &extensions)
                  .ok());
  ASSERT_EQ(extensions.size(), 1);
  EXPECT_EQ(extensions[0].name(), "usage.server_tool_use");
  EXPECT_EQ(extensions[0].json(), R"({"web_search_requests":2})");
}

TEST(WireUsageTest, TellsTheTierInOpenAisWords) {
  WireUsage usage;
  ASSERT_TRUE(ReadInto(R"({"service_tier":"standard"})", usage).ok());
  EXPECT_EQ(usage.service_tier(), "default");
}

TEST(WireUsageTest, WhatHasAnotherPriceThanItsTierIsToldAsATier) {
  const std::pair<const char*, const char*> tiers[] = {
      {R"({"service_tier":"standard","speed":"standard"})", "default"},
      {R"({"speed":"fast","service_tier":"standard"})", "fast_mode"},
      {R"({"service_tier":"standard","inference_geo":"us"})", "us_inference"},
      {R"({"inference_geo":"us","speed":"fast"})", "fast_mode_us_inference"},
      {R"({"service_tier":"priority","inference_geo":"us"})",
       "priority_us_inference"},
      {R"({"service_tier":"standard","inference_geo":"global"})", "default"},
      {R"({"inference_geo":"not_available","speed":null})", ""},
      {R"({"iterations":[{"type":"message"},{"type":"advisor_message"}]})",
       "advisor"},
      {R"({"speed":"fast","iterations":[{"type":"advisor_message"}]})",
       "advisor"}};
  for (const auto& [told, tier] : tiers) {
    WireUsage usage;
    ExtensionList extensions;
    ASSERT_TRUE(ReadInto(told, usage, &extensions).ok()) << told;
    EXPECT_EQ(usage.service_tier(), tier) << told;
  }
}

TEST(WireUsageTest, WhatTheBeginningTellsOfTheTierStands) {
  WireUsage usage;
  ASSERT_TRUE(
      ReadInto(R"({"service_tier":"standard","inference_geo":"us"})", usage)
          .ok());
  ASSERT_TRUE(ReadInto(R"({"output_tokens":7})", usage).ok());
  EXPECT_EQ(usage.service_tier(), "us_inference");
  ASSERT_TRUE(ReadInto(R"({"speed":"fast"})", usage).ok());
  EXPECT_EQ(usage.service_tier(), "fast_mode_us_inference");
  ASSERT_TRUE(
      ReadInto(R"({"speed":"standard","inference_geo":"global"})", usage).ok());
  EXPECT_EQ(usage.service_tier(), "default");
}

TEST(WireUsageTest, CompactionsCountBesideTheSums) {
  constexpr const char* kTold = R"({
      "input_tokens":1000,"output_tokens":100,
      "iterations":[
        {"type":"compaction","input_tokens":180000,"output_tokens":3500,
         "cache_read_input_tokens":20,"cache_creation_input_tokens":7,
         "cache_creation":{"ephemeral_1h_input_tokens":5}},
        {"type":"message","input_tokens":1000,"output_tokens":100}]})";
  WireUsage usage;
  ExtensionList extensions;
  // Each event of a stream tells all of them anew.
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(ReadInto(kTold, usage, &extensions).ok());
    const v1::Usage read = usage.ToUsage();
    EXPECT_EQ(read.input_tokens(), 181'027);
    EXPECT_EQ(read.output_tokens(), 3600);
    EXPECT_EQ(read.cached_input_tokens(), 20);
    EXPECT_EQ(read.cache_write_tokens(), 7);
    EXPECT_EQ(read.cache_write_1h_tokens(), 5);
  }
  ASSERT_EQ(extensions.size(), 2);
  EXPECT_EQ(extensions[0].name(), "usage.iterations");
  ASSERT_TRUE(ReadInto(R"({"output_tokens":100,"iterations":null})", usage)
                  .ok());
  EXPECT_EQ(usage.ToUsage().output_tokens(), 3600);
  EXPECT_FALSE(ReadInto(R"({"iterations":[{"output_tokens":-1}]})", usage)
                   .ok());
}

TEST(WriteUsageTest, TellsTheTierInAnthropicsWords) {
  const std::pair<std::string_view, std::string_view> tiers[] = {
      {"default", R"("service_tier":"standard")"},
      {"priority", R"("service_tier":"priority")"},
      {"batch", R"("service_tier":"batch")"},
      {"flex", R"("service_tier":null)"},
      {"auto", R"("service_tier":null)"},
      {"", R"("service_tier":null)"}};
  for (const auto& [tier, written] : tiers) {
    std::string out;
    JsonWriter json(&out);
    ASSERT_TRUE(WriteUsage({}, tier, {}, json).ok());
    EXPECT_NE(out.find(written), std::string::npos) << out;
  }
}

TEST(WriteUsageTest, NeverCountsLessThanNothing) {
  v1::Usage usage;
  usage.set_input_tokens(10);
  usage.set_cached_input_tokens(50);
  std::string out;
  JsonWriter json(&out);
  ASSERT_TRUE(WriteUsage(usage, "", {}, json).ok());
  EXPECT_TRUE(SameJson(out,
                       R"({"input_tokens":0,"cache_creation_input_tokens":0,
          "cache_read_input_tokens":50,
          "cache_creation":{"ephemeral_5m_input_tokens":0,
                            "ephemeral_1h_input_tokens":0},
          "output_tokens":0,"server_tool_use":null,"service_tier":null,
          "inference_geo":null})"));
}

// What a tool with this `cache_control` becomes.
v1::Tool ToolWith(std::string_view cache_control) {
  v1::Tool tool;
  const std::string text =
      "{\"cache_control\":" + std::string(cache_control) + "}";
  const absl::Status status = ReadJson(text, [&](JsonValue& root) {
    absl::StatusOr<ObjectFields> fields = ObjectFields::Read(kFormat, root);
    return ReadCacheControl(*fields, &tool);
  });
  EXPECT_TRUE(status.ok()) << status;
  return tool;
}

TEST(CacheControlTest, ReadsWhatTheContractCanSay) {
  EXPECT_TRUE(ToolWith(R"({"type":"ephemeral"})").has_cache_hint());
  EXPECT_FALSE(ToolWith(R"({"type":"ephemeral"})").cache_hint().has_ttl());
  EXPECT_EQ(ToolWith(R"({"ttl":"5m","type":"ephemeral"})")
                .cache_hint()
                .ttl()
                .seconds(),
            300);
  EXPECT_EQ(ToolWith(R"({"type":"ephemeral","ttl":"1h"})")
                .cache_hint()
                .ttl()
                .seconds(),
            3600);
  EXPECT_FALSE(ToolWith("null").has_cache_hint());
}

TEST(CacheControlTest, KeepsWhatItCannot) {
  for (const std::string_view strange :
       {R"({"type":"eternal"})", R"({"type":"ephemeral","ttl":"2h"})",
        R"({"type":"ephemeral","scope":"all"})"}) {
    const v1::Tool tool = ToolWith(strange);
    EXPECT_FALSE(tool.has_cache_hint());
    ASSERT_EQ(tool.extensions_size(), 1);
    EXPECT_EQ(tool.extensions(0).json(), strange);
  }
}

TEST(CacheControlTest, WritesTheNearestLifetimeAndTellsTheDifference) {
  const auto written = [](int64_t seconds, size_t warnings_expected) {
    std::vector<v1::Warning> warnings;
    DroppedFields dropped(kDialect, &warnings);
    v1::CacheHint hint;
    hint.mutable_ttl()->set_seconds(seconds);
    std::string out;
    JsonWriter json(&out);
    ObjectWriter object(kFormat, json);
    WriteCacheControl(hint, "tools[]", object, dropped);
    object.End();
    EXPECT_EQ(warnings.size(), warnings_expected) << seconds;
    return out;
  };
  const std::string five_minutes =
      R"({"cache_control":{"type":"ephemeral","ttl":"5m"}})";
  const std::string one_hour =
      R"({"cache_control":{"type":"ephemeral","ttl":"1h"}})";
  EXPECT_EQ(written(299, 1), five_minutes);
  EXPECT_EQ(written(300, 0), five_minutes);
  EXPECT_EQ(written(301, 1), one_hour);
  EXPECT_EQ(written(3600, 0), one_hour);
  EXPECT_EQ(written(86400, 1), one_hour);
}

}  // namespace
}  // namespace gateway::anthropic
