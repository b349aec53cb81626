#include "service/pipeline/call_log.h"

#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/os/logging.h"
#include "base/os/thread.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "tests/testing/call_runner.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

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
    const std::vector<std::string> lines =
        LinesOf(question, "", LogLevel::kTrace);
    EXPECT_THAT(lines, Not(IsEmpty()));
    for (const std::string& line : lines) {
      EXPECT_THAT(line, Not(HasSubstr("darkest")));
    }
  }
}

TEST_F(CallLogTest, ARawPromptIsLoggedAsItCame) {
  EXPECT_THAT(
      LinesOf(Raw("a thought"), kLogPrompts),
      Contains(R"("level":"info","module":"pipeline","msg":"Prompt",)"
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
      Contains(R"("level":"info","module":"pipeline","msg":"Prompt",)"
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
    ASSERT_THAT(lines, SizeIs(3));
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
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_THAT(lines[0], HasSubstr(R"({\"omitted_bytes\":4)"));
}

TEST_F(CallLogTest, UnauthenticatedCallersDoNotFillTheLog) {
  const std::string keys = absl::StrCat(
      kLogPrompts,
      "auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}\n");
  CallQuestion question = Parsed("a thought");
  EXPECT_THAT(LinesOf(question, keys), IsEmpty());
  question.authorization = "Bearer alice-0123456789";
  EXPECT_THAT(LinesOf(question, keys), SizeIs(3));
}

TEST_F(CallLogTest, TheRouteAndEachTryAreToldAtInfo) {
  CallQuestion question = Parsed("a thought");
  question.request.mutable_scope()->set_agent_type("code-reviewer");
  EXPECT_THAT(
      LinesOf(question, ""),
      ElementsAre(R"("level":"info","module":"pipeline",)"
                  R"("msg":"Routing request","request_id":"req-test-1",)"
                  R"("agent_type":"code-reviewer",)"
                  R"("model":"nice-name","provider":"mock",)"
                  R"("reason":"default"})",
                  R"("level":"info","module":"pipeline",)"
                  R"("msg":"Forwarding to provider",)"
                  R"("request_id":"req-test-1","provider":"mock",)"
                  R"("model":"real-name"})"));
}

// On a thread of its own, which has written nothing yet.
TEST_F(CallLogTest, BeyondSoManyASecondTheStepsAreToldAtDebug) {
  Thread fresh("fresh", [this] {
    FakeClock clock;
    CallRunner runner(
        MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"
                        "routing: {default_target: mock}\n",
                        {}, {.clock = &clock}));
    EXPECT_TRUE(StartLogging({.levels = {.level = LogLevel::kDebug},
                              .file = path_,
                              .lines_waiting_limit = 10'000})
                    .ok());
    for (int i = 0; i < kStepsLoggedPerSecond + 7; ++i) {
      runner.Run(Parsed("a thought"));
    }
    clock.Advance(absl::Seconds(1));
    runner.Run(Parsed("a thought"));
    StopLogging();
  });
  fresh.Join();
  std::stringstream contents;
  contents << std::ifstream(path_).rdbuf();
  std::map<std::string, int> counts;
  std::string last_route;
  for (const absl::string_view line :
       absl::StrSplit(contents.str(), '\n', absl::SkipEmpty())) {
    const std::string level =
        absl::StrContains(line, "\"level\":\"info\"") ? "info " : "debug ";
    for (const char* step : {"Routing request", "Forwarding to provider"}) {
      if (absl::StrContains(line, step)) ++counts[level + step];
    }
    if (absl::StrContains(line, "Routing")) last_route = std::string(line);
  }
  EXPECT_THAT(
      counts,
      UnorderedElementsAre(
          Pair("info Routing request", kStepsLoggedPerSecond + 1),
          Pair("info Forwarding to provider", kStepsLoggedPerSecond + 1),
          Pair("debug Routing request", 7),
          Pair("debug Forwarding to provider", 7)));
  EXPECT_THAT(last_route, EndsWith("\"unlogged\":7}"));
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
