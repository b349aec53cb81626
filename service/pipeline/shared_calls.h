// SharedCalls is where calls find the others that they share an answer with,
// as the configuration says: by idempotency key, or because they are the same
// at the same time.
//
//   if (shared.AsksReplicas(call)) {
//     GATEWAY_CO_RETURN_IF_ERROR(co_await shared.JoinReplicasByKey(call));
//   } else {
//     GATEWAY_CO_RETURN_IF_ERROR(shared.JoinByKey(call));
//   }
//   if (call.shared == nullptr) shared.JoinTheSame(call);
//   if (call.shared != nullptr) ...
//
// What runs and what is remembered outlasts another configuration. With
// `idempotency.shared` it is Redis that remembers, for all replicas.
//
// Thread contract: thread-safe; a call is for one thread at a time.

#ifndef SERVICE_PIPELINE_SHARED_CALLS_H_
#define SERVICE_PIPELINE_SHARED_CALLS_H_

#include <cstddef>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/cache/idempotency_table.h"
#include "service/cache/in_flight_calls.h"
#include "service/cache/key_claims.h"
#include "service/cache/request_key.h"
#include "service/pipeline/call.h"

namespace gateway {

class SharedCalls {
 public:
  // Takes over what `previous`, which may be null, knows. Borrows `clock` and
  // `claims`, which is null where there is no Redis.
  static std::shared_ptr<const SharedCalls> Make(
      const llmgateway::config::v1::GatewayConfig& config, Clock& clock,
      KeyClaims* claims, const SharedCalls* previous);

  // Has what is remembered follow this configuration, now that it comes into
  // use.
  void PutIntoUse() const;

  // The process is to end. Nothing runs on for callers who have left, but for
  // calls with keys that replicas share: their ends will be asked for
  // elsewhere, and so they have the time that others have.
  void BeginDrain() const;
  // That time is over: none of those runs on either.
  void Close() const;

  // Whether these have anything to do with the call.
  bool MayJoin(const Call& call) const;

  // Sets call.shared, if it has a key. Faults: NOT_CONFIGURED, and
  // UNIMPLEMENTED, for a key that cannot be served; INVALID_REQUEST for one
  // that is none; those of IdempotencyTable::Begin. REQUIRES, as the next: the
  // call is planned.
  absl::Status JoinByKey(Call& call) const;

  // Whether the call has a key that Redis has to be asked of.
  bool AsksReplicas(const Call& call) const;

  // As JoinByKey, among all replicas: waits for as long as another one runs the
  // call of the key. Faults are those of KeyClaims::Claim, too. On the call's
  // loop. REQUIRES: AsksReplicas.
  Task<absl::Status> JoinReplicasByKey(Call& call) const;

  // Sets call.shared, if calls that are the same share their answers.
  void JoinTheSame(Call& call) const;

  // The largest answer that is remembered for a key.
  size_t answer_bytes_max() const;

  // Thread-safe; null if idempotency, or coalescing, was never configured.
  IdempotencyTable* keys() const { return table_.get(); }
  const InFlightCalls* in_flight() const { return in_flight_.get(); }

  // How much work these, or a look into the cache, are, for OffLoop.
  size_t BytesToJoin(const Call& call) const;

 private:
  SharedCalls(const llmgateway::config::v1::GatewayConfig& config,
              KeyClaims* claims);

  // Whether the call's key can be served.
  absl::Status CheckKey(const Call& call) const;
  // Joins what runs here, or has the call run here.
  absl::Status JoinClaimed(Call& call, const RequestKey& fingerprint,
                           KeyClaims::Claimed claim) const;

  // Constant after construction. Only sections of this room are used.
  const bool has_idempotency_;
  const bool has_coalescing_;
  const llmgateway::config::v1::CoalescingConfig coalescing_;
  const IdempotencyTable::Limits limits_;
  KeyClaims* const claims_;  // Null if keys are in memory alone.
  // Null if never configured.
  std::shared_ptr<IdempotencyTable> table_;
  std::shared_ptr<InFlightCalls> in_flight_;
};

// The key that the caller has given the call; empty if none.
std::string_view IdempotencyKeyOf(const Call& call);

// Whether a call that has failed has done nothing that repeating it would do
// again: it was not sent, or its providers have refused it.
bool HasDoneNothing(const Call& call);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_SHARED_CALLS_H_
