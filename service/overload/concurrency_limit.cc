#include "service/overload/concurrency_limit.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/timer_wheel.h"
#include "errors/fault.h"
#include "service/overload/overload_fault.h"

namespace gateway {
namespace {

// The fields that an operator would raise.
constexpr std::string_view kLimitField = "overload.concurrency.calls_limit";
constexpr std::string_view kHeldBackField = "overload.memory.soft_percent";

absl::Status MakeRefusal(int64_t limit, absl::string_view why) {
  return OverloadFault(
      kLimitField, absl::StrCat("the gateway serves ", limit,
                                " calls, as many at once as it may, and ", why,
                                "; ask again later, or of another replica"));
}

absl::Status MakeHeldBackRefusal() {
  return OverloadFault(kHeldBackField,
                       "memory is short, and calls that matter more go first; "
                       "ask again later, or of another replica");
}

}  // namespace

// On the frame of the coroutine that waits, until it has been told.
struct ConcurrencyLimit::Waiter : AdmissionQueue::Entry {
  Waiter(EventLoop& its_loop, const Asker& asker)
      : Entry(asker.priority, asker.caller, asker.deadline), loop(its_loop) {}

  EventLoop& loop;
  WakeUp wake;  // On the loop only.
  // Written under the lock, once; read on the loop when it has been told.
  Outcome outcome = Outcome::kLeft;
  absl::Status turned_away_with;  // With kTurnedAway.
  Waiter* next_told = nullptr;
};

ConcurrencyLimit::ConcurrencyLimit(Clock& clock, const Options& options)
    : clock_(clock),
      limit_(options.limit),
      wait_limit_nanos_(absl::ToInt64Nanoseconds(options.queue.wait_limit)),
      queue_(options.queue) {
  assert(options.limit > 0 && options.limit <= kUnlimited);
}

std::optional<ConcurrencyLimit::Permit> ConcurrencyLimit::TryAcquire(
    CallerPriority priority) {
  if (IsHeldBack(priority)) return std::nullopt;
  const auto limit =
      static_cast<uint64_t>(limit_.load(std::memory_order_relaxed));
  uint64_t state = state_.load(std::memory_order_relaxed);
  // Whoever waits makes the number larger than any limit.
  while (state < limit) {
    if (state_.compare_exchange_weak(state, state + kOneInUse,
                                     std::memory_order_acq_rel,
                                     std::memory_order_relaxed)) {
      return Permit(this);
    }
  }
  return std::nullopt;
}

Task<absl::StatusOr<ConcurrencyLimit::Permit>> ConcurrencyLimit::Acquire(
    EventLoop& loop, CancelSignal& cancel, Asker asker) {
  if (cancel.cancelled()) co_return cancel.status();
  Waiter waiter(loop, asker);
  if (Enter(waiter)) {
    Timer timer([this, &waiter] { Leave(waiter, Outcome::kWaitedTooLong); });
    const CancelListener listener(
        cancel, [this, &waiter] { Leave(waiter, Outcome::kLeft); });
    const absl::Duration wait_limit =
        absl::Nanoseconds(wait_limit_nanos_.load(std::memory_order_relaxed));
    loop.ArmTimer(timer, std::min(wait_limit, asker.deadline - loop.Now()));
    co_await waiter.wake.Wait();
  }
  if (cancel.cancelled()) {
    // A place that came too late goes back.
    if (waiter.outcome == Outcome::kPlace) Release();
    co_return cancel.status();
  }
  co_return ResultOf(waiter);
}

void ConcurrencyLimit::ServeDownTo(CallerPriority lowest) {
  Told told;
  {
    MutexLock lock(mu_);
    lowest_served_.store(lowest, std::memory_order_relaxed);
    queue_.ServeDownTo(lowest, clock_.SteadyTime());
    HandOutPlaces(told);
  }
  told.WakeAll();
}

void ConcurrencyLimit::SetOptions(const Options& options) {
  assert(options.limit > 0 && options.limit <= kUnlimited);
  Told told;
  {
    MutexLock lock(mu_);
    limit_.store(options.limit, std::memory_order_relaxed);
    queue_.SetOptions(options.queue);
    wait_limit_nanos_.store(absl::ToInt64Nanoseconds(options.queue.wait_limit),
                            std::memory_order_relaxed);
    HandOutPlaces(told);
  }
  told.WakeAll();
}

void ConcurrencyLimit::TurnAwayAll(const absl::Status& why) {
  Told told;
  {
    MutexLock lock(mu_);
    while (AdmissionQueue::Entry* const each = queue_.TakeAny()) {
      auto& waiter = static_cast<Waiter&>(*each);
      waiter.turned_away_with = why;
      Settle(waiter, Outcome::kTurnedAway);
      told.Add(waiter);
    }
  }
  told.WakeAll();
}

ConcurrencyLimit::Snapshot ConcurrencyLimit::Read() const {
  MutexLock lock(mu_);
  Snapshot snapshot = {.active = active(),
                       .limit = limit_.load(std::memory_order_relaxed),
                       .overloaded = queue_.IsOverloaded(clock_.SteadyTime()),
                       .waited = waited_,
                       .shed = shed_};
  for (size_t i = 0; i < kCallerPriorities; ++i) {
    snapshot.waiting[i] = queue_.size(static_cast<CallerPriority>(i));
  }
  return snapshot;
}

bool ConcurrencyLimit::Enter(Waiter& waiter) {
  Told told;
  bool waits = false;
  {
    MutexLock lock(mu_);
    // Before it looks for a place, so that nobody who releases one from now on
    // overlooks it.
    state_.fetch_add(kOneWaits, std::memory_order_acq_rel);
    HandOutPlaces(told);
    if (HasPlaceFor(waiter)) {
      Settle(waiter, Outcome::kPlace);
    } else {
      AdmissionQueue::Entry* const leaves =
          queue_.Add(waiter, clock_.SteadyTime());
      waits = leaves != &waiter;
      if (leaves != nullptr) {
        Settle(static_cast<Waiter&>(*leaves), Outcome::kTooManyWait);
        if (waits) told.Add(static_cast<Waiter&>(*leaves));
      }
      // After this one has come, which stays: so a queue that is overloaded
      // has one for the next place.
      TurnAwayLate(told);
    }
  }
  told.WakeAll();
  return waits;
}

void ConcurrencyLimit::Leave(Waiter& waiter, Outcome outcome) {
  {
    MutexLock lock(mu_);
    // It has an outcome, and is about to be told.
    if (!waiter.waits()) return;
    queue_.Remove(waiter);
    Settle(waiter, outcome);
  }
  waiter.wake.Set();
}

// First places, then refusals: where there is a place, nobody has waited too
// long for it.
void ConcurrencyLimit::ServeWaiting() {
  Told told;
  {
    MutexLock lock(mu_);
    HandOutPlaces(told);
    TurnAwayLate(told);
  }
  told.WakeAll();
}

void ConcurrencyLimit::HandOutPlaces(Told& told) {
  // Nobody else takes places while somebody waits.
  while (HasPlace()) {
    AdmissionQueue::Entry* const next = queue_.Take(clock_.SteadyTime());
    if (next == nullptr) return;
    auto& waiter = static_cast<Waiter&>(*next);
    ++waited_[static_cast<size_t>(waiter.priority())];
    Settle(waiter, Outcome::kPlace);
    told.Add(waiter);
  }
}

void ConcurrencyLimit::TurnAwayLate(Told& told) {
  while (AdmissionQueue::Entry* const late =
             queue_.TakeLate(clock_.SteadyTime())) {
    auto& waiter = static_cast<Waiter&>(*late);
    Settle(waiter, Outcome::kWaitedTooLong);
    told.Add(waiter);
  }
}

bool ConcurrencyLimit::HasPlace() const {
  return InUse(state_.load(std::memory_order_acquire)) <
         limit_.load(std::memory_order_relaxed);
}

bool ConcurrencyLimit::HasPlaceFor(const Waiter& waiter) const {
  return HasPlace() && !IsHeldBack(waiter.priority());
}

void ConcurrencyLimit::Settle(Waiter& waiter, Outcome outcome) {
  const bool is_refused =
      outcome == Outcome::kTooManyWait || outcome == Outcome::kWaitedTooLong;
  if (is_refused && IsHeldBack(waiter.priority())) {
    outcome = Outcome::kHeldBack;
  }
  const auto priority = static_cast<size_t>(waiter.priority());
  waiter.outcome = outcome;
  switch (outcome) {
    case Outcome::kPlace:
      // In one step, so that nobody sees a place that is neither in use nor
      // waited for.
      state_.fetch_add(kOneInUse - kOneWaits, std::memory_order_acq_rel);
      return;
    case Outcome::kTooManyWait:
      ++shed_[priority][static_cast<size_t>(Shed::kTooManyWait)];
      break;
    case Outcome::kWaitedTooLong:
      ++shed_[priority][static_cast<size_t>(Shed::kWaitedTooLong)];
      break;
    case Outcome::kHeldBack:
      ++shed_[priority][static_cast<size_t>(Shed::kHeldBack)];
      break;
    case Outcome::kTurnedAway:
      ++shed_[priority][static_cast<size_t>(Shed::kTurnedAway)];
      break;
    case Outcome::kLeft:
      break;
  }
  state_.fetch_sub(kOneWaits, std::memory_order_acq_rel);
}

void ConcurrencyLimit::Told::Add(Waiter& waiter) {
  *end_ = &waiter;
  end_ = &waiter.next_told;
}

// A waiter may be gone as soon as it has been posted to.
void ConcurrencyLimit::Told::WakeAll() {
  while (Waiter* const waiter = first_) {
    first_ = waiter->next_told;
    if (&waiter->loop == EventLoop::Current()) {
      waiter->wake.Set();
    } else {
      waiter->loop.Post([waiter] { waiter->wake.Set(); });
    }
  }
}

absl::StatusOr<ConcurrencyLimit::Permit> ConcurrencyLimit::ResultOf(
    const Waiter& waiter) {
  if (waiter.outcome == Outcome::kPlace) return Permit(this);
  if (waiter.outcome == Outcome::kTurnedAway) return waiter.turned_away_with;
  if (clock_.SteadyTime() >= waiter.deadline()) {
    return MakeFault(v1::ERROR_REASON_DEADLINE_EXCEEDED,
                     "the call's deadline passed while it waited for others to "
                     "end");
  }
  return RefusalOf(waiter.outcome);
}

absl::Status ConcurrencyLimit::RefusalOf(Outcome outcome) const {
  // To make a fault takes fifty times as long as all else of a refusal, so it
  // is made once; on each thread, so that they do not count the users of one.
  struct Made {
    int64_t limit = 0;
    std::array<absl::Status, kSheds> faults;
  };
  thread_local Made made;
  const int64_t limit = limit_.load(std::memory_order_relaxed);
  if (made.limit != limit) {
    made = {.limit = limit,
            .faults = {MakeRefusal(limit, "too many others wait"),
                       MakeRefusal(limit,
                                   "this one has had no turn for as long as it "
                                   "may wait"),
                       MakeHeldBackRefusal()}};
  }
  const Shed why = outcome == Outcome::kTooManyWait ? Shed::kTooManyWait
                   : outcome == Outcome::kHeldBack  ? Shed::kHeldBack
                                                    : Shed::kWaitedTooLong;
  return made.faults[static_cast<size_t>(why)];
}

}  // namespace gateway
