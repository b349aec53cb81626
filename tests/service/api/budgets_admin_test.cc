#include "service/api/budgets_admin.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/budgets.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/budgets/budget_charges.h"
#include "service/budgets/budget_scope.h"
#include "service/budgets/budget_table.h"
#include "service/ledger/entry.h"
#include "service/limits/limit_subject.h"
#include "service/pipeline/current_runtime.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kBudgetsYaml[] =
    "providers: [{name: a, mock: {}}]\n"
    "budgets:\n"
    "  sessions: {session_tokens: 1000, work_order_tokens: 500}\n"
    "  rules:\n"
    "  - {name: daily, unit: cost, limit_usd: '2.50', period: day,\n"
    "     per: [user]}\n";

using Texts = std::vector<std::pair<std::string, std::string>>;

class BudgetsAdminTest : public testing::Test {
 protected:
  BudgetsAdminTest() { admin_.AddTo(table_); }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const std::string& method,
                               const Request& request) {
    CallContext call(loop_.loop(), {.peer = "127.0.0.1:1"});
    Response response;
    absl::Status status;
    EXPECT_TRUE(loop_.RunTask([&]() -> Task<void> {
      HandlerArguments arguments;
      arguments.request = &request;
      arguments.response = &response;
      status = co_await table_.Find("/llmgateway.v1.AdminService/" + method)
                   ->Run(call, arguments);
    }));
    if (!status.ok()) return status;
    return response;
  }

  template <typename Request>
  static Request Of(const std::string& rule, const Texts& subject) {
    Request request;
    request.set_rule(rule);
    for (const auto& [name, value] : subject) {
      (*request.mutable_subject())[name] = value;
    }
    return request;
  }

  absl::StatusOr<v1::BudgetUsage> Get(const std::string& rule,
                                      const Texts& subject) {
    const auto response = Ask<v1::GetBudgetResponse>(
        "GetBudget", Of<v1::GetBudgetRequest>(rule, subject));
    if (!response.ok()) return response.status();
    return response->usage();
  }

  absl::StatusOr<v1::AllocateBudgetResponse> Allocate(
      const v1::AllocateBudgetRequest& request) {
    return Ask<v1::AllocateBudgetResponse>("AllocateBudget", request);
  }

  std::vector<std::string> List(const v1::ListBudgetsRequest& request = {}) {
    const auto response = Ask<v1::ListBudgetsResponse>("ListBudgets", request);
    EXPECT_TRUE(response.ok()) << response.status();
    std::vector<std::string> lines;
    for (const v1::BudgetUsage& usage : response->usage()) {
      lines.push_back(absl::StrCat(usage.rule(), " ", usage.spent()));
    }
    next_page_ = response->next_page_token();
    return lines;
  }

  absl::StatusOr<int64_t> Reset(const std::string& rule,
                                const Texts& subject = {}) {
    const auto response = Ask<v1::ResetBudgetResponse>(
        "ResetBudget", Of<v1::ResetBudgetRequest>(rule, subject));
    if (!response.ok()) return response.status();
    return response->reset_count();
  }

  // A call of the user's, in the session, that has taken so much.
  void Spend(const std::string& user, const std::string& session,
             const std::string& order, const BudgetAmounts& amounts) {
    const auto runtime = current_.Get();
    LimitSubject subject = runtime->limits().NewSubject();
    subject.Set(configv1::LIMIT_DIMENSION_USER, user);
    subject.Set(configv1::LIMIT_DIMENSION_SESSION, session);
    subject.Set(configv1::LIMIT_DIMENSION_WORK_ORDER, order);
    BudgetCharges charges(runtime->budget_table());
    runtime->budgets()->ForEach(
        subject, "", /*names_agent=*/false, [&](const BudgetRule& rule) {
          charges.Ask(rule, subject, rule.terms(), {}, true);
        });
    const absl::Time now = runtime->clock().WallTime();
    ASSERT_TRUE(charges.Reserve(now));
    charges.Settle(amounts, now, nullptr);
  }

  CurrentRuntime current_{MakeTestRuntime(kBudgetsYaml)};
  std::vector<std::string> committed_;
  absl::Status commit_fault_;
  // What is to be done if the ledger has what it is not known to have.
  std::function<void()> found_later_;
  // Another reset comes before the next entry is committed, and what comes of
  // that.
  bool resets_meanwhile_ = false;
  absl::Status meanwhile_;
  BudgetsAdmin admin_{
      {.runtime = current_,
       .commit = [this](LedgerEntry entry, std::function<void()> apply) {
         return Commit(std::move(entry), std::move(apply));
       }}};
  MethodTable table_;
  LoopThread loop_;
  std::string next_page_;

 private:
  Task<absl::Status> ResetDaily() {
    CallContext call(loop_.loop(), {.peer = "127.0.0.1:2"});
    const auto request = Of<v1::ResetBudgetRequest>("daily", {});
    v1::ResetBudgetResponse response;
    HandlerArguments arguments;
    arguments.request = &request;
    arguments.response = &response;
    co_return co_await table_.Find("/llmgateway.v1.AdminService/ResetBudget")
        ->Run(call, arguments);
  }
  Task<absl::StatusOr<std::string>> Commit(LedgerEntry entry,
                                           std::function<void()> apply) {
    if (!commit_fault_.ok()) {
      found_later_ = std::move(apply);
      co_return commit_fault_;
    }
    if (std::exchange(resets_meanwhile_, false)) {
      meanwhile_ = co_await ResetDaily();
    }
    committed_.emplace_back(entry.event_type);
    apply();
    co_return absl::StrCat("LED-", committed_.size());
  }
};

TEST_F(BudgetsAdminTest, AScopeTellsHowItStands) {
  Spend("ann", "", "",
        {.input_tokens = 30,
         .output_tokens = 12,
         .cost_usd_nanos = 400'000'000,
         .turns = 1});
  const auto usage = Get("daily", {{"user", "ann"}});
  ASSERT_TRUE(usage.ok()) << usage.status();
  EXPECT_EQ(usage->limit(), 2'500'000'000);
  EXPECT_EQ(usage->spent(), 400'000'000);
  EXPECT_EQ(usage->remaining(), 2'100'000'000);
  EXPECT_EQ(usage->input_tokens(), 30);
  EXPECT_EQ(usage->turns(), 1);
  EXPECT_EQ(usage->period(), configv1::Budget::PERIOD_DAY);
  EXPECT_EQ(usage->reset_time().seconds() - usage->start_time().seconds(),
            86'400);
  EXPECT_FALSE(usage->allocated());
  // One that nothing was charged to has all.
  EXPECT_EQ(Get("daily", {{"user", "bob"}})->remaining(), 2'500'000'000);
}

TEST_F(BudgetsAdminTest, AScopeIsNamedInFull) {
  EXPECT_EQ(FaultReason(Get("weekly", {}).status()),
            v1::ERROR_REASON_NOT_FOUND);
  for (const Texts& wrong : {Texts{}, Texts{{"project", "p"}},
                             Texts{{"user", "ann"}, {"project", "p"}}}) {
    const absl::Status status = Get("daily", wrong).status();
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST);
    EXPECT_THAT(std::string(status.message()), HasSubstr("subject"));
  }
}

TEST_F(BudgetsAdminTest, AnAllocationIsWrittenDownAndInForce) {
  auto request = Of<v1::AllocateBudgetRequest>("daily", {{"user", "ann"}});
  request.set_limit_usd("7.5");
  request.set_turn_limit(3);
  request.mutable_timeout()->set_seconds(3600);
  const auto response = Allocate(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->ledger_entry_id(), "LED-1");
  EXPECT_THAT(committed_, ElementsAre("BUDGET_ALLOCATE"));
  EXPECT_TRUE(response->usage().allocated());
  EXPECT_EQ(response->usage().limit(), 7'500'000'000);
  EXPECT_EQ(response->usage().turn_limit(), 3);
  EXPECT_TRUE(response->usage().has_expire_time());

  request = Of<v1::AllocateBudgetRequest>("daily", {{"user", "ann"}});
  request.set_remove(true);
  ASSERT_TRUE(Allocate(request).ok());
  EXPECT_EQ(Get("daily", {{"user", "ann"}})->limit(), 2'500'000'000);
  EXPECT_FALSE(Get("daily", {{"user", "ann"}})->allocated());
}

TEST_F(BudgetsAdminTest, WhatCannotBeWrittenDownDoesNotCome) {
  commit_fault_ = MakeFault(v1::ERROR_REASON_LEDGER_UNAVAILABLE, "full");
  auto request = Of<v1::AllocateBudgetRequest>("session", {{"session", "S"}});
  request.set_limit(5);
  EXPECT_EQ(FaultReason(Allocate(request).status()),
            v1::ERROR_REASON_LEDGER_UNAVAILABLE);
  EXPECT_EQ(Get("session", {{"session", "S"}})->limit(), 1000);
  Spend("ann", "S", "", {.input_tokens = 10, .turns = 1});
  EXPECT_FALSE(Reset("session").ok());
  EXPECT_EQ(Get("session", {{"session", "S"}})->spent(), 10);
}

TEST_F(BudgetsAdminTest, AnAllocationIsOfTheBudgetsUnit) {
  const auto field_of =
      [&](const std::function<void(v1::AllocateBudgetRequest*)>& say) {
        auto request =
            Of<v1::AllocateBudgetRequest>("daily", {{"user", "ann"}});
        say(&request);
        return std::string(Allocate(request).status().message());
      };
  using Request = v1::AllocateBudgetRequest;
  EXPECT_THAT(field_of([](Request*) {}), HasSubstr("limit_usd: is required"));
  EXPECT_THAT(field_of([](Request* r) { r->set_limit(5); }),
              HasSubstr("is not for cost"));
  EXPECT_THAT(field_of([](Request* r) { r->set_limit_usd("1,5"); }),
              HasSubstr("limit_usd"));
  EXPECT_THAT(field_of([](Request* r) { r->set_turn_limit(-1); }),
              HasSubstr("turn_limit"));
  EXPECT_THAT(field_of([](Request* r) {
                r->set_turn_limit(1);
                r->mutable_timeout()->set_nanos(1);
              }),
              HasSubstr("timeout"));
  for (const int64_t seconds :
       {87'600 * 3'600 + int64_t{1}, int64_t{315'576'000'000}, INT64_MAX}) {
    EXPECT_THAT(field_of([seconds](Request* r) {
                  r->set_turn_limit(1);
                  r->mutable_timeout()->set_seconds(seconds);
                }),
                HasSubstr("timeout: must be 1s to 87600h"));
  }
  EXPECT_THAT(field_of([](Request* r) {
                r->set_turn_limit(1);
                r->set_remove(true);
              }),
              HasSubstr("remove"));
}

TEST_F(BudgetsAdminTest, ScopesAreListedTheFullestFirstInPages) {
  Spend("ann", "S", "W", {.input_tokens = 100, .turns = 1});
  Spend("bob", "T", "", {.cost_usd_nanos = 2'000'000'000, .turns = 1});
  EXPECT_THAT(List(), ElementsAre("daily 2000000000", "work_order 100",
                                  "session 100", "daily 0", "session 0"));
  v1::ListBudgetsRequest request;
  request.set_page_size(2);
  EXPECT_EQ(List(request).size(), 2);
  request.set_page_token(next_page_);
  EXPECT_THAT(List(request), ElementsAre("session 100", "daily 0"));
  request.Clear();
  request.set_rule("session");
  EXPECT_THAT(List(request), ElementsAre("session 100", "session 0"));
  request.Clear();
  request.set_subject("bob");
  EXPECT_THAT(List(request), ElementsAre("daily 2000000000"));
  request.set_page_token("nonsense");
  EXPECT_FALSE(Ask<v1::ListBudgetsResponse>("ListBudgets", request).ok());
}

TEST_F(BudgetsAdminTest, ASessionIsSummedUp) {
  Spend("ann", "S", "W1",
        {.input_tokens = 10,
         .output_tokens = 5,
         .cost_usd_nanos = 7,
         .turns = 1});
  Spend("ann", "S", "W2", {.input_tokens = 20, .turns = 1});
  Spend("ann", "T", "W1", {.input_tokens = 400, .turns = 1});
  v1::GetSessionSummaryRequest request;
  request.set_session_id("S");
  const auto summary = Ask<v1::SessionSummary>("GetSessionSummary", request);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->input_tokens(), 30);
  EXPECT_EQ(summary->total_tokens(), 35);
  EXPECT_EQ(summary->cost_usd_nanos(), 7);
  EXPECT_EQ(summary->turns(), 2);
  ASSERT_EQ(summary->work_orders_size(), 2);
  EXPECT_EQ(summary->work_orders(0).work_order_id(), "W1");
  EXPECT_EQ(summary->work_orders(0).total_tokens(), 15);
  request.set_session_id("nobody");
  EXPECT_EQ(FaultReason(
                Ask<v1::SessionSummary>("GetSessionSummary", request).status()),
            v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(BudgetsAdminTest, AResetGivesBackWhatWasSpent) {
  Spend("ann", "S", "", {.cost_usd_nanos = 5, .turns = 1});
  Spend("bob", "S", "", {.cost_usd_nanos = 5, .turns = 1});
  EXPECT_EQ(*Reset("daily", {{"user", "ann"}}), 1);
  EXPECT_EQ(Get("daily", {{"user", "ann"}})->spent(), 0);
  EXPECT_EQ(Get("daily", {{"user", "bob"}})->spent(), 5);
  EXPECT_EQ(*Reset("daily"), 1);
  EXPECT_EQ(*Reset("daily"), 0);
  EXPECT_THAT(committed_, ElementsAre("BUDGET_RESET", "BUDGET_RESET"));
  EXPECT_FALSE(Reset("daily", {{"session", "S"}}).ok());
}

TEST_F(BudgetsAdminTest, WhatIsBeingGivenBackIsNotGivenBackAgain) {
  Spend("ann", "", "", {.cost_usd_nanos = 5, .turns = 1});
  resets_meanwhile_ = true;
  EXPECT_EQ(*Reset("daily"), 1);
  EXPECT_EQ(FaultReason(meanwhile_), v1::ERROR_REASON_CONFLICT);
  EXPECT_EQ(FaultMetadata(meanwhile_, "resource"), "budgets/daily");
  EXPECT_EQ(Get("daily", {{"user", "ann"}})->spent(), 0);
  Spend("ann", "", "", {.cost_usd_nanos = 7, .turns = 1});
  EXPECT_EQ(Get("daily", {{"user", "ann"}})->spent(), 7);
  EXPECT_EQ(*Reset("daily"), 1);
}

TEST_F(BudgetsAdminTest, NothingIsResetWhileNobodyKnowsWhatBecameOfAReset) {
  Spend("ann", "", "", {.cost_usd_nanos = 5, .turns = 1});
  commit_fault_ = MakeFault(v1::ERROR_REASON_LEDGER_UNAVAILABLE, "away");
  EXPECT_EQ(FaultReason(Reset("daily").status()),
            v1::ERROR_REASON_LEDGER_UNAVAILABLE);
  commit_fault_ = absl::OkStatus();
  EXPECT_EQ(Get("daily", {{"user", "ann"}})->spent(), 5);
  EXPECT_EQ(FaultReason(Reset("daily").status()), v1::ERROR_REASON_CONFLICT);
  std::exchange(found_later_, nullptr)();
  EXPECT_EQ(Get("daily", {{"user", "ann"}})->spent(), 0);
  EXPECT_EQ(*Reset("daily"), 0);
}

TEST_F(BudgetsAdminTest, AnAllocationThatIsFoundLaterHoldsFromThenOn) {
  auto request = Of<v1::AllocateBudgetRequest>("daily", {{"user", "ann"}});
  request.set_limit_usd("7.5");
  commit_fault_ = MakeFault(v1::ERROR_REASON_LEDGER_UNAVAILABLE, "away");
  EXPECT_FALSE(Allocate(request).ok());
  EXPECT_FALSE(Get("daily", {{"user", "ann"}})->allocated());
  std::exchange(found_later_, nullptr)();
  EXPECT_EQ(Get("daily", {{"user", "ann"}})->limit(), 7'500'000'000);
}

TEST_F(BudgetsAdminTest, AnAllocationHoldsAlsoWhereAClockWasAhead) {
  const BudgetScope scope = {
      .budget = "daily",
      .window = "day",
      .subject = {{configv1::LIMIT_DIMENSION_USER, "ann"}}};
  const absl::Time now = current_.Get()->clock().WallTime();
  current_.Get()->budget_table().Apply(
      {.scope = scope,
       .time = absl::ToUnixSeconds(now),
       .allocation = BudgetAllocation{
           .limit = 1, .version = absl::ToUnixNanos(now + absl::Hours(1))}});
  auto request = Of<v1::AllocateBudgetRequest>("daily", {{"user", "ann"}});
  request.set_limit_usd("7.5");
  EXPECT_EQ(Allocate(request)->usage().limit(), 7'500'000'000);
  request.clear_limit_usd();
  request.set_remove(true);
  EXPECT_FALSE(Allocate(request)->usage().allocated());
}

TEST_F(BudgetsAdminTest, WithoutASectionThereIsNothing) {
  CurrentRuntime none(MakeTestRuntime("providers: [{name: a, mock: {}}]\n"));
  BudgetsAdmin admin({.runtime = none});
  MethodTable table;
  admin.AddTo(table);
  for (const char* const method : {"GetBudget", "GetSessionSummary"}) {
    CallContext call(loop_.loop(), {.peer = "127.0.0.1:1"});
    v1::GetBudgetRequest get;
    v1::GetSessionSummaryRequest summary;
    v1::GetBudgetResponse got;
    v1::SessionSummary summed;
    absl::Status status;
    const bool is_get = std::string(method) == "GetBudget";
    EXPECT_TRUE(loop_.RunTask([&]() -> Task<void> {
      HandlerArguments arguments;
      if (is_get) {
        arguments.request = &get;
        arguments.response = &got;
      } else {
        arguments.request = &summary;
        arguments.response = &summed;
      }
      status = co_await table
                   .Find(absl::StrCat("/llmgateway.v1.AdminService/", method))
                   ->Run(call, arguments);
    }));
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_NOT_CONFIGURED) << method;
  }
}

}  // namespace
}  // namespace gateway
