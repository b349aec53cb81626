#include "clients/cli/budgets_request.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/budgets.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
namespace configv1 = ::llmgateway::config::v1;

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// What a gateway answers is asked of one in budgets_test.py.
TEST(BudgetsRequestTest, OnlyWhatIsMeantIsAskedFor) {
  const RpcPlace nobody = {.address = "127.0.0.1:1"};
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{},
                                                {"grow"},
                                                {"get"},
                                                {"reset"},
                                                {"allocate"},
                                                {"session"},
                                                {"list", "daily"},
                                                {"session", "a", "b"}}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(AskBudgets(nobody, {.words = wrong}).status()));
  }
  EXPECT_THAT(AskBudgets(nobody, {.words = {"list"}}).status().ToString(),
              HasSubstr("127.0.0.1:1"));
}

TEST(BudgetsRequestTest, AListMayBeOfOneBudgetAndOneSubject) {
  const auto request = ListBudgetsRequestOf(
      {.words = {"list"},
       .flags = {{"--rule", "daily"}, {"--subject", "ann"}}});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->rule(), "daily");
  EXPECT_EQ(request->subject(), "ann");
}

TEST(BudgetsRequestTest, AnAllocationSaysHowMuchAndForHowLong) {
  const auto request =
      AllocateBudgetRequestOf({.words = {"allocate", "work_order"},
                               .flags = {{"--subject", "session=S"},
                                         {"--subject", "work_order=a=b"},
                                         {"--limit", "50000"},
                                         {"--turn_limit", "20"},
                                         {"--timeout", "1h"}}});
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->rule(), "work_order");
  EXPECT_THAT(
      request->subject(),
      UnorderedElementsAre(Pair("session", "S"), Pair("work_order", "a=b")));
  EXPECT_EQ(request->limit(), 50000);
  EXPECT_EQ(request->turn_limit(), 20);
  EXPECT_EQ(request->timeout().seconds(), 3600);
  EXPECT_FALSE(request->remove());
  for (const std::pair<std::string, std::string>& wrong :
       {std::pair<std::string, std::string>{"--limit", "much"},
        {"--turn_limit", "1.5"},
        {"--timeout", "soon"},
        {"--remove", "yes"},
        {"--subject", "ann"}}) {
    const auto refused = AllocateBudgetRequestOf(
        {.words = {"allocate", "daily"}, .flags = {wrong}});
    EXPECT_THAT(std::string(refused.status().message()),
                HasSubstr(wrong.first));
  }
}

TEST(BudgetsRequestTest, AResetNamesItsSubjectByDimensions) {
  const auto request = ResetBudgetRequestOf(
      {.words = {"reset", "daily"}, .flags = {{"--subject", "user=ann"}}});
  ASSERT_TRUE(request.ok());
  EXPECT_THAT(request->subject(), UnorderedElementsAre(Pair("user", "ann")));
}

TEST(BudgetsRequestTest, TheTableSaysWhatIsSpentAndLeft) {
  v1::ListBudgetsResponse response;
  v1::BudgetUsage& daily = *response.add_usage();
  daily.set_rule("daily");
  daily.set_unit(configv1::LIMIT_UNIT_COST);
  (*daily.mutable_subject())["user"] = "ann";
  daily.set_limit(2'500'000'000);
  daily.set_spent(400'000'001);
  daily.set_remaining(2'099'999'999);
  daily.set_turns(3);
  daily.set_turn_limit(20);
  daily.mutable_reset_time()->set_seconds(1'893'456'000);
  v1::BudgetUsage& ever = *response.add_usage();
  ever.set_rule("ever");
  ever.set_unit(configv1::LIMIT_UNIT_TOTAL_TOKENS);
  ever.set_spent(7);
  const std::string table = BudgetsTable(response);
  EXPECT_THAT(table, HasSubstr("daily   cost          user=ann  $0.400000001"));
  EXPECT_THAT(table, HasSubstr("$2.099999999  $2.500000000  3/20"));
  EXPECT_THAT(table, HasSubstr("2030-01-01T00:00:00Z"));
  EXPECT_THAT(table, HasSubstr("ever    total_tokens  -         7"));
}

TEST(BudgetsRequestTest, ASessionIsShownByItsWorkOrders) {
  v1::SessionSummary summary;
  summary.set_input_tokens(30);
  summary.set_turns(2);
  v1::WorkOrderSummary& order = *summary.add_work_orders();
  order.set_work_order_id("WO-1");
  order.set_input_tokens(10);
  order.set_cost_usd_nanos(1'500'000'000);
  const std::string table = SessionSummaryTable(summary);
  EXPECT_THAT(table, HasSubstr("WO-1"));
  EXPECT_THAT(table, HasSubstr("$1.500000000"));
  EXPECT_THAT(table, HasSubstr("all         30"));
}

}  // namespace
}  // namespace gateway
