#include "providers/dialects/anthropic_messages/anthropic_messages.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/dialect.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using ::google::protobuf::util::MessageDifferencer;

constexpr int kRuns = 2000;

// Draws requests and streams, of which all but a few are odd.
class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}

  bool Coin() { return random_.Below(2) == 0; }
  int Below(int bound) { return static_cast<int>(random_.Below(bound)); }

  // Never empty: the format has no empty texts.
  std::string Text() {
    static constexpr std::string_view kPieces[] = {
        "a",    "\"",           "\\", "\n",
        "\r\n", "\t",           "{",  "}",
        "\x01", "\xc3\xa5",     " ",  "event: x\n\n",
        "/*",   "\xe2\x80\xa8", "[",  "\xf0\x9f\x9a\x80",
        "\x7f", "</script>"};
    std::string text;
    for (int i = Below(6); i >= 0; --i) {
      text += kPieces[random_.Below(std::size(kPieces))];
    }
    return text;
  }

  std::string Id() { return random_.HexId(8); }

  std::string Json() {
    static constexpr std::string_view kTexts[] = {
        "null",
        "{}",
        R"({"a" : [1.50, {"b":null}]})",
        "[ ]",
        "-0.0e1",
        "true",
        "\"\"",
        R"("\u00e5\n")",
        "12345678901234567890"};
    return std::string(kTexts[random_.Below(std::size(kTexts))]);
  }

  std::string Object() {
    static constexpr std::string_view kTexts[] = {
        "{}", R"({ "city":"Oslo"})", R"({"a":{"b":[{},"}"]}, "n":1.0})",
        R"({"s":"\"{\\"})"};
    return std::string(kTexts[random_.Below(std::size(kTexts))]);
  }

  template <typename Owner>
  void MaybeCacheHint(Owner* owner) {
    if (Below(4) != 0) return;
    v1::CacheHint* hint = owner->mutable_cache_hint();
    if (Coin()) hint->mutable_ttl()->set_seconds(Coin() ? 300 : 3600);
  }

  template <typename Owner>
  void MaybeExtension(Owner* owner) {
    if (Below(4) != 0) return;
    v1::Extension* extension = owner->add_extensions();
    extension->set_dialect("anthropic_messages");
    extension->set_name("novel_" + Text());
    extension->set_json(Json());
  }

  v1::Part UserPart() {
    v1::Part part;
    switch (Below(4)) {
      case 0:
        if (Coin()) {
          part.mutable_image()->set_data(Text());
          part.mutable_image()->set_media_type("image/png");
        } else {
          part.mutable_image()->set_url("https://example.com/" + Id());
        }
        break;
      case 1: {
        v1::Document* document = part.mutable_document();
        if (Coin()) {
          document->set_text(Text());
          document->set_media_type("text/plain");
        } else {
          document->set_file_id(Id());
        }
        if (Coin()) document->set_title(Text());
        if (Coin()) document->set_context(Text());
        if (Coin()) document->set_citations(Coin());
        break;
      }
      default:
        part.set_text(Text());
    }
    MaybeCacheHint(&part);
    MaybeExtension(&part);
    return part;
  }

  v1::Part AssistantPart() {
    v1::Part part;
    switch (Below(5)) {
      case 0:
        part.mutable_reasoning()->set_text(Text());
        part.mutable_reasoning()->set_signature(Text());
        return part;
      case 1:
        part.mutable_reasoning()->set_redacted_data(Text());
        return part;
      case 2:
        part.mutable_opaque()->set_dialect("anthropic_messages");
        part.mutable_opaque()->set_json(R"({"type":"novel","x": )" + Json() +
                                        "}");
        return part;
      case 3:
        part.mutable_tool_call()->set_id("toolu_" + Id());
        part.mutable_tool_call()->set_name("f");
        part.mutable_tool_call()->set_arguments(Object());
        part.mutable_tool_call()->set_kind(v1::TOOL_KIND_FUNCTION);
        break;
      default:
        part.set_text(Text());
    }
    MaybeCacheHint(&part);
    MaybeExtension(&part);
    return part;
  }

  void AddTurn(v1::GenerateRequest* request) {
    v1::Message* assistant = request->add_messages();
    assistant->set_role(v1::ROLE_ASSISTANT);
    for (int i = Below(3); i >= 0; --i) {
      *assistant->add_parts() = AssistantPart();
    }
    MaybeExtension(assistant);
    for (int i = Below(3); i > 0; --i) {
      v1::Message* tool = request->add_messages();
      tool->set_role(v1::ROLE_TOOL);
      v1::Part* part = tool->add_parts();
      part->mutable_tool_result()->set_tool_call_id("toolu_" + Id());
      part->mutable_tool_result()->set_is_error(Coin());
      for (int j = Below(3); j > 0; --j) {
        *part->mutable_tool_result()->add_parts() = UserPart();
      }
      MaybeCacheHint(part);
    }
    v1::Message* user = request->add_messages();
    user->set_role(v1::ROLE_USER);
    for (int i = Below(2); i >= 0; --i) *user->add_parts() = UserPart();
  }

  void AddTools(v1::GenerateRequest* request) {
    for (int i = Below(3); i >= 0; --i) {
      v1::Tool* tool = request->add_tools();
      if (Below(4) == 0) {
        tool->mutable_provider()->set_dialect("anthropic_messages");
        tool->mutable_provider()->set_json(
            R"({"name":"bash" , "type":"bash_20250124"})");
        continue;
      }
      tool->mutable_function()->set_name("f" + Id());
      tool->mutable_function()->set_parameters_schema(Object());
      if (Coin()) tool->mutable_function()->set_description(Text());
      if (Coin()) tool->mutable_function()->set_strict(Coin());
      MaybeCacheHint(tool);
      MaybeExtension(tool);
    }
    v1::ToolChoice* choice = request->mutable_tool_choice();
    choice->set_mode(static_cast<v1::ToolChoice::Mode>(1 + Below(4)));
    if (choice->mode() == v1::ToolChoice::MODE_TOOL) choice->set_tool_name("f");
    if (choice->mode() != v1::ToolChoice::MODE_NONE && Coin()) {
      request->set_parallel_tool_calls(Coin());
    }
  }

  void AddSettings(v1::GenerateRequest* request) {
    using Settings = v1::ReasoningSettings;
    request->set_max_output_tokens(Below(100000));
    if (Coin()) request->mutable_sampling()->set_temperature(Below(11) / 10.0);
    if (Coin()) request->mutable_sampling()->set_top_p(0.95);
    if (Coin()) request->mutable_sampling()->set_top_k(Below(100));
    if (Coin()) request->mutable_sampling()->add_stop(Text());
    if (Coin()) request->mutable_scope()->set_user_id(Text());
    if (Coin()) request->set_service_tier(Coin() ? "auto" : "default");
    if (Coin()) {
      request->mutable_reasoning()->set_effort(
          static_cast<Settings::Effort>(3 + Below(5)));
    }
    if (Coin()) {
      request->mutable_reasoning()->set_mode(Settings::MODE_ENABLED);
      request->mutable_reasoning()->set_budget_tokens(1024 + Below(1000));
      if (Coin()) request->mutable_reasoning()->set_display("summarized");
    } else if (Coin()) {
      request->mutable_reasoning()->set_mode(Coin() ? Settings::MODE_ADAPTIVE
                                                    : Settings::MODE_DISABLED);
    }
    if (Coin()) {
      request->mutable_response_format()->set_kind(
          v1::ResponseFormat::KIND_JSON_SCHEMA);
      request->mutable_response_format()->set_schema(Object());
    }
    MaybeCacheHint(request);
    MaybeExtension(request);
  }

  v1::GenerateRequest Request() {
    v1::GenerateRequest request;
    request.set_model("m");
    if (Coin()) {
      v1::Message* system = request.add_messages();
      system->set_role(v1::ROLE_SYSTEM);
      for (int i = Below(2); i >= 0; --i) {
        v1::Part* part = system->add_parts();
        part->set_text(Text());
        MaybeCacheHint(part);
      }
    }
    v1::Message* first = request.add_messages();
    first->set_role(v1::ROLE_USER);
    *first->add_parts() = UserPart();
    for (int i = Below(3); i > 0; --i) AddTurn(&request);
    if (Coin()) AddTools(&request);
    AddSettings(&request);
    return request;
  }

  // Deltas of several calls and of text, dealt in any order.
  EventList InterleavedEvents(std::vector<std::string>* arguments) {
    EventList events;
    events.emplace_back();
    events[0].mutable_started()->set_id("id");
    const int calls = 1 + Below(4);
    std::vector<std::string> left;
    for (int i = 0; i < calls; ++i) left.push_back(Object());
    *arguments = left;
    std::vector<bool> begun(calls, false);
    int open = calls;
    while (open > 0) {
      const int call = Below(calls);
      if (begun[call] && left[call].empty()) continue;
      v1::Delta* delta = events.emplace_back().mutable_delta();
      delta->set_part_index(call);
      delta->mutable_tool_call()->set_index(call);
      if (!begun[call]) {
        begun[call] = true;
        delta->mutable_tool_call()->set_id("call_" + std::to_string(call));
        delta->mutable_tool_call()->set_name("f");
      }
      const size_t length = Below(static_cast<int>(left[call].size()) + 1);
      delta->mutable_tool_call()->set_arguments(left[call].substr(0, length));
      left[call].erase(0, length);
      if (left[call].empty()) --open;
    }
    events.emplace_back().mutable_choice_end()->set_finish_reason(
        v1::FINISH_REASON_TOOL_CALLS);
    events.emplace_back().mutable_end()->set_outcome(
        v1::StreamEnd::OUTCOME_FINISHED);
    return events;
  }

 private:
  FakeRandom random_;
};

TEST(AnthropicMessagesTest, ReadsWhatItWroteOfAnyRequest) {
  const AnthropicMessages dialect;
  for (int seed = 0; seed < kRuns; ++seed) {
    const v1::GenerateRequest request = Draw(seed).Request();
    std::string body;
    std::vector<v1::Warning> warnings;
    absl::Status status =
        dialect.WriteRequest(request, {.model = "m"}, &body, &warnings);
    ASSERT_TRUE(status.ok()) << seed << status;
    EXPECT_TRUE(warnings.empty()) << seed << warnings.front().DebugString();
    v1::GenerateRequest read;
    bool stream = true;
    bool stream_usage = false;
    status = dialect.ReadRequest(body, &read, &stream, &stream_usage);
    ASSERT_TRUE(status.ok()) << seed << status << "\n" << body;
    EXPECT_FALSE(stream);
    std::string differences;
    MessageDifferencer differencer;
    differencer.ReportDifferencesToString(&differences);
    ASSERT_TRUE(differencer.Compare(request, read)) << seed << "\n"
                                                    << differences << body;
  }
}

TEST(AnthropicMessagesTest, PutsAnyInterleavingOfCallsInOrder) {
  const AnthropicMessages dialect;
  for (int seed = 0; seed < kRuns; ++seed) {
    std::vector<std::string> arguments;
    const EventList events = Draw(seed).InterleavedEvents(&arguments);
    const auto writer = dialect.NewEventWriter({});
    std::string stream;
    for (const v1::GenerateEvent& event : events) {
      ASSERT_TRUE(writer->Write(event, &stream).ok()) << seed;
    }
    const auto reader = dialect.NewEventReader();
    EventList read;
    const absl::Status status = ReadStream(*reader, stream, 0, &read);
    ASSERT_TRUE(status.ok()) << seed << status;
    EXPECT_TRUE(reader->done());
    EventFolding folding;
    for (const v1::GenerateEvent& event : read) folding.Add(event);
    const v1::Message message = folding.Finish().choices(0).message();
    ASSERT_EQ(message.parts_size(), static_cast<int>(arguments.size())) << seed;
    for (const v1::Part& part : message.parts()) {
      const int call = part.tool_call().id().back() - '0';
      EXPECT_EQ(part.tool_call().arguments(), arguments[call]) << seed;
    }
  }
}

TEST(AnthropicMessagesTest, APingMayStandAnywhereInAStream) {
  const std::string ping(kAnthropicMessagesPing);
  const std::string stream =
      ping + "event: message_start\ndata: {\"message\":{\"id\":\"i\"}}\n\n" +
      ping + "event: message_stop\ndata: {}\n\n";
  const auto reader = AnthropicMessages().NewEventReader();
  EventList events;
  ASSERT_TRUE(ReadStream(*reader, stream, 0, &events).ok());
  EXPECT_TRUE(reader->done());
  EXPECT_EQ(events.size(), 2u);
  const auto tap = AnthropicMessages().NewStreamTap();
  EXPECT_EQ(*tap->OnEvent("ping", ""), EventKind::kIgnorable);
}

TEST(AnthropicMessagesTest, CountsTokensBothWays) {
  const AnthropicMessages dialect;
  v1::GenerateRequest request;
  const std::string_view body =
      R"({"model":"m","messages":[{"role":"user","content":"hi"}]})";
  ASSERT_TRUE(dialect.ReadCountRequest(body, &request).ok());
  std::string written;
  ASSERT_TRUE(dialect.WriteCountRequest(request, "m", &written).ok());
  EXPECT_EQ(written, body);
  std::string answer;
  ASSERT_TRUE(dialect.WriteCountResponse(7, &answer).ok());
  EXPECT_EQ(*dialect.ReadCountResponse(answer), 7);
}

TEST(AnthropicMessagesTest, ItsErrorsReadBackAsTheyWere) {
  const AnthropicMessages dialect;
  for (const v1::ErrorReason reason :
       {v1::ERROR_REASON_INVALID_REQUEST, v1::ERROR_REASON_REQUEST_TOO_LARGE,
        v1::ERROR_REASON_PROVIDER_RATE_LIMITED,
        v1::ERROR_REASON_PROVIDER_UNAVAILABLE,
        v1::ERROR_REASON_PROVIDER_TIMEOUT, v1::ERROR_REASON_MODEL_NOT_FOUND,
        v1::ERROR_REASON_PROVIDER_CONFLICT}) {
    const WireError error = dialect.WriteError(MakeFault(reason, "x"), "r");
    EXPECT_EQ(FaultReason(dialect.ReadError(
                  {.status = error.http_status, .body = error.body})),
              reason)
        << ReasonName(reason);
  }
}

TEST(AnthropicMessagesTest, HasTheNameOfItsExtensions) {
  EXPECT_EQ(AnthropicMessages().name(), "anthropic_messages");
}

}  // namespace
}  // namespace gateway
