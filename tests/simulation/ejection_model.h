// EjectionModel is what the documentation says of the targets that share a
// rule's calls, written down a second time: which of them are ejected for
// failures in a row, for how long, and with which part of their weights they
// come back. What compares their shares of successes or their latencies needs
// more calls within an interval than a scenario has.
//
//   EjectionModel group(scenario, 3);
//   group.Fails(0, now);
//   group.WeightPermille(0, now);  // 0 while it is out.
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_EJECTION_MODEL_H_
#define TESTS_SIMULATION_EJECTION_MODEL_H_

#include <cstddef>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/scenario.h"

namespace gateway {

class EjectionModel {
 public:
  // Borrows the scenario.
  EjectionModel(const Scenario& scenario, size_t targets)
      : settings_(&scenario), targets_(targets) {}

  void Succeeds(size_t target, absl::Duration now);
  // By its own fault.
  void Fails(size_t target, absl::Duration now);

  // Zero if it is in.
  absl::Duration EjectedFor(size_t target, absl::Duration now) const;
  int WeightPermille(size_t target, absl::Duration now) const;
  int failures_in_a_row(size_t target) const {
    return targets_[target].failures_in_a_row;
  }
  // When one of them was last ejected.
  absl::Duration changed_at() const { return changed_at_; }

  // How many may be out at once.
  size_t ejected_max() const;

 private:
  struct Target {
    absl::Duration ejected_until = -absl::InfiniteDuration();
    int failures_in_a_row = 0;
    int ejections = 0;  // That make the next one longer.
  };

  bool IsOut(const Target& target, absl::Duration now) const {
    return now < target.ejected_until;
  }
  // Once in an interval those who have stayed in for one are forgiven one
  // ejection. It is looked at when something happens to one of them.
  void LookAtInterval(absl::Duration now);

  const Scenario* settings_;
  std::vector<Target> targets_;
  absl::Duration next_look_ = -absl::InfiniteDuration();
  absl::Duration changed_at_ = -absl::InfiniteDuration();
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_EJECTION_MODEL_H_
