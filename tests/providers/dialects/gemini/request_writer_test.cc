#include "providers/dialects/gemini/request_writer.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::gemini {
namespace {

v1::GenerateRequest RequestOf(const std::string& text) {
  v1::GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return request;
}

std::string Write(const std::string& text,
                  std::string_view model = "gemini-2.5-flash",
                  std::vector<v1::Warning>* warnings = nullptr) {
  std::string body;
  const absl::Status status =
      WriteRequest(RequestOf(text), model, &body, warnings);
  EXPECT_TRUE(status.ok()) << status;
  return body;
}

constexpr char kCalls[] = R"(
    messages { role: ROLE_USER parts { text: 'Hi' } }
    messages { role: ROLE_ASSISTANT
      parts { tool_call { id: 'a' name: 'f' arguments: '{}' } }
      parts { tool_call { id: 'b' name: 'g' arguments: '{}' } } }
    messages { role: ROLE_TOOL
      parts { tool_result { tool_call_id: 'a' parts { text: 'x' } } } }
    messages { role: ROLE_TOOL
      parts { tool_result { tool_call_id: 'b' parts { text: 'y' } } } })";

TEST(GeminiRequestWriterTest, WritesAConversationWithTools) {
  EXPECT_TRUE(SameJson(Write(kCalls), R"({"contents":[
      {"role":"user","parts":[{"text":"Hi"}]},
      {"role":"model","parts":[
        {"functionCall":{"id":"a","name":"f","args":{}}},
        {"functionCall":{"id":"b","name":"g","args":{}}}]},
      {"role":"user","parts":[
        {"functionResponse":{"id":"a","name":"f","response":{"output":"x"}}},
        {"functionResponse":{"id":"b","name":"g","response":{"output":"y"}}}]}
      ]})"));
}

TEST(GeminiRequestWriterTest, AnIdThatComesBackNamesTheCallBeforeIt) {
  EXPECT_TRUE(SameJson(Write(R"(
    messages { role: ROLE_ASSISTANT
      parts { tool_call { id: 'a' name: 'alpha' arguments: '{}' } } }
    messages { role: ROLE_TOOL
      parts { tool_result { tool_call_id: 'a' parts { text: 'x' } } } }
    messages { role: ROLE_ASSISTANT
      parts { tool_call { id: 'a' name: 'beta' arguments: '{}' } } }
    messages { role: ROLE_TOOL
      parts { tool_result { tool_call_id: 'a' parts { text: 'y' } } } })"),
                       R"({"contents":[
      {"role":"model","parts":[
        {"functionCall":{"id":"a","name":"alpha","args":{}}}]},
      {"role":"user","parts":[
        {"functionResponse":{"id":"a","name":"alpha",
                             "response":{"output":"x"}}}]},
      {"role":"model","parts":[
        {"functionCall":{"id":"a","name":"beta","args":{}}}]},
      {"role":"user","parts":[
        {"functionResponse":{"id":"a","name":"beta",
                             "response":{"output":"y"}}}]}
      ]})"));
}

TEST(GeminiRequestWriterTest, TheFirstUnsignedCallOfATurnIsExcused) {
  EXPECT_TRUE(SameJson(Write(kCalls, "gemini-3-pro-preview"), R"({"contents":[
      {"role":"user","parts":[{"text":"Hi"}]},
      {"role":"model","parts":[
        {"functionCall":{"id":"a","name":"f","args":{}},
         "thoughtSignature":"skip_thought_signature_validator"},
        {"functionCall":{"id":"b","name":"g","args":{}}}]},
      {"role":"user","parts":[
        {"functionResponse":{"id":"a","name":"f","response":{"output":"x"}}},
        {"functionResponse":{"id":"b","name":"g","response":{"output":"y"}}}]}
      ]})"));
}

TEST(GeminiRequestWriterTest, AnOwnSignatureIsNotReplaced) {
  EXPECT_TRUE(SameJson(Write(R"(messages { role: ROLE_ASSISTANT parts {
          tool_call { id: 'a' name: 'f' arguments: '{}' }
          extensions { dialect: 'gemini' name: 'thoughtSignature'
                       json: '"c2ln"' } } })",
                             "gemini-3-pro"),
                       R"({"contents":[{"role":"model","parts":[
          {"functionCall":{"id":"a","name":"f","args":{}},
           "thoughtSignature":"c2ln"}]}]})"));
}

TEST(GeminiRequestWriterTest, ServiceTiersAreTranslated) {
  const auto tier = [](const std::string& name) {
    return Write("service_tier: '" + name + "'");
  };
  EXPECT_TRUE(
      SameJson(tier("flex"), R"({"contents":[],"serviceTier":"flex"})"));
  EXPECT_TRUE(
      SameJson(tier("default"), R"({"contents":[],"serviceTier":"standard"})"));
  EXPECT_TRUE(SameJson(tier("auto"), R"({"contents":[]})"));
  EXPECT_TRUE(SameJson(tier("scale"), R"({"contents":[]})"));
}

TEST(GeminiRequestWriterTest, TellsWhatItCannotCarry) {
  std::vector<v1::Warning> warnings;
  Write(R"(sampling { logit_bias { key: '1' value: 2 } }
           scope { user_id: 'u' } prompt_cache_key: 'k' cache_hint {}
           verbosity: 'low' store: true service_tier: 'scale'
           extensions { dialect: 'other' name: 'x' json: '1' })",
        "m", &warnings);
  std::vector<std::string> fields;
  for (const v1::Warning& warning : warnings) fields.push_back(warning.field());
  EXPECT_EQ(fields,
            (std::vector<std::string>{
                "service_tier", "sampling.logit_bias", "scope.user_id",
                "prompt_cache_key", "cache_hint", "verbosity", "store", "x"}));
}

TEST(GeminiRequestWriterTest, AnExtensionNeverRepeatsAField) {
  std::string body;
  EXPECT_FALSE(WriteRequest(RequestOf(R"(
      extensions { dialect: 'gemini' name: 'contents' json: '[]' })"),
                            "m", &body, nullptr)
                   .ok());
}

TEST(GeminiRequestWriterTest, ARequestToCountIsTheWholeRequest) {
  std::string body;
  const absl::Status status = WriteCountRequest(
      RequestOf("messages { role: ROLE_SYSTEM parts { text: 's' } } "
                "messages { role: ROLE_USER parts { text: 'Hi' } }"),
      "gemini-x", &body);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(SameJson(body, R"({"generateContentRequest":{
      "model":"models/gemini-x",
      "systemInstruction":{"parts":[{"text":"s"}]},
      "contents":[{"role":"user","parts":[{"text":"Hi"}]}]}})"));
}

}  // namespace
}  // namespace gateway::gemini
