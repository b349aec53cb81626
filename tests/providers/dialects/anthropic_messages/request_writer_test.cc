#include "providers/dialects/anthropic_messages/request_writer.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::anthropic {
namespace {

class WriteRequestTest : public testing::Test {
 protected:
  // Writes a request with these fields beside the one message.
  std::string Write(const std::string& fields) {
    v1::GenerateRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        "messages { role: ROLE_USER parts { text: 'hi' } } " + fields,
        &request));
    warnings_.clear();
    std::string body;
    status_ = WriteRequest(
        request, {.model = "up", .output_tokens_limit = known_limit_}, &body,
        &warnings_);
    return status_.ok() ? body : "";
  }

  std::set<std::string> Warned() const {
    std::set<std::string> fields;
    for (const v1::Warning& warning : warnings_) fields.insert(warning.field());
    return fields;
  }

  // The body that has these fields beside the usual ones.
  static std::string BodyWith(const std::string& fields) {
    return R"({"model":"up","max_tokens":7,)"
           R"("messages":[{"role":"user","content":"hi"}])" +
           fields + "}";
  }

  int64_t known_limit_ = 50;
  std::vector<v1::Warning> warnings_;
  absl::Status status_;
};

TEST_F(WriteRequestTest, AsksForAllThatTheModelAnswersWithIfNoLimitIsGiven) {
  EXPECT_TRUE(SameJson(Write(""), R"({"model":"up","max_tokens":50,
                                      "messages":[{"role":"user",
                                                   "content":"hi"}]})"));
  EXPECT_TRUE(warnings_.empty());
  EXPECT_TRUE(SameJson(Write("max_output_tokens: 7"), BodyWith("")));
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(WriteRequestTest, MakesRoomForReasoningInALimitOfItsOwn) {
  known_limit_ = 0;
  EXPECT_NE(
      Write("reasoning { budget_tokens: 2000 }").find(R"("max_tokens":6096)"),
      std::string::npos);
  EXPECT_EQ(Warned(), std::set<std::string>{"max_output_tokens"});
}

TEST_F(WriteRequestTest, ClampsTemperatureToItsRange) {
  EXPECT_TRUE(SameJson(Write("max_output_tokens: 7 "
                             "sampling { temperature: 1.7 }"),
                       BodyWith(R"(,"temperature":1)")));
  EXPECT_EQ(Warned(), std::set<std::string>{"sampling.temperature"});
  Write("max_output_tokens: 7 sampling { temperature: 1 }");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(WriteRequestTest, TellsWhatTheFormatCannotSay) {
  EXPECT_TRUE(SameJson(
      Write(R"pb(
        max_output_tokens: 7
        sampling {
          frequency_penalty: 1
          presence_penalty: 1
          seed: 5
          logit_bias { key: "50256" value: -100 }
          logprobs: true
          top_logprobs: 2
          choice_count: 2
        }
        response_format { kind: KIND_JSON_OBJECT }
        audio_output { voice: "v" format: "wav" }
        modalities: "audio"
        modalities: "text"
        prompt_cache_key: "k"
        verbosity: "low"
        store: true
        service_tier: "flex"
        extensions { dialect: "openai_chat" name: "prediction" json: "{}" }
      )pb"),
      BodyWith("")));
  EXPECT_EQ(
      Warned(),
      (std::set<std::string>{
          "sampling.frequency_penalty", "sampling.presence_penalty",
          "sampling.seed", "sampling.logit_bias", "sampling.logprobs",
          "sampling.top_logprobs", "sampling.choice_count", "response_format",
          "audio_output", "modalities", "prompt_cache_key", "verbosity",
          "store", "service_tier", "prediction"}));
}

TEST_F(WriteRequestTest, SaysNothingOfWhatChangesNothing) {
  EXPECT_TRUE(SameJson(Write(R"pb(
                         max_output_tokens: 7
                         sampling { choice_count: 1 logprobs: false }
                         response_format { kind: KIND_TEXT }
                         modalities: "text"
                         store: false
                         parallel_tool_calls: false
                         service_tier: "default"
                       )pb"),
                       BodyWith(R"(,"service_tier":"standard_only")")));
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(WriteRequestTest, GivesEachToolASchema) {
  EXPECT_TRUE(
      SameJson(Write(R"pb(
                 max_output_tokens: 7
                 tools { function { name: "f" } }
                 tools {
                   custom {
                     name: "c"
                     description: "d"
                     grammar_syntax: "lark"
                     grammar_definition: "x"
                   }
                 }
                 tools {
                   provider {
                     dialect: "anthropic_messages"
                     json: '{"type":"bash_20250124","name":"bash"}'
                   }
                 }
                 tools { provider { dialect: "openai_responses" json: "{}" } }
               )pb"),
               BodyWith(R"(,"tools":[
          {"name":"f","input_schema":{"type":"object","properties":{}}},
          {"name":"c","description":"d","input_schema":{"type":"object",
             "properties":{"input":{"type":"string"}},"required":["input"]}},
          {"type":"bash_20250124","name":"bash"}])")));
  EXPECT_EQ(Warned(), (std::set<std::string>{
                          "tools[].custom", "tools[].custom.grammar_definition",
                          "tools[].provider"}));
}

TEST_F(WriteRequestTest, OffersOnlyTheToolsThatAreAllowed) {
  EXPECT_TRUE(
      SameJson(Write(R"pb(
                 max_output_tokens: 7
                 tools { function { name: "f" parameters_schema: "{}" } }
                 tools { function { name: "g" parameters_schema: "{}" } }
                 tool_choice { mode: MODE_REQUIRED allowed_tools: "g" }
               )pb"),
               BodyWith(R"(,"tools":[{"name":"g","input_schema":{}}],
                           "tool_choice":{"type":"any"})")));
}

TEST_F(WriteRequestTest, TurnsParallelCallsOffEvenIfNothingElseIsChosen) {
  EXPECT_TRUE(
      SameJson(Write(R"pb(
                 max_output_tokens: 7
                 tools { function { name: "f" parameters_schema: "{}" } }
                 parallel_tool_calls: false
               )pb"),
               BodyWith(R"(,"tools":[{"name":"f","input_schema":{}}],
                           "tool_choice":{"type":"auto",
                             "disable_parallel_tool_use":true})")));
}

TEST_F(WriteRequestTest, DoesNotChooseAmongToolsThatWereLeftOut) {
  EXPECT_TRUE(
      SameJson(Write(R"pb(
                 max_output_tokens: 7
                 tools { provider { dialect: "openai_responses" json: "{}" } }
                 tool_choice { mode: MODE_REQUIRED }
               )pb"),
               BodyWith("")));
  EXPECT_TRUE(Warned().count("tool_choice"));
}

TEST_F(WriteRequestTest, TranslatesReasoning) {
  const auto reasoning = [&](const std::string& settings) {
    return Write("max_output_tokens: 7 reasoning { " + settings + " }");
  };
  EXPECT_TRUE(SameJson(reasoning("effort: EFFORT_HIGH"),
                       BodyWith(R"(,"output_config":{"effort":"high"})")));
  EXPECT_TRUE(SameJson(reasoning("effort: EFFORT_NONE"),
                       BodyWith(R"(,"thinking":{"type":"disabled"})")));
  EXPECT_TRUE(SameJson(reasoning("mode: MODE_ADAPTIVE display: 'omitted'"),
                       BodyWith(R"(,"thinking":{"type":"adaptive",
                                                "display":"omitted"})")));
  EXPECT_TRUE(warnings_.empty());
  EXPECT_TRUE(SameJson(reasoning("effort: EFFORT_MINIMAL"),
                       BodyWith(R"(,"output_config":{"effort":"low"})")));
  EXPECT_EQ(Warned(), std::set<std::string>{"reasoning.effort"});
  EXPECT_TRUE(SameJson(reasoning("mode: MODE_ENABLED"),
                       BodyWith(R"(,"thinking":{"type":"adaptive"})")));
  EXPECT_EQ(Warned(), std::set<std::string>{"reasoning.mode"});
}

TEST_F(WriteRequestTest, RefusesJsonThatIsNone) {
  for (const char* fields :
       {"tools { function { name: 'f' parameters_schema: '{' } }",
        "tools { provider { dialect: 'anthropic_messages' json: '{},{}' } }",
        "tools {}", "response_format { kind: KIND_JSON_SCHEMA schema: '' }",
        "extensions { dialect: 'anthropic_messages' name: 'x' json: '1,2' }",
        "extensions { dialect: 'anthropic_messages' name: 'model' json: '1' }",
        "extensions { dialect: 'anthropic_messages' name: 'max_tokens' "
        "json: '1' }"}) {
    Write(fields);
    EXPECT_EQ(FaultReason(status_), v1::ERROR_REASON_INVALID_REQUEST) << fields;
    EXPECT_FALSE(FieldViolations(status_).empty()) << fields;
  }
}

TEST(WriteCountTokensRequestTest, WritesOnlyThePrompt) {
  v1::GenerateRequest request;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        messages {
          role: ROLE_SYSTEM
          parts { text: "s" }
        }
        messages {
          role: ROLE_USER
          parts { text: "hi" }
        }
        max_output_tokens: 7
        sampling { temperature: 0.5 stop: "x" }
        scope { user_id: "u" }
        tools { function { name: "f" parameters_schema: "{}" } }
      )pb",
      &request));
  std::string body;
  ASSERT_TRUE(WriteCountTokensRequest(request, "up", &body).ok());
  EXPECT_TRUE(SameJson(body, R"({"model":"up","system":"s",
      "messages":[{"role":"user","content":"hi"}],
      "tools":[{"name":"f","input_schema":{}}]})"));
}

}  // namespace
}  // namespace gateway::anthropic
