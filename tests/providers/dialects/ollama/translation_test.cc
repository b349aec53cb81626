// Ollama behind every API: what callers ask in other formats reaches it, and
// what it answers reaches them.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/gemini/gemini.h"
#include "providers/dialects/ollama/ollama.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/providers/dialects/golden_files.h"

namespace gateway {
namespace {

// What is said in the messages of a request to Ollama, one after the other.
std::string ContentsOf(std::string_view body) {
  std::string contents;
  const absl::Status status = ReadJson(body, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      if (key != "messages") return absl::OkStatus();
      return value.EachElement([&](JsonValue& message) {
        return message.EachField([&](std::string_view name,
                                     JsonValue& field) -> absl::Status {
          if (name != "content") return absl::OkStatus();
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, field.String());
          contents.append(text);
          return absl::OkStatus();
        });
      });
    });
  });
  EXPECT_TRUE(status.ok()) << status << "\n" << body;
  return contents;
}

std::string TextOf(const v1::GenerateResponse& response) {
  std::string text;
  for (const v1::Part& part : response.choices(0).message().parts()) {
    text += part.text();
  }
  return text;
}

int CallsOf(const v1::GenerateResponse& response) {
  int calls = 0;
  for (const v1::Part& part : response.choices(0).message().parts()) {
    calls += part.has_tool_call();
  }
  return calls;
}

void ExpectSameAnswer(const v1::GenerateResponse& there,
                      const v1::GenerateResponse& here) {
  ASSERT_EQ(there.choices_size(), 1);
  EXPECT_EQ(TextOf(there), TextOf(here));
  EXPECT_EQ(CallsOf(there), CallsOf(here));
  EXPECT_EQ(there.choices(0).finish_reason(), here.choices(0).finish_reason());
  EXPECT_EQ(there.usage().input_tokens(), here.usage().input_tokens());
  EXPECT_EQ(there.usage().output_tokens(), here.usage().output_tokens());
}

v1::GenerateResponse FoldOf(const EventList& events) {
  EventFolding folding;
  for (const v1::GenerateEvent& event : events) folding.Add(event);
  return folding.Finish();
}

class OllamaTranslationTest : public testing::Test {
 protected:
  const Ollama ollama_{""};
  const OpenAiChat openai_;
  const AnthropicMessages anthropic_;
  const Gemini gemini_;
  const std::vector<const Dialect*> apis_ = {&openai_, &anthropic_, &gemini_};
  // What has an end that every format has a word for.
  const std::vector<std::string> answers_ = {"length", "text", "tools"};
};

TEST_F(OllamaTranslationTest, EveryRequestOfEveryApiReachesIt) {
  for (const Dialect* api : apis_) {
    for (const Golden& golden :
         GoldensIn(absl::StrCat(std::string(api->name()), "/requests"))) {
      SCOPED_TRACE(absl::StrCat(std::string(api->name()), " ", golden.name));
      v1::GenerateRequest request;
      bool stream = false;
      bool stream_usage = false;
      ASSERT_TRUE(
          api->ReadRequest(golden.text, &request, &stream, &stream_usage).ok());
      std::string body;
      std::vector<v1::Warning> warnings;
      const absl::Status status =
          ollama_.WriteRequest(request, {.model = "m"}, &body, &warnings);
      ASSERT_TRUE(status.ok()) << status;
      ASSERT_TRUE(CheckJson(body).ok());
      const std::string contents = ContentsOf(body);
      for (const v1::Message& message : request.messages()) {
        for (const v1::Part& part : message.parts()) {
          EXPECT_TRUE(absl::StrContains(contents, part.text())) << part.text();
        }
      }
      for (const v1::Warning& warning : warnings) {
        EXPECT_NE(warning.field(), "");
        EXPECT_NE(warning.message(), "");
      }
    }
  }
}

TEST_F(OllamaTranslationTest, ItsAnswersReachEveryApi) {
  for (const Dialect* api : apis_) {
    for (const std::string& name : answers_) {
      SCOPED_TRACE(absl::StrCat(std::string(api->name()), " ", name));
      v1::GenerateResponse here;
      ASSERT_TRUE(
          ollama_
              .ReadResponse(ReadGolden("ollama/responses/" + name + ".json"),
                            &here)
              .ok());
      std::string body;
      ASSERT_TRUE(api->WriteResponse(here, &body, nullptr).ok());
      v1::GenerateResponse there;
      const absl::Status status = api->ReadResponse(body, &there);
      ASSERT_TRUE(status.ok()) << status << "\n" << body;
      ExpectSameAnswer(there, here);
    }
  }
}

TEST_F(OllamaTranslationTest, ItsStreamsReachEveryApi) {
  for (const Dialect* api : apis_) {
    for (const std::string& name : answers_) {
      SCOPED_TRACE(absl::StrCat(std::string(api->name()), " ", name));
      EventList events;
      const auto reader = ollama_.NewEventReader();
      std::string_view rest;
      const std::string stream =
          ReadGolden("ollama/streams/" + name + ".ndjson");
      for (rest = stream; !rest.empty();) {
        const std::string line(rest.substr(0, rest.find('\n')));
        rest.remove_prefix(line.size() + 1);
        if (line.empty()) continue;
        ASSERT_TRUE(reader->Read("", line, &events).ok());
      }
      ASSERT_TRUE(reader->done());
      const auto writer = api->NewEventWriter({.stream_usage = true});
      std::string written;
      for (const v1::GenerateEvent& event : events) {
        ASSERT_TRUE(writer->Write(event, &written).ok());
      }
      v1::GenerateEvent end;
      end.mutable_end()->set_outcome(v1::StreamEnd::OUTCOME_FINISHED);
      ASSERT_TRUE(writer->Write(end, &written).ok());

      EventList carried;
      const auto other = api->NewEventReader();
      ASSERT_TRUE(ReadStream(*other, written, 0, &carried).ok()) << written;
      EXPECT_TRUE(other->done() || other->CompleteAtClose());
      ExpectSameAnswer(FoldOf(carried), FoldOf(events));
    }
  }
}

}  // namespace
}  // namespace gateway
