// The breaker beside a model of its rules, and under several threads.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"
#include "service/resilience/circuit_breaker.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

// The same rules, written as they are told: every event is kept.
class ModelBreaker {
 public:
  explicit ModelBreaker(const CircuitBreaker::Options& options)
      : options_(options) {}

  bool Admits(int64_t now_ms) {
    if (state_ == CircuitBreaker::State::kOpen &&
        now_ms - opened_ms_ >= OpenMs()) {
      Enter(CircuitBreaker::State::kHalfOpen);
    }
    if (state_ == CircuitBreaker::State::kOpen) return false;
    if (state_ == CircuitBreaker::State::kClosed) return true;
    if (probes_ >= options_.half_open_probes) return false;
    ++probes_;
    return true;
  }
  void Tell(int era, int64_t now_ms, char how) {
    if (era != era_) return;
    if (state_ == CircuitBreaker::State::kHalfOpen) {
      --probes_;
      if (how == 'f') Open(now_ms);
      if (how == 's' && ++successes_ == options_.half_open_successes) {
        Enter(CircuitBreaker::State::kClosed);
      }
      return;
    }
    if (how == 'g') return;
    row_ = how == 'f' ? row_ + 1 : 0;
    calls_.push_back({now_ms / 1000, how == 'f'});
    if (how == 'f' && ShouldOpen(now_ms / 1000)) Open(now_ms);
  }
  int era() const { return era_; }
  CircuitBreaker::State state() const { return state_; }

 private:
  int64_t OpenMs() const {
    return absl::ToInt64Milliseconds(options_.open_duration);
  }
  bool ShouldOpen(int64_t second) {
    int calls = 0;
    int failures = 0;
    for (const auto& [at, failed] : calls_) {
      if (second - at >= absl::ToInt64Seconds(options_.window)) continue;
      ++calls;
      failures += failed;
    }
    return row_ >= options_.consecutive_failures ||
           (calls >= options_.minimum_calls &&
            failures * 100 >= options_.failure_percent * calls);
  }
  void Open(int64_t now_ms) {
    Enter(CircuitBreaker::State::kOpen);
    opened_ms_ = now_ms;
  }
  void Enter(CircuitBreaker::State state) {
    state_ = state;
    ++era_;
    row_ = probes_ = successes_ = 0;
    calls_.clear();
  }

  const CircuitBreaker::Options options_;
  CircuitBreaker::State state_ = CircuitBreaker::State::kClosed;
  int era_ = 0;
  int row_ = 0;
  int probes_ = 0;
  int successes_ = 0;
  int64_t opened_ms_ = 0;
  std::deque<std::pair<int64_t, bool>> calls_;
};

// A call that goes on, as the breaker and as the model know it.
struct OpenCall {
  CircuitBreaker::Permit permit;
  int era;
};

void CompareWithTheModel(uint64_t seed) {
  FakeRandom random{seed};
  const CircuitBreaker::Options options = {
      .consecutive_failures = static_cast<int>(2 + random.Below(7)),
      .failure_percent = static_cast<int>(20 + random.Below(60)),
      .minimum_calls = static_cast<int>(3 + random.Below(20)),
      .window = absl::Seconds(1 + random.Below(10)),
      .open_duration = absl::Milliseconds(1 + random.Below(3000)),
      .half_open_probes = static_cast<int>(1 + random.Below(3)),
      .half_open_successes = static_cast<int>(1 + random.Below(3))};
  CircuitBreaker breaker(options);
  ModelBreaker model(options);
  std::vector<OpenCall> calls;
  int64_t now_ms = 1'000'000;
  const uint64_t failing = 10 + random.Below(70);
  for (int step = 0; step < 500; ++step) {
    now_ms += static_cast<int64_t>(random.Below(4) * random.Below(200));
    const absl::Duration now = absl::Milliseconds(now_ms);
    if (calls.empty() || random.Below(2) == 0) {
      std::optional<CircuitBreaker::Permit> permit = breaker.TryAcquire(now);
      ASSERT_EQ(permit.has_value(), model.Admits(now_ms))
          << "seed " << seed << ", step " << step;
      if (permit.has_value()) {
        calls.push_back({*std::move(permit), model.era()});
      }
    } else {
      const size_t i = random.Below(calls.size());
      OpenCall call = std::move(calls[i]);
      calls.erase(calls.begin() + static_cast<int64_t>(i));
      const char how = random.Below(10) == 0         ? 'g'
                       : random.Below(100) < failing ? 'f'
                                                     : 's';
      if (how == 's') call.permit.Succeed(now);
      if (how == 'f') call.permit.Fail(now);
      if (how == 'g') call.permit.GiveBack();
      model.Tell(call.era, now_ms, how);
    }
    ASSERT_EQ(breaker.generation(), static_cast<uint64_t>(model.era()))
        << "seed " << seed << ", step " << step;
  }
}

TEST(CircuitBreakerModelTest, DoesAsTheModelDoes) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    CompareWithTheModel(seed);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(CircuitBreakerThreadsTest, NeverAreMoreProbesUnderWayThanMayBe) {
  CircuitBreaker breaker({.consecutive_failures = 1,
                          .failure_percent = 0,
                          .open_duration = absl::Nanoseconds(1),
                          .half_open_probes = 2,
                          .half_open_successes = 2});
  std::atomic<int64_t> now = 1'000'000'000;
  std::atomic<int> probes = 0;
  std::atomic<int> too_many = 0;
  std::atomic<int64_t> told = 0;
  {
    std::vector<Thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back("caller", [&, t] {
        FakeRandom random{static_cast<uint64_t>(t)};
        for (int i = 0; i < 20'000; ++i) {
          const absl::Duration time = absl::Nanoseconds(++now);
          std::optional<CircuitBreaker::Permit> permit =
              breaker.TryAcquire(time);
          if (!permit.has_value()) continue;
          ++told;
          const bool is_probe = permit->is_probe();
          // One that another has made void in the meantime is still counted
          // here, so that the check is for permits of one state.
          const uint64_t generation = breaker.generation();
          if (is_probe && ++probes > 2 && breaker.generation() == generation &&
              breaker.Read(time).probes_in_flight > 2) {
            ++too_many;
          }
          if (is_probe) --probes;
          const uint64_t how = random.Below(10);
          if (how < 2) permit->Fail(time);
          if (how > 5) permit->Succeed(time);
        }
      });
    }
  }
  EXPECT_EQ(too_many, 0);
  EXPECT_GT(told, 0);
  // Nothing is left behind: the place of every probe is free again.
  const CircuitBreaker::Snapshot end =
      breaker.Read(absl::Nanoseconds(now.load()));
  EXPECT_EQ(end.probes_in_flight, 0);
  EXPECT_GT(end.opened, 0);
}

TEST(CircuitBreakerThreadsTest, ThreadsLoseNoOutcome) {
  CircuitBreaker breaker({});
  breaker.Force(CircuitBreaker::State::kMetricsOnly, absl::Seconds(1000));
  {
    std::vector<Thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back("caller", [&breaker] {
        for (int i = 0; i < 10'000; ++i) {
          const absl::Duration now = absl::Seconds(1000 + i / 1000);
          std::optional<CircuitBreaker::Permit> permit =
              breaker.TryAcquire(now);
          if (i % 4 == 0) {
            permit->Fail(now);
          } else {
            permit->Succeed(now);
          }
        }
      });
    }
  }
  const CircuitBreaker::Snapshot end = breaker.Read(absl::Seconds(1009));
  EXPECT_EQ(end.window_calls, 40'000);
  EXPECT_EQ(end.window_failures, 10'000);
}

}  // namespace
}  // namespace gateway
