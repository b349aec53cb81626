#include "providers/local_cli/local_cli_provider.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"
#include "providers/registry/all_providers.h"
#include "service/config/defaults.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kResult[] =
    R"({"type":"result","subtype":"success","is_error":false,)"
    R"("result":"It is four.","stop_reason":"end_turn",)"
    R"("total_cost_usd":0.01})";

// What a script prints, as a here-document.
std::string Printing(const std::string& lines) {
  return absl::StrCat("cat <<'END'\n", lines, "\nEND\n");
}

std::string Piece(const std::string& kind, const std::string& text) {
  return absl::StrCat(R"({"type":"stream_event","event":{"type":)",
                      R"("content_block_delta","delta":{")", kind, R"(":")",
                      text, "\"}}}\n");
}

struct Outcome {
  absl::Status status;
  v1::GenerateResponse response;
  EventList events;
  std::string text;
  ResponseFacts facts;
  AttemptProgress progress;
  std::vector<v1::Warning> warnings;
};

class LocalCliProviderTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = absl::StrCat(
        testing::TempDir(), "/local_cli_",
        testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory_);
    ASSERT_TRUE(std::filesystem::create_directory(directory_));
    auto* provider = gateway_.add_providers();
    provider->set_name("cli");
    provider->mutable_local_cli()->set_executable(directory_ + "/tool");
    ApplyDefaults(AllProviderKinds(), &gateway_);
    setup_.name = "cli";
    v1::Message* message = request_.add_messages();
    message->set_role(v1::ROLE_USER);
    message->add_parts()->set_text("What is 2+2?");
  }
  void TearDown() override {
    runner_.Run(AllAreGone());
    std::filesystem::remove_all(directory_);
  }

  // Waits until every program that was given up has been waited for.
  static Task<void> AllAreGone() {
    siginfo_t info;
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
      co_await YieldToLoop();
    }
  }

  llmgateway::config::v1::LocalCliProvider& config() {
    return *gateway_.mutable_providers(0)->mutable_local_cli();
  }

  // Makes the tool a script that notes what it was given and goes on so.
  void Install(const std::string& script) {
    const std::string path = directory_ + "/tool";
    std::ofstream(path) << "#!/bin/sh\ncd " << directory_
                        << "\nprintf '%s\\n' \"$@\" > arguments\n"
                           "env > environment\ncat > prompt\n"
                        << script;
    ASSERT_EQ(chmod(path.c_str(), 0700), 0);
  }

  // What the script has noted; empty if it has not run.
  std::string Noted(const std::string& what) {
    std::stringstream text;
    text << std::ifstream(absl::StrCat(directory_, "/", what)).rdbuf();
    return text.str();
  }

  void MakeTool() {
    provider_ =
        std::make_unique<LocalCliProvider>(setup_, config(), inherited_);
  }

  Outcome Generate() {
    MakeTool();
    Outcome outcome;
    runner_.Run(RunGenerate(&outcome));
    return outcome;
  }

  Outcome Stream() {
    MakeTool();
    Outcome outcome;
    runner_.Run(RunStream(&outcome));
    return outcome;
  }

  ProviderCall Call(Outcome* outcome) {
    ProviderCall call;
    call.loop = &runner_.loop();
    call.cancel = &cancel_;
    call.model = "haiku";
    call.request = &request_;
    call.progress = &outcome->progress;
    call.warnings = &outcome->warnings;
    return call;
  }

  Task<void> RunGenerate(Outcome* outcome) {
    ProviderCall call = Call(outcome);
    ProviderAnswer answer;
    answer.response = &outcome->response;
    outcome->status = co_await provider_->Generate(call, &answer);
    outcome->facts = answer.facts;
    for (const v1::Choice& choice : outcome->response.choices()) {
      outcome->text += choice.message().parts(0).text();
    }
  }

  // Until it ends, or `cancel` in the place of the other.
  Task<void> RunStream(Outcome* outcome, CancelSignal* cancel = nullptr) {
    ProviderCall call = Call(outcome);
    if (cancel != nullptr) call.cancel = cancel;
    absl::StatusOr<std::unique_ptr<ProviderStream>> stream =
        co_await provider_->Stream(call);
    outcome->status = stream.status();
    StreamBatch batch;
    while (outcome->status.ok()) {
      const absl::StatusOr<bool> more = co_await (*stream)->Next(&batch);
      outcome->facts = (*stream)->facts();
      outcome->status = more.status();
      if (!more.ok() || !*more) break;
      for (const v1::GenerateEvent& event : batch.events) {
        outcome->text += event.delta().text();
        outcome->events.push_back(event);
      }
      if (on_batch_) on_batch_();
    }
  }

  std::string directory_;
  llmgateway::config::v1::GatewayConfig gateway_;
  ProviderSetup setup_;
  std::vector<std::string> inherited_ = {"PATH=/usr/bin:/bin", "CLAUDECODE=1",
                                         "KEPT=yes", "GONE=no",
                                         "SECRET=sk-1"};
  v1::GenerateRequest request_;
  LoopRunner runner_;
  CancelSignal cancel_;
  std::function<void()> on_batch_;
  std::unique_ptr<LocalCliProvider> provider_;
};

TEST_F(LocalCliProviderTest, AsksOnceAndReadsTheAnswer) {
  Install(Printing(kResult));
  config().add_arguments("--first");
  const Outcome outcome = Generate();
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.text, "It is four.");
  EXPECT_EQ(outcome.response.model(), "haiku");
  const v1::Choice& choice = outcome.response.choices(0);
  EXPECT_EQ(choice.finish_reason(), v1::FINISH_REASON_STOP);
  EXPECT_EQ(choice.provider_finish_reason(), "end_turn");
  ASSERT_EQ(outcome.response.extensions_size(), 1);
  EXPECT_EQ(outcome.response.extensions(0).name(), "total_cost_usd");
  EXPECT_EQ(Noted("prompt"), "[User]: What is 2+2?");
  EXPECT_EQ(Noted("arguments"),
            "--first\n-p\n--max-turns\n1\n--tools\n\n"
            "--strict-mcp-config\n--no-session-persistence\n"
            "--output-format\njson\n--model=haiku\n");
  EXPECT_GE(outcome.progress.first_byte, outcome.progress.dispatched);
}

TEST_F(LocalCliProviderTest, IsKnownToBeFreeAndEstimatesItsTokens) {
  Install(Printing(kResult));
  for (const Outcome& outcome : {Generate(), Stream()}) {
    const v1::Usage& usage = outcome.facts.usage;
    EXPECT_TRUE(outcome.facts.has_usage);
    EXPECT_EQ(usage.input_tokens(), 20 / 4);
    EXPECT_EQ(usage.output_tokens(), 11 / 4);
    EXPECT_TRUE(usage.estimated());
    EXPECT_TRUE(usage.cost_known());
    EXPECT_EQ(usage.cost_usd_nanos(), 0);
  }
}

TEST_F(LocalCliProviderTest, OnlyWhatIsNamedOfTheEnvironmentIsInherited) {
  Install(Printing(kResult));
  (*config().mutable_environment())["GONE"] = "";
  (*config().mutable_environment())["ADDED"] = "two words";
  (*config().mutable_environment())["CLAUDECODE"] = "2";
  for (const char* name : {"KEPT", "GONE", "CLAUDECODE"}) {
    config().add_inherit_environment(name);
  }
  ASSERT_TRUE(Generate().status.ok());
  const std::string environment = Noted("environment");
  EXPECT_THAT(environment, HasSubstr("KEPT=yes\n"));
  EXPECT_THAT(environment, HasSubstr("ADDED=two words\n"));
  EXPECT_THAT(environment, Not(HasSubstr("GONE")));
  EXPECT_THAT(environment, Not(HasSubstr("SECRET")));
  EXPECT_THAT(environment, Not(HasSubstr("CLAUDECODE")));
}

TEST_F(LocalCliProviderTest, MadeByTheTableItInheritsAndAsksInItsOwnWords) {
  Install(Printing(R"({"type":"result","result":"```json\n{}\n```"})"));
  request_.mutable_response_format()->set_kind(
      v1::ResponseFormat::KIND_JSON_SCHEMA);
  request_.mutable_response_format()->set_schema(R"({"type":"object"})");
  setenv("CLAUDECODE", "1", 1);
  setenv("SEEN_BY_THE_TOOL", "yes", 1);
  setenv("NOT_SEEN_BY_THE_TOOL", "yes", 1);
  config().add_inherit_environment("SEEN_BY_THE_TOOL");
  const auto made =
      MakeProvider(AllProviderKinds(), gateway_.providers(0), setup_);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ((*made)->name(), "cli");
  EXPECT_EQ((*made)->FindDialect("anthropic_messages"), nullptr);
  Outcome outcome;
  const auto ask = [&]() -> Task<void> {
    ProviderCall call = Call(&outcome);
    ProviderAnswer answer;
    answer.response = &outcome.response;
    outcome.status = co_await (*made)->Generate(call, &answer);
  };
  runner_.Run(ask());
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.response.choices(0).message().parts(0).text(), "{}");
  EXPECT_THAT(Noted("environment"), HasSubstr("\nSEEN_BY_THE_TOOL=yes"));
  EXPECT_THAT(Noted("environment"), Not(HasSubstr("NOT_SEEN_BY_THE_TOOL")));
  EXPECT_THAT(Noted("environment"), Not(HasSubstr("CLAUDECODE")));
}

TEST_F(LocalCliProviderTest, StreamsPieceByPiece) {
  Install(Printing(absl::StrCat(
      R"({"type":"system","subtype":"init","model":"claude-haiku"})", "\n",
      Piece("thinking", "Hm."), Piece("text", "It is "), Piece("text", "four."),
      R"({"type":"assistant","message":{"content":[{"type":"text",)",
      R"("text":"It is four."}]}})", "\n",
      R"({"type":"stream_event","event":{"type":"message_delta",)",
      R"("delta":{"stop_reason":"max_tokens"}}})", "\n", kResult)));
  const Outcome outcome = Stream();
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.text, "It is four.");
  ASSERT_EQ(outcome.events.size(), 6u);
  EXPECT_EQ(outcome.events[0].started().model(), "claude-haiku");
  EXPECT_EQ(outcome.events[1].delta().reasoning(), "Hm.");
  EXPECT_EQ(outcome.events[2].delta().part_index(), 1);
  EXPECT_EQ(outcome.events[3].delta().part_index(), 1);
  EXPECT_TRUE(outcome.events[4].has_usage());
  const v1::ChoiceEnd& end = outcome.events[5].choice_end();
  // What the result says comes last.
  EXPECT_EQ(end.finish_reason(), v1::FINISH_REASON_STOP);
  EXPECT_EQ(end.provider_finish_reason(), "end_turn");
  EXPECT_EQ(end.extensions(0).name(), "total_cost_usd");
  EXPECT_THAT(Noted("arguments"),
              HasSubstr("--output-format\nstream-json\n--verbose\n"
                        "--include-partial-messages\n"));
}

TEST_F(LocalCliProviderTest, StreamsWhatOlderVersionsSayAtOnce) {
  Install(Printing(absl::StrCat(
      R"({"type":"assistant","message":{"content":[{"type":"text",)",
      R"("text":"It is four."}]}})", "\n", kResult)));
  EXPECT_EQ(Stream().text, "It is four.");
  // Or only at the end, without the end of the line.
  Install(absl::StrCat("printf '%s' '", kResult, "'"));
  const Outcome outcome = Stream();
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.text, "It is four.");
  EXPECT_EQ(outcome.events[0].started().model(), "haiku");
}

TEST_F(LocalCliProviderTest, JsonComesWholeAndWithoutItsFence) {
  const std::string result =
      R"({"type":"result","result":"```json\n{\"sum\": 4}\n```"})";
  Install(Printing(Piece("text", "```json") + result));
  request_.mutable_response_format()->set_kind(
      v1::ResponseFormat::KIND_JSON_OBJECT);
  EXPECT_EQ(Generate().text, "{\"sum\": 4}");
  const Outcome stream = Stream();
  EXPECT_EQ(stream.text, "{\"sum\": 4}");
  ASSERT_EQ(stream.warnings.size(), 1u);
  EXPECT_EQ(stream.warnings[0].field(), "response_format");
  EXPECT_THAT(Noted("prompt"), StartsWith("Reply with JSON only"));
  // It is no parameter that could be refused for being left out.
  setup_.unsupported_parameters =
      llmgateway::config::v1::ProviderConfig::UNSUPPORTED_PARAMETERS_REFUSE;
  EXPECT_EQ(Generate().text, "{\"sum\": 4}");
}

TEST_F(LocalCliProviderTest, WhatItCannotBeGivenIsRefusedUnasked) {
  Install(Printing(kResult));
  request_.mutable_messages(0)->add_parts()->mutable_image()->set_url("x");
  for (const Outcome& outcome : {Generate(), Stream()}) {
    EXPECT_EQ(FaultReason(outcome.status),
              v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
    EXPECT_EQ(FaultMetadata(outcome.status, "provider"), "cli");
  }
  EXPECT_EQ(Noted("arguments"), "");
}

TEST_F(LocalCliProviderTest, WhatIsLeftOutIsToldOrRefused) {
  Install(Printing(kResult));
  request_.mutable_sampling()->set_seed(1);
  const Outcome told = Generate();
  EXPECT_TRUE(told.status.ok());
  ASSERT_EQ(told.warnings.size(), 1u);
  EXPECT_EQ(told.warnings[0].field(), "sampling.seed");
  setup_.unsupported_parameters =
      llmgateway::config::v1::ProviderConfig::UNSUPPORTED_PARAMETERS_REFUSE;
  const Outcome refused = Generate();
  EXPECT_EQ(FaultReason(refused.status),
            v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
  EXPECT_EQ(FieldViolations(refused.status)[0].first, "sampling.seed");
}

TEST_F(LocalCliProviderTest, AMissingProgramIsUnavailable) {
  for (const Outcome& outcome : {Generate(), Stream()}) {
    EXPECT_EQ(FaultReason(outcome.status),
              v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
    EXPECT_THAT(std::string(outcome.status.message()),
                StartsWith("cli: cannot run "));
  }
}

TEST_F(LocalCliProviderTest, AMissingProgramIsAnObstacle) {
  MakeTool();
  EXPECT_TRUE(absl::IsNotFound(provider_->Obstacle()));
  Install(Printing(kResult));
  EXPECT_TRUE(provider_->Obstacle().ok()) << provider_->Obstacle();
  const auto made =
      MakeProvider(AllProviderKinds(), gateway_.providers(0), setup_);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE((*made)->Obstacle().ok());
  std::filesystem::remove(directory_ + "/tool");
  EXPECT_TRUE(absl::IsNotFound((*made)->Obstacle()));
}

// Neither the caller's fault nor one that another attempt could mend.
TEST_F(LocalCliProviderTest, WhoMeetsALimitIsNamedIt) {
  Install("while :; do :; done");
  config().mutable_cpu_time_limit()->set_seconds(1);
  Outcome outcome = Generate();
  EXPECT_EQ(FaultReason(outcome.status),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  EXPECT_EQ(outcome.status.message(), "cli: killed for its cpu_time_limit");
  Install("exec dd if=/dev/zero of=long bs=8192 count=1");
  config().set_file_bytes_limit(4096);
  outcome = Generate();
  EXPECT_EQ(FaultReason(outcome.status),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
      << outcome.status;
  EXPECT_EQ(std::filesystem::file_size(directory_ + "/long"), 4096u);
}

TEST_F(LocalCliProviderTest, ABadEndIsToldWithItsScrubbedErrors) {
  Install("echo 'bad key sk-ant-0123456789' >&2; exit 3");
  for (const Outcome& outcome : {Generate(), Stream()}) {
    EXPECT_EQ(FaultReason(outcome.status),
              v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
    EXPECT_EQ(outcome.status.message(), "cli: exit code 3: bad key [secret]");
  }
  Install("echo 'Invalid API key'; kill -9 $$");
  for (const Outcome& outcome : {Generate(), Stream()}) {
    EXPECT_EQ(FaultReason(outcome.status),
              v1::ERROR_REASON_PROVIDER_AUTH_FAILED);
    EXPECT_THAT(std::string(outcome.status.message()),
                HasSubstr("killed by signal 9: Invalid API key"));
  }
}

TEST_F(LocalCliProviderTest, AFailureByItsOwnAccountIsOne) {
  Install(Printing(R"({"type":"result","subtype":"success","is_error":true,)"
                   R"("result":"Claude AI usage limit reached"})") +
          "exit 1");
  for (const Outcome& outcome : {Generate(), Stream()}) {
    EXPECT_EQ(FaultReason(outcome.status),
              v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  }
}

TEST_F(LocalCliProviderTest, GarbageIsABadResponse) {
  for (const char* script : {"echo hello", "echo '{\"type\":\"other\"}'",
                             "exit 0", "printf '{\"type\":'"}) {
    Install(script);
    for (const Outcome& outcome : {Generate(), Stream()}) {
      EXPECT_EQ(FaultReason(outcome.status),
                v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
          << script;
    }
  }
}

TEST_F(LocalCliProviderTest, WhoSaysTooMuchIsEnded) {
  Install("yes");
  config().set_output_bytes_limit(100000);
  for (const Outcome& outcome : {Generate(), Stream()}) {
    EXPECT_EQ(FaultReason(outcome.status),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
    EXPECT_THAT(std::string(outcome.status.message()), HasSubstr("100000"));
  }
}

TEST_F(LocalCliProviderTest, WhoTakesTooLongIsEnded) {
  Install("exec sleep 1000");
  config().mutable_timeout()->set_seconds(0);
  config().mutable_timeout()->set_nanos(50'000'000);
  for (const Outcome& outcome : {Generate(), Stream()}) {
    EXPECT_EQ(FaultReason(outcome.status), v1::ERROR_REASON_PROVIDER_TIMEOUT);
    EXPECT_EQ(outcome.status.message(), "cli: no end after 50ms (timeout)");
    EXPECT_TRUE(outcome.progress.http.abandoned());
  }
}

TEST_F(LocalCliProviderTest, ACallerWhoLeavesIsNotKeptWaiting) {
  Install(Printing(Piece("text", "It is")) + "exec sleep 1000");
  on_batch_ = [this] { cancel_.Cancel(absl::CancelledError("left")); };
  const Outcome outcome = Stream();
  EXPECT_EQ(outcome.status, absl::CancelledError("left"));
  EXPECT_EQ(outcome.text, "It is");
}

TEST_F(LocalCliProviderTest, AnAnswerIsAtItsEndThoughTheProgramIsNot) {
  Install(Printing(kResult) + "exec sleep 1000");
  const Outcome outcome = Stream();
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.text, "It is four.");
}

// The script fails if another one runs beside it.
TEST_F(LocalCliProviderTest, OnlySoManyRunAtOnceAndTheRestWait) {
  Install("mkdir busy || exit 9\nsleep 0.02\nrmdir busy\n" + Printing(kResult));
  config().set_processes_limit(1);
  MakeTool();
  constexpr int kCalls = 5;
  Outcome outcomes[kCalls];
  int ended = 0;
  WakeUp all_ended;
  const auto run = [&](int i) -> Task<void> {
    if (i % 2 == 0) {
      co_await RunGenerate(&outcomes[i]);
    } else {
      co_await RunStream(&outcomes[i]);
    }
    if (++ended == kCalls) all_ended.Set();
  };
  const auto run_all = [&]() -> Task<void> {
    for (int i = 0; i < kCalls; ++i) Spawn(run(i));
    co_await all_ended.Wait();
  };
  runner_.Run(run_all());
  for (const Outcome& outcome : outcomes) {
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  }
}

// The program of the call before is gone when the next one begins.
TEST_F(LocalCliProviderTest, AProgramThatIsGivenUpHoldsItsPlaceUntilItIsGone) {
  Install("if mkdir first 2>/dev/null; then\n" +
          Printing(Piece("text", "It is")) + "exec sleep 1000\nfi\n" +
          Printing(kResult));
  config().set_processes_limit(1);
  MakeTool();
  CancelSignal left;
  on_batch_ = [&left] { left.Cancel(absl::CancelledError("left")); };
  Outcome outcomes[2];
  const auto run = [&]() -> Task<void> {
    co_await RunStream(&outcomes[0], &left);
    co_await RunGenerate(&outcomes[1]);
  };
  runner_.Run(run());
  EXPECT_EQ(outcomes[0].status, absl::CancelledError("left"));
  EXPECT_TRUE(outcomes[1].status.ok()) << outcomes[1].status;
}

TEST_F(LocalCliProviderTest, CountsNothing) {
  MakeTool();
  Outcome outcome;
  const auto count = [&]() -> Task<absl::StatusOr<int64_t>> {
    ProviderCall call = Call(&outcome);
    co_return co_await provider_->CountTokens(call);
  };
  EXPECT_TRUE(absl::IsUnimplemented(runner_.Run(count()).status()));
}

TEST(CliEnvironmentTest, KeepsTheOrderAndSkipsWhatIsReplaced) {
  llmgateway::config::v1::LocalCliProvider config;
  (*config.mutable_environment())["B"] = "new";
  for (const char* name : {"C", "ODD", "B", "CLAUDECODE"}) {
    config.add_inherit_environment(name);
  }
  EXPECT_THAT(CliEnvironment({"PATH=1", "B=old", "CLAUDECODE=1", "C=", "ODD",
                              "HOME=/", "SECRET=x", "LANG=C", "TMPDIR=/t"},
                             config),
              ElementsAre("PATH=1", "C=", "HOME=/", "LANG=C", "TMPDIR=/t",
                          "B=new"));
}

}  // namespace
}  // namespace gateway
