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
        usable_from_(static_cast<size_t>(std::max(count, 1))) {}

  size_t size() const { return usable_from_.size(); }

  // A request with this credential failed so.
  void Fails(int credential, const absl::Status& failure, absl::Duration now);
  // One went well: if it was out, it no longer is.
  void Succeeds(int credential);

  bool IsOut(int credential) const;
  // Zero if it may be sent; infinite if it is out.
  absl::Duration WaitFor(int credential, absl::Duration now) const;
  // Whether the provider may be asked: one is usable.
  bool MayBeAsked(absl::Duration now) const;
  bool AreAllOut() const;
  // Until the first is usable; infinite if all are out.
  absl::Duration Wait(absl::Duration now) const;

 private:
  const Scenario* settings_;
  bool keyless_;
  std::vector<absl::Duration> usable_from_;
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_CREDENTIAL_MODEL_H_
