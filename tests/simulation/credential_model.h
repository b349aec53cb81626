// CredentialModel is what the documentation says of one provider's credentials,
// written down a second time: until when each must not be sent.
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_CREDENTIAL_MODEL_H_
#define TESTS_SIMULATION_CREDENTIAL_MODEL_H_

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tests/simulation/scenario.h"

namespace gateway {

class CredentialModel {
 public:
  // As many credentials as the provider has, all of them well. One without any
  // cools by itself, as if it had one, and is never out.
  CredentialModel(const Scenario& scenario, int count)
      : settings_(&scenario),
        keyless_(count == 0),
        states_(static_cast<size_t>(std::max(count, 1))) {}

  size_t size() const { return states_.size(); }

  // A request with this credential failed so. `spent_until`, here and below, is
  // until when its answer's head says that nothing is left; infinite past if it
  // does not.
  void Fails(int credential, const absl::Status& failure,
             absl::Duration spent_until, absl::Duration now);
  // The head of an answer was all that it brought, or it went well.
  void IsSpent(int credential, absl::Duration until, absl::Duration now);
  // One went well: if it was out, it no longer is.
  void Succeeds(int credential);

  // Of the operator: all are as they were at the begin.
  void Reset() { states_.assign(states_.size(), {}); }

  bool IsOut(int credential) const;
  // Whether it cools by what heads of answers have said alone: nothing was
  // refused yet.
  bool IsPredicted(int credential, absl::Duration now) const;
  bool IsAnyPredicted(absl::Duration now) const;
  // Zero if it may be sent; infinite if it is out.
  absl::Duration WaitFor(int credential, absl::Duration now) const;
  // Whether the provider may be asked: one is usable.
  bool MayBeAsked(absl::Duration now) const;
  bool AreAllOut() const;
  // Until the first is usable; infinite if all are out.
  absl::Duration Wait(absl::Duration now) const;

 private:
  struct State {
    absl::Duration usable_from;
    bool predicted = false;
  };

  void Cool(State& state, absl::Duration until, bool predicted,
            absl::Duration now);

  const Scenario* settings_;
  bool keyless_;
  std::vector<State> states_;
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_CREDENTIAL_MODEL_H_
