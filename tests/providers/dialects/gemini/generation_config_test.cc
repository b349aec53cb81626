#include "providers/dialects/gemini/generation_config.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/gemini/fields.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::gemini {
namespace {

absl::StatusOr<v1::GenerateRequest> ReadConfig(std::string_view config) {
  v1::GenerateRequest request;
  const absl::Status status = ReadJson(config, [&](JsonValue& root) {
    return ReadGenerationConfig(root, &request);
  });
  if (!status.ok()) return status;
  return request;
}

// The whole object that the config is a field of.
std::string WriteConfig(const v1::GenerateRequest& request,
                        std::string_view model,
                        std::vector<v1::Warning>* warnings) {
  std::string out;
  JsonWriter json(&out);
  ObjectWriter object(kFormat, json);
  DroppedFields dropped(kDialect, warnings);
  const absl::Status status =
      WriteGenerationConfig(request, model, object, dropped);
  EXPECT_TRUE(status.ok()) << status;
  object.End();
  return out;
}

std::string WriteText(const std::string& text,
                      std::string_view model = "gemini-3-pro",
                      std::vector<v1::Warning>* warnings = nullptr) {
  v1::GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return WriteConfig(request, model, warnings);
}

TEST(GeminiGenerationConfigTest, MoreStopSequencesThanItTakesAreCut) {
  std::vector<v1::Warning> warnings;
  const std::string written =
      R"({"generationConfig":{"stopSequences":["a","b","c","d","e"]}})";
  EXPECT_TRUE(
      SameJson(WriteText("sampling { stop: ['a', 'b', 'c', 'd', 'e'] }",
                         "gemini-3-pro", &warnings),
               written));
  EXPECT_TRUE(warnings.empty());
  EXPECT_TRUE(
      SameJson(WriteText("sampling { stop: ['a', 'b', 'c', 'd', 'e', 'f'] }",
                         "gemini-3-pro", &warnings),
               written));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].field(), "sampling.stop");
}

TEST(GeminiGenerationConfigTest, NamesMayBeWrittenInSnakeCase) {
  const auto request = ReadConfig(
      R"({"max_output_tokens":5,"top_k":3,"stop_sequences":["x"],)"
      R"("thinking_config":{"include_thoughts":true,"thinking_level":"HIGH"}})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->max_output_tokens(), 5);
  EXPECT_EQ(request->sampling().top_k(), 3);
  EXPECT_EQ(request->sampling().stop(0), "x");
  EXPECT_EQ(request->reasoning().display(), "summarized");
  EXPECT_EQ(request->reasoning().effort(), v1::ReasoningSettings::EFFORT_HIGH);
  EXPECT_FALSE(ReadConfig(R"({"topK":1,"top_k":2})").ok());
}

TEST(GeminiGenerationConfigTest, AnEmptyConfigSaysNothing) {
  const auto request = ReadConfig("{\"temperature\":null}");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->ByteSizeLong(), 0u);
  EXPECT_EQ(WriteConfig(*request, "m", nullptr), "{}");
}

TEST(GeminiGenerationConfigTest, ABudgetHasThreeMeanings) {
  using Settings = v1::ReasoningSettings;
  const auto mode_of = [](std::string_view budget) {
    std::string config = R"({"thinkingConfig":{"thinkingBudget":)";
    return ReadConfig(config.append(budget).append("}}"))->reasoning();
  };
  EXPECT_EQ(mode_of("0").mode(), Settings::MODE_DISABLED);
  EXPECT_EQ(mode_of("-1").mode(), Settings::MODE_ADAPTIVE);
  EXPECT_EQ(mode_of("9").mode(), Settings::MODE_ENABLED);
  EXPECT_EQ(mode_of("9").budget_tokens(), 9);
  EXPECT_FALSE(ReadConfig(R"({"thinkingConfig":{"thinkingBudget":-2}})").ok());
}

TEST(GeminiGenerationConfigTest, ThoughtsOfOthersAreShownUnlessTheyAreHidden) {
  EXPECT_TRUE(SameJson(
      WriteText("reasoning { mode: MODE_ENABLED budget_tokens: 2000 }"),
      R"({"generationConfig":{"thinkingConfig":
          {"includeThoughts":true,"thinkingBudget":2000}}})"));
  EXPECT_TRUE(SameJson(
      WriteText("reasoning { mode: MODE_ENABLED budget_tokens: 2000 "
                "display: 'omitted' }"),
      R"({"generationConfig":{"thinkingConfig":{"thinkingBudget":2000}}})"));
  EXPECT_TRUE(SameJson(WriteText("reasoning { mode: MODE_ADAPTIVE }"),
                       R"({"generationConfig":{"thinkingConfig":
          {"includeThoughts":true,"thinkingBudget":-1}}})"));
}

TEST(GeminiGenerationConfigTest, EffortIsABudgetBeforeTheThirdGeneration) {
  const auto budget = [](const std::string& effort) {
    return WriteText("reasoning { effort: EFFORT_" + effort + " }",
                     "gemini-2.5-flash");
  };
  const auto expected = [](const std::string& tokens) {
    return R"({"generationConfig":{"thinkingConfig":{"thinkingBudget":)" +
           tokens + "}}}";
  };
  EXPECT_TRUE(SameJson(budget("NONE"), expected("0")));
  EXPECT_TRUE(SameJson(budget("MINIMAL"), expected("512")));
  EXPECT_TRUE(SameJson(budget("LOW"), expected("1024")));
  EXPECT_TRUE(SameJson(budget("MEDIUM"), expected("8192")));
  EXPECT_TRUE(SameJson(budget("MAX"), expected("24576")));
}

TEST(GeminiGenerationConfigTest, EffortIsALevelFromTheThirdGenerationOn) {
  std::vector<v1::Warning> warnings;
  EXPECT_TRUE(SameJson(
      WriteText("reasoning { effort: EFFORT_MEDIUM }", "gemini-3-flash",
                &warnings),
      R"({"generationConfig":{"thinkingConfig":{"thinkingLevel":"MEDIUM"}}})"));
  EXPECT_TRUE(warnings.empty());
  EXPECT_TRUE(SameJson(
      WriteText("reasoning { effort: EFFORT_NONE }", "gemini-3-flash",
                &warnings),
      R"({"generationConfig":{"thinkingConfig":{"thinkingLevel":"MINIMAL"}}})"));
  EXPECT_TRUE(SameJson(
      WriteText("reasoning { effort: EFFORT_XHIGH }", "next", &warnings),
      R"({"generationConfig":{"thinkingConfig":{"thinkingLevel":"HIGH"}}})"));
  EXPECT_EQ(warnings.size(), 2u);
}

TEST(GeminiGenerationConfigTest, AnOpenApiSchemaBecomesJsonSchema) {
  const auto request =
      ReadConfig(R"({"responseMimeType":"application/json",)"
                 R"("responseSchema":{"type":"STRING","nullable":true}})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->response_format().kind(),
            v1::ResponseFormat::KIND_JSON_SCHEMA);
  EXPECT_TRUE(SameJson(request->response_format().schema(),
                       R"({"type":["string","null"]})"));
  EXPECT_TRUE(request->extensions().empty());
  EXPECT_TRUE(SameJson(WriteConfig(*request, "m", nullptr),
                       R"({"generationConfig":{
          "responseMimeType":"application/json",
          "responseJsonSchema":{"type":["string","null"]}}})"));
}

TEST(GeminiGenerationConfigTest, FormsAreMediaTypes) {
  EXPECT_EQ(ReadConfig(R"({"responseMimeType":"application/json"})")
                ->response_format()
                .kind(),
            v1::ResponseFormat::KIND_JSON_OBJECT);
  EXPECT_EQ(ReadConfig(R"({"responseMimeType":"text/plain"})")
                ->response_format()
                .kind(),
            v1::ResponseFormat::KIND_TEXT);
  EXPECT_FALSE(ReadConfig(R"({"responseMimeType":"text/x.enum"})")
                   ->has_response_format());
}

TEST(GeminiGenerationConfigTest, AModelIsAskedForTheLevelsThatItHas) {
  struct Case {
    const char* effort;
    const char* model;
    const char* level;
  };
  for (const Case& each :
       {Case{"MEDIUM", "gemini-3-pro-preview", "HIGH"},
        Case{"MINIMAL", "gemini-flash-latest", "LOW"},
        Case{"NONE", "gemini-pro-latest", "LOW"},
        Case{"MAX", "gemini-4-hydrogen", "XHIGH"},
        Case{"XHIGH", "gemini-4-argon", "HIGH"}}) {
    std::vector<v1::Warning> warnings;
    EXPECT_TRUE(SameJson(
        WriteText(
            absl::StrCat("reasoning { effort: EFFORT_", each.effort, " }"),
            each.model, &warnings),
        absl::StrCat(R"({"generationConfig":{"thinkingConfig":)"
                     R"({"thinkingLevel":")",
                     each.level, R"("}}})")))
        << each.model;
    EXPECT_EQ(warnings.size(), 1u) << each.model;
  }
}

TEST(GeminiGenerationConfigTest, AVoiceIsASpeechConfig) {
  EXPECT_TRUE(SameJson(
      WriteText("audio_output { voice: 'Kore' format: 'wav' } "
                "modalities: 'audio'"),
      R"({"generationConfig":{"responseModalities":["AUDIO"],"speechConfig":
          {"voiceConfig":{"prebuiltVoiceConfig":{"voiceName":"Kore"}}}}})"));
}

TEST(GeminiGenerationConfigTest, TellsWhatItCannotSay) {
  std::vector<v1::Warning> warnings;
  EXPECT_EQ(WriteText("sampling { seed: 5000000000 } "
                      "response_format { description: 'd' }",
                      "m", &warnings),
            "{}");
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0].field(), "sampling.seed");
}

TEST(GeminiGenerationConfigTest, NamesTheFieldAtFault) {
  const auto request =
      ReadConfig(R"({"thinkingConfig":{"includeThoughts":"yes"}})");
  ASSERT_FALSE(request.ok());
  EXPECT_EQ(FieldViolations(request.status()).front().first,
            "thinkingConfig.includeThoughts");
}

}  // namespace
}  // namespace gateway::gemini
