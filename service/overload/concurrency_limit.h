// ConcurrencyLimit bounds how many calls run at once, in all loops together. A
// call beyond that waits a short time for the place of another, in the order of
// admission_queue.h, or is told that the gateway is overloaded.
//
//   std::optional<ConcurrencyLimit::Permit> permit =
//   limit.TryAcquire(priority); if (!permit.has_value()) {
//     GATEWAY_CO_ASSIGN_OR_RETURN(
//         permit, co_await limit.Acquire(loop, cancel, asker));
//   }
//   ...                              // The call. Its permit goes with it.
//
// Whoever waits is woken on its own loop. Nobody waits while there is a place,
// but those whose class is held back (ServeDownTo), and those in a queue are
// served before those who come.
//
// Where nobody waits, to acquire is one atomic operation and a load, and to
// release one atomic operation. Otherwise there is a lock, which is held for
// the time of a few list operations, also for a call that is shed.
//
// Thread-safe; outlives its permits and those who wait. Acquire is for a
// coroutine of `loop`.

#ifndef SERVICE_OVERLOAD_CONCURRENCY_LIMIT_H_
#define SERVICE_OVERLOAD_CONCURRENCY_LIMIT_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "service/identity/caller.h"
#include "service/overload/admission_queue.h"

namespace gateway {

class ConcurrencyLimit {
 public:
  struct Options {
    // So many calls may run at once. Positive.
    int64_t limit = kUnlimited;
    AdmissionQueue::Options queue;
  };
  // For those who only hold classes back.
  static constexpr int64_t kUnlimited = INT32_MAX;

  // A place among those that run, while it lives.
  class [[nodiscard]] Permit {
   public:
    Permit(Permit&& other) noexcept
        : limit_(std::exchange(other.limit_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(limit_, other.limit_);
      return *this;
    }
    ~Permit() {
      if (limit_ != nullptr) limit_->Release();
    }

   private:
    friend class ConcurrencyLimit;
    explicit Permit(ConcurrencyLimit* limit) : limit_(limit) {}

    ConcurrencyLimit* limit_;  // Null once moved from.
  };

  // Who waits.
  struct Asker {
    CallerPriority priority = CallerPriority::kNormal;
    // The same number for all calls of one caller.
    uint64_t caller = 0;
    // Steady. A call whose deadline has passed gets no place.
    absl::Duration deadline = absl::InfiniteDuration();
  };

  // Why a call got no place.
  enum class Shed {
    // Too many waited for it to be served in time, as it came or, where another
    // took its place, later.
    kTooManyWait,
    kWaitedTooLong,
    // Its class was held back, so that it would have got none however few run.
    kHeldBack,
    // It waited when TurnAwayAll was called.
    kTurnedAway,
  };
  static constexpr size_t kSheds = 4;

  struct Snapshot {
    int64_t active = 0;
    int64_t limit = 0;
    std::array<size_t, kCallerPriorities> waiting = {};
    bool overloaded = false;
    // How often, by class: calls that got a place after a wait, and that did
    // not by each Shed.
    std::array<int64_t, kCallerPriorities> waited = {};
    std::array<std::array<int64_t, kSheds>, kCallerPriorities> shed = {};
  };

  // Borrows `clock`.
  ConcurrencyLimit(Clock& clock, const Options& options);
  ConcurrencyLimit(const ConcurrencyLimit&) = delete;
  ConcurrencyLimit& operator=(const ConcurrencyLimit&) = delete;

  // Returns a place if one is free and nobody waits.
  std::optional<Permit> TryAcquire(CallerPriority priority);

  // The same, or waits for one. OVERLOADED with RetryInfo where there is none
  // in time, which names the limit that is why: of calls, or, for a class that
  // is held back, of memory; what TurnAwayAll was given, or `cancel` fired
  // with; DEADLINE_EXCEEDED if the deadline passes first.
  Task<absl::StatusOr<Permit>> Acquire(EventLoop& loop, CancelSignal& cancel,
                                       Asker asker) LOCKS_EXCLUDED(mu_);

  // Holds back the classes after `lowest`, while memory is short: they wait
  // even if places are free.
  void ServeDownTo(CallerPriority lowest) LOCKS_EXCLUDED(mu_);

  // Refuses a place to all who wait: they are told `why`.
  void TurnAwayAll(const absl::Status& why) LOCKS_EXCLUDED(mu_);

  // A lower limit takes no place away from those who have one.
  void SetOptions(const Options& options) LOCKS_EXCLUDED(mu_);

  int64_t active() const {
    return InUse(state_.load(std::memory_order_relaxed));
  }
  Snapshot Read() const LOCKS_EXCLUDED(mu_);

 private:
  enum class Outcome {
    kPlace,
    kTooManyWait,
    kWaitedTooLong,
    kHeldBack,
    kTurnedAway,
    kLeft
  };
  struct Waiter;

  // Waiters with an outcome, to be woken when the lock is open, in the order in
  // which they were settled.
  class Told {
   public:
    void Add(Waiter& waiter);
    void WakeAll();

   private:
    Waiter* first_ = nullptr;
    Waiter** end_ = &first_;  // Where the next one goes.
  };

  // How many run, in the lower half, and how many wait, in the upper: in one
  // word, so that who releases sees a waiter, or the waiter the free place.
  static constexpr uint64_t kOneInUse = 1;
  static constexpr uint64_t kOneWaits = uint64_t{1} << 32;
  static constexpr int64_t InUse(uint64_t state) {
    return static_cast<int64_t>(state & (kOneWaits - 1));
  }

  void Release() {
    const uint64_t before =
        state_.fetch_sub(kOneInUse, std::memory_order_acq_rel);
    if (before >= kOneWaits) ServeWaiting();
  }

  // Returns whether it waits, and will be woken; otherwise it has an outcome.
  bool Enter(Waiter& waiter) LOCKS_EXCLUDED(mu_);
  // Gives it an outcome and wakes it, if it has none yet.
  void Leave(Waiter& waiter, Outcome outcome) LOCKS_EXCLUDED(mu_);
  void ServeWaiting() LOCKS_EXCLUDED(mu_);
  void HandOutPlaces(Told& told) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TurnAwayLate(Told& told) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasPlace() const;
  bool HasPlaceFor(const Waiter& waiter) const;
  bool IsHeldBack(CallerPriority priority) const {
    return priority > lowest_served_.load(std::memory_order_relaxed);
  }
  void Settle(Waiter& waiter, Outcome outcome) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<Permit> ResultOf(const Waiter& waiter);
  absl::Status RefusalOf(Outcome outcome) const;

  Clock& clock_;
  alignas(64) std::atomic<uint64_t> state_ = 0;
  // Written seldom, read by each call.
  alignas(64) std::atomic<int64_t> limit_;
  std::atomic<CallerPriority> lowest_served_ = CallerPriority::kLow;
  std::atomic<int64_t> wait_limit_nanos_;

  alignas(64) mutable Mutex mu_;
  AdmissionQueue queue_ GUARDED_BY(mu_);
  std::array<int64_t, kCallerPriorities> waited_ GUARDED_BY(mu_) = {};
  std::array<std::array<int64_t, kSheds>, kCallerPriorities> shed_
      GUARDED_BY(mu_) = {};
};

}  // namespace gateway

#endif  // SERVICE_OVERLOAD_CONCURRENCY_LIMIT_H_
