// ProbeModel is what the documentation says of the health probes of one
// provider, written down a second time: when it is probed, and what came of
// that.
//
//   ProbeModel probes(settings, begin);
//   probes.WhyNotNow(now);       // Empty: a probe may begin.
//   probes.Begins(now);
//   probes.Ends(now, ProbeModel::Outcome::kFailed);
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_PROBE_MODEL_H_
#define TESTS_SIMULATION_PROBE_MODEL_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "tests/simulation/scenario.h"

namespace gateway {

class ProbeModel {
 public:
  enum class Outcome {
    kThere,
    kFailed,
    kNeverSeen,  // Failed on a stale connection: it is asked again, once.
  };

  // Borrows the settings. `begin` is when probing begins.
  ProbeModel(const ProviderSettings& settings, absl::Duration begin)
      : settings_(&settings), begin_(begin) {}

  // Why no probe may begin now; empty if one may.
  std::string WhyNotNow(absl::Duration now) const;
  void Begins(absl::Duration now);
  void Ends(absl::Duration now, Outcome outcome);

  // By how much the next probe is late; zero if it is not.
  absl::Duration Late(absl::Duration now) const;
  // When the one that is under way must have ended; infinite if none is.
  absl::Duration ends_by() const;

  bool is_failing() const { return failures_in_a_row_ >= 2; }
  int failures_in_a_row() const { return failures_in_a_row_; }
  int64_t probes() const { return probes_; }
  int64_t failures() const { return failures_; }
  // When the last one ended.
  absl::Duration ended_at() const { return ended_at_; }

 private:
  const ProviderSettings* settings_;
  const absl::Duration begin_;
  bool under_way_ = false;
  bool asked_again_ = false;  // The one that is under way, or was last.
  bool may_be_asked_again_ = false;
  absl::Duration began_ = -absl::InfiniteDuration();
  absl::Duration ended_at_ = -absl::InfiniteDuration();
  int failures_in_a_row_ = 0;
  int64_t probes_ = 0;
  int64_t failures_ = 0;
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_PROBE_MODEL_H_
