#include "service/api/call_report.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "gmock/gmock.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/api/call_fields.h"
#include "service/pipeline/context_report.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

class CallReportTest : public testing::Test {
 protected:
  using Told = std::vector<std::pair<std::string, std::string>>;

  Told Report() {
    CallFields fields;
    ReportCall(call_, LimitWords::kOpenAi, &fields);
    Told told;
    for (const CallField& field : fields) {
      told.emplace_back(field.name, field.value);
    }
    return told;
  }
  // What is told of who was asked.
  std::string Route() {
    for (const auto& [name, value] : Report()) {
      if (name == kRouteHeader) return value;
    }
    return "";
  }

  LoopClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  Call call_{MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"),
             client_.loop(),
             client_.http(),
             cancel_,
             arena_,
             client_.loop().Now()};
};

TEST_F(CallReportTest, ACallThatNobodyWasAskedForHasNone) {
  EXPECT_EQ(Route(), "");
}

TEST_F(CallReportTest, TellsWhoWasAskedAndWhyAndHowOften) {
  call_.attempts.Add().provider = "first";
  Attempt& last = call_.attempts.Add();
  last.provider = "openai";
  last.model = "ft:gpt-5@x/y";
  call_.planned.reason = "model_rule:gpt-*";
  EXPECT_EQ(Route(),
            "provider=openai; model=ft:gpt-5@x/y; reason=model_rule:gpt-*; "
            "attempts=2");
}

TEST_F(CallReportTest, NoNameEndsAValueOrAField) {
  Attempt& attempt = call_.attempts.Add();
  attempt.provider = "p";
  attempt.model = "a; b=\"c\",%\r\nx-evil: 1\x7f\xc3\xa4";
  EXPECT_EQ(Route(),
            "provider=p; model=a%3B%20b%3D%22c%22%2C%25%0D%0Ax-evil:%201%7F"
            "%C3%A4; reason=; attempts=1");
}

TEST_F(CallReportTest, LongNamesAreCut) {
  Attempt& attempt = call_.attempts.Add();
  const std::string model(1000, 'm');
  attempt.model = model;
  EXPECT_LT(Route().size(), 256u);
}

TEST_F(CallReportTest, WhatIsToldOfACallIsOneList) {
  EXPECT_EQ(Report(), (Told{}));
  call_.attempts.Add().provider = "p";
  call_.cache = std::make_unique<CallCache>();
  call_.cache->use.bypass = CacheBypass::kTools;
  EXPECT_EQ(Report(), (Told{{std::string(kCacheHeader), "bypass; reason=tools"},
                            {std::string(kRouteHeader),
                             "provider=p; model=; reason=; attempts=1"}}));
}

// How full its context is, is told of what has an answer.
TEST_F(CallReportTest, TheContextIsToldOfAnswers) {
  call_.context.emplace(ContextReport{.in_fields = true});
  Attempt& attempt = call_.attempts.Add();
  EXPECT_EQ(Report().size(), 1u);
  attempt.answered = true;
  EXPECT_EQ(Report().size(), 6u);
  EXPECT_EQ(Report().back().first, kHeadroomHeader);
}

TEST(CallReportHeadersTest, PagesMayReadWhatIsToldByHttp) {
  const auto runtime = MakeTestRuntime(
      "listeners: {http: {cors: {allowed_origins: ['*']}}}\n"
      "providers: [{name: mock, mock: {}}]\n");
  const auto& exposed =
      runtime->config().listeners().http().cors().exposed_headers();
  for (const std::string_view name :
       {kRouteHeader, kCostHeader, kCacheHeader, kAnswerOfHeader,
        kDispatchEntryHeader, kExchangeEntryHeader, kLedgerEntryHeader,
        kContextHashHeader, kBudgetRemainingUsdHeader,
        kBudgetRemainingTokensHeader, kWarningsHeader, kMemoryRssHeader,
        kMemoryPressureHeader, kActiveRequestsHeader, kContextRoutedHeader,
        kContextTierHeader, kTokenCountHeader, kTokenLimitHeader,
        kHeadroomHeader}) {
    EXPECT_THAT(exposed, testing::Contains(std::string(name)));
  }
}

// What ReportUsage tells.
std::vector<std::pair<std::string, std::string>> ToldUsage(
    const v1::Usage& usage) {
  CallFields fields;
  ReportUsage(usage, &fields);
  std::vector<std::pair<std::string, std::string>> told;
  for (const CallField& field : fields) {
    told.emplace_back(field.name, field.value);
  }
  return told;
}

TEST(ReportUsageTest, TellsTheRareCountsWhereThereAreAny) {
  v1::Usage usage;
  usage.set_input_tokens(12);
  EXPECT_THAT(ToldUsage(usage), testing::ElementsAre(testing::Pair(
                                    kUsageHeader, "input=12; output=0")));
  usage.set_output_tokens(3);
  usage.set_cached_input_tokens(4);
  usage.set_cache_write_tokens(5);
  usage.set_reasoning_tokens(6);
  usage.set_estimated(true);
  EXPECT_THAT(
      ToldUsage(usage),
      testing::ElementsAre(testing::Pair(
          kUsageHeader,
          "input=12; output=3; cached_input=4; cache_write=5; reasoning=6; "
          "estimated=true")));
}

TEST(ReportUsageTest, TellsWhatAProviderSaidBelowZero) {
  v1::Usage usage;
  usage.set_input_tokens(-12);
  EXPECT_THAT(ToldUsage(usage), testing::ElementsAre(testing::Pair(
                                    kUsageHeader, "input=-12; output=0")));
}

TEST(ReportUsageTest, TheLargestCountsHaveRoom) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  v1::Usage usage;
  usage.set_input_tokens(kMost);
  usage.set_output_tokens(kMost);
  usage.set_cached_input_tokens(kMost);
  usage.set_cache_write_tokens(kMost);
  usage.set_reasoning_tokens(kMost);
  usage.set_estimated(true);
  usage.set_cost_known(true);
  usage.set_cost_usd_nanos(kMost);
  const std::string most = absl::StrCat(kMost);
  EXPECT_THAT(
      ToldUsage(usage),
      testing::ElementsAre(
          testing::Pair(
              kUsageHeader,
              absl::StrCat("input=", most, "; output=", most,
                           "; cached_input=", most, "; cache_write=", most,
                           "; reasoning=", most, "; estimated=true")),
          testing::Pair(kCostHeader, "9223372036.854775807")));
}

TEST(CostTextTest, IsExactToTheNanoDollar) {
  v1::Usage usage;
  EXPECT_EQ(CostText(usage), "0");
  usage.set_cost_usd_nanos(1);
  EXPECT_EQ(CostText(usage), "0.000000001");
  usage.set_cost_usd_nanos(12'500'000'000);
  EXPECT_EQ(CostText(usage), "12.5");
}

TEST(WarningsTextTest, StandsOnOneLineOfLimitedLength) {
  EXPECT_EQ(WarningsText({}), "");
  std::vector<v1::Warning> warnings(3);
  warnings[0].set_field("sampling.top_k");
  warnings[0].set_message("left\r\nout");
  warnings[1].set_message("no place");
  warnings[2].set_message(std::string(2048, 'x'));
  EXPECT_EQ(WarningsText(warnings),
            "sampling.top_k: left??out; no place; 1 more");
}

}  // namespace
}  // namespace gateway
