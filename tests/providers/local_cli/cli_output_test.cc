#include "providers/local_cli/cli_output.h"

#include <string>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kResultLine[] =
    R"({"type":"result","subtype":"success","is_error":false,"num_turns":1,)"
    R"("result":"four","stop_reason":"end_turn","session_id":"s",)"
    R"("total_cost_usd":0.0123,"usage":{"input_tokens":3}})";

CliLine Line(const std::string& text) {
  CliLine line;
  const absl::Status status = ReadCliLine(text, &line);
  EXPECT_TRUE(status.ok()) << status;
  return line;
}

TEST(ReadCliLineTest, UnderstandsEachKind) {
  const CliLine begin =
      Line(R"({"type":"system","subtype":"init","model":"m","tools":[]})");
  EXPECT_EQ(begin.kind, CliLine::Kind::kBegin);
  EXPECT_EQ(begin.model, "m");

  const CliLine text = Line(R"({"event":{"type":"content_block_delta","index":0,
               "delta":{"type":"text_delta","text":"fo"}},
               "type":"stream_event"})");
  EXPECT_EQ(text.kind, CliLine::Kind::kPiece);
  EXPECT_EQ(text.text, "fo");

  EXPECT_EQ(Line(R"({"type":"stream_event","event":{"delta":
                     {"type":"thinking_delta","thinking":"hm"}}})")
                .thinking,
            "hm");
  EXPECT_EQ(Line(R"({"type":"stream_event","event":{"type":"message_delta",
                     "delta":{"stop_reason":"max_tokens"}}})")
                .stop_reason,
            "max_tokens");

  const CliLine message =
      Line(R"({"type":"assistant","message":{"model":"m","content":[
               {"type":"text","text":"fo"},{"type":"text","text":"ur"}],
               "stop_reason":null}})");
  EXPECT_EQ(message.kind, CliLine::Kind::kMessage);
  EXPECT_EQ(message.text, "four");

  EXPECT_EQ(Line(R"({"type":"user","message":{"content":"x"}})").kind,
            CliLine::Kind::kOther);
  EXPECT_EQ(Line("\x1b[?1004l").kind, CliLine::Kind::kOther);
}

TEST(ReadCliLineTest, AResultKeepsWhatTheToolSaysOfItself) {
  const CliLine line = Line(kResultLine);
  EXPECT_EQ(line.kind, CliLine::Kind::kResult);
  EXPECT_EQ(line.text, "four");
  EXPECT_EQ(line.stop_reason, "end_turn");
  EXPECT_FALSE(line.is_error);
  ASSERT_EQ(line.extensions.size(), 4);
  EXPECT_EQ(line.extensions.at(2).dialect(), "local_cli");
  EXPECT_EQ(line.extensions.at(2).name(), "total_cost_usd");
  EXPECT_EQ(line.extensions.at(2).json(), "0.0123");
}

TEST(ReadCliLineTest, RefusesWhatIsNoObject) {
  CliLine line;
  EXPECT_TRUE(absl::IsInvalidArgument(ReadCliLine("hello", &line)));
  EXPECT_TRUE(absl::IsInvalidArgument(ReadCliLine("{\"type\":", &line)));
}

TEST(ReadCliResultTest, FindsTheResultWhereverItIs) {
  const std::string list = std::string(R"([{"type":"system"},)") + kResultLine +
                           R"(,{"type":"late"}])";
  const std::string lines =
      std::string("warning: old\n{\"type\":\"system\"}\n") + kResultLine +
      "\n\n";
  const std::string escaped =
      std::string("\x1b[?1004l\x1b[2K") + kResultLine + "\x1b[?25h\n";
  for (const std::string& output : {std::string(kResultLine), list, lines,
                                    escaped, "\n" + std::string(kResultLine)}) {
    SCOPED_TRACE(output);
    CliLine result;
    ASSERT_TRUE(ReadCliResult(output, &result).ok());
    EXPECT_EQ(result.text, "four");
    EXPECT_EQ(result.extensions.size(), 4);
  }
}

TEST(ReadCliResultTest, SaysWhenThereIsNone) {
  for (const char* output :
       {"", "hello", "{}", "[]", "{\"type\":\"assistant\"}", "{\"type\":"}) {
    CliLine result;
    EXPECT_TRUE(absl::IsInvalidArgument(ReadCliResult(output, &result)))
        << output;
  }
}

TEST(FinishReasonOfCliTest, KnowsTheWords) {
  EXPECT_EQ(FinishReasonOfCli("end_turn"), v1::FINISH_REASON_STOP);
  EXPECT_EQ(FinishReasonOfCli(""), v1::FINISH_REASON_STOP);
  EXPECT_EQ(FinishReasonOfCli("max_tokens"), v1::FINISH_REASON_LENGTH);
  EXPECT_EQ(FinishReasonOfCli("refusal"), v1::FINISH_REASON_CONTENT_FILTER);
}

TEST(WithoutFenceTest, TakesOffAFenceThatIsAroundAll) {
  EXPECT_EQ(WithoutFence("```json\n{\"a\": 1}\n```"), "{\"a\": 1}");
  EXPECT_EQ(WithoutFence(" ```\n[]```\n"), "[]");
  EXPECT_EQ(WithoutFence("{}"), "{}");
  EXPECT_EQ(WithoutFence("``````"), "``````");
  EXPECT_EQ(WithoutFence("```\n```"), "");
  const std::string two = "```\na\n```\nand\n```\nb\n```";
  EXPECT_EQ(WithoutFence(two), two);
}

TEST(CliFaultTest, TheWordsTellTheReasonAndHideSecrets) {
  const auto reason = [](const char* text) {
    return FaultReason(CliFault("exit code 1", text));
  };
  EXPECT_EQ(reason("Claude AI usage limit reached|1760000000"),
            v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_EQ(reason("Invalid API key \u00b7 Please run /login"),
            v1::ERROR_REASON_PROVIDER_AUTH_FAILED);
  EXPECT_EQ(reason("Credit balance is too low"),
            v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED);
  EXPECT_EQ(reason("Prompt is too long"),
            v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED);
  EXPECT_EQ(reason("API Error: 404 not_found_error"),
            v1::ERROR_REASON_MODEL_NOT_FOUND);
  EXPECT_EQ(reason("segmentation fault"),
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  const absl::Status status =
      CliFault("exit code 1",
               "key sk-ant-0123456789 is bad\n" + std::string(100000, 'x'));
  EXPECT_THAT(std::string(status.message()), HasSubstr("exit code 1: key"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("0123456789")));
  EXPECT_LT(status.message().size(), 700u);
  EXPECT_EQ(CliFault("exit code 1", "").message(), "exit code 1");
}

}  // namespace
}  // namespace gateway
