// Attempt, the third stage: asks the planned targets until one answers. It
// sends, waits, asks again while that repeats nothing the caller has seen, and
// keeps of each attempt what came of it (attempt.h).
//
// Where a retry is decided: the classification of failures is errors/verdict.h,
// how often and how far apart is service/resilience/retry.h, and what follows
// from both for the next attempt is next_attempt.h. What an attempt is handed,
// and how long it may take, is live_attempt.h; asking two targets at once is
// hedged_attempt.h.
//
// A stream is held back until its first piece of content (open_stream.h):
// before that moment another attempt is free, after it there is none.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_ATTEMPTS_H_
#define SERVICE_PIPELINE_ATTEMPTS_H_

#include "absl/status/status.h"
#include "base/async/task.h"
#include "service/pipeline/attempt.h"
#include "service/pipeline/call.h"
#include "service/pipeline/open_stream.h"

namespace gateway {

// Has what the call asks for done by one of call.planned's targets. Adds each
// attempt to `attempts`, one at least, with what came of it; a stream is left
// in `open`, which must not move afterwards and is null for everything else,
// and vectors in call.embeddings. Returns how the last attempt ended. A
// provider that cannot count fails with UNIMPLEMENTED.
Task<absl::Status> AskTargets(PlannedCall& call, AttemptList& attempts,
                              OpenStream* open);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ATTEMPTS_H_
