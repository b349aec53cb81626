// Attempt, the third stage: asks the planned targets until one answers. It
// sends, waits, asks again while that repeats nothing the caller has seen, and
// keeps of each attempt what came of it (attempt.h).
//
// Where a retry is decided: the classification of failures is errors/verdict.h,
// how often and how far apart is service/resilience/retry.h, and what follows
// from both for the next attempt is `NextAttempt` in attempts.cc.
//
// A stream is held back until its first piece of content: before that moment
// another attempt is free, after it there is none.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_ATTEMPTS_H_
#define SERVICE_PIPELINE_ATTEMPTS_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "providers/provider.h"
#include "service/pipeline/call.h"

namespace gateway {

// A stream whose first content has arrived.
struct OpenStream {
  std::unique_ptr<ProviderStream> stream;
  // What has arrived so far, held-back parts included.
  StreamBatch first;
  std::string held_bytes;  // Backs the first of `first.raw`.
  // The stream is over already.
  bool ended = false;
};

// Has what the call asks for done by one of call.planned's targets. Adds each
// attempt to `attempts`, one at least, with what came of it; a stream is left
// in `open`, which must not move afterwards and is null for everything else,
// and vectors in call.embeddings. Returns how the last attempt ended. A
// provider that cannot count fails with UNIMPLEMENTED.
Task<absl::Status> AskTargets(PlannedCall& call, AttemptList& attempts,
                              OpenStream* open);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ATTEMPTS_H_
