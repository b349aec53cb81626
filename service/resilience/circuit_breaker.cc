#include "service/resilience/circuit_breaker.h"

#include <algorithm>
#include <cassert>

#include "errors/verdict.h"

namespace gateway {
namespace {

using State = CircuitBreaker::State;

constexpr int64_t kNanosPerSecond = 1'000'000'000;

int WindowSeconds(const CircuitBreaker::Options& options) {
  return static_cast<int>(absl::ToInt64Seconds(options.window));
}

void CheckBreakerOptions(const CircuitBreaker::Options& options) {
  assert(options.consecutive_failures >= 0);
  assert(options.failure_percent >= 0 && options.failure_percent <= 100);
  assert(options.minimum_calls > 0);
  assert(WindowSeconds(options) > 0 &&
         WindowSeconds(options) <= WindowedCount::kSecondsLimit);
  assert(options.open_duration > absl::ZeroDuration());
  assert(options.half_open_probes > 0 && options.half_open_successes > 0);
  static_cast<void>(options);
}

CircuitBreaker::State RestStateOf(const CircuitBreaker::Options& options) {
  if (!options.enabled) return CircuitBreaker::State::kDisabled;
  return options.metrics_only ? CircuitBreaker::State::kMetricsOnly
                              : CircuitBreaker::State::kClosed;
}

}  // namespace

CircuitBreaker::CircuitBreaker(const Options& options)
    : word_(static_cast<uint64_t>(RestStateOf(options))), options_(options) {
  CheckBreakerOptions(options);
}

void CircuitBreaker::Permit::Succeed(absl::Duration now) {
  CircuitBreaker* const breaker = std::exchange(breaker_, nullptr);
  if (breaker != nullptr) breaker->CountSuccess(word_, now);
}

void CircuitBreaker::Permit::Fail(absl::Duration now) {
  CircuitBreaker* const breaker = std::exchange(breaker_, nullptr);
  if (breaker != nullptr) breaker->CountFailure(word_, now);
}

void CircuitBreaker::Permit::GiveBack() {
  CircuitBreaker* const breaker = std::exchange(breaker_, nullptr);
  if (breaker != nullptr && is_probe()) breaker->ReturnProbe(word_);
}

void CircuitBreaker::Permit::Record(absl::Duration now,
                                    const absl::Status& outcome,
                                    bool abandoned) {
  if (outcome.ok()) {
    Succeed(now);
  } else if (BlamesTarget(ClassifyFailure(outcome, abandoned))) {
    Fail(now);
  } else {
    GiveBack();
  }
}

std::optional<CircuitBreaker::Permit> CircuitBreaker::AcquireSlowly(
    absl::Duration now) {
  const int64_t now_nanos = absl::ToInt64Nanoseconds(now);
  // So that many callers of a target that rests do not wait for each other.
  const uint64_t seen = word_.load(std::memory_order_acquire);
  if (StateOf(seen) == State::kOpen &&
      now_nanos < open_until_.load(std::memory_order_relaxed)) {
    return std::nullopt;
  }
  MutexLock lock(mu_);
  const State state = StateOf(word_.load(std::memory_order_relaxed));
  if (state == State::kForcedOpen) return std::nullopt;
  if (state == State::kOpen) {
    if (now_nanos < open_until_.load(std::memory_order_relaxed)) {
      return std::nullopt;
    }
    MoveTo(State::kHalfOpen, now_nanos);
  }
  const uint64_t word = word_.load(std::memory_order_relaxed);
  if (StateOf(word) == State::kHalfOpen) {
    if (probes_ >= options_.half_open_probes) return std::nullopt;
    ++probes_;
  }
  return Permit(this, word);
}

void CircuitBreaker::CountSuccess(uint64_t word, absl::Duration now) {
  if (word_.load(std::memory_order_relaxed) != word) return;
  switch (StateOf(word)) {
    case State::kClosed:
    case State::kMetricsOnly:
      window_successes_.Add(word >> kStateBits, absl::ToInt64Seconds(now));
      if (failures_in_a_row_.load(std::memory_order_relaxed) != 0) EndRow(word);
      return;
    case State::kHalfOpen:
      CountProbeSuccess(word, now);
      return;
    case State::kOpen:
    case State::kForcedOpen:
    case State::kDisabled:
      return;
  }
}

void CircuitBreaker::EndRow(uint64_t word) {
  MutexLock lock(mu_);
  if (word_.load(std::memory_order_relaxed) != word) return;
  failures_in_a_row_.store(0, std::memory_order_relaxed);
}

void CircuitBreaker::CountProbeSuccess(uint64_t word, absl::Duration now) {
  MutexLock lock(mu_);
  if (word_.load(std::memory_order_relaxed) != word) return;
  --probes_;
  failures_in_a_row_.store(0, std::memory_order_relaxed);
  if (++probe_successes_ < options_.half_open_successes) return;
  MoveTo(RestState(), absl::ToInt64Nanoseconds(now));
}

void CircuitBreaker::CountFailure(uint64_t word, absl::Duration now) {
  MutexLock lock(mu_);
  const State state = StateOf(word);
  const uint64_t current = word_.load(std::memory_order_relaxed);
  if (state == State::kDisabled || StateOf(current) == State::kDisabled) return;
  ++failures_;
  if (current != word) return;
  failures_in_a_row_.store(
      failures_in_a_row_.load(std::memory_order_relaxed) + 1,
      std::memory_order_relaxed);
  const int64_t second = absl::ToInt64Seconds(now);
  window_failures_.Add(word >> kStateBits, second);
  if (state == State::kHalfOpen ||
      (state == State::kClosed && ShouldOpen(second))) {
    MoveTo(State::kOpen, absl::ToInt64Nanoseconds(now));
  }
}

void CircuitBreaker::ReturnProbe(uint64_t word) {
  MutexLock lock(mu_);
  if (word_.load(std::memory_order_relaxed) == word) --probes_;
}

// Whether what has been counted is enough to open a closed breaker.
bool CircuitBreaker::ShouldOpen(int64_t now_second) const {
  if (options_.consecutive_failures > 0 &&
      failures_in_a_row_.load(std::memory_order_relaxed) >=
          options_.consecutive_failures) {
    return true;
  }
  if (options_.failure_percent == 0) return false;
  const WindowCounts window = CountWindow(now_second);
  return window.calls >= options_.minimum_calls &&
         window.failures * 100 >= window.calls * options_.failure_percent;
}

CircuitBreaker::WindowCounts CircuitBreaker::CountWindow(
    int64_t now_second) const {
  const uint64_t generation = this->generation();
  const int seconds = WindowSeconds(options_);
  const int64_t failures =
      window_failures_.Sum(generation, now_second, seconds);
  return {failures + window_successes_.Sum(generation, now_second, seconds),
          failures};
}

// The state in which nothing is known against the target.
CircuitBreaker::State CircuitBreaker::RestState() const {
  return RestStateOf(options_);
}

void CircuitBreaker::MoveTo(State next, int64_t now) {
  since_ = now;
  probes_ = 0;
  probe_successes_ = 0;
  if (next == State::kOpen) {
    ++opened_;
    if (AdmitsAll(StateOf(word_.load(std::memory_order_relaxed)))) {
      opened_by_ = CountWindow(now / kNanosPerSecond);
    }
    open_until_.store(now + absl::ToInt64Nanoseconds(options_.open_duration),
                      std::memory_order_relaxed);
  } else if (next != State::kHalfOpen) {
    failures_in_a_row_.store(0, std::memory_order_relaxed);
  }
  word_.store((generation() + 1) << kStateBits | static_cast<uint64_t>(next),
              std::memory_order_release);
}

std::optional<absl::Duration> CircuitBreaker::RetryAfter(
    absl::Duration now) const {
  MutexLock lock(mu_);
  switch (StateOf(word_.load(std::memory_order_relaxed))) {
    case State::kForcedOpen:
      return std::nullopt;
    case State::kOpen:
      return absl::Nanoseconds(
          std::max<int64_t>(open_until_.load(std::memory_order_relaxed) -
                                absl::ToInt64Nanoseconds(now),
                            0));
    case State::kHalfOpen:
      return probes_ < options_.half_open_probes ? absl::ZeroDuration()
                                                 : kProbeWait;
    case State::kClosed:
    case State::kMetricsOnly:
    case State::kDisabled:
      break;
  }
  return absl::ZeroDuration();
}

void CircuitBreaker::SetOptions(const Options& options, absl::Duration now) {
  CheckBreakerOptions(options);
  MutexLock lock(mu_);
  options_ = options;
  const State state = StateOf(word_.load(std::memory_order_relaxed));
  if (state == State::kOpen) {
    open_until_.store(since_ + absl::ToInt64Nanoseconds(options.open_duration),
                      std::memory_order_relaxed);
  }
  if (forced_) return;
  const State rest = RestState();
  const bool moves_by_itself = state == State::kClosed ||
                               state == State::kOpen ||
                               state == State::kHalfOpen;
  if (rest == State::kClosed ? !moves_by_itself : state != rest) {
    MoveTo(rest, absl::ToInt64Nanoseconds(now));
  }
}

void CircuitBreaker::Reset(absl::Duration now) {
  MutexLock lock(mu_);
  forced_ = false;
  MoveTo(RestState(), absl::ToInt64Nanoseconds(now));
}

void CircuitBreaker::Force(State state, absl::Duration now) {
  if (state == State::kClosed) {
    Reset(now);
    return;
  }
  MutexLock lock(mu_);
  forced_ = state == State::kForcedOpen || state == State::kMetricsOnly ||
            state == State::kDisabled;
  // Who forces it twice does not begin its time anew.
  if (state == StateOf(word_.load(std::memory_order_relaxed))) return;
  MoveTo(state, absl::ToInt64Nanoseconds(now));
}

CircuitBreaker::Snapshot CircuitBreaker::Read(absl::Duration now) const {
  const std::optional<absl::Duration> retry_after = RetryAfter(now);
  MutexLock lock(mu_);
  Snapshot snapshot;
  snapshot.state = StateOf(word_.load(std::memory_order_relaxed));
  snapshot.since = absl::Nanoseconds(since_);
  snapshot.generation = generation();
  snapshot.is_forced = forced_;
  snapshot.consecutive_failures =
      failures_in_a_row_.load(std::memory_order_relaxed);
  const bool counts_by_itself =
      snapshot.state != State::kOpen && snapshot.state != State::kHalfOpen;
  const WindowCounts window =
      counts_by_itself ? CountWindow(absl::ToInt64Seconds(now)) : opened_by_;
  snapshot.window_calls = window.calls;
  snapshot.window_failures = window.failures;
  snapshot.probes_in_flight = probes_;
  snapshot.opened = opened_;
  snapshot.failures = failures_;
  snapshot.retry_after = retry_after;
  const int64_t until = open_until_.load(std::memory_order_relaxed);
  if (snapshot.state == State::kOpen &&
      absl::ToInt64Nanoseconds(now) >= until) {
    snapshot.state = State::kHalfOpen;
    snapshot.since = absl::Nanoseconds(until);
  }
  return snapshot;
}

std::string_view CircuitStateName(CircuitBreaker::State state) {
  switch (state) {
    case State::kClosed:
      return "closed";
    case State::kOpen:
      return "open";
    case State::kHalfOpen:
      return "half_open";
    case State::kForcedOpen:
      return "forced_open";
    case State::kMetricsOnly:
      return "metrics_only";
    case State::kDisabled:
      return "disabled";
  }
  return "";
}

}  // namespace gateway
