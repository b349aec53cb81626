// CircuitBreaker rests a target that keeps failing, then sends it probes to
// learn whether it has recovered.
//
//   closed    --(consecutive_failures in a row, or failure_percent of the
//                window's calls)-->                       open
//   open      --(open_duration has passed, when asked)--> half-open
//   half-open --(half_open_successes probes succeed)-->   closed
//   half-open --(a probe fails)-->                        open
//
// An operator may hold it in another state until a Reset: forced open, which
// admits nobody; metrics only, which counts and never opens; disabled, which
// admits everybody and counts nothing.
//
//   std::optional<CircuitBreaker::Permit> permit = breaker.TryAcquire(now);
//   if (!permit.has_value()) return CircuitOpen(breaker.RetryAfter(now));
//   const absl::Status outcome = ...;  // Ask the target.
//   std::move(*permit).Record(loop.Now(), outcome, abandoned);
//
// What counts as a failure, errors/verdict.h decides (BlamesTarget). A failure
// that does not blame the target - a rate limit, a refused credential, another
// 4xx, a cancellation - counts for nothing: neither as a failure, nor as the
// success that would end a row of failures or close the breaker. A success
// never opens the breaker, even if it is the call that makes the window full.
//
// Times are steady times (base/os/clock.h), exact to the nanosecond: after
// open_duration the target is asked, a nanosecond before it is not. The window
// has buckets of one second (service/resilience/windowed_count.h).
//
// Thread-safe; one for all loops, which outlives configurations: a new one's
// settings come by SetOptions. While the breaker is closed, to be admitted
// costs a relaxed load, and a success two and one compare-and-swap; no call is
// made under the lock, which only failures, a success after a failure, and
// what is not closed take.

#ifndef SERVICE_RESILIENCE_CIRCUIT_BREAKER_H_
#define SERVICE_RESILIENCE_CIRCUIT_BREAKER_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "service/resilience/windowed_count.h"

namespace gateway {

class CircuitBreaker {
 public:
  enum class State {
    kClosed,
    kOpen,
    kHalfOpen,
    kForcedOpen,
    kMetricsOnly,
    kDisabled,
  };

  struct Options {
    // Whether it is there at all: if not, its state is kDisabled.
    bool enabled = true;
    // It counts and never opens: its state is kMetricsOnly.
    bool metrics_only = false;
    // Opens after so many failures in a row. 0 to 1000; 0 for never.
    int consecutive_failures = 5;
    // Opens when a failure makes it so many percent of the window's calls, of
    // which there are at least `minimum_calls`. 0 to 100; 0 for never.
    int failure_percent = 50;
    int minimum_calls = 20;  // 1 to 1000000.
    // Whole seconds, 1 s to 128 s.
    absl::Duration window = absl::Seconds(30);
    // How long it rests before it is asked again. 1 ms to 1 h.
    absl::Duration open_duration = absl::Seconds(30);
    // How many probes may be under way at once. 1 to 100.
    int half_open_probes = 1;
    // How many of them must succeed, none failing. 1 to 100.
    int half_open_successes = 1;
  };

  // The right to make one call. If it is destroyed unused, as when the caller
  // hangs up, it says nothing of the target, and a probe's place is free again.
  // What the breaker learns after its state has changed is not counted: it is
  // of a time that is over.
  class [[nodiscard]] Permit {
   public:
    Permit(Permit&& other) noexcept
        : breaker_(std::exchange(other.breaker_, nullptr)),
          word_(other.word_) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(breaker_, other.breaker_);
      std::swap(word_, other.word_);
      return *this;
    }
    ~Permit() { GiveBack(); }

    // Tells how the call ended, and gives the permit back; each at most once,
    // what comes later says nothing. A stream may be told of at its first
    // content, so that a probe need not wait for its end.
    void Succeed(absl::Duration now);
    void Fail(absl::Duration now);
    void GiveBack();

    // The one of them that `outcome` calls for; `abandoned` is as for
    // ClassifyFailure.
    void Record(absl::Duration now, const absl::Status& outcome,
                bool abandoned = false);

    bool is_probe() const { return StateOf(word_) == State::kHalfOpen; }

   private:
    friend class CircuitBreaker;
    Permit(CircuitBreaker* breaker, uint64_t word)
        : breaker_(breaker), word_(word) {}

    CircuitBreaker* breaker_;  // Null once it has been told or moved from.
    uint64_t word_;            // The breaker's, when it was given.
  };

  // How it stands at one moment, for operators and metrics.
  struct Snapshot {
    State state = State::kClosed;
    absl::Duration since;    // Steady; when it came into this state.
    bool is_forced = false;  // By Force, and so until Reset.
    // While it is open or half-open, what opened it: of these a probe that
    // fails is one more in a row, and the window's stay.
    int consecutive_failures = 0;
    int64_t window_calls = 0;  // That succeeded or failed, of this state.
    int64_t window_failures = 0;
    int probes_in_flight = 0;
    int64_t opened = 0;    // How often, since it is there.
    // All there were but while it was off, also of calls that began before the
    // last change of state.
    int64_t failures = 0;
    uint64_t generation = 0;
    std::optional<absl::Duration> retry_after;
  };

  // What RetryAfter says while probes are under way, and nobody knows when
  // they end.
  static constexpr absl::Duration kProbeWait = absl::Seconds(1);

  explicit CircuitBreaker(const Options& options);
  CircuitBreaker(const CircuitBreaker&) = delete;
  CircuitBreaker& operator=(const CircuitBreaker&) = delete;

  // Returns nothing while the target rests, or as many probes are under way as
  // may be. The permit must not outlive this object.
  std::optional<Permit> TryAcquire(absl::Duration now) {
    const uint64_t word = word_.load(std::memory_order_relaxed);
    if (AdmitsAll(StateOf(word))) return Permit(this, word);
    return AcquireSlowly(now);
  }

  // Whether TryAcquire would give a permit now; takes none.
  bool IsAskable(absl::Duration now) const {
    return AdmitsAll(StateOf(word_.load(std::memory_order_relaxed))) ||
           RetryAfter(now) == absl::ZeroDuration();
  }

  // Returns after how long the target may be asked: zero if now, kProbeWait if
  // that depends on probes, nothing if an operator forces it open.
  std::optional<absl::Duration> RetryAfter(absl::Duration now) const
      LOCKS_EXCLUDED(mu_);

  // Takes effect with the next call and the next outcome; the time that is left
  // to rest changes with open_duration. What has been counted stays, and what
  // is forced, too.
  void SetOptions(const Options& options, absl::Duration now)
      LOCKS_EXCLUDED(mu_);

  // Closes it and forgets what was counted; takes back what was forced.
  void Reset(absl::Duration now) LOCKS_EXCLUDED(mu_);

  // Moves it to this state. kForcedOpen, kMetricsOnly and kDisabled stay until
  // a Reset or another Force; to kOpen and kHalfOpen it moves as if by itself;
  // kClosed resets it.
  void Force(State state, absl::Duration now) LOCKS_EXCLUDED(mu_);

  // An open one whose time has passed is told as half-open, since then.
  Snapshot Read(absl::Duration now) const LOCKS_EXCLUDED(mu_);

  // Grows with each change of state: who keeps the last one knows, for the
  // price of a load, whether there is anything new to read.
  uint64_t generation() const {
    return word_.load(std::memory_order_relaxed) >> kStateBits;
  }

 private:
  static constexpr int kStateBits = 3;

  static State StateOf(uint64_t word) {
    return static_cast<State>(word & ((1 << kStateBits) - 1));
  }
  static bool AdmitsAll(State state) {
    return state == State::kClosed || state == State::kMetricsOnly ||
           state == State::kDisabled;
  }

  std::optional<Permit> AcquireSlowly(absl::Duration now) LOCKS_EXCLUDED(mu_);
  void CountSuccess(uint64_t word, absl::Duration now) LOCKS_EXCLUDED(mu_);
  void EndRow(uint64_t word) LOCKS_EXCLUDED(mu_);
  void CountProbeSuccess(uint64_t word, absl::Duration now) LOCKS_EXCLUDED(mu_);
  void CountFailure(uint64_t word, absl::Duration now) LOCKS_EXCLUDED(mu_);
  void ReturnProbe(uint64_t word) LOCKS_EXCLUDED(mu_);

  // What the window counts of the state that it is in.
  struct WindowCounts {
    int64_t calls = 0;
    int64_t failures = 0;
  };
  WindowCounts CountWindow(int64_t now_second) const
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool ShouldOpen(int64_t now_second) const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  State RestState() const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void MoveTo(State next, int64_t now) EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // The generation and, in the last kStateBits, the state. Written under the
  // lock.
  std::atomic<uint64_t> word_;
  // When an open one may be asked, in nanoseconds. Written under the lock.
  std::atomic<int64_t> open_until_ = 0;
  std::atomic<int> failures_in_a_row_ = 0;  // Written under the lock.
  WindowedCount window_successes_;

  mutable Mutex mu_;
  Options options_ GUARDED_BY(mu_);
  WindowedCount window_failures_ GUARDED_BY(mu_);
  bool forced_ GUARDED_BY(mu_) = false;
  int64_t since_ GUARDED_BY(mu_) = 0;  // Nanoseconds.
  int probes_ GUARDED_BY(mu_) = 0;
  int probe_successes_ GUARDED_BY(mu_) = 0;
  int64_t opened_ GUARDED_BY(mu_) = 0;
  WindowCounts opened_by_ GUARDED_BY(mu_);  // When it was closed last.
  int64_t failures_ GUARDED_BY(mu_) = 0;
};

// Returns the name for logs and metrics: `closed`, `open`, `half_open`, ...
std::string_view CircuitStateName(CircuitBreaker::State state);

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_CIRCUIT_BREAKER_H_
