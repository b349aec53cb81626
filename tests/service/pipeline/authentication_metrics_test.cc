#include "service/pipeline/authentication_metrics.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kCountedKey[] = "key-of-a-caller-0123";
constexpr char kDisabledKey[] = "key-that-is-off-0123";
constexpr char kOperatorKey[] = "key-of-an-operator-0123";

class AuthenticationMetricsTest : public testing::Test {
 protected:
  AuthenticationMetricsTest() { AddAuthenticationMetrics(current_, registry_); }

  std::map<std::string, double> Read() {
    std::map<std::string, double> read;
    for (const MetricFamilyValue& family : registry_.Read().families) {
      for (const MetricValue& metric : family.metrics) {
        std::string labels;
        for (const auto& [name, value] : metric.labels) {
          absl::StrAppend(&labels, labels.empty() ? "" : " ", value);
        }
        read[labels] = metric.number;
      }
    }
    return read;
  }
  void Call(std::string_view key, std::string_view peer = "192.0.2.1:1",
            bool counts = true) {
    CallerHead head;
    head.api_key = key;
    head.peer = peer;
    head.counts = counts;
    current_.Get()->callers().Authorize(head).IgnoreError();
  }
  void Operate(std::string_view key) {
    current_.Get()
        ->operators()
        .Authenticate({.authorization = {},
                       .api_key = key,
                       .certificate = {},
                       .peer = "192.0.2.2:1",
                       .counts = true})
        .IgnoreError();
  }

  FakeClock clock_;
  MetricRegistry registry_{clock_};
  CurrentRuntime current_{MakeTestRuntime(
      "providers: [{name: mock, mock: {}}]\n"
      "auth:\n"
      "  guess_limit: {failures_limit: 2, base_delay: 60s}\n"
      "  callers:\n"
      "    issued_keys: {}\n"
      "    api_keys:\n"
      "    - {id: a, key: 'env:KEY'}\n"
      "    - {id: off, key: 'env:OFF', state: disabled}\n"
      "  operators: {api_keys: [{id: o, key: 'env:OPERATOR'}]}\n"
      "store: {engine: memory}\n",
      {{"KEY", kCountedKey},
       {"OFF", kDisabledKey},
       {"OPERATOR", kOperatorKey}})};
};

TEST_F(AuthenticationMetricsTest, EachOutcomeIsCounted) {
  EXPECT_THAT(Read(), IsEmpty());
  Call(kCountedKey);
  Call(kCountedKey);
  Call(kDisabledKey);
  Call("");
  Call("wrong");
  Call("llmgw_wrong");
  Call("wrong");
  Operate(kOperatorKey);
  Operate(kCountedKey);
  EXPECT_THAT(Read(),
              ElementsAre(Pair("callers configured_key accepted", 2),
                          Pair("callers configured_key disabled", 1),
                          Pair("callers configured_key invalid", 1),
                          Pair("callers configured_key too_many_guesses", 1),
                          Pair("callers issued_key invalid", 1),
                          Pair("callers none invalid", 1),
                          Pair("operators configured_key accepted", 1),
                          Pair("operators configured_key invalid", 1)));
}

TEST_F(AuthenticationMetricsTest, WhatIsLookedAtTwiceCountsOnce) {
  Call("wrong", /*peer=*/"");
  Call("wrong");
  Call("wrong", "192.0.2.1:1", /*counts=*/false);
  Call(kCountedKey, /*peer=*/"");
  Call(kCountedKey, "192.0.2.1:1", /*counts=*/false);
  EXPECT_THAT(Read(), ElementsAre(Pair("callers configured_key accepted", 1),
                                  Pair("callers configured_key invalid", 1)));
}

TEST_F(AuthenticationMetricsTest, NobodyIsCountedWhereNobodyIsAsked) {
  current_.Swap(MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"));
  Call("");
  Operate("");
  EXPECT_THAT(Read(), IsEmpty());
}

}  // namespace
}  // namespace gateway
