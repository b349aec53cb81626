#include "providers/dialects/openai_chat/request_reader.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway::chat {
namespace {

struct Reading {
  absl::Status status;
  v1::GenerateRequest request;
  bool stream = false;
  bool stream_usage = false;
};

Reading ReadRequestBody(std::string_view body) {
  Reading reading;
  reading.status = ReadRequest(body, &reading.request, &reading.stream,
                               &reading.stream_usage);
  return reading;
}

// Reads a request that has `fields` besides what it must have.
Reading ReadWith(std::string_view fields) {
  return ReadRequestBody(
      std::string(R"({"model":"m","messages":[{"role":"user",)"
                  R"("content":"hi"}],)") +
      std::string(fields) + "}");
}

Reading ReadMessages(std::string_view messages) {
  return ReadRequestBody(R"({"model":"m","messages":)" + std::string(messages) +
                         "}");
}

TEST(OpenAiChatRequestReaderTest, ReadsTheWishForAStream) {
  EXPECT_FALSE(ReadWith("\"stream\":null").stream);
  EXPECT_TRUE(ReadWith("\"stream\":true").stream);
  EXPECT_FALSE(ReadWith("\"stream\":true").stream_usage);
  EXPECT_TRUE(ReadWith(R"("stream":true,"stream_options":)"
                       R"({"include_usage":true})")
                  .stream_usage);
}

TEST(OpenAiChatRequestReaderTest, NamesTheFieldAtFault) {
  const struct {
    std::string_view fields;
    std::string_view field;
    std::string_view description;
  } kCases[] = {
      {R"("stream":"yes")", "stream", "expected true or false"},
      {R"("temperature":"hot")", "temperature", "expected a number"},
      {R"("n":0)", "n", "must be between 1 and 128"},
      {R"("n":129)", "n", "must be between 1 and 128"},
      {R"("max_tokens":-1)", "max_tokens", "must be between 0 and 2147483647"},
      {R"("stop":[1])", "stop[0]", "expected a string"},
      {R"("stop":7)", "stop", "expected a string or an array"},
      {R"("metadata":{"k":1})", "metadata.k", "expected a string"},
      {R"("tools":[{"function":{"name":"f"}}])", "tools[0]",
       "type must be set"},
      {R"("tools":[{"type":"function","function":{}}])", "tools[0].function",
       "name must be set"},
      {R"("tool_choice":"maybe")", "tool_choice",
       "expected none, auto, required or an object"},
      {R"("model":"again")", "model", "given twice"},
      {R"("new":1,"new":2)", "new", "given twice"},
      {R"("t\u006fols":[],"tools":[])", "tools", "given twice"},
  };
  for (const auto& each : kCases) {
    SCOPED_TRACE(each.fields);
    const absl::Status status = ReadWith(each.fields).status;
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST);
    const auto violations = FieldViolations(status);
    ASSERT_EQ(violations.size(), 1u) << status;
    EXPECT_EQ(violations[0].first, each.field);
    EXPECT_EQ(violations[0].second, each.description);
  }
}

TEST(OpenAiChatRequestReaderTest, NamesTheMessageAtFault) {
  const struct {
    std::string_view messages;
    std::string_view message;
  } kCases[] = {
      {"7", "messages: expected an array"},
      {"[]", "messages must have at least one entry"},
      {"[{}]", "messages[0]: role must be set"},
      {R"([{"role":"king","content":"x"}])", "messages[0]: unknown role"},
      {R"([{"role":"user"}])", "messages[0]: content must be set"},
      {R"([{"role":"tool","content":"x"}])",
       "messages[0]: tool_call_id must be set"},
      {R"([{"role":"user","content":[{"type":"text"}]}])",
       "messages[0].content[0]: text must be set"},
      {R"([{"role":"user","content":[{"text":"x"}]}])",
       "messages[0].content[0]: type must be set"},
      {R"([{"role":"user","content":[{"type":"image_url","image_url":{}}]}])",
       "messages[0].content[0].image_url: the url must be set"},
      {R"([{"role":"user","content":[{"type":"input_audio",)"
       R"("input_audio":{"data":"%","format":"wav"}}]}])",
       "messages[0].content[0].input_audio.data: expected base64"},
      {R"([{"role":"user","content":"\udc00"}])",
       "messages[0].content: malformed JSON: a bad escape or a lone surrogate "
       "in a string"},
  };
  for (const auto& each : kCases) {
    EXPECT_EQ(ReadMessages(each.messages).status.message(),
              std::string(each.message));
  }
}

TEST(OpenAiChatRequestReaderTest, RefusesWhatIsNotARequest) {
  for (const std::string_view body :
       {"", "[]", "7", "{}", "null", "{\"a\":}"}) {
    EXPECT_EQ(FaultReason(ReadRequestBody(body).status),
              v1::ERROR_REASON_INVALID_REQUEST)
        << body;
  }
}

TEST(OpenAiChatRequestReaderTest, ReadsFunctionsIntoTools) {
  const Reading reading =
      ReadWith(R"("functions":[{"name":"f","parameters":{}}],)"
               R"("function_call":{"name":"f"})");
  ASSERT_TRUE(reading.status.ok()) << reading.status;
  ASSERT_EQ(reading.request.tools_size(), 1);
  EXPECT_EQ(reading.request.tools(0).function().name(), "f");
  EXPECT_EQ(reading.request.tool_choice().mode(), v1::ToolChoice::MODE_TOOL);
  EXPECT_EQ(reading.request.tool_choice().tool_name(), "f");
}

TEST(OpenAiChatRequestReaderTest, PairsFunctionCallsWithTheirAnswers) {
  const Reading reading = ReadMessages(
      R"([{"role":"assistant","content":null,)"
      R"("function_call":{"name":"f","arguments":"{}"}},)"
      R"({"role":"function","name":"f","content":"1"},)"
      R"({"role":"assistant","function_call":{"name":"g","arguments":""}},)"
      R"({"role":"function","name":"g","content":"2"}])");
  ASSERT_TRUE(reading.status.ok()) << reading.status;
  for (const int i : {0, 2}) {
    const v1::ToolCall& call = reading.request.messages(i).parts(0).tool_call();
    const v1::ToolResult& result =
        reading.request.messages(i + 1).parts(0).tool_result();
    EXPECT_FALSE(call.id().empty());
    EXPECT_EQ(result.tool_call_id(), call.id());
    EXPECT_EQ(result.name(), call.name());
  }
  EXPECT_NE(reading.request.messages(0).parts(0).tool_call().id(),
            reading.request.messages(2).parts(0).tool_call().id());
}

TEST(OpenAiChatRequestReaderTest, ToolChoiceCountsMoreThanFunctionCall) {
  for (const std::string_view fields :
       {R"("tool_choice":"none","function_call":"auto")",
        R"("function_call":"auto","tool_choice":"none")"}) {
    EXPECT_EQ(ReadWith(fields).request.tool_choice().mode(),
              v1::ToolChoice::MODE_NONE);
  }
}

TEST(OpenAiChatRequestReaderTest, TheNewLimitCountsMoreThanTheOld) {
  EXPECT_EQ(ReadWith("\"max_tokens\":5").request.max_output_tokens(), 5);
  EXPECT_EQ(ReadWith(R"("max_completion_tokens":7,"max_tokens":5)")
                .request.max_output_tokens(),
            7);
}

TEST(OpenAiChatRequestReaderTest, TheUserIsInTheScope) {
  EXPECT_EQ(ReadWith("\"user\":\"u\"").request.scope().user_id(), "u");
  const Reading both = ReadWith(R"("user":"u","safety_identifier":"s")");
  EXPECT_EQ(both.request.scope().user_id(), "s");
  ASSERT_EQ(both.request.extensions_size(), 1);
  EXPECT_EQ(both.request.extensions(0).name(), "user");
  EXPECT_EQ(both.request.extensions(0).json(), "\"u\"");
}

TEST(OpenAiChatRequestReaderTest, NullMeansAbsent) {
  const Reading reading = ReadWith(
      R"("temperature":null,"tools":null,"stop":null,"metadata":null,)"
      R"("response_format":null,"tool_choice":null,"user":null,"n":null)");
  ASSERT_TRUE(reading.status.ok()) << reading.status;
  EXPECT_FALSE(reading.request.has_sampling());
  EXPECT_EQ(reading.request.extensions_size(), 0);
}

TEST(OpenAiChatRequestReaderTest, ReadsSignedReasoningThatAClientSendsBack) {
  const Reading reading = ReadMessages(
      R"([{"role":"assistant","content":"x","reasoning_content":"ab",)"
      R"("reasoning_details":[{"type":"reasoning.text","text":"a",)"
      R"("signature":"c2ln"},{"type":"reasoning.encrypted","data":"ZGF0"}]}])");
  ASSERT_TRUE(reading.status.ok()) << reading.status;
  const v1::Message& message = reading.request.messages(0);
  ASSERT_EQ(message.parts_size(), 3);
  EXPECT_EQ(message.parts(0).reasoning().text(), "a");
  EXPECT_EQ(message.parts(0).reasoning().signature(), "c2ln");
  EXPECT_EQ(message.parts(1).reasoning().redacted_data(), "ZGF0");
  EXPECT_EQ(message.parts(2).text(), "x");
}

TEST(OpenAiChatRequestReaderTest, AcceptsTheFieldsOfAnSdkTogether) {
  EXPECT_TRUE(
      ReadWith(R"("functions":[{"name":"f"}],"tools":[{"type":"function",)"
               R"("function":{"name":"g"}}],"max_tokens":0,)"
               R"("max_completion_tokens":0,"logit_bias":{"foo":0},)"
               R"("audio":{"voice":"alloy","format":"wav"},"seed":-1,)"
               R"("prompt_cache_retention":"24h","web_search_options":)"
               R"({"search_context_size":"low"},"stream_options":)"
               R"({"include_obfuscation":true})")
          .status.ok());
}

}  // namespace
}  // namespace gateway::chat
