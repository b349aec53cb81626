// A hedge is a second target that is asked beside one that takes long. Whoever
// is first to have an answer, or the first content of a stream, is the answer;
// the other is cancelled at once, and what it has consumed is kept as far as it
// is known.
//
//   const std::optional<absl::Duration> delay =
//       HedgeDelay(call, *asked.permit.state);
//   if (delay.has_value()) {
//     const HedgedOutcome hedged =
//         co_await SendHedged(call, attempts, next, live, open, *delay);
//
// Both hold a place in the budget of retries, but for the first of a call. A
// hedge that would cost more than `resilience.hedging` lets is not made.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_HEDGED_ATTEMPT_H_
#define SERVICE_PIPELINE_HEDGED_ATTEMPT_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "service/pipeline/attempt.h"
#include "service/pipeline/call.h"
#include "service/pipeline/live_attempt.h"
#include "service/pipeline/next_attempt.h"
#include "service/pipeline/open_stream.h"
#include "service/resilience/target_board.h"

namespace gateway {

// Returns how long an attempt at `target` may take before another target is
// asked beside it; nothing if none is. Costs a look where hedging is off.
std::optional<absl::Duration> HedgeDelay(const PlannedCall& call,
                                         const TargetState& target);

// Remembers how long a whole answer has taken, for the delay of later hedges.
void RecordForHedges(const PlannedCall& call, Attempt& attempt);

struct HedgedOutcome {
  absl::Status status;
  // If it is not OK: the attempt that failed last. How others failed, `next`
  // has been told.
  const Attempt* failed = nullptr;
};

// Sends `first`, whose request has been taken, and another beside it after
// `delay`. All attempts have ended then; a stream is left in `open`, which is
// null for a whole answer.
Task<HedgedOutcome> SendHedged(PlannedCall& call, AttemptList& attempts,
                               NextAttempt& next, LiveAttempt& first,
                               OpenStream* open, absl::Duration delay);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_HEDGED_ATTEMPT_H_
