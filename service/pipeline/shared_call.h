// A SharedCall is one call's part in an answer that is made once for several:
// for those with the same idempotency key, and for those that ask the same at
// the same time (service/cache/shared_answer.h). One of them makes it, and all
// wait for it; each may leave, and the work ends when nobody waits any more.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_SHARED_CALL_H_
#define SERVICE_PIPELINE_SHARED_CALL_H_

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "service/cache/idempotency_table.h"
#include "service/cache/in_flight_calls.h"
#include "service/cache/kept_answer.h"
#include "service/cache/key_claims.h"
#include "service/cache/shared_answer.h"

namespace gateway {

struct SharedCall {
  explicit SharedCall(AnswerShare its_share) : share(std::move(its_share)) {}

  // Whether this call makes the answer.
  bool leads() const { return run.has_value() || lead.has_value(); }

  // Begins to make it, on `loop`: sets `work`. REQUIRES: leads().
  void Begin(EventLoop& loop) {
    work = run ? &run->Begin(loop) : &lead->Begin(loop);
  }

  // Waits until there is room for what is to be told to other replicas, so that
  // who comes again finds what the callers of this one get, now that it may
  // end. REQUIRES: Begin.
  Task<void> AwaitRoom(const KeptAnswerPtr& answer, EventLoop& loop) {
    if (!claim || answer == nullptr) co_return;
    co_await claim->AwaitRoom(HeldBytes(*answer), loop, *work);
  }

  // Sets `completing`, once a caller who has left has been told so.
  Task<void> BeginCompleting() {
    completing = true;
    while (telling) co_await told.Wait();
  }

  // Hands it to all who wait. `answer` is null unless `outcome` is OK;
  // `released` tells that nothing was done, so that the same may be asked for
  // again. REQUIRES: leads().
  void Finish(const absl::Status& outcome, KeptAnswerPtr answer,
              bool released) {
    if (lead) {
      lead->Finish({.status = outcome, .answer = std::move(answer)});
    } else if (claim) {
      const SharedOutcome end = {.status = outcome,
                                 .answer = std::move(answer)};
      if (released) {
        claim->Release();
      } else {
        claim->End(end);
      }
      run->Forget(end);
    } else if (released) {
      run->Release(outcome);
    } else {
      run->Finish({.status = outcome, .answer = std::move(answer)});
    }
  }

  // At most one of these; they own the signal and outlive the attempts.
  std::optional<IdempotencyTable::Run> run;
  std::optional<InFlightCalls::Lead> lead;
  // Where replicas share what they know of keys: with `run`.
  std::optional<KeyClaims::Claimed> claim;
  // Nothing once the caller has left.
  std::optional<AnswerShare> share;
  // Ends the work; null unless this call does it.
  CancelSignal* work = nullptr;
  // The answer has come and is being completed, or what has come of a stream is
  // being passed on, perhaps off the loop: until that is done nobody else looks
  // at the call.
  bool completing = false;
  // A caller who has left a stream is being told so: until that is done nobody
  // else looks at the call.
  bool telling = false;
  WakeUp told;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_SHARED_CALL_H_
