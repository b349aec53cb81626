// What the log is told of a call on its way, all of it by module `pipeline`:
//
//   "Prompt", only if `logging.log_prompts` is set
//   "Routing request": where it goes, and why
//   "Forwarding to provider": each attempt
//
// The last two are at info for kStepsLoggedPerSecond calls of a thread, and at
// debug for all beyond: a gateway with much to do shall not wait for its log.
// How it ended is the access log's to say (service/observability/access_log.h).
//
// Thread contract: plain functions; one call, by one thread at a time; may run
// off the loop. What is not written costs one look at the level.

#ifndef SERVICE_PIPELINE_CALL_LOG_H_
#define SERVICE_PIPELINE_CALL_LOG_H_

#include "service/pipeline/attempt.h"
#include "service/pipeline/incoming_call.h"

namespace gateway {

struct Planned;
struct Admitted;

// Of so many calls a second each thread writes the steps at info; the next such
// call says by `unlogged` for how many it did not.
inline constexpr int kStepsLoggedPerSecond = 100;

// A raw request's body, or the messages of a parsed one as JSON; in either case
// no more of it than a line takes. For calls that were admitted: who is not
// known shall not fill the log.
void LogPrompt(const IncomingCall& call);

// Where the call goes first, and why.
void LogRoute(const Admitted& admitted, const Planned& planned,
              IncomingCall& call);

// That `attempt` has begun.
void LogAttempt(const IncomingCall& call, const Attempt& attempt);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALL_LOG_H_
