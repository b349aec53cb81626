#include "providers/dialects/ollama/request_writer.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "tests/providers/dialects/json_equality.h"
#include "tests/providers/dialects/ollama/neutral_text.h"

namespace gateway::ollama {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct WrittenRequest {
  absl::Status status;
  std::string body;
  std::vector<std::string> dropped;  // The fields.
};

WrittenRequest Write(const std::string& request, bool stream = false) {
  WrittenRequest written;
  std::vector<v1::Warning> warnings;
  written.status = WriteRequest(Parse<v1::GenerateRequest>(request),
                                {.model = "m", .stream = stream}, "",
                                &written.body, &warnings);
  for (const v1::Warning& warning : warnings) {
    written.dropped.push_back(warning.field());
  }
  return written;
}

// What a request has besides the model and its conversation.
std::string Body(const std::string& rest) {
  return absl::StrCat(R"({"model":"m","messages":[],"stream":false)",
                      rest.empty() ? "" : ",", rest, "}");
}

constexpr char kTwoTools[] =
    R"(tools { function { name: "f" } } tools { function { name: "g" } })";

std::string Tools(const std::vector<std::string>& names) {
  std::string tools;
  for (const std::string& name : names) {
    absl::StrAppend(&tools, tools.empty() ? "" : ",",
                    R"({"type":"function","function":{"name":")", name,
                    R"(","parameters":{"type":"object","properties":{}}}})");
  }
  return absl::StrCat(R"("tools":[)", tools, "]");
}

TEST(RequestWriterTest, AlwaysSaysWhetherToStream) {
  EXPECT_TRUE(SameJson(Write("").body, Body("")));
  EXPECT_TRUE(SameJson(Write("", true).body,
                       R"({"model":"m","messages":[],"stream":true})"));
}

TEST(RequestWriterTest, OffersTheToolsThatMayBeCalled) {
  const auto with = [](const std::string& choice) {
    return Write(absl::StrCat(kTwoTools, "tool_choice { ", choice, " }"));
  };
  EXPECT_TRUE(SameJson(with("mode: MODE_AUTO").body, Body(Tools({"f", "g"}))));
  EXPECT_THAT(with("mode: MODE_AUTO").dropped, IsEmpty());
  EXPECT_TRUE(SameJson(with("mode: MODE_NONE").body, Body("")));
  EXPECT_THAT(with("mode: MODE_NONE").dropped, IsEmpty());
  EXPECT_TRUE(
      SameJson(with("mode: MODE_REQUIRED").body, Body(Tools({"f", "g"}))));
  EXPECT_THAT(with("mode: MODE_REQUIRED").dropped, ElementsAre("tool_choice"));
  EXPECT_TRUE(SameJson(with("mode: MODE_TOOL tool_name: 'g'").body,
                       Body(Tools({"g"}))));
  EXPECT_THAT(with("mode: MODE_TOOL tool_name: 'g'").dropped,
              ElementsAre("tool_choice"));
  EXPECT_TRUE(SameJson(with("mode: MODE_AUTO allowed_tools: 'f'").body,
                       Body(Tools({"f"}))));
}

TEST(RequestWriterTest, AToolWithoutAKindIsRefused) {
  const absl::Status status = Write("tools {}").status;
  ASSERT_EQ(FieldViolations(status).size(), 1u);
  EXPECT_EQ(FieldViolations(status)[0].first, "tools[0]");
}

TEST(RequestWriterTest, ASchemaIsJson) {
  const absl::Status status =
      Write(R"(tools { function { name: "f" parameters_schema: "{" } })")
          .status;
  ASSERT_EQ(FieldViolations(status).size(), 1u);
  EXPECT_EQ(FieldViolations(status)[0].first,
            "tools[0].function.parameters_schema");
  EXPECT_EQ(FieldViolations(
                Write("response_format { kind: KIND_JSON_SCHEMA schema: '{' }")
                    .status)[0]
                .first,
            "response_format.schema");
}

struct ThinkCase {
  const char* reasoning;
  const char* think;  // Empty for none.
  std::vector<std::string> dropped;
};

TEST(RequestWriterTest, ReasoningBecomesAWordOrASwitch) {
  const ThinkCase cases[] = {
      {"", "", {}},
      {"mode: MODE_DISABLED", "false", {}},
      {"effort: EFFORT_NONE", "false", {}},
      {"mode: MODE_DISABLED effort: EFFORT_HIGH", "false", {}},
      {"mode: MODE_ENABLED", "true", {}},
      {"mode: MODE_ADAPTIVE", "true", {}},
      {"budget_tokens: 5", "true", {"reasoning.budget_tokens"}},
      {"effort: EFFORT_MINIMAL", "\"low\"", {"reasoning.effort"}},
      {"effort: EFFORT_LOW mode: MODE_ENABLED", "\"low\"", {}},
      {"effort: EFFORT_MEDIUM", "\"medium\"", {}},
      {"effort: EFFORT_HIGH", "\"high\"", {}},
      {"effort: EFFORT_XHIGH", "\"max\"", {"reasoning.effort"}},
      {"effort: EFFORT_MAX", "\"max\"", {}},
      {"display: 'omitted'", "", {"reasoning.display"}},
  };
  for (const ThinkCase& each : cases) {
    SCOPED_TRACE(each.reasoning);
    const WrittenRequest written =
        Write(absl::StrCat("reasoning { ", each.reasoning, " }"));
    const std::string think = each.think;
    EXPECT_TRUE(SameJson(written.body,
                         Body(think.empty() ? "" : "\"think\":" + think)));
    EXPECT_EQ(written.dropped, each.dropped);
  }
}

TEST(RequestWriterTest, OptionsThatAreModelledCannotBeSaidTwice) {
  const absl::Status status = Write(R"(sampling { seed: 1 }
               extensions { dialect: "ollama" name: "options.seed"
                            json: "2" })")
                                  .status;
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST);
}

TEST(RequestWriterTest, AHugeSeedKeepsItsDigits) {
  EXPECT_THAT(Write("sampling { seed: 9007199254740993 }").body,
              HasSubstr(R"("seed":9007199254740993)"));
}

TEST(RequestWriterTest, TellsWhatHasNoShapeHere) {
  const WrittenRequest written = Write(
      R"(sampling { logit_bias { key: "1" value: 2 } choice_count: 2 }
         tools { function { name: "f" strict: true } cache_hint {} }
         tools { custom { name: "c" grammar_syntax: "lark" } }
         tools { provider { dialect: "gemini" json: "{}" } }
         parallel_tool_calls: false
         response_format { kind: KIND_JSON_OBJECT description: "d" }
         audio_output { voice: "v" format: "wav" }
         modalities: "text" modalities: "audio" cache_hint {}
         prompt_cache_key: "k" service_tier: "flex" verbosity: "low"
         store: true
         extensions { dialect: "openai_chat" name: "user" json: "1" })");
  ASSERT_TRUE(written.status.ok()) << written.status;
  EXPECT_THAT(written.dropped,
              ElementsAre("tools[].cache_hint", "tools[].function.strict",
                          "tools[].custom", "tools[].custom.grammar_definition",
                          "tools[].provider", "response_format.description",
                          "sampling.logit_bias", "sampling.choice_count",
                          "parallel_tool_calls", "audio_output", "modalities",
                          "cache_hint", "prompt_cache_key", "service_tier",
                          "verbosity", "store", "user"));
}

TEST(RequestWriterTest, WhatIsTheDefaultAnywayIsNotDropped) {
  EXPECT_THAT(Write(R"(sampling { choice_count: 1 } service_tier: "auto"
                       parallel_tool_calls: true modalities: "text"
                       store: false)")
                  .dropped,
              IsEmpty());
}

}  // namespace
}  // namespace gateway::ollama
