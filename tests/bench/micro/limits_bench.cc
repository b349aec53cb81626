// What limits cost a call: four of them and one of calls at once, taken,
// corrected and given back, in nanoseconds, by itself and with another thread
// at the same counters. With any argument it makes a thousand calls, for
// callgrind to count the instructions of.
//
//   bazel run //tests/bench/micro:limits_bench
//   valgrind --tool=callgrind --toggle-collect='*MeasuredCall*' LIMITS_BENCH x

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/thread.h"
#include "google/protobuf/text_format.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/limits/limit_charges.h"
#include "service/limits/limit_rules.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

constexpr int kRuns = 1'000'000;

LimitRules::Config FourLimitsAndCalls() {
  LimitRules::Config limits;
  for (const char* const text :
       {R"(name: "rpm" unit: LIMIT_UNIT_REQUESTS limit: 1000000000
           per: LIMIT_DIMENSION_CALLER)",
        R"(name: "tpm" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000000000000
           per: LIMIT_DIMENSION_CALLER)",
        R"(name: "user" unit: LIMIT_UNIT_REQUESTS limit: 1000000000
           per: LIMIT_DIMENSION_CALLER per: LIMIT_DIMENSION_USER)",
        R"(name: "team" unit: LIMIT_UNIT_INPUT_TOKENS limit: 1000000000000
           per: LIMIT_DIMENSION_OWNER match { callers: "c*" })",
        R"(name: "calls" unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 100000
           per: LIMIT_DIMENSION_CALLER)"}) {
    config::RateLimit* const limit = limits.Add();
    google::protobuf::TextFormat::ParseFromString(text, limit);
    limit->mutable_window()->set_seconds(60);
  }
  return limits;
}

struct Names {
  std::string caller;
  std::string user;
};

// All that limits do for a call.
[[gnu::noinline]] bool MeasuredCall(const LimitRules& rules,
                                    LocalCounterStore& store,
                                    const Names& names, absl::Duration now) {
  LimitSubject subject(rules.secret());
  subject.Set(config::LIMIT_DIMENSION_CALLER, names.caller);
  subject.Set(config::LIMIT_DIMENSION_OWNER, "team-search");
  subject.Set(config::LIMIT_DIMENSION_USER, names.user);
  LimitCharges charges({.local = &store});
  rules.AskForCall(subject, {.input_tokens = 800}, charges);
  LimitCharges::Taking taking = charges.Take(now);
  if (!taking.await_ready() || !taking.await_resume()) return false;
  charges.Settle({.input_tokens = 812, .output_tokens = 300}, now);
  return true;
}

double Time(const std::function<void(int)>& run) {
  const absl::Duration start = SystemClock().SteadyTime();
  for (int i = 0; i < kRuns; ++i) run(i);
  const absl::Duration taken = SystemClock().SteadyTime() - start;
  return absl::ToDoubleNanoseconds(taken) / kRuns;
}

// Prints the best of a few rounds, since others share the machine.
void Measure(const char* name, const std::function<void(int)>& run) {
  constexpr int kRounds = 5;
  double alone = 1e18;
  for (int round = 0; round < kRounds; ++round) {
    alone = std::min(alone, Time(run));
  }
  std::atomic<bool> ends = false;
  Thread other("other", [&] {
    for (int i = 0; !ends.load(std::memory_order_relaxed); ++i) run(i);
  });
  double shared = 1e18;
  for (int round = 0; round < kRounds; ++round) {
    shared = std::min(shared, Time(run));
  }
  ends = true;
  printf("%-44s %8.1f ns %8.1f ns\n", name, alone, shared);
}

void MeasureAll() {
  LocalCounterStore store;
  const LimitRules rules(FourLimitsAndCalls(), {1, 2}, nullptr);
  std::vector<Names> names;
  for (int i = 0; i < 10'000; ++i) {
    names.push_back({absl::StrCat("caller-", i), absl::StrCat("user-", i)});
  }
  const absl::Duration start = absl::Hours(1);
  const auto call = [&](size_t who, int i) {
    if (!MeasuredCall(rules, store, names[who],
                      start + absl::Microseconds(i))) {
      printf("refused\n");
    }
  };
  printf("%-44s %11s %11s\n", "", "alone", "two threads");
  Measure("four limits and calls at once, one caller",
          [&](int i) { call(0, i); });
  Measure("the same, 10,000 callers",
          [&](int i) { call(static_cast<size_t>(i) % names.size(), i); });
  const LimitRules none({}, {1, 2}, nullptr);
  Measure("no limits", [&](int i) {
    MeasuredCall(none, store, names[0], start + absl::Microseconds(i));
  });
}

void CallAThousandTimes() {
  LocalCounterStore store;
  const LimitRules rules(FourLimitsAndCalls(), {1, 2}, nullptr);
  const Names names = {"caller-1", "user-1"};
  for (int i = 0; i < 1000; ++i) {
    MeasuredCall(rules, store, names, absl::Hours(1) + absl::Microseconds(i));
  }
}

}  // namespace
}  // namespace gateway

int main(int argc, char** /*argv*/) {
  if (argc > 1) {
    gateway::CallAThousandTimes();
  } else {
    gateway::MeasureAll();
  }
  return 0;
}
