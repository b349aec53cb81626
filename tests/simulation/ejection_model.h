// EjectionModel is what the documentation says of the targets that share a
// rule's calls, written down a second time: which of them are ejected, for
// failures in a row, for their share of successes or for their latency, for how
// long, and with which part of their weights they come back.
//
//   EjectionModel group(scenario, {"p0/m0", "p1/m0", "p2/m0"});
//   group.Fails(0, now);
//   group.WeightPermille(0, now);  // 0 while it is out.
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_EJECTION_MODEL_H_
#define TESTS_SIMULATION_EJECTION_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/scenario.h"

namespace gateway {

class EjectionModel {
 public:
  // Borrows the scenario.
  EjectionModel(const Scenario& scenario,
                const std::vector<std::string>& names);

  // `latency` is that of a stream to its first content, if it is known.
  void Succeeds(size_t target, std::optional<absl::Duration> latency,
                absl::Duration now);
  // By its own fault.
  void Fails(size_t target, absl::Duration now);
  // The operator takes it back.
  void Reset(size_t target, absl::Duration now);

  // Zero if it is in.
  absl::Duration EjectedFor(size_t target, absl::Duration now) const;
  int WeightPermille(size_t target, absl::Duration now) const;
  int failures_in_a_row(size_t target) const {
    return targets_[target].failures_in_a_row;
  }
  // That make the next one longer.
  int ejections(size_t target) const { return targets_[target].ejections; }
  // When one of them was last ejected, or taken back.
  absl::Duration changed_at() const { return changed_at_; }

  // How many may be out at once.
  size_t ejected_max() const;

 private:
  // What an interval brought of a target.
  struct Interval {
    int64_t successes = 0;
    int64_t failures = 0;
    int64_t timed = 0;   // Of the successes.
    int64_t millis = 0;  // Of those together.
  };
  struct Target {
    std::string name;
    absl::Duration ejected_until = -absl::InfiniteDuration();
    int failures_in_a_row = 0;
    int ejections = 0;  // That make the next one longer.
    Interval interval = {};
  };
  // A target and by what it is compared.
  struct Compared {
    size_t target;
    int64_t figure;
  };

  bool IsOut(const Target& target, absl::Duration now) const {
    return now < target.ejected_until;
  }
  // Unless too many are out.
  void Eject(Target& target, absl::Duration now);
  // Once in an interval those who have stayed in for one are forgiven one
  // ejection, and all are compared. It is looked at when something happens to
  // one of them.
  void LookAtInterval(absl::Duration now);
  // Those of `interval`s, by the order of `targets_`, that do too badly, the
  // worst first.
  std::vector<size_t> FailTooOften(
      const std::vector<Interval>& intervals) const;
  std::vector<size_t> AreTooSlow(const std::vector<Interval>& intervals) const;
  // By their names.
  std::vector<size_t> Order() const;

  const Scenario* settings_;
  std::vector<Target> targets_;
  absl::Duration next_look_ = -absl::InfiniteDuration();
  absl::Duration changed_at_ = -absl::InfiniteDuration();
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_EJECTION_MODEL_H_
