// BreakerModel is what the documentation says of a breaker, written down a
// second time and as plainly as possible: every event is kept. The real one
// must never differ from it, to the millisecond.
//
//   const BreakerModel::Permit permit = *model.Ask(now);
//   model.Tell(permit, BreakerModel::Outcome::kFailure, now);
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_BREAKER_MODEL_H_
#define TESTS_SIMULATION_BREAKER_MODEL_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/scenario.h"

namespace gateway {

class BreakerModel {
 public:
  enum class State {
    kClosed,
    kOpen,
    kHalfOpen,
    kForcedOpen,
    kMetricsOnly,
    kOff,
  };
  enum class Outcome { kSuccess, kFailure, kNothing };
  struct Permit {
    int era = 0;
    bool probe = false;
  };

  // Borrows them.
  explicit BreakerModel(const BreakerSettings& settings)
      : settings_(&settings), state_(Rest()) {}

  // Nothing while the target must not be asked.
  std::optional<Permit> Ask(absl::Duration now);
  void Tell(const Permit& permit, Outcome outcome, absl::Duration now);

  // Of the operator: it is so until it is reset.
  void Force(State state);
  void Reset() { Enter(Rest()); }

  // How it stands; an open one whose time has passed is half-open.
  State StateAt(absl::Duration now) const;
  // Zero if it may be asked; nothing if that depends on probes under way,
  // infinite if on the operator.
  std::optional<absl::Duration> Wait(absl::Duration now) const;
  // While it is open or half-open, those that opened it. 0 if nothing is
  // counted.
  int failures_in_a_row() const { return failures_in_a_row_; }
  // Infinite if it never has.
  absl::Duration first_opened() const { return first_opened_; }

 private:
  struct Event {
    int64_t second;
    bool failed;
  };

  State Rest() const {
    return settings_->enforced ? State::kClosed : State::kOff;
  }
  void Enter(State state);
  bool ShouldOpen(int64_t second) const;

  const BreakerSettings* settings_;
  State state_;
  int era_ = 0;
  absl::Duration opened_;
  absl::Duration first_opened_ = absl::InfiniteDuration();
  int failures_in_a_row_ = 0;
  int probes_ = 0;
  std::vector<Event> events_;
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_BREAKER_MODEL_H_
