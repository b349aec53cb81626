// What other formats say reaches Gemini's, and what Gemini answers reaches
// theirs: the golden files of both sides, taken through the contract.

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
#include "providers/dialects/gemini/gemini.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/providers/dialects/golden_files.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway {
namespace {

// What every format can say of a message, in a form to compare: its text, and
// its calls and results in order.
struct Essence {
  std::string instructions;
  std::string text;
  std::vector<std::string> things;

  bool operator==(const Essence&) const = default;
};

void PrintTo(const Essence& essence, std::ostream* out) {
  *out << essence.instructions << " | " << essence.text;
  for (const std::string& thing : essence.things) *out << " | " << thing;
}

void Add(const v1::Part& part, std::string* text,
         std::vector<std::string>* things) {
  if (part.has_text()) text->append(part.text());
  if (part.has_refusal()) text->append(part.refusal());
  if (part.has_audio()) text->append(part.audio().transcript());
  if (part.has_tool_call()) {
    things->push_back(absl::StrCat("call ", part.tool_call().name()));
  }
  if (part.has_tool_result()) {
    std::string answer;
    for (const v1::Part& piece : part.tool_result().parts()) {
      answer.append(piece.text());
    }
    things->push_back("result " + answer);
  }
}

Essence EssenceOf(const v1::GenerateRequest& request) {
  Essence essence;
  for (const v1::Message& message : request.messages()) {
    const bool instructs = message.role() == v1::ROLE_SYSTEM ||
                           message.role() == v1::ROLE_DEVELOPER;
    for (const v1::Part& part : message.parts()) {
      Add(part, instructs ? &essence.instructions : &essence.text,
          &essence.things);
    }
  }
  return essence;
}

Essence EssenceOf(const v1::GenerateResponse& response) {
  Essence essence;
  if (response.choices().empty()) return essence;
  for (const v1::Part& part : response.choices(0).message().parts()) {
    Add(part, &essence.text, &essence.things);
  }
  return essence;
}

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
      request, {.model = "gemini-2.5-pro"}, &body, &warnings);
  EXPECT_TRUE(status.ok()) << status;
  for (const v1::Warning& warning : warnings) {
    if (warned != nullptr) warned->insert(warning.field());
  }
  return body;
}

EventList ReadEvents(const Dialect& dialect, const std::string& stream) {
  EventList events;
  const std::unique_ptr<EventReader> reader = dialect.NewEventReader();
  const absl::Status status = ReadStream(*reader, stream, 0, &events);
  EXPECT_TRUE(status.ok()) << status << "\n" << stream;
  EXPECT_TRUE(reader->done() || reader->CompleteAtClose()) << stream;
  return events;
}

std::string WriteEvents(const Dialect& dialect, const EventList& events) {
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

v1::GenerateResponse Fold(const EventList& events) {
  EventFolding folding;
  for (const v1::GenerateEvent& event : events) folding.Add(event);
  return folding.Finish();
}

class GeminiTranslationTest : public testing::Test {
 protected:
  std::vector<const Dialect*> Others() const { return {&openai_, &anthropic_}; }

  static std::string Folder(const Dialect& dialect, const std::string& name) {
    return absl::StrCat(std::string(dialect.name()), "/", name);
  }

  // Streams that make up an answer.
  static std::vector<Golden> StreamsOf(const Dialect& dialect) {
    std::vector<Golden> streams;
    for (const Golden& golden : GoldensIn(Folder(dialect, "responses"))) {
      const std::string path =
          Folder(dialect, "streams/" + golden.name + ".sse");
      streams.push_back({golden.name, ReadGolden(path)});
    }
    return streams;
  }

  const Gemini gemini_;
  const OpenAiChat openai_;
  const AnthropicMessages anthropic_;
};

TEST_F(GeminiTranslationTest, RequestsOfOthersReachGemini) {
  for (const Dialect* other : Others()) {
    for (const Golden& golden : GoldensIn(Folder(*other, "requests"))) {
      SCOPED_TRACE(Folder(*other, golden.name));
      const v1::GenerateRequest here = ReadRequest(*other, golden.text);
      const std::string body = WriteRequest(gemini_, here);
      EXPECT_EQ(EssenceOf(ReadRequest(gemini_, body)), EssenceOf(here));
    }
  }
}

TEST_F(GeminiTranslationTest, RequestsOfGeminiReachOthers) {
  for (const Dialect* other : Others()) {
    for (const Golden& golden : GoldensIn("gemini/requests")) {
      SCOPED_TRACE(Folder(*other, golden.name));
      const v1::GenerateRequest here = ReadRequest(gemini_, golden.text);
      const v1::GenerateRequest there =
          ReadRequest(*other, WriteRequest(*other, here));
      EXPECT_EQ(EssenceOf(there).text, EssenceOf(here).text);
      EXPECT_EQ(EssenceOf(there).instructions, EssenceOf(here).instructions);
    }
  }
}

TEST_F(GeminiTranslationTest, AnswersGoBothWays) {
  for (const Dialect* other : Others()) {
    for (const auto& [from, to] :
         {std::pair<const Dialect*, const Dialect*>(other, &gemini_),
          std::pair<const Dialect*, const Dialect*>(&gemini_, other)}) {
      for (const Golden& golden : GoldensIn(Folder(*from, "responses"))) {
        SCOPED_TRACE(Folder(*from, golden.name));
        v1::GenerateResponse here;
        ASSERT_TRUE(from->ReadResponse(golden.text, &here).ok());
        std::string body;
        ASSERT_TRUE(to->WriteResponse(here, &body, nullptr).ok());
        v1::GenerateResponse there;
        const absl::Status status = to->ReadResponse(body, &there);
        ASSERT_TRUE(status.ok()) << status << "\n" << body;
        EXPECT_EQ(EssenceOf(there), EssenceOf(here));
        EXPECT_EQ(there.usage().input_tokens(), here.usage().input_tokens());
        EXPECT_EQ(there.usage().output_tokens(), here.usage().output_tokens());
      }
    }
  }
}

TEST_F(GeminiTranslationTest, StreamsGoBothWays) {
  for (const Dialect* other : Others()) {
    for (const auto& [from, to] :
         {std::pair<const Dialect*, const Dialect*>(other, &gemini_),
          std::pair<const Dialect*, const Dialect*>(&gemini_, other)}) {
      for (const Golden& golden : StreamsOf(*from)) {
        SCOPED_TRACE(Folder(*from, golden.name));
        const auto events = ReadEvents(*from, golden.text);
        const v1::GenerateResponse here = Fold(events);
        const v1::GenerateResponse there =
            Fold(ReadEvents(*to, WriteEvents(*to, events)));
        EXPECT_EQ(EssenceOf(there), EssenceOf(here));
        EXPECT_EQ(there.usage().input_tokens(), here.usage().input_tokens());
        EXPECT_EQ(there.usage().output_tokens(), here.usage().output_tokens());
        // A pause is a word of one format only.
        if (here.choices(0).finish_reason() != v1::FINISH_REASON_PAUSE) {
          EXPECT_EQ(there.choices(0).finish_reason(),
                    here.choices(0).finish_reason());
        }
      }
    }
  }
}

// One conversation in both formats, word for word.
TEST_F(GeminiTranslationTest, AConversationIsWrittenAsGeminiWantsIt) {
  std::set<std::string> warned;
  const std::string body = WriteRequest(gemini_, ReadRequest(openai_, R"({
        "model": "m",
        "max_completion_tokens": 100,
        "temperature": 1.5,
        "seed": 7,
        "stop": "END",
        "n": 2,
        "reasoning_effort": "low",
        "parallel_tool_calls": false,
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "messages": [
          {"role": "developer", "content": "Be brief."},
          {"role": "user", "content": [
            {"type": "text", "text": "Weather?"},
            {"type": "image_url",
             "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            {"type": "image_url",
             "image_url": {"url": "https://example.com/a.png"}}]},
          {"role": "assistant", "content": "", "tool_calls": [
            {"id": "call_1", "type": "function",
             "function": {"name": "f", "arguments": "{\"a\": 1.50}"}},
            {"id": "call_2", "type": "function",
             "function": {"name": "g", "arguments": ""}}]},
          {"role": "tool", "tool_call_id": "call_1", "content": "one"},
          {"role": "tool", "tool_call_id": "call_2", "content": "{\"b\": 2}"},
          {"role": "user", "content": "And?"}],
        "tools": [{"type": "function", "function": {"name": "f",
          "description": "d", "parameters": {"type": "object"}}}],
        "response_format": {"type": "json_schema", "json_schema": {
          "name": "n", "schema": {"type": "object"}}}
      })"),
                                        &warned);
  EXPECT_TRUE(SameJson(body, R"({
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
          {"role": "user", "parts": [
            {"text": "Weather?"},
            {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
            {"fileData": {"mimeType": "image/png",
                          "fileUri": "https://example.com/a.png"}}]},
          {"role": "model", "parts": [
            {"functionCall": {"id": "call_1", "name": "f",
                              "args": {"a": 1.50}}},
            {"functionCall": {"id": "call_2", "name": "g", "args": {}}}]},
          {"role": "user", "parts": [
            {"functionResponse": {"id": "call_1", "name": "f",
                                  "response": {"output": "one"}}},
            {"functionResponse": {"id": "call_2", "name": "g",
                                  "response": {"b": 2}}},
            {"text": "And?"}]}],
        "tools": [{"functionDeclarations": [{"name": "f", "description": "d",
          "parametersJsonSchema": {"type": "object"}}]}],
        "toolConfig": {"functionCallingConfig": {
          "mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {
          "temperature": 1.5, "candidateCount": 2, "maxOutputTokens": 100,
          "stopSequences": ["END"], "seed": 7,
          "responseMimeType": "application/json",
          "responseJsonSchema": {"type": "object"},
          "thinkingConfig": {"thinkingBudget": 1024}}
      })"));
  EXPECT_EQ(warned, (std::set<std::string>{"parallel_tool_calls"}));
}

// A caller of another format gives our ids back; Gemini never sees them.
TEST_F(GeminiTranslationTest, IdsThatWereMadeUpComeBackToTheirCalls) {
  v1::GenerateResponse answer;
  ASSERT_TRUE(
      gemini_.ReadResponse(ReadGolden("gemini/responses/tools.json"), &answer)
          .ok());
  v1::GenerateRequest request;
  *request.add_messages() = answer.choices(0).message();
  for (const v1::Part& part : answer.choices(0).message().parts()) {
    if (!part.has_tool_call()) continue;
    v1::Message* result = request.add_messages();
    result->set_role(v1::ROLE_TOOL);
    result->add_parts()->mutable_tool_result()->set_tool_call_id(
        part.tool_call().id());
  }
  for (const Dialect* other : Others()) {
    SCOPED_TRACE(std::string(other->name()));
    const std::string body = WriteRequest(
        gemini_, ReadRequest(*other, WriteRequest(*other, request)));
    EXPECT_EQ(body.find("gcall_"), std::string::npos) << body;
    const v1::GenerateRequest back = ReadRequest(gemini_, body);
    EXPECT_EQ(EssenceOf(back).things.size(), 6u) << body;
  }
}

}  // namespace
}  // namespace gateway
