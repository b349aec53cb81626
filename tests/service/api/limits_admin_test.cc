#include "service/api/limits_admin.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
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
#include "llmgateway/v1/limits.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/limits/call_counters.h"
#include "service/limits/key_limit_rules.h"
#include "service/limits/limit_rule.h"
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

constexpr char kLimitsYaml[] =
    "providers: [{name: a, mock: {}}]\n"
    "rate_limits:\n"
    "- {name: rpm, unit: requests, limit: 60, per: [caller, user]}\n"
    "- {name: spend, unit: cost, limit_usd: '2.50', window: 24h}\n"
    "- {name: calls, unit: concurrent_calls, limit: 4}\n";

class LimitsAdminTest : public testing::Test {
 protected:
  LimitsAdminTest() { admin_.AddTo(table_); }

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
  absl::StatusOr<v1::ListLimitUsageResponse> List(
      const v1::ListLimitUsageRequest& request = {}) {
    return Ask<v1::ListLimitUsageResponse>("ListLimitUsage", request);
  }
  // What became of it, or the field that is wrong and why.
  std::string Reset(
      const std::string& rule,
      const std::vector<std::pair<std::string, std::string>>& subject = {}) {
    v1::ResetLimitRequest request;
    request.set_rule(rule);
    for (const auto& [dimension, value] : subject) {
      (*request.mutable_subject())[dimension] = value;
    }
    const auto response = Ask<v1::ResetLimitResponse>("ResetLimit", request);
    return response.ok() ? absl::StrCat(response->reset_count())
                         : std::string(response.status().message());
  }

  const LimitRule& Rule(const char* name) {
    return *runtime_.Get()->limits().Find(name);
  }
  void Take(const LimitRule& rule, std::string_view caller,
            std::string_view user, int64_t units) {
    LimitSubject subject(runtime_.Get()->limits().secret());
    subject.Set(configv1::LIMIT_DIMENSION_CALLER, caller);
    subject.Set(configv1::LIMIT_DIMENSION_USER, user);
    const int64_t now =
        absl::ToInt64Nanoseconds(runtime_.Get()->clock().SteadyTime());
    rule.counters().rates->Take(rule.gcra(), rule.KeyOf(subject), now, units,
                                [&] { return rule.SubjectText(subject); });
  }
  static std::vector<std::string> Users(
      const v1::ListLimitUsageResponse& response) {
    std::vector<std::string> users;
    for (const v1::LimitUsage& usage : response.usage()) {
      users.push_back(usage.subject().at("user"));
    }
    return users;
  }

  LoopThread loop_;
  CurrentRuntime runtime_{MakeTestRuntime(kLimitsYaml)};
  LimitsAdmin admin_{{.runtime = runtime_}};
  MethodTable table_;
};

TEST_F(LimitsAdminTest, ShowsWhatIsTakenOfEachLimit) {
  EXPECT_THAT(List()->usage(), IsEmpty());
  Take(Rule("rpm"), "search", "ann", 6);
  Take(Rule("spend"), "", "", 2'000'000'000);
  const LimitRule& calls = Rule("calls");
  LimitSubject nobody(runtime_.Get()->limits().secret());
  const CallPlace place = calls.counters().calls->Enter(
      calls.KeyOf(nobody), calls.limit(), [] { return std::string(); });
  const v1::ListLimitUsageResponse response = *List();
  ASSERT_EQ(response.usage_size(), 3);
  const v1::LimitUsage& spend = response.usage(0);
  EXPECT_EQ(spend.rule(), "spend");
  EXPECT_EQ(spend.unit(), configv1::LIMIT_UNIT_COST);
  EXPECT_EQ(spend.limit(), 2'500'000'000);
  EXPECT_GE(spend.remaining(), 500'000'000);
  EXPECT_LT(spend.remaining(), 501'000'000);
  EXPECT_EQ(spend.window().seconds(), 86400);
  EXPECT_TRUE(spend.has_reset_time());
  EXPECT_THAT(spend.subject(), IsEmpty());
  EXPECT_EQ(spend.sharing(), configv1::RateLimit::SHARING_LOCAL);
  EXPECT_EQ(response.usage(1).rule(), "calls");
  EXPECT_EQ(response.usage(1).remaining(), 3);
  EXPECT_FALSE(response.usage(1).has_window());
  EXPECT_FALSE(response.usage(1).has_reset_time());
  EXPECT_EQ(response.usage(2).rule(), "rpm");
  EXPECT_EQ(response.usage(2).subject().at("caller"), "search");
  EXPECT_EQ(response.usage(2).subject().at("user"), "ann");
}

TEST_F(LimitsAdminTest, PageByPageTheFullestFirst) {
  for (const int units : {10, 30, 20, 50, 40}) {
    Take(Rule("rpm"), "c", absl::StrCat(units), units);
  }
  v1::ListLimitUsageRequest request;
  request.set_page_size(2);
  std::vector<std::string> users;
  do {
    const v1::ListLimitUsageResponse page = *List(request);
    EXPECT_LE(page.usage_size(), 2);
    for (std::string& user : Users(page)) users.push_back(std::move(user));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(users, ElementsAre("50", "40", "30", "20", "10"));
}

TEST_F(LimitsAdminTest, OnlyTheRuleAndTheSubjectThatAreAskedFor) {
  Take(Rule("rpm"), "c", "ann", 1);
  Take(Rule("rpm"), "c", "bob", 1);
  Take(Rule("spend"), "", "", 1);
  v1::ListLimitUsageRequest request;
  request.set_rule("rpm");
  EXPECT_EQ(List(request)->usage_size(), 2);
  request.set_subject("bob");
  EXPECT_THAT(Users(*List(request)), ElementsAre("bob"));
  request.set_rule("rpn");
  EXPECT_THAT(List(request).status().message(),
              HasSubstr("no limit has the name 'rpn'"));
  EXPECT_EQ(FaultReason(List(request).status()), v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(LimitsAdminTest, LimitsOfKeysHaveOneName) {
  configv1::KeyLimit limit;
  limit.set_unit(configv1::LIMIT_UNIT_REQUESTS);
  limit.set_limit(10);
  limit.mutable_window()->set_seconds(60);
  Take(runtime_.Get()->key_limits().RuleOf(limit), "svc", "", 5);
  v1::ListLimitUsageRequest request;
  request.set_rule("key");
  const v1::ListLimitUsageResponse response = *List(request);
  ASSERT_EQ(response.usage_size(), 1);
  EXPECT_EQ(response.usage(0).subject().at("caller"), "svc");
  EXPECT_EQ(Reset("key", {{"caller", "svc"}}), "1");
  EXPECT_THAT(List(request)->usage(), IsEmpty());
}

TEST_F(LimitsAdminTest, AResetGivesBackWhatTheSubjectNames) {
  Take(Rule("rpm"), "c", "ann", 60);
  Take(Rule("rpm"), "c", "bob", 60);
  Take(Rule("rpm"), "d", "ann", 60);
  EXPECT_EQ(Reset("rpm", {{"caller", "c"}, {"user", "ann"}}), "1");
  EXPECT_EQ(Reset("rpm", {{"caller", "c"}, {"user", "ann"}}), "0");
  EXPECT_EQ(List()->usage_size(), 2);
  EXPECT_EQ(Reset("rpm"), "2");
  EXPECT_THAT(List()->usage(), IsEmpty());
}

TEST_F(LimitsAdminTest, WhatIsNoUtf8IsShownEscapedAndFoundAsShown) {
  Take(Rule("rpm"), "c", "\xff", 1);
  EXPECT_THAT(Users(*List()), ElementsAre("\\xff"));
  v1::ListLimitUsageRequest request;
  request.set_subject("\\xff");
  EXPECT_EQ(List(request)->usage_size(), 1);
  EXPECT_EQ(Reset("rpm", {{"user", "\\xff"}}), "1");
}

TEST_F(LimitsAdminTest, AResetThatCannotBeIsRefused) {
  EXPECT_THAT(Reset(""), HasSubstr("rule: is required"));
  EXPECT_THAT(Reset("rpn"), HasSubstr("no limit has the name 'rpn'"));
  EXPECT_THAT(Reset("calls"), HasSubstr("rule: counts calls at once"));
  EXPECT_THAT(Reset("rpm", {{"model", "m"}}),
              HasSubstr("names model; the limit tells calls apart by caller, "
                        "user"));
  EXPECT_THAT(Reset("spend", {{"user", "a"}}),
              HasSubstr("the limit tells calls apart by nothing"));
}

TEST_F(LimitsAdminTest, APageThatIsNoneIsRefused) {
  v1::ListLimitUsageRequest request;
  request.set_page_size(-1);
  EXPECT_THAT(List(request).status().message(),
              HasSubstr("page_size: must not be negative"));
  request.set_page_size(1);
  for (const char* token : {"x", "usage:", "usage:x//", "usage:-1//"}) {
    request.set_page_token(token);
    EXPECT_THAT(List(request).status().message(),
                HasSubstr("is not one that this listing returned"))
        << token;
  }
  request.set_page_token("usage:1/rpm/");
  EXPECT_THAT(List(request).status().message(),
              HasSubstr("is of a listing with another rule or subject"));
}

}  // namespace
}  // namespace gateway
