#include "service/pipeline/call_log.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/os/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "tests/testing/call_runner.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// Calls of the mock, with a log of their own.
class CallLogTest : public testing::Test {
 protected:
  CallLogTest()
      : path_(testing::TempDir() + "/" +
              testing::UnitTest::GetInstance()->current_test_info()->name() +
              ".log") {
    unlink(path_.c_str());
  }
  ~CallLogTest() override {
    StopLogging();
    SetLogLevels({});
  }

  // The lines that one call leaves, without their times.
  std::vector<std::string> LinesOf(const CallQuestion& question,
                                   const std::string& more,
                                   LogLevel level = LogLevel::kInfo) {
    CallRunner runner(MakeTestRuntime(
        "providers:\n"
        "- {name: mock, mock: {}, model_aliases: {nice-name: real-name}}\n"
        "- {name: broken, mock: {fault: server_error}}\n"
        "routing: {default_target: mock}\n" +
            more,
        {{"ALICE", "alice-0123456789"}}));
    EXPECT_TRUE(StartLogging({.levels = {.level = level}, .file = path_}).ok());
    runner.Run(question);
    StopLogging();
    std::stringstream contents;
    contents << std::ifstream(path_).rdbuf();
    unlink(path_.c_str());
    std::vector<std::string> lines;
    for (const auto line :
         absl::StrSplit(contents.str(), '\n', absl::SkipEmpty())) {
      lines.push_back(std::string(line.substr(line.find("\"level\""))));
    }
    return lines;
  }

  static CallQuestion Parsed(const std::string& text) {
    CallQuestion question;
    question.request.set_model("nice-name");
    v1::Message* const message = question.request.add_messages();
    message->set_role(v1::ROLE_USER);
    message->add_parts()->set_text(text);
    return question;
  }

  CallQuestion Raw(const std::string& text) const {
    CallQuestion question;
    question.dialect = &dialect_;
    question.body =
        absl::StrCat(R"({"model":"m","messages":[{"role":"user","content":")",
                     text, R"("}]})");
    return question;
  }

  const std::string path_;
  const OpenAiChat dialect_;
};

constexpr char kLogPrompts[] = "logging: {log_prompts: true}\n";

TEST_F(CallLogTest, PromptsAreNotLoggedUnlessTheConfigurationSaysSo) {
  for (const CallQuestion& question :
       {Parsed("my darkest thought"), Raw("my darkest thought")}) {
    EXPECT_THAT(LinesOf(question, ""), IsEmpty());
    for (const std::string& line : LinesOf(question, "", LogLevel::kTrace)) {
      EXPECT_THAT(line, Not(HasSubstr("darkest")));
    }
  }
}

TEST_F(CallLogTest, ARawPromptIsLoggedAsItCame) {
  EXPECT_THAT(
      LinesOf(Raw("a thought"), kLogPrompts),
      ElementsAre(R"("level":"info","module":"pipeline","msg":"Prompt",)"
                  R"("request_id":"req-test-1","prompt":"{\"model\":\"m\",)"
                  R"(\"messages\":[{\"role\":\"user\",)"
                  R"(\"content\":\"a thought\"}]}"})"));
}

TEST_F(CallLogTest, AParsedPromptIsLoggedAsJson) {
  CallQuestion question = Parsed("a thought");
  question.request.mutable_messages(0)->add_parts()->mutable_image()->set_url(
      "https://example.com/cat.png");
  v1::Message* const second = question.request.add_messages();
  second->set_role(v1::ROLE_USER);
  second->add_parts()->set_text("another");
  EXPECT_THAT(
      LinesOf(question, kLogPrompts),
      ElementsAre(R"("level":"info","module":"pipeline","msg":"Prompt",)"
                  R"("request_id":"req-test-1","prompt":"[{\"role\":)"
                  R"(\"ROLE_USER\",\"parts\":[{\"text\":\"a thought\"},)"
                  R"({\"image\":{\"url\":\"https://example.com/cat.png\"}}]},)"
                  R"({\"role\":\"ROLE_USER\",\"parts\":)"
                  R"([{\"text\":\"another\"}]}]"})"));
}

TEST_F(CallLogTest, NoMoreIsLoggedThanALineTakes) {
  const std::string much(10 * kLogValueBytesLimit, 'x');
  for (const CallQuestion& question : {Parsed(much), Raw(much)}) {
    const std::vector<std::string> lines = LinesOf(question, kLogPrompts);
    ASSERT_THAT(lines, SizeIs(1));
    EXPECT_THAT(lines[0], EndsWith("xxx...\"}"));
    EXPECT_LT(lines[0].size(), kLogValueBytesLimit + 200);
  }
}

TEST_F(CallLogTest, OfAPictureOnlyTheSizeIsLogged) {
  CallQuestion question = Parsed("look");
  v1::Image* const image =
      question.request.mutable_messages(0)->add_parts()->mutable_image();
  image->set_media_type("image/png");
  image->set_data(std::string(kLogValueBytesLimit, 'x'));
  const std::vector<std::string> lines = LinesOf(question, kLogPrompts);
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], HasSubstr(R"({\"omitted_bytes\":4)"));
}

TEST_F(CallLogTest, UnauthenticatedCallersDoNotFillTheLog) {
  const std::string keys = absl::StrCat(
      kLogPrompts,
      "auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}\n");
  CallQuestion question = Parsed("a thought");
  EXPECT_THAT(LinesOf(question, keys), IsEmpty());
  question.authorization = "Bearer alice-0123456789";
  EXPECT_THAT(LinesOf(question, keys), SizeIs(1));
}

TEST_F(CallLogTest, WhoeverDebugsSeesTheRouteAndEachTry) {
  EXPECT_THAT(
      LinesOf(Parsed("a thought"), "", LogLevel::kDebug),
      ElementsAre(R"("level":"debug","module":"pipeline",)"
                  R"("msg":"Routing request","request_id":"req-test-1",)"
                  R"("model":"nice-name","provider":"mock",)"
                  R"("reason":"default"})",
                  R"("level":"debug","module":"pipeline",)"
                  R"("msg":"Forwarding to provider",)"
                  R"("request_id":"req-test-1","provider":"mock",)"
                  R"("model":"real-name"})"));
}

TEST_F(CallLogTest, EveryTryIsALineOfItsOwn) {
  CallQuestion question = Parsed("a thought");
  question.request.set_provider_id("broken");
  CallQuestion stream = question;
  stream.stream = true;
  for (const CallQuestion& one : {question, stream}) {
    const std::vector<std::string> lines =
        LinesOf(one,
                "resilience: {retry: {attempts_limit: 3, backoff_base: 1ms, "
                "backoff_limit: 1ms}}\n",
                LogLevel::kDebug);
    EXPECT_THAT(lines, SizeIs(4));
  }
}

}  // namespace
}  // namespace gateway
