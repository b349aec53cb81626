#include "providers/dialects/gemini/request_reader.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "providers/dialects/gemini/vendor_names.h"

namespace gateway::gemini {
namespace {

absl::StatusOr<v1::GenerateRequest> RequestFrom(std::string_view body) {
  v1::GenerateRequest request;
  const absl::Status status = ReadRequest(body, &request);
  if (!status.ok()) return status;
  return request;
}

TEST(GeminiRequestReaderTest, ReadsWhatTheSdkSends) {
  const auto request = RequestFrom(R"({
      "contents":[{"parts":[{"text":"Hi"}],"role":"user"}],
      "systemInstruction":{"parts":[{"text":"Be brief."}],"role":"user"},
      "tools":[{"functionDeclarations":[{"name":"f"}]}],
      "generationConfig":{"temperature":0.5}})");
  ASSERT_TRUE(request.ok()) << request.status();
  ASSERT_EQ(request->messages_size(), 2);
  EXPECT_EQ(request->messages(0).role(), v1::ROLE_SYSTEM);
  EXPECT_TRUE(request->messages(0).extensions().empty());
  EXPECT_EQ(request->messages(1).role(), v1::ROLE_USER);
  EXPECT_EQ(request->sampling().temperature(), 0.5);
  EXPECT_TRUE(request->extensions().empty());
  EXPECT_EQ(request->model(), "");
}

TEST(GeminiRequestReaderTest, NamesMayBeWrittenInSnakeCase) {
  const auto request = RequestFrom(R"({
      "contents":[{"parts":[{"text":"Hi"}]}],
      "system_instruction":{"parts":[{"text":"s"}]},
      "generation_config":{"max_output_tokens":3},
      "safety_settings":[1],"service_tier":"flex","model":"models/x"})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->messages(0).role(), v1::ROLE_SYSTEM);
  EXPECT_EQ(request->messages(1).role(), v1::ROLE_USER);
  EXPECT_EQ(request->max_output_tokens(), 3);
  EXPECT_EQ(request->service_tier(), "flex");
  ASSERT_EQ(request->extensions_size(), 1);
  EXPECT_EQ(request->extensions(0).name(), "safetySettings");
}

TEST(GeminiRequestReaderTest, ResultsFindTheirCallsByNameAndInOrder) {
  const auto request = RequestFrom(R"({"contents":[
      {"role":"model","parts":[
        {"functionCall":{"name":"f","args":{"a":1}}},
        {"functionCall":{"name":"g"}},
        {"functionCall":{"name":"f","args":{"a":1}}}]},
      {"role":"user","parts":[
        {"functionResponse":{"name":"g","response":{}}},
        {"functionResponse":{"name":"f","response":{}}},
        {"functionResponse":{"name":"f","response":{}}},
        {"functionResponse":{"name":"f","response":{}}}]}]})");
  ASSERT_TRUE(request.ok()) << request.status();
  ASSERT_EQ(request->messages_size(), 5);
  const v1::Message& calls = request->messages(0);
  const auto result = [&](int i) {
    EXPECT_EQ(request->messages(i).role(), v1::ROLE_TOOL);
    return request->messages(i).parts(0).tool_result().tool_call_id();
  };
  EXPECT_NE(calls.parts(0).tool_call().id(), calls.parts(2).tool_call().id());
  EXPECT_EQ(result(1), calls.parts(1).tool_call().id());
  EXPECT_EQ(result(2), calls.parts(0).tool_call().id());
  EXPECT_EQ(result(3), calls.parts(2).tool_call().id());
  // Nobody asked, but it has an id.
  EXPECT_TRUE(IsMadeUpCallId(result(4)));
}

TEST(GeminiRequestReaderTest, ResultsFindTheirCallsById) {
  const auto request = RequestFrom(R"({"contents":[
      {"role":"model","parts":[
        {"functionCall":{"id":"1","name":"f"}},
        {"functionCall":{"id":"2","name":"f"}}]},
      {"role":"function","parts":[
        {"functionResponse":{"id":"2","name":"f","response":{}}},
        {"functionResponse":{"name":"f","response":{}}},
        {"functionResponse":{"id":"9","name":"f","response":{}}}]}]})");
  ASSERT_TRUE(request.ok()) << request.status();
  const auto result = [&](int i) {
    return request->messages(i).parts(0).tool_result().tool_call_id();
  };
  EXPECT_EQ(result(1), "2");
  EXPECT_EQ(result(2), "1");
  EXPECT_EQ(result(3), "9");
}

TEST(GeminiRequestReaderTest, WhatIsSaidAmongResultsKeepsItsPlace) {
  const auto request = RequestFrom(R"({"contents":[{"role":"user","parts":[
      {"text":"a"},{"functionResponse":{"name":"f","response":{}}},
      {"text":"b"},{"text":"c"}]}]})");
  ASSERT_TRUE(request.ok()) << request.status();
  ASSERT_EQ(request->messages_size(), 3);
  EXPECT_EQ(request->messages(0).role(), v1::ROLE_USER);
  EXPECT_EQ(request->messages(1).role(), v1::ROLE_TOOL);
  EXPECT_EQ(request->messages(2).parts_size(), 2);
}

TEST(GeminiRequestReaderTest, ARequestToCountMayBeInAnEnvelope) {
  for (const std::string_view body :
       {R"({"contents":[{"role":"user","parts":[{"text":"Hi"}]}]})",
        R"({"generateContentRequest":{"model":"models/x",
            "contents":[{"role":"user","parts":[{"text":"Hi"}]}]}})"}) {
    v1::GenerateRequest request;
    const absl::Status status = ReadCountRequest(body, &request);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(request.messages(0).parts(0).text(), "Hi");
  }
}

// It would become one once written, past whoever looked for it.
TEST(GeminiRequestReaderTest, NoFieldIsSmuggledIntoAnotherObject) {
  for (const std::string_view body :
       {R"({"contents":[],"generationConfig.maxOutputTokens":9})",
        R"({"contents":[],"generation_config.max_output_tokens":9})",
        R"({"contents":[{"parts":[{"text":"a","functionCall.name":"f"}]}]})"}) {
    const auto request = RequestFrom(body);
    ASSERT_FALSE(request.ok()) << body;
    EXPECT_EQ(FieldViolations(request.status()).front().second,
              "no such field");
  }
}

TEST(GeminiRequestReaderTest, ASingleObjectIsAListOfOne) {
  const auto request = RequestFrom(
      R"({"contents":{"parts":{"text":"a"}},)"
      R"("tools":{"functionDeclarations":{"name":"f"}}})");
  ASSERT_TRUE(request.ok()) << request.status();
  ASSERT_EQ(request->messages_size(), 1);
  EXPECT_EQ(request->messages(0).parts(0).text(), "a");
  ASSERT_EQ(request->tools_size(), 1);
  EXPECT_EQ(request->tools(0).function().name(), "f");
}

TEST(GeminiRequestReaderTest, NamesTheFieldAtFault) {
  const auto field_at_fault = [](std::string_view body) {
    const auto request = RequestFrom(body);
    EXPECT_EQ(FaultReason(request.status()), v1::ERROR_REASON_INVALID_REQUEST);
    return FieldViolations(request.status()).front().first;
  };
  EXPECT_EQ(field_at_fault("{}"), "contents");
  EXPECT_EQ(field_at_fault(R"({"contents":7})"), "contents");
  EXPECT_EQ(field_at_fault(R"({"contents":[{"role":"assistant"}]})"),
            "contents[0].role");
  EXPECT_EQ(field_at_fault(R"({"contents":[{"parts":[{"text":"a"},
                               {"text":{}}]}]})"),
            "contents[0].parts[1].text");
  EXPECT_EQ(field_at_fault(R"({"contents":[],"tool_config":{},
                               "toolConfig":{}})"),
            "toolConfig");
  EXPECT_EQ(field_at_fault(R"({"contents":[],
                               "generationConfig":{"topK":"x"}})"),
            "generationConfig.topK");
}

}  // namespace
}  // namespace gateway::gemini
