// TimerWheel holds the timers of one event loop. Arming, cancelling and firing
// cost O(1), however many timers there are.
//
// A timer that is put off, as an idle timeout is at every read, costs a store:
// it stays where it is in the wheel and moves only when its old time comes.
//
//   Timer idle([this] { Close(); });
//   wheel.Arm(idle, now + absl::Seconds(60));
//   ...
//   wheel.Arm(idle, now + absl::Seconds(60));  // Put off: one store.
//
// Six levels of 64 slots; a slot of level 0 spans 1 ms. Timers never fire
// early, and at most a millisecond late as far as the wheel is concerned.
//
// Thread contract: one thread.

#ifndef BASE_ASYNC_TIMER_WHEEL_H_
#define BASE_ASYNC_TIMER_WHEEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "absl/time/time.h"

namespace gateway {

class TimerWheel;

// One pending call. Destroying it cancels it. Not movable: the wheel points at
// it.
class Timer {
 public:
  explicit Timer(std::function<void()> on_expiry);
  ~Timer();

  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Does nothing if the timer is not armed.
  void Cancel();

  // As Cancel, but leaves the timer where it is in the wheel: for one that
  // will soon be armed again, for a later time.
  void Disarm() { due_ms_ = kNever; }

  bool armed() const { return wheel_ != nullptr && due_ms_ != kNever; }

 private:
  friend class TimerWheel;
  static constexpr int64_t kNever = INT64_MAX;

  std::function<void()> on_expiry_;
  TimerWheel* wheel_ = nullptr;  // Null when not linked into the wheel.
  Timer* previous_ = nullptr;
  Timer* next_ = nullptr;
  int64_t due_ms_ = kNever;     // When to fire.
  int64_t linked_ms_ = kNever;  // Where it is linked; never after due_ms_.
  uint8_t level_ = 0;
  uint8_t slot_ = 0;
};

class TimerWheel {
 public:
  // `now` is steady time.
  explicit TimerWheel(absl::Duration now);
  ~TimerWheel();

  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Fires `timer` at `due`, which replaces the time it had. A time that has
  // passed fires a millisecond from now, so that a timer armed by its own call
  // does not hold Advance up forever.
  void Arm(Timer& timer, absl::Duration due);

  // Fires what is due. Timers may be armed, cancelled and destroyed by the
  // calls that this makes.
  void Advance(absl::Duration now);

  // Returns when Advance next has work; nothing if no timer is linked.
  std::optional<absl::Duration> NextWork() const;

  size_t size() const { return size_; }

 private:
  friend class Timer;
  static constexpr int kLevels = 6;
  static constexpr int kSlotBits = 6;
  static constexpr int kSlots = 1 << kSlotBits;

  struct Level {
    uint64_t occupied = 0;  // One bit for each slot that holds a timer.
    std::array<Timer*, kSlots> slots{};
  };

  void Link(Timer& timer, int64_t at_ms);
  void Unlink(Timer& timer);
  // Takes all timers out of a slot: fires those that are due, links the others
  // at a lower level.
  void Expire(int level, int slot);
  // The level, slot and time of the earliest slot that holds a timer.
  struct Position {
    int level;
    int slot;
    int64_t at_ms;
  };
  std::optional<Position> FirstOccupied() const;

  std::array<Level, kLevels> levels_;
  int64_t elapsed_ms_;
  size_t size_ = 0;
};

}  // namespace gateway

#endif  // BASE_ASYNC_TIMER_WHEEL_H_
