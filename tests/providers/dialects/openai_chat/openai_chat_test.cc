#include "providers/dialects/openai_chat/openai_chat.h"

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "errors/verdict.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/dialect.h"
#include "tests/providers/dialects/golden_files.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using ::google::protobuf::util::MessageDifferencer;

// Makes things up, the same for the same seed.
class Inventor {
 public:
  explicit Inventor(uint64_t seed) : random_(seed) {}

  int Below(int end) { return static_cast<int>(random_.Bits() % end); }
  bool Maybe() { return Below(2) == 0; }

  std::string Text() {
    static constexpr std::string_view kPieces[] = {
        "a",        "\"",
        "\\",       "\n",
        "\t",       std::string_view("\0", 1),
        "\xC3\xA9", "\xF0\x9F\x98\x80",
        "{}",       "data:",
        " ",        "\x7F",
        "/",        "]"};
    std::string text;
    for (int i = Below(12); i > 0; --i) {
      text += kPieces[Below(std::size(kPieces))];
    }
    return text;
  }

  std::string Name() { return "n" + std::to_string(Below(100)); }

  std::string Json() {
    static constexpr std::string_view kTexts[] = {
        "{}", "{\"type\":\"object\"}", "{ \"a\" : [1, 2.50, null] }",
        "{\"k\":{\"k\":{\"k\":\"\\u00e9\"}}}"};
    return std::string(kTexts[Below(std::size(kTexts))]);
  }

  v1::GenerateRequest Request() {
    v1::GenerateRequest request;
    request.set_model(Name());
    for (int i = 1 + Below(5); i > 0; --i) AddMessage(request);
    for (int i = Below(3); i > 0; --i) AddTool(request);
    FillSettings(request);
    return request;
  }

 private:
  void AddMessage(v1::GenerateRequest& request) {
    v1::Message& message = *request.add_messages();
    switch (Below(4)) {
      case 0:
        message.set_role(Maybe() ? v1::ROLE_SYSTEM : v1::ROLE_DEVELOPER);
        message.add_parts()->set_text(Text());
        break;
      case 1:
        message.set_role(v1::ROLE_USER);
        for (int i = 1 + Below(3); i > 0; --i) FillPart(*message.add_parts());
        break;
      case 2:
        FillAssistant(message);
        break;
      default: {
        message.set_role(v1::ROLE_TOOL);
        v1::ToolResult& result = *message.add_parts()->mutable_tool_result();
        result.set_tool_call_id(Name());
        result.add_parts()->set_text(Text());
      }
    }
    if (message.role() != v1::ROLE_TOOL && Maybe()) message.set_name(Name());
  }

  void FillPart(v1::Part& part) {
    switch (Below(5)) {
      case 0:
        part.mutable_image()->set_url("https://example.org/" + Name());
        break;
      case 1:
        part.mutable_image()->set_data(Text());
        part.mutable_image()->set_media_type("image/png");
        if (Maybe()) part.mutable_image()->set_detail("low");
        break;
      case 2:
        part.mutable_audio()->set_data(Text());
        part.mutable_audio()->set_format("wav");
        break;
      case 3:
        part.mutable_document()->set_data(Text());
        part.mutable_document()->set_media_type("application/pdf");
        part.mutable_document()->set_filename(Name());
        break;
      default:
        part.set_text(Text());
    }
  }

  void FillAssistant(v1::Message& message) {
    message.set_role(v1::ROLE_ASSISTANT);
    if (Maybe()) {
      message.add_parts()->mutable_reasoning()->set_text("r" + Text());
    }
    message.add_parts()->set_text(Text());
    for (int i = Below(3); i > 0; --i) {
      v1::ToolCall& call = *message.add_parts()->mutable_tool_call();
      call.set_id(Name());
      call.set_name(Name());
      call.set_arguments(Text());
      call.set_kind(Maybe() ? v1::TOOL_KIND_FUNCTION : v1::TOOL_KIND_CUSTOM);
    }
  }

  void AddTool(v1::GenerateRequest& request) {
    v1::Tool& tool = *request.add_tools();
    if (Maybe()) {
      tool.mutable_function()->set_name(Name());
      tool.mutable_function()->set_description(Text());
      if (Maybe()) tool.mutable_function()->set_parameters_schema(Json());
      if (Maybe()) tool.mutable_function()->set_strict(Maybe());
    } else {
      tool.mutable_custom()->set_name(Name());
      if (Maybe()) {
        tool.mutable_custom()->set_grammar_syntax("regex");
        tool.mutable_custom()->set_grammar_definition(Text());
      }
    }
  }

  void FillSettings(v1::GenerateRequest& request) {
    v1::Sampling& sampling = *request.mutable_sampling();
    sampling.set_temperature(Below(1000) / 7.0);
    if (Maybe()) sampling.set_seed(static_cast<int64_t>(random_.Bits()));
    if (Maybe()) sampling.set_choice_count(1 + Below(128));
    for (int i = Below(3); i > 0; --i) sampling.add_stop(Text());
    if (Maybe()) (*sampling.mutable_logit_bias())["17"] = Below(9) / 3.0;
    if (Maybe()) request.set_max_output_tokens(Below(1 << 30));
    if (Maybe()) (*request.mutable_labels())[Text()] = Text();
    if (Maybe()) request.mutable_scope()->set_user_id(Name());
    if (Maybe()) {
      v1::ResponseFormat& format = *request.mutable_response_format();
      format.set_kind(v1::ResponseFormat::KIND_JSON_SCHEMA);
      format.set_name(Name());
      format.set_schema(Json());
    }
    if (Maybe()) {
      request.mutable_tool_choice()->set_mode(v1::ToolChoice::MODE_TOOL);
      request.mutable_tool_choice()->set_tool_name(Name());
      request.mutable_tool_choice()->set_tool_kind(v1::TOOL_KIND_CUSTOM);
    }
    if (Maybe()) {
      v1::Extension& extension = *request.add_extensions();
      extension.set_dialect("openai_chat");
      extension.set_name("x_" + Text());
      extension.set_json(Json());
    }
  }

  FakeRandom random_;
};

struct DialectReading {
  absl::Status status;
  v1::GenerateRequest request;
  bool stream = false;
  bool stream_usage = false;
};

DialectReading ReadByDialect(std::string_view body) {
  DialectReading reading;
  reading.status = OpenAiChat().ReadRequest(
      body, &reading.request, &reading.stream, &reading.stream_usage);
  return reading;
}

TEST(OpenAiChatTest, HasAName) {
  EXPECT_EQ(OpenAiChat().name(), "openai_chat");
}

TEST(OpenAiChatTest, WhatIsWrittenIsReadAsTheSame) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    const v1::GenerateRequest request = Inventor(seed).Request();
    const bool stream = seed % 2 == 0;
    std::string body;
    std::vector<v1::Warning> warnings;
    ASSERT_TRUE(OpenAiChat()
                    .WriteRequest(request,
                                  {.model = request.model(), .stream = stream},
                                  &body, &warnings)
                    .ok());
    EXPECT_TRUE(warnings.empty());
    const DialectReading reading = ReadByDialect(body);
    ASSERT_TRUE(reading.status.ok()) << reading.status << body;
    EXPECT_EQ(reading.stream, stream);
    EXPECT_EQ(reading.stream_usage, stream);
    std::string difference;
    MessageDifferencer differencer;
    differencer.ReportDifferencesToString(&difference);
    ASSERT_TRUE(differencer.Compare(request, reading.request))
        << difference << body;
  }
}

// Damages a text at a few places.
std::string Damaged(std::string text, FakeRandom& draws) {
  static constexpr std::string_view kBytes = "\"\\{}[],:0n\xFF u\n";
  for (int i = 0; i < 3 && !text.empty(); ++i) {
    const size_t place = draws.Bits() % text.size();
    switch (draws.Bits() % 3) {
      case 0:
        text[place] = kBytes[draws.Bits() % kBytes.size()];
        break;
      case 1:
        text.erase(place, 1 + draws.Bits() % 8);
        break;
      default:
        text.insert(place, 1, kBytes[draws.Bits() % kBytes.size()]);
    }
  }
  return text;
}

TEST(OpenAiChatTest, ScanAndReadingNeverDisagreeOnADamagedRequest) {
  FakeRandom draws(7);
  int accepted = 0;
  for (const Golden& golden : GoldensIn("openai_chat/requests")) {
    for (int i = 0; i < 1000; ++i) {
      const std::string body = Damaged(golden.text, draws);
      RequestScan scan;
      const absl::Status scanned = OpenAiChat().ScanRequest(body, &scan);
      const DialectReading reading = ReadByDialect(body);
      if (!reading.status.ok()) {
        EXPECT_EQ(FaultReason(reading.status),
                  v1::ERROR_REASON_INVALID_REQUEST);
        continue;
      }
      ++accepted;
      // The reader is the stricter of the two.
      ASSERT_TRUE(scanned.ok()) << scanned << body;
      EXPECT_EQ(scan.model, reading.request.model());
      EXPECT_EQ(scan.stream, reading.stream);
      EXPECT_EQ(scan.stream_usage, reading.stream_usage);
      EXPECT_EQ(scan.user_id, reading.request.scope().user_id());
      EXPECT_EQ(scan.output_tokens_max.value_or(0),
                reading.request.max_output_tokens());
      EXPECT_EQ(scan.tool_count > 0, reading.request.tools_size() > 0);
    }
  }
  EXPECT_GT(accepted, 100);
}

TEST(OpenAiChatTest, ADamagedAnswerIsReadOrRefusedAndNothingElse) {
  FakeRandom draws(11);
  for (const Golden& golden : GoldensIn("openai_chat/responses")) {
    for (int i = 0; i < 1000; ++i) {
      v1::GenerateResponse response;
      const absl::Status status =
          OpenAiChat().ReadResponse(Damaged(golden.text, draws), &response);
      if (status.ok()) {
        std::string body;
        ASSERT_TRUE(OpenAiChat().WriteResponse(response, &body, nullptr).ok());
        v1::GenerateResponse again;
        ASSERT_TRUE(OpenAiChat().ReadResponse(body, &again).ok()) << body;
      } else {
        ASSERT_TRUE(ComesFromUpstream(ClassifyFailure(status))) << status;
      }
    }
  }
}

TEST(OpenAiChatTest, JoinsItsParts) {
  const OpenAiChat dialect;
  const absl::Status status = dialect.ReadError(
      {.status = 429, .body = "slow", .retry_after_ms = "1500"});
  EXPECT_EQ(RetryDelay(status), absl::Milliseconds(1500));
  EXPECT_EQ(dialect.WriteError(status, "r-1").http_status, 429);
  EXPECT_NE(dialect.NewEventReader(), nullptr);
  EXPECT_NE(dialect.NewEventWriter({}), nullptr);
  EXPECT_NE(dialect.NewStreamTap(), nullptr);
}

}  // namespace
}  // namespace gateway
