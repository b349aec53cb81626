#include "service/pipeline/call_ledger.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/budgets/budget_scope.h"
#include "service/budgets/budget_table.h"
#include "service/ledger/chain_check.h"
#include "service/ledger/hash_text.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/ledger_writer.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/testing/call_runner.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class CallLedgerTest : public testing::Test {
 protected:
  CallLedgerTest() {
    auto log = LedgerLog::Open({.path = path_});
    EXPECT_TRUE(log.ok()) << log.status();
    writer_ = std::make_unique<LedgerWriter>(
        *std::move(log), LedgerWriter::Options{}, SystemClock());
  }
  static std::string Mock(std::string_view settings, std::string_view ledger) {
    return absl::StrCat("providers: [{name: mock, mock: {",
                        std::string(settings),
                        "}}]\n"
                        "routing: {default_target: mock}\n"
                        "resilience: {retry: {attempts_limit: 2, "
                        "backoff_base: 1ms}}\n"
                        "runtime: {state_dir: /s}\nledger: {",
                        std::string(ledger), "}\n");
  }
  CallRunner Runner(std::string_view settings, std::string_view ledger = "") {
    return CallRunner(
        MakeTestRuntime(Mock(settings, ledger), {}, {.ledger = writer_.get()}));
  }
  static CallQuestion Question(bool stream = false) {
    CallQuestion question;
    question.stream = stream;
    question.request.set_model("m");
    question.request.mutable_scope()->set_contract_id("PRC-1");
    question.request.mutable_scope()->set_session_id("SES-1");
    v1::Message& message = *question.request.add_messages();
    message.set_role(v1::ROLE_USER);
    message.add_parts()->set_text("Hello");
    return question;
  }
  // The ledger cannot be written until the result is gone.
  void MoveAway() {
    for (const char* const suffix : {"", "-wal"}) {
      std::filesystem::rename(path_ + suffix, away_ + suffix);
    }
  }
  void MoveBack() {
    for (const char* const suffix : {"", "-wal"}) {
      std::filesystem::rename(away_ + suffix, path_ + suffix);
    }
  }
  // All entries, whose chain is checked. Ends the writer.
  std::vector<std::string> Entries() {
    writer_.reset();
    std::vector<std::string> entries;
    auto log = LedgerLog::Open({.path = path_});
    EXPECT_TRUE(log.ok()) << log.status();
    if (!log.ok()) return entries;
    open_ = (*log)->open_dispatches().all().size();
    ChainCheck check;
    EXPECT_TRUE((*log)
                    ->Read(1,
                           [&](const LedgerCommit& commit) {
                             ForEachEntry(commit.texts, [&](auto entry) {
                               EXPECT_EQ(check.Add(entry).what, "");
                               entries.emplace_back(entry);
                             });
                             return absl::OkStatus();
                           })
                    .ok());
    return entries;
  }
  static std::vector<std::string> TypesOf(
      const std::vector<std::string>& entries) {
    std::vector<std::string> types;
    for (const std::string& entry : entries) {
      for (const char* const type :
           {"DISPATCH", "EXCHANGE", "PROMPT_REJECTED", "ANSWER_REUSED"}) {
        if (absl::StrContains(entry,
                              absl::StrCat("\"event_type\": \"", type, "\""))) {
          types.emplace_back(type);
        }
      }
    }
    return types;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.Path("ledger.db");
  std::string away_ = folder_.Path("away.db");
  std::unique_ptr<LedgerWriter> writer_;
  size_t open_ = 0;  // Dispatches without an exchange, by Entries.
};

TEST_F(CallLedgerTest, ACallHasADispatchAndAnExchange) {
  CallResult result;
  {
    CallRunner runner = Runner("reply: Hi");
    result = runner.Run(Question());
  }
  ASSERT_TRUE(result.status.ok()) << result.status;
  const std::vector<std::string> entries = Entries();
  EXPECT_THAT(TypesOf(entries), ElementsAre("DISPATCH", "EXCHANGE"));
  EXPECT_THAT(
      entries[0],
      AllOf(HasSubstr("\"decision\": \"DISPATCHED\""),
            HasSubstr("\"metadata\": {\"agent_id\": \"\", "
                      "\"contract_id\": \"PRC-1\", "
                      "\"gateway\": {\"caller\": "),
            HasSubstr("\"note_hash\": \""),
            HasSubstr("}, \"session_id\": \"SES-1\"}"),
            HasSubstr("\"reason\": \"Dispatching to mock/m\""),
            HasSubstr(absl::StrCat(
                "\"id\": \"", result.response.dispatch_entry_id(), "\""))));
  EXPECT_THAT(
      entries[1],
      AllOf(HasSubstr("\"decision\": \"SUCCESS\""),
            HasSubstr(absl::StrCat("\"dispatch_entry_id\": \"",
                                   result.response.dispatch_entry_id(), "\"")),
            HasSubstr(absl::StrCat("\"id\": \"",
                                   result.response.exchange_entry_id(), "\"")),
            HasSubstr("\"finish_reason\": \"stop\""),
            HasSubstr("\"prompt\": \"\", \"response\": \"\""),
            HasSubstr("\"provider\": \"mock\"")));
  EXPECT_EQ(open_, 0U);
  EXPECT_EQ(result.response.context_hash(), HashText("Hello"));
  EXPECT_THAT(entries[1], HasSubstr(HashText("Hello")));
}

TEST_F(CallLedgerTest, SoHasAStream) {
  CallResult result;
  {
    CallRunner runner = Runner("reply: Hi");
    result = runner.Run(Question(/*stream=*/true));
  }
  ASSERT_TRUE(result.status.ok()) << result.status;
  const std::vector<std::string> entries = Entries();
  EXPECT_THAT(TypesOf(entries), ElementsAre("DISPATCH", "EXCHANGE"));
  EXPECT_THAT(entries[1], HasSubstr(result.stream_end.exchange_entry_id()));
  EXPECT_EQ(result.stream_end.context_hash(), HashText("Hello"));
}

TEST_F(CallLedgerTest, EachAttemptHasItsOwn) {
  CallResult result;
  {
    CallRunner runner = Runner("fault: FAULT_SERVER_ERROR");
    result = runner.Run(Question());
  }
  EXPECT_FALSE(result.status.ok());
  EXPECT_EQ(result.attempts.size(), 2U);
  const std::vector<std::string> entries = Entries();
  EXPECT_THAT(TypesOf(entries),
              ElementsAre("DISPATCH", "DISPATCH", "EXCHANGE", "EXCHANGE"));
  EXPECT_THAT(entries[3], AllOf(HasSubstr("\"decision\": \"ERROR\""),
                                HasSubstr("\"outcome\": \"error\""),
                                HasSubstr("\"error_code\": \"SERVER_ERROR\""),
                                HasSubstr("\"attempt\": \"retry\"")));
}

TEST_F(CallLedgerTest, ARefusalHasOneThatItsErrorNames) {
  CallQuestion question = Question();
  question.request.clear_messages();
  CallResult result;
  {
    CallRunner runner = Runner("reply: Hi");
    result = runner.Run(question);
  }
  EXPECT_EQ(FaultReason(result.status), v1::ERROR_REASON_INVALID_REQUEST);
  const std::string id = FaultMetadata(result.status, kLedgerEntryKey);
  const std::vector<std::string> entries = Entries();
  EXPECT_THAT(TypesOf(entries), ElementsAre("PROMPT_REJECTED"));
  EXPECT_THAT(entries[0],
              AllOf(HasSubstr(absl::StrCat("\"id\": \"", id, "\"")),
                    HasSubstr("\"decision\": \"REJECTED\""),
                    HasSubstr("\"error_code\": \"INVALID_INPUT\"")));
}

TEST_F(CallLedgerTest, AFailureHasTwoThatItsErrorNames) {
  std::vector<CallResult> results;
  {
    CallRunner runner = Runner("fault: FAULT_SERVER_ERROR");
    results.push_back(runner.Run(Question()));
    results.push_back(runner.Run(Question(/*stream=*/true)));
  }
  const std::vector<std::string> entries = Entries();
  ASSERT_EQ(entries.size(), 8U);
  const auto names = [](const CallResult& result, std::string_view key) {
    const std::string id = FaultMetadata(result.status, key);
    EXPECT_NE(id, "") << result.status;
    return HasSubstr(absl::StrCat("\"id\": \"", id, "\""));
  };
  // Of the second attempt, which decided it.
  for (size_t i = 0; i < results.size(); ++i) {
    EXPECT_THAT(entries[4 * i + 1], names(results[i], kDispatchEntryKey));
    EXPECT_THAT(entries[4 * i + 3], names(results[i], kExchangeEntryKey));
    EXPECT_EQ(FaultMetadata(results[i].status, kLedgerEntryKey), "");
  }
}

TEST_F(CallLedgerTest, TextsAreThereWhereTheyAreRecorded) {
  {
    CallRunner runner = Runner("reply: Hi", "record_texts: true");
    EXPECT_TRUE(runner.Run(Question()).status.ok());
    EXPECT_TRUE(runner.Run(Question(/*stream=*/true)).status.ok());
  }
  const std::vector<std::string> entries = Entries();
  ASSERT_EQ(entries.size(), 4U);
  for (const int i : {1, 3}) {
    EXPECT_THAT(entries[i],
                HasSubstr("\"prompt\": \"Hello\", \"response\": \"Hi\""));
  }
}

TEST_F(CallLedgerTest, EachOfSeveralAnswersIsRecorded) {
  {
    CallRunner runner = Runner("reply: Hi", "record_texts: true");
    for (const bool stream : {false, true}) {
      CallQuestion question = Question(stream);
      question.request.mutable_sampling()->set_choice_count(2);
      EXPECT_TRUE(runner.Run(question).status.ok());
    }
  }
  const std::vector<std::string> entries = Entries();
  ASSERT_EQ(entries.size(), 4U);
  for (const int i : {1, 3}) {
    EXPECT_THAT(entries[i], HasSubstr(R"("response": "[\"Hi\", \"Hi\"]")"));
  }
}

TEST_F(CallLedgerTest, CallsOfToolsAreRecordedAsTheirCanonicalJson) {
  {
    CallRunner runner = Runner("reply: Hi", "record_texts: true");
    for (const bool stream : {false, true}) {
      CallQuestion question = Question(stream);
      v1::FunctionTool& tool =
          *question.request.add_tools()->mutable_function();
      tool.set_name("look_up");
      tool.set_parameters_schema(R"({"type":"object"})");
      question.request.mutable_tool_choice()->set_mode(
          v1::ToolChoice::MODE_REQUIRED);
      EXPECT_TRUE(runner.Run(question).status.ok());
    }
  }
  const std::vector<std::string> entries = Entries();
  ASSERT_EQ(entries.size(), 4U);
  for (const int i : {1, 3}) {
    EXPECT_THAT(
        entries[i],
        AllOf(HasSubstr(R"("response": "[{\"toolCall\": {\"arguments\": )"),
              HasSubstr(R"(\"name\": \"look_up\")")));
  }
}

// Each wait for the ledger is a part of the call's trace, if it has one.
TEST_F(CallLedgerTest, ItsTraceKnowsHowLongACallWaited) {
  const auto waits = [&](const CallResult& result) {
    std::vector<std::string> types;
    for (const TracedCommit& each : result.commits) {
      EXPECT_LE(each.part.begin, each.part.end);
      EXPECT_EQ(each.status, absl::StatusCode::kOk);
      types.push_back(
          absl::StrCat(std::string(each.event_type), " ", each.entries));
    }
    return types;
  };
  CallRunner runner = Runner("reply: Hi");
  CallQuestion question = Question();
  question.traced = true;
  EXPECT_THAT(waits(runner.Run(question)),
              ElementsAre("DISPATCH 1", "EXCHANGE 1"));
  EXPECT_THAT(waits(runner.Run(Question())), ElementsAre());
}

TEST_F(CallLedgerTest, WithoutALedgerNobodyIsAsked) {
  {
    CallRunner runner = Runner("reply: Hi");
    EXPECT_TRUE(runner.Run(Question()).status.ok());
    MoveAway();
    const CallResult refused = runner.Run(Question());
    EXPECT_EQ(FaultReason(refused.status), v1::ERROR_REASON_LEDGER_UNAVAILABLE)
        << refused.status;
    ASSERT_EQ(refused.attempts.size(), 1U);
    EXPECT_EQ(refused.answers, 0);
    MoveBack();
    EXPECT_TRUE(runner.Run(Question()).status.ok());
  }
  const std::vector<std::string> types = TypesOf(Entries());
  // What could not be written was there after all: nothing was sent, and the
  // next start closes it.
  EXPECT_THAT(types, testing::Contains("PROMPT_REJECTED").Times(1));
  EXPECT_THAT(types, testing::Contains("EXCHANGE").Times(2));
  EXPECT_LE(open_, 1U);
}

TEST_F(CallLedgerTest, DispatchesThatAreRefusedHaveNoEntryEachWithoutALimit) {
  constexpr int kCalls = 60;
  int named = 0;
  {
    CallRunner runner = Runner("reply: Hi", "refusals_per_second: 1");
    EXPECT_TRUE(runner.Run(Question()).status.ok());
    MoveAway();
    for (int i = 0; i < kCalls; ++i) {
      const CallResult refused = runner.Run(Question());
      EXPECT_EQ(FaultReason(refused.status),
                v1::ERROR_REASON_LEDGER_UNAVAILABLE);
      if (!FaultMetadata(refused.status, kLedgerEntryKey).empty()) ++named;
    }
    MoveBack();
  }
  // Ten at once, those of the seconds that it took, and the first if its
  // dispatch may be there, which the next start closes then.
  EXPECT_GE(named, 10);
  EXPECT_LT(named, kCalls / 2);
  Entries();
  EXPECT_LE(open_, 1U);
}

TEST_F(CallLedgerTest, CallsGoOnWhereThatIsConfigured) {
  {
    CallRunner runner = Runner("reply: Hi", "on_failure: degrade");
    EXPECT_TRUE(runner.Run(Question()).status.ok());
    MoveAway();
    EXPECT_TRUE(runner.Run(Question()).status.ok());
    EXPECT_TRUE(runner.Run(Question(/*stream=*/true)).status.ok());
    MoveBack();
  }
  EXPECT_THAT(TypesOf(Entries()),
              ElementsAre("DISPATCH", "EXCHANGE", "DISPATCH", "EXCHANGE",
                          "DISPATCH", "EXCHANGE"));
}

TEST_F(CallLedgerTest, BudgetsAreChargedOnceWhetherItIsWrittenOrKept) {
  constexpr int64_t kLimit = 1'000'000;
  const auto runtime = MakeTestRuntime(
      absl::StrCat(Mock("reply: Hi", "on_failure: degrade"),
                   "budgets: {rules: [{name: b, unit: total_tokens, limit: ",
                   kLimit, "}]}\n"),
      {}, {.ledger = writer_.get()});
  const BudgetScope scope = {.budget = "b"};
  int64_t taken = 0;
  const auto run = [&](CallRunner& runner, bool stream) {
    const CallResult result = runner.Run(Question(stream));
    EXPECT_TRUE(result.status.ok()) << result.status;
    const v1::Usage& usage =
        stream ? result.stream_end.usage() : result.response.usage();
    taken += usage.input_tokens() + usage.output_tokens();
    const auto standing = runtime->budget_table().Find(
        scope, absl::ToUnixSeconds(SystemClock().WallTime()));
    ASSERT_TRUE(standing.has_value());
    EXPECT_EQ(standing->reserved, BudgetAmounts());
    EXPECT_EQ(standing->account.spend.sum().total_tokens(), taken);
  };
  {
    CallRunner runner(runtime);
    run(runner, /*stream=*/false);
    run(runner, /*stream=*/true);
    MoveAway();
    run(runner, /*stream=*/false);
    run(runner, /*stream=*/true);
    MoveBack();
  }
  EXPECT_GT(taken, 0);
  EXPECT_THAT(Entries(),
              testing::Contains(HasSubstr("BUDGET_DEBIT")).Times(4));
}

TEST_F(CallLedgerTest, AnAnswerThatWasKeptNamesItsExchange) {
  std::string exchange;
  CallResult again;
  {
    CallRunner runner(MakeTestRuntime(Mock("reply: Hi", "") + "cache: {}\n", {},
                                      {.ledger = writer_.get()}));
    exchange = runner.Run(Question()).response.exchange_entry_id();
    again = runner.Run(Question());
  }
  EXPECT_TRUE(again.attempts.empty());
  EXPECT_EQ(again.response.exchange_entry_id(), exchange);
  EXPECT_EQ(again.response.dispatch_entry_id(), "");
  const std::vector<std::string> entries = Entries();
  EXPECT_THAT(TypesOf(entries),
              ElementsAre("DISPATCH", "EXCHANGE", "ANSWER_REUSED"));
  EXPECT_THAT(entries[2],
              AllOf(HasSubstr(absl::StrCat("\"exchange_entry_id\": \"",
                                           exchange, "\"")),
                    Not(HasSubstr("input_tokens"))));
}

TEST_F(CallLedgerTest, OfUnknownCallersThereAreSoManyASecond) {
  {
    CallRunner runner(MakeTestRuntime(
        Mock("reply: Hi", "unknown_callers_per_second: 2") +
            "auth: {callers: {api_keys: [{id: a, key: 'env:K'}]}}\n",
        {{"K", "secret-secret-secret-secret"}}, {.ledger = writer_.get()}));
    for (int i = 0; i < 5; ++i) {
      const CallResult refused = runner.Run(Question());
      EXPECT_EQ(FaultReason(refused.status), v1::ERROR_REASON_API_KEY_INVALID);
      EXPECT_EQ(FaultMetadata(refused.status, kLedgerEntryKey).empty(), i >= 2);
    }
  }
  EXPECT_EQ(Entries().size(), 2U);
}

TEST_F(CallLedgerTest, OfRefusalsOfACallerThereAreSoManyASecond) {
  const auto runtime = [this](std::string_view limit) {
    return MakeTestRuntime(
        Mock("reply: Hi",
             absl::StrCat("refusals_per_second: ", std::string(limit))),
        {}, {.ledger = writer_.get()});
  };
  CallQuestion question = Question();
  question.request.clear_messages();
  {
    CallRunner runner(runtime("1"));
    int named = 0;
    for (int i = 0; i < 500; ++i) {
      // Whoever makes up users is the same caller.
      question.request.mutable_scope()->set_user_id(absl::StrCat("user-", i));
      const CallResult refused = runner.Run(question);
      EXPECT_EQ(FaultReason(refused.status), v1::ERROR_REASON_INVALID_REQUEST);
      if (!FaultMetadata(refused.status, kLedgerEntryKey).empty()) ++named;
    }
    // Ten at once, and those of the seconds that it took.
    EXPECT_GE(named, 10);
    EXPECT_LT(named, 250);
    // Who is let in has all entries, which stand for nobody.
    EXPECT_TRUE(runner.Run(Question()).status.ok());
    runner.SetRuntime(runtime("100000"));
    EXPECT_FALSE(
        FaultMetadata(runner.Run(question).status, kLedgerEntryKey).empty());
  }
  const uint64_t left_out = writer_->counts().left_out;
  const std::vector<std::string> entries = Entries();
  size_t refusals = 0;
  int stood_for = 0;
  for (const std::string& entry : entries) {
    if (!absl::StrContains(entry, "PROMPT_REJECTED")) continue;
    ++refusals;
    constexpr std::string_view kStandsFor = "\"stands_for\": ";
    const size_t at = entry.find(kStandsFor);
    if (at == std::string::npos) continue;
    stood_for += std::stoi(entry.substr(at + kStandsFor.size()));
  }
  EXPECT_EQ(entries.size(), refusals + 2);
  EXPECT_EQ(refusals + static_cast<size_t>(stood_for), 501U);
  EXPECT_EQ(left_out, static_cast<uint64_t>(stood_for));
  EXPECT_THAT(entries.back(),
              HasSubstr("before it that cost their caller nothing, without an "
                        "entry)"));
}

}  // namespace
}  // namespace gateway
