// Carries requests, answers and streams from one vendor's format to another's
// through the neutral vocabulary: what both can say arrives.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
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
#include "providers/dialects/openai_responses/openai_responses.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/providers/dialects/golden_files.h"
#include "tests/providers/dialects/json_equality.h"
#include "tests/providers/dialects/random_call.h"
#include "tests/providers/dialects/request_facets.h"

namespace gateway {
namespace {

// Every format meets every other. One that joins needs its line here, its
// goldens and its dependency.
const std::vector<const Dialect*>& Dialects() {
  static const auto* const kDialects = new std::vector<const Dialect*>{
      new AnthropicMessages(),
      new Gemini(),
      new OpenAiChat(),
      new OpenAiResponses(),
  };
  return *kDialects;
}

using Ways = std::vector<std::pair<const Dialect*, const Dialect*>>;

// Each format with each other.
Ways AllWays() {
  Ways ways;
  for (const Dialect* from : Dialects()) {
    for (const Dialect* to : Dialects()) {
      if (from != to) ways.emplace_back(from, to);
    }
  }
  return ways;
}

std::string Name(const Dialect* dialect) {
  return std::string(dialect->name());
}

// Gemini has no calls of free text, and results must name their tool: what it
// cannot be told is refused.
bool MayRefuse(const Dialect& dialect) { return dialect.name() == "gemini"; }

// Enough for every pair of settings to have met.
constexpr int kRandomCalls = 300;

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
                         std::set<std::string>* warned = nullptr,
                         std::vector<v1::Warning>* all_warnings = nullptr) {
  std::string body;
  std::vector<v1::Warning> warnings;
  const absl::Status status = dialect.WriteRequest(
      request, {.model = "model", .output_tokens_limit = 4096}, &body,
      &warnings);
  EXPECT_TRUE(status.ok()) << status;
  for (const v1::Warning& warning : warnings) {
    if (warned != nullptr) warned->insert(warning.field());
    if (all_warnings != nullptr) all_warnings->push_back(warning);
  }
  return body;
}

// What every format can say of a message, in a form to compare.
void AppendEssence(const v1::Part& part, std::string* text,
                   std::vector<std::string>* calls) {
  // Not what OpenAI's writer says of pictures that it had to move.
  if (part.has_text() && !part.text().starts_with("From the result of ")) {
    text->append(part.text());
  }
  if (part.has_refusal()) text->append(part.refusal());
  if (part.has_audio()) text->append(part.audio().transcript());
  if (part.has_document()) text->append(part.document().text());
  // Bytes that are text say the same as a text.
  if (part.document().media_type().starts_with("text/")) {
    text->append(part.document().data());
  }
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
                          EventList* events) {
  const std::unique_ptr<EventReader> reader = dialect.NewEventReader();
  const absl::Status status = ReadStream(*reader, stream, 0, events);
  EXPECT_TRUE(status.ok()) << status << "\n" << stream;
  EXPECT_TRUE(reader->done() || reader->CompleteAtClose()) << stream;
  EventFolding folding;
  for (const v1::GenerateEvent& event : *events) folding.Add(event);
  return folding.Finish();
}

std::string WriteStream(const Dialect& dialect, const EventList& events) {
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
    EventList events;
    const v1::GenerateResponse here = Fold(openai_, golden.text, &events);
    const std::string stream = WriteStream(anthropic_, events);
    EventList carried;
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
    EventList events;
    const v1::GenerateResponse here =
        Fold(anthropic_,
             ReadGolden("anthropic_messages/streams/" + golden.name + ".sse"),
             &events);
    EventList carried;
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
  for (const auto& [from, to] : AllWays()) {
    for (const Golden& golden : GoldensIn(Name(from) + "/responses")) {
      SCOPED_TRACE(Name(from) + " to " + Name(to) + ": " + golden.name);
      v1::GenerateResponse here;
      ASSERT_TRUE(from->ReadResponse(golden.text, &here).ok());
      std::string body;
      const absl::Status written = to->WriteResponse(here, &body, nullptr);
      if (!written.ok() && MayRefuse(*to)) continue;
      ASSERT_TRUE(written.ok()) << written;
      v1::GenerateResponse there;
      const absl::Status status = to->ReadResponse(body, &there);
      ASSERT_TRUE(status.ok()) << status << "\n" << body;
      EXPECT_EQ(EssenceOf(there).text, EssenceOf(here).text);
      EXPECT_EQ(there.usage().input_tokens(), here.usage().input_tokens());
      EXPECT_EQ(there.usage().output_tokens(), here.usage().output_tokens());
    }
  }
}

TEST_F(CrossDialectTest, EveryRequestReachesEveryOther) {
  for (const auto& [from, to] : AllWays()) {
    for (const Golden& golden : GoldensIn(Name(from) + "/requests")) {
      SCOPED_TRACE(Name(from) + " to " + Name(to) + ": " + golden.name);
      const v1::GenerateRequest request = ReadRequest(*from, golden.text);
      const Essence here = EssenceOf(request);
      std::string body;
      const absl::Status written =
          to->WriteRequest(request, {.model = "model"}, &body, nullptr);
      if (!written.ok() && MayRefuse(*to)) continue;
      ASSERT_TRUE(written.ok()) << written;
      const Essence there = EssenceOf(ReadRequest(*to, body));
      EXPECT_EQ(there.instructions, here.instructions);
      EXPECT_EQ(there.text, here.text);
    }
  }
}

TEST_F(CrossDialectTest, EveryStreamReachesEveryOther) {
  for (const auto& [from, to] : AllWays()) {
    for (const Golden& golden : GoldensIn(Name(from) + "/responses")) {
      const std::string path = Name(from) + "/streams/" + golden.name + ".sse";
      if (!std::filesystem::exists("tests/golden/" + path)) continue;
      SCOPED_TRACE(Name(to) + " from " + path);
      EventList events;
      const v1::GenerateResponse here = Fold(*from, ReadGolden(path), &events);
      EventList carried;
      const v1::GenerateResponse there =
          Fold(*to, WriteStream(*to, events), &carried);
      EXPECT_EQ(EssenceOf(there), EssenceOf(here));
      EXPECT_EQ(there.usage().input_tokens(), here.usage().input_tokens());
      EXPECT_EQ(there.usage().output_tokens(), here.usage().output_tokens());
      // Not every format has a word for a pause.
      if (here.choices(0).finish_reason() != v1::FINISH_REASON_PAUSE) {
        EXPECT_EQ(there.choices(0).finish_reason(),
                  here.choices(0).finish_reason());
      }
    }
  }
}

// What every format carries, whatever it warns of.
constexpr std::string_view kAlwaysCarried[] = {
    "image",     "instructions",         "max_output_tokens",
    "text",      "sampling.temperature", "sampling.top_p",
    "tool_call", "tool_result",          "tools"};

// What was lost although it should not have been, with an example of each.
using BadDrops = std::map<std::string, std::string>;

// Writes and reads a request; what is lost on the way must have been told.
v1::GenerateRequest Carry(const Dialect& dialect,
                          const v1::GenerateRequest& request,
                          BadDrops* bad_drops) {
  std::vector<v1::Warning> warnings;
  const std::string body =
      WriteRequest(dialect, request, /*warned=*/nullptr, &warnings);
  const v1::GenerateRequest carried = ReadRequest(dialect, body);
  for (const std::string& lost : LostFacets(request, carried)) {
    const bool told = IsTold(lost, warnings);
    if (told && std::count(std::begin(kAlwaysCarried), std::end(kAlwaysCarried),
                           lost) == 0) {
      continue;
    }
    bad_drops->try_emplace(
        Name(&dialect) + (told ? " tells that it lost " : " lost ") + lost,
        request.ShortDebugString() + "\n" + body);
  }
  return carried;
}

TEST_F(CrossDialectTest, RandomRequestsLoseNothingInSilence) {
  BadDrops bad_drops;
  for (const auto& [from, to] : AllWays()) {
    for (int seed = 0; seed < kRandomCalls; ++seed) {
      RandomCall made_up(static_cast<uint64_t>(seed));
      const v1::GenerateRequest here =
          Carry(*from, made_up.Request(), &bad_drops);
      const v1::GenerateRequest there = Carry(*to, here, &bad_drops);
      Carry(*from, there, &bad_drops);
    }
  }
  for (const auto& [loss, example] : bad_drops) {
    ADD_FAILURE() << loss << " of\n" << example;
  }
}

TEST_F(CrossDialectTest, WhatAFormatHasCarriedOnceItCarriesAgain) {
  for (const Dialect* dialect : Dialects()) {
    for (int seed = 0; seed < kRandomCalls; ++seed) {
      SCOPED_TRACE(absl::StrCat(Name(dialect), ", seed ", seed));
      const v1::GenerateRequest once = ReadRequest(
          *dialect,
          WriteRequest(*dialect,
                       RandomCall(static_cast<uint64_t>(seed)).Request()));
      const v1::GenerateRequest twice =
          ReadRequest(*dialect, WriteRequest(*dialect, once));
      const std::vector<std::string> lost = LostFacets(once, twice);
      ASSERT_TRUE(lost.empty()) << lost.front() << " of\n"
                                << once.ShortDebugString();
    }
  }
}

void ExpectSameAnswer(const v1::GenerateResponse& there,
                      const v1::GenerateResponse& here) {
  EXPECT_EQ(EssenceOf(there), EssenceOf(here));
  EXPECT_EQ(there.usage().input_tokens(), here.usage().input_tokens());
  EXPECT_EQ(there.usage().output_tokens(), here.usage().output_tokens());
  EXPECT_EQ(there.usage().cached_input_tokens(),
            here.usage().cached_input_tokens());
  ASSERT_EQ(there.choices_size(), 1);
  EXPECT_EQ(there.choices(0).finish_reason(), here.choices(0).finish_reason());
}

TEST_F(CrossDialectTest, RandomAnswersArriveEverywhere) {
  for (const Dialect* dialect : Dialects()) {
    for (int seed = 0; seed < kRandomCalls; ++seed) {
      SCOPED_TRACE(absl::StrCat(Name(dialect), ", seed ", seed));
      const v1::GenerateResponse here =
          RandomCall(static_cast<uint64_t>(seed)).Response();
      std::string body;
      ASSERT_TRUE(dialect->WriteResponse(here, &body, nullptr).ok());
      v1::GenerateResponse there;
      const absl::Status status = dialect->ReadResponse(body, &there);
      ASSERT_TRUE(status.ok()) << status << "\n" << body;
      ExpectSameAnswer(there, here);
      if (HasFailure()) return;
    }
  }
}

// The answer as a stream, in pieces of a random size.
EventList EventsOf(const v1::GenerateResponse& response, RandomCall& made_up) {
  EventList events;
  events.emplace_back();
  events[0].mutable_started()->set_id(response.id());
  events[0].mutable_started()->set_model(response.model());
  const v1::Choice& choice = response.choices(0);
  int calls = 0;
  for (int i = 0; i < choice.message().parts_size(); ++i) {
    const v1::Part& part = choice.message().parts(i);
    const int call = part.has_tool_call() ? calls++ : 0;
    const std::string& text = part.has_text() ? part.text()
                              : part.has_reasoning()
                                  ? part.reasoning().text()
                                  : part.tool_call().arguments();
    const size_t size = 1 + static_cast<size_t>(made_up.Number(9));
    for (size_t at = 0; at < text.size();) {
      size_t end = std::min(at + size, text.size());
      // No piece ends within a character.
      while (end < text.size() && (text[end] & 0xc0) == 0x80) ++end;
      v1::Delta* delta = events.emplace_back().mutable_delta();
      delta->set_part_index(i);
      const std::string piece = text.substr(at, end - at);
      if (part.has_text()) {
        delta->set_text(piece);
      } else if (part.has_reasoning()) {
        delta->set_reasoning(piece);
      } else {
        v1::ToolCallDelta* called = delta->mutable_tool_call();
        called->set_index(call);
        called->set_arguments(piece);
        if (at == 0) {
          called->set_id(part.tool_call().id());
          called->set_name(part.tool_call().name());
          called->set_kind(part.tool_call().kind());
        }
      }
      at = end;
    }
  }
  *events.emplace_back().mutable_usage() = response.usage();
  events.emplace_back().mutable_choice_end()->set_finish_reason(
      choice.finish_reason());
  return events;
}

TEST_F(CrossDialectTest, RandomStreamsArriveEverywhere) {
  for (const Dialect* dialect : Dialects()) {
    for (int seed = 0; seed < kRandomCalls; ++seed) {
      SCOPED_TRACE(absl::StrCat(Name(dialect), ", seed ", seed));
      RandomCall made_up(static_cast<uint64_t>(seed));
      const v1::GenerateResponse here = made_up.Response();
      EventList carried;
      const v1::GenerateResponse there = Fold(
          *dialect, WriteStream(*dialect, EventsOf(here, made_up)), &carried);
      ExpectSameAnswer(there, here);
      if (HasFailure()) return;
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
