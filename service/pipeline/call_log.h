// What the log is told of a call on its way, all of it by module `pipeline`:
//
//   info   "Prompt", only if `logging.log_prompts` is set
//   debug  "Routing request": where it goes, and why
//   debug  "Forwarding to provider": each attempt
//
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

// A raw request's body, or the messages of a parsed one as JSON; in either case
// no more of it than a line takes. For calls that were admitted: who is not
// known shall not fill the log.
void LogPrompt(const IncomingCall& call);

// Where the call goes first, and why.
void LogRoute(const IncomingCall& call, const Planned& planned);

// That `attempt` has begun.
void LogAttempt(const IncomingCall& call, const Attempt& attempt);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALL_LOG_H_
