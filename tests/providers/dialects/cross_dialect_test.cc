// Carries requests, answers and streams from one vendor's format to another's
// through the neutral vocabulary: what both can say arrives.

#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/providers/dialects/golden_files.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway {
namespace {

v1::GenerateRequest ReadRequest(const Dialect& dialect,
                                const std::string& body) {
  v1::GenerateRequest request;
  bool stream = false;
  bool stream_usage = false;
  const absl::Status status =
      dialect.ReadRequest(body, &request, &stream, &stream_usage);
  EXPECT_TRUE(status.ok()) << status << "\n" << body;
  return request;
}

std::string WriteRequest(const Dialect& dialect,
                         const v1::GenerateRequest& request,
                         std::set<std::string>* warned = nullptr) {
  std::string body;
  std::vector<v1::Warning> warnings;
  const absl::Status status = dialect.WriteRequest(
      request, {.model = "model", .default_output_tokens_max = 4096}, &body,
      &warnings);
  EXPECT_TRUE(status.ok()) << status;
  for (const v1::Warning& warning : warnings) {
    if (warned != nullptr) warned->insert(warning.field());
  }
  return body;
}

// What every format can say of a message, in a form to compare.
void AppendEssence(const v1::Part& part, std::string* text,
                   std::vector<std::string>* calls) {
  if (part.has_text()) text->append(part.text());
  if (part.has_refusal()) text->append(part.refusal());
  if (part.has_audio()) text->append(part.audio().transcript());
  if (part.has_document()) text->append(part.document().text());
  if (part.has_tool_call()) {
    calls->push_back(absl::StrCat("call ", part.tool_call().id(), " ",
                                  part.tool_call().name()));
  }
  if (part.has_image()) calls->push_back("image");
  if (part.has_tool_result()) {
    std::string answer;
    for (const v1::Part& piece : part.tool_result().parts()) {
      answer.append(piece.text());
    }
    calls->push_back(absl::StrCat("result ", part.tool_result().tool_call_id(),
                                  " ", answer));
  }
}

// Instructions apart, then the conversation: all text in order, and all calls,
// results and pictures in order.
struct Essence {
  std::string instructions;
  std::string text;
  std::vector<std::string> calls;

  bool operator==(const Essence&) const = default;
};

void PrintTo(const Essence& essence, std::ostream* out) {
  *out << essence.instructions << " | " << essence.text;
  for (const std::string& call : essence.calls) *out << " | " << call;
}

Essence EssenceOf(const v1::GenerateRequest& request) {
  Essence essence;
  for (const v1::Message& message : request.messages()) {
    const bool instructs = message.role() == v1::ROLE_SYSTEM ||
                           message.role() == v1::ROLE_DEVELOPER;
    for (const v1::Part& part : message.parts()) {
      AppendEssence(part, instructs ? &essence.instructions : &essence.text,
                    &essence.calls);
    }
  }
  return essence;
}

Essence EssenceOf(const v1::GenerateResponse& response) {
  Essence essence;
  if (response.choices().empty()) return essence;
  for (const v1::Part& part : response.choices(0).message().parts()) {
    AppendEssence(part, &essence.text, &essence.calls);
  }
  return essence;
}

v1::GenerateResponse Fold(const Dialect& dialect, const std::string& stream,
                          std::vector<v1::GenerateEvent>* events) {
  const std::unique_ptr<EventReader> reader = dialect.NewEventReader();
  const absl::Status status = ReadStream(*reader, stream, 0, events);
  EXPECT_TRUE(status.ok()) << status << "\n" << stream;
  EXPECT_TRUE(reader->done()) << stream;
  EventFolding folding;
  for (const v1::GenerateEvent& event : *events) folding.Add(event);
  return folding.Finish();
}

std::string WriteStream(const Dialect& dialect,
                        const std::vector<v1::GenerateEvent>& events) {
  const std::unique_ptr<EventWriter> writer =
      dialect.NewEventWriter({.stream_usage = true});
  std::string out;
  for (const v1::GenerateEvent& event : events) {
    EXPECT_TRUE(writer->Write(event, &out).ok());
  }
  v1::GenerateEvent end;
  end.mutable_end()->set_outcome(v1::StreamEnd::OUTCOME_FINISHED);
  EXPECT_TRUE(writer->Write(end, &out).ok());
  return out;
}

class CrossDialectTest : public testing::Test {
 protected:
  const OpenAiChat openai_;
  const AnthropicMessages anthropic_;
};

TEST_F(CrossDialectTest, EveryOpenAiRequestReachesAnthropic) {
  for (const Golden& golden : GoldensIn("openai_chat/requests")) {
    SCOPED_TRACE(golden.name);
    const v1::GenerateRequest request = ReadRequest(openai_, golden.text);
    const std::string body = WriteRequest(anthropic_, request);
    EXPECT_EQ(EssenceOf(ReadRequest(anthropic_, body)), EssenceOf(request));
  }
}

TEST_F(CrossDialectTest, EveryAnthropicRequestReachesOpenAi) {
  for (const Golden& golden : GoldensIn("anthropic_messages/requests")) {
    SCOPED_TRACE(golden.name);
    const v1::GenerateRequest request = ReadRequest(anthropic_, golden.text);
    const std::string body = WriteRequest(openai_, request);
    const Essence there = EssenceOf(ReadRequest(openai_, body));
    const Essence here = EssenceOf(request);
    EXPECT_EQ(there.instructions, here.instructions);
    EXPECT_EQ(there.text, here.text);
  }
}

TEST_F(CrossDialectTest, EveryOpenAiStreamReachesAnthropic) {
  for (const Golden& golden : GoldensIn("openai_chat/streams")) {
    SCOPED_TRACE(golden.name);
    std::vector<v1::GenerateEvent> events;
    const v1::GenerateResponse here = Fold(openai_, golden.text, &events);
    const std::string stream = WriteStream(anthropic_, events);
    std::vector<v1::GenerateEvent> carried;
    const v1::GenerateResponse there = Fold(anthropic_, stream, &carried);
    EXPECT_EQ(EssenceOf(there), EssenceOf(here));
    EXPECT_EQ(there.usage().input_tokens(), here.usage().input_tokens());
    EXPECT_EQ(there.usage().output_tokens(), here.usage().output_tokens());
    EXPECT_EQ(there.usage().cached_input_tokens(),
              here.usage().cached_input_tokens());
    EXPECT_EQ(there.choices_size(), 1);
  }
}

TEST_F(CrossDialectTest, EveryAnthropicStreamReachesOpenAi) {
  for (const Golden& golden : GoldensIn("anthropic_messages/responses")) {
    SCOPED_TRACE(golden.name);
    std::vector<v1::GenerateEvent> events;
    const v1::GenerateResponse here =
        Fold(anthropic_,
             ReadGolden("anthropic_messages/streams/" + golden.name + ".sse"),
             &events);
    std::vector<v1::GenerateEvent> carried;
    const v1::GenerateResponse there =
        Fold(openai_, WriteStream(openai_, events), &carried);
    EXPECT_EQ(EssenceOf(there), EssenceOf(here));
    EXPECT_EQ(there.usage().input_tokens(), here.usage().input_tokens());
    EXPECT_EQ(there.usage().output_tokens(), here.usage().output_tokens());
    // OpenAI has no word for a pause.
    if (here.choices(0).finish_reason() != v1::FINISH_REASON_PAUSE) {
      EXPECT_EQ(there.choices(0).finish_reason(),
                here.choices(0).finish_reason());
    }
  }
}

TEST_F(CrossDialectTest, AnswersGoBothWays) {
  const std::pair<const Dialect*, const Dialect*> kWays[] = {
      {&openai_, &anthropic_}, {&anthropic_, &openai_}};
  for (const auto& [from, to] : kWays) {
    for (const Golden& golden :
         GoldensIn(absl::StrCat(std::string(from->name()), "/responses"))) {
      SCOPED_TRACE(golden.name);
      v1::GenerateResponse here;
      ASSERT_TRUE(from->ReadResponse(golden.text, &here).ok());
      std::string body;
      ASSERT_TRUE(to->WriteResponse(here, &body).ok());
      v1::GenerateResponse there;
      const absl::Status status = to->ReadResponse(body, &there);
      ASSERT_TRUE(status.ok()) << status << "\n" << body;
      EXPECT_EQ(EssenceOf(there).text, EssenceOf(here).text);
      EXPECT_EQ(there.usage().input_tokens(), here.usage().input_tokens());
      EXPECT_EQ(there.usage().output_tokens(), here.usage().output_tokens());
    }
  }
}

// One conversation in both formats, word for word.
TEST_F(CrossDialectTest, AConversationWithToolsIsWrittenAsAnthropicWantsIt) {
  std::set<std::string> warned;
  const std::string body = WriteRequest(anthropic_, ReadRequest(openai_, R"({
        "model": "m",
        "max_completion_tokens": 100,
        "temperature": 1.5,
        "seed": 7,
        "stop": "END",
        "reasoning_effort": "low",
        "parallel_tool_calls": false,
        "tool_choice": "required",
        "safety_identifier": "u-1",
        "messages": [
          {"role": "developer", "content": "Be brief."},
          {"role": "user", "content": [
            {"type": "text", "text": "Weather?"},
            {"type": "image_url",
             "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]},
          {"role": "assistant", "content": "", "tool_calls": [
            {"id": "call_1", "type": "function",
             "function": {"name": "f", "arguments": "{\"a\": 1.50}"}},
            {"id": "call_2", "type": "function",
             "function": {"name": "f", "arguments": ""}}]},
          {"role": "tool", "tool_call_id": "call_1", "content": "one"},
          {"role": "tool", "tool_call_id": "call_2", "content": "two"},
          {"role": "user", "content": "And?"}],
        "tools": [{"type": "function", "function": {"name": "f",
          "description": "d", "parameters": {"type": "object"}}}],
        "response_format": {"type": "json_schema", "json_schema": {
          "name": "n", "schema": {"type": "object"}, "strict": true}}
      })"),
                                        &warned);
  EXPECT_TRUE(SameJson(body, R"({
        "model": "model",
        "max_tokens": 100,
        "temperature": 1,
        "stop_sequences": ["END"],
        "output_config": {"effort": "low", "format": {
          "type": "json_schema", "schema": {"type": "object"}}},
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
        "metadata": {"user_id": "u-1"},
        "system": "Be brief.",
        "messages": [
          {"role": "user", "content": [
            {"type": "text", "text": "Weather?"},
            {"type": "image", "source": {"type": "base64",
             "media_type": "image/png", "data": "iVBORw0KGgo="}}]},
          {"role": "assistant", "content": [
            {"type": "tool_use", "id": "call_1", "name": "f",
             "input": {"a": 1.50}},
            {"type": "tool_use", "id": "call_2", "name": "f", "input": {}}]},
          {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "call_1", "content": "one"},
            {"type": "tool_result", "tool_use_id": "call_2", "content": "two"},
            {"type": "text", "text": "And?"}]}],
        "tools": [{"name": "f", "description": "d",
                   "input_schema": {"type": "object"}}]
      })"));
  EXPECT_EQ(warned,
            (std::set<std::string>{"sampling.seed", "sampling.temperature"}));
}

TEST_F(CrossDialectTest, AConversationWithToolsIsWrittenAsOpenAiWantsIt) {
  const v1::GenerateRequest request = ReadRequest(anthropic_, R"({
        "model": "m",
        "max_tokens": 100,
        "system": "Be brief.",
        "messages": [
          {"role": "user", "content": "Weather?"},
          {"role": "assistant", "content": [
            {"type": "tool_use", "id": "t1", "name": "f",
             "input": {"a": 1.50}}]},
          {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": "one"},
            {"type": "text", "text": "And?"}]}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "tool", "name": "f"}
      })");
  const v1::GenerateRequest there =
      ReadRequest(openai_, WriteRequest(openai_, request));
  ASSERT_EQ(there.messages_size(), 5);
  EXPECT_EQ(there.messages(0).role(), v1::ROLE_SYSTEM);
  EXPECT_EQ(there.messages(2).parts(0).tool_call().arguments(),
            R"({"a": 1.50})");
  EXPECT_EQ(there.messages(3).role(), v1::ROLE_TOOL);
  EXPECT_EQ(there.messages(3).parts(0).tool_result().tool_call_id(), "t1");
  EXPECT_EQ(there.messages(4).parts(0).text(), "And?");
  EXPECT_EQ(there.tool_choice().tool_name(), "f");
  EXPECT_EQ(there.max_output_tokens(), 100);
}

}  // namespace
}  // namespace gateway
