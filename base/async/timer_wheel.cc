#include "base/async/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace gateway {
namespace {

// Converts to milliseconds, rounded up, so that a timer never fires early.
// Clocks tell no less than nanoseconds.
int64_t CeilMs(absl::Duration time) {
  constexpr int64_t kNanosPerMs = 1'000'000;
  const int64_t ns = absl::ToInt64Nanoseconds(time);
  return ns / kNanosPerMs + (ns % kNanosPerMs > 0 ? 1 : 0);
}

}  // namespace

Timer::Timer(std::function<void()> on_expiry)
    : on_expiry_(std::move(on_expiry)) {}

Timer::~Timer() { Cancel(); }

void Timer::Cancel() {
  if (wheel_ != nullptr) wheel_->Unlink(*this);
  due_ms_ = kNever;
}

TimerWheel::TimerWheel(absl::Duration now)
    : elapsed_ms_(absl::ToInt64Milliseconds(now)) {}

TimerWheel::~TimerWheel() {
  for (Level& level : levels_) {
    for (Timer* timer : level.slots) {
      while (timer != nullptr) {
        Timer* const next = timer->next_;
        timer->wheel_ = nullptr;
        timer = next;
      }
    }
  }
}

void TimerWheel::Arm(Timer& timer, absl::Duration due) {
  assert(timer.wheel_ == nullptr || timer.wheel_ == this);
  const int64_t due_ms = std::max(CeilMs(due), elapsed_ms_ + 1);
  timer.due_ms_ = due_ms;
  if (timer.wheel_ == nullptr) {
    Link(timer, due_ms);
  } else if (due_ms < timer.linked_ms_) {
    Unlink(timer);
    Link(timer, due_ms);
  }
}

void TimerWheel::Advance(absl::Duration now) {
  const int64_t now_ms = absl::ToInt64Milliseconds(now);
  for (;;) {
    const std::optional<Position> first = FirstOccupied();
    if (!first.has_value() || first->at_ms > now_ms) break;
    elapsed_ms_ = std::max(elapsed_ms_, first->at_ms);
    Expire(first->level, first->slot);
  }
  elapsed_ms_ = std::max(elapsed_ms_, now_ms);
}

std::optional<absl::Duration> TimerWheel::NextWork() const {
  const std::optional<Position> first = FirstOccupied();
  if (!first.has_value()) return std::nullopt;
  return absl::Milliseconds(first->at_ms);
}

void TimerWheel::Link(Timer& timer, int64_t at_ms) {
  // The highest group of bits in which the times differ is the level: below
  // it, the wheel turns before the timer is due. What lies further ahead than
  // the wheel reaches waits in its last slot, never in the one that turns now.
  constexpr int64_t kTopSlotMs = int64_t{1} << ((kLevels - 1) * kSlotBits);
  constexpr int64_t kReachMs = (kSlots - 1) * kTopSlotMs;
  const int64_t capped = std::min(at_ms, elapsed_ms_ + kReachMs);
  const uint64_t differing =
      static_cast<uint64_t>(elapsed_ms_ ^ capped) | (kSlots - 1);
  const int level =
      std::min((63 - std::countl_zero(differing)) / kSlotBits, kLevels - 1);
  const int slot = (capped >> (level * kSlotBits)) & (kSlots - 1);

  timer.wheel_ = this;
  timer.linked_ms_ = capped;
  timer.level_ = static_cast<uint8_t>(level);
  timer.slot_ = static_cast<uint8_t>(slot);
  Timer*& head = levels_[level].slots[slot];
  timer.previous_ = nullptr;
  timer.next_ = head;
  if (head != nullptr) head->previous_ = &timer;
  head = &timer;
  levels_[level].occupied |= uint64_t{1} << slot;
  ++size_;
}

void TimerWheel::Unlink(Timer& timer) {
  Level& level = levels_[timer.level_];
  if (timer.previous_ != nullptr) {
    timer.previous_->next_ = timer.next_;
  } else {
    level.slots[timer.slot_] = timer.next_;
    if (timer.next_ == nullptr) {
      level.occupied &= ~(uint64_t{1} << timer.slot_);
    }
  }
  if (timer.next_ != nullptr) timer.next_->previous_ = timer.previous_;
  timer.wheel_ = nullptr;
  timer.previous_ = timer.next_ = nullptr;
  --size_;
}

void TimerWheel::Expire(int level, int slot) {
  // Whatever the calls below do to other timers, the slot's head is always a
  // timer that still has to be looked at, and none is linked here anew: what
  // is armed from now on is due later than elapsed_ms_.
  while (Timer* const timer = levels_[level].slots[slot]) {
    Unlink(*timer);
    // Disarmed since it was linked.
    if (timer->due_ms_ == Timer::kNever) continue;
    if (timer->due_ms_ > elapsed_ms_) {
      Link(*timer, timer->due_ms_);
      continue;
    }
    timer->due_ms_ = Timer::kNever;
    timer->on_expiry_();  // May destroy the timer.
  }
}

std::optional<TimerWheel::Position> TimerWheel::FirstOccupied() const {
  // A lower level always comes first: its slots lie before the next slot of
  // the level above.
  for (int level = 0; level < kLevels; ++level) {
    const uint64_t occupied = levels_[level].occupied;
    if (occupied == 0) continue;
    const int shift = level * kSlotBits;
    const int current = (elapsed_ms_ >> shift) & (kSlots - 1);
    const int distance = std::countr_zero(std::rotr(occupied, current));
    const int slot = (current + distance) & (kSlots - 1);
    const int64_t at_ms = ((elapsed_ms_ >> shift) + distance) << shift;
    return Position{level, slot, at_ms};
  }
  return std::nullopt;
}

}  // namespace gateway
