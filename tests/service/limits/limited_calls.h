// A call and the limits that it is counted against in this process.
//
// Thread-compatible.

#ifndef TESTS_SERVICE_LIMITS_LIMITED_CALLS_H_
#define TESTS_SERVICE_LIMITS_LIMITED_CALLS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/limits/counter_store.h"
#include "service/limits/limit_charges.h"
#include "service/limits/limit_rule.h"
#include "service/limits/limit_subject.h"
#include "tests/service/limits/limit_config.h"
#include "tests/service/limits/taken.h"
#include "tests/service/limits/test_times.h"

namespace gateway {

class LimitedCallsTest : public testing::Test {
 protected:
  // Adds a limit, of which calls are asked in this order.
  LimitRule& Add(const std::string& text) {
    return *rules_.emplace_back(
        std::make_unique<LimitRule>(Limit(text), kTestSecret));
  }

  std::unique_ptr<LimitCharges> Asked(const LimitAmounts& estimate = {}) {
    auto charges = std::make_unique<LimitCharges>(
        CounterStores{.local = &store_, .shared = shared_});
    for (const auto& rule : rules_) charges->Ask(*rule, subject_, estimate);
    return charges;
  }

  // The charges of a call that was let in; null if it was not.
  std::unique_ptr<LimitCharges> LetIn(const LimitAmounts& estimate = {},
                                      absl::Duration now = kNow) {
    auto charges = Asked(estimate);
    return TakenAtOnce(*charges, now) ? std::move(charges) : nullptr;
  }

  absl::Status Refusal(const LimitAmounts& estimate = {},
                       absl::Duration now = kNow) {
    auto charges = Asked(estimate);
    if (TakenAtOnce(*charges, now)) return absl::OkStatus();
    return charges->Refusal();
  }

  // What the limit has left for the calls of this test.
  int64_t Left(const LimitRule& rule, absl::Duration now = kNow) {
    return rule.gcra().Remaining(
        rule.counters().rates->Read(rule.KeyOf(subject_)),
        absl::ToInt64Nanoseconds(now));
  }
  int64_t Calls(const LimitRule& rule) {
    return rule.counters().calls->Read(rule.KeyOf(subject_));
  }

  LocalCounterStore store_;
  CounterStore* shared_ = nullptr;
  std::vector<std::unique_ptr<LimitRule>> rules_;
  LimitSubject subject_{kTestSecret};
};

}  // namespace gateway

#endif  // TESTS_SERVICE_LIMITS_LIMITED_CALLS_H_
