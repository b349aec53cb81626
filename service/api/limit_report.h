// What is told of a call's limits beside its answer, in the words of the vendor
// whose API it came by: how much there may be, what is left, and when all of it
// is there again. docs/headers.md lists them.
//
//   CallFields fields;
//   AddLimits(call, LimitWords::kOpenAi, &fields);
//
// Told is the fullest limit of requests and the fullest of tokens that the call
// was counted against; nothing if there is none. OpenAI's API has no words for
// a limit of each address (`per: [peer]`), which other gateways in its form
// have: that is told in plain words, too, as their clients read it.
//
// Thread-safe: a plain function.

#ifndef SERVICE_API_LIMIT_REPORT_H_
#define SERVICE_API_LIMIT_REPORT_H_

#include "service/api/call_fields.h"
#include "service/pipeline/call.h"

namespace gateway {

enum class LimitWords {
  kOpenAi,     // `x-ratelimit-remaining-requests`, ...
  kAnthropic,  // `anthropic-ratelimit-requests-remaining`, ...
  kPlain,      // `x-ratelimit-remaining`: of requests, or else of tokens.
  // `ratelimit: "rpm";r=59;t=1`, as draft-ietf-httpapi-ratelimit-headers-10 has
  // it, for protocols whose vendors have no words.
  kStructured,
};

void AddLimits(const Call& call, LimitWords words, CallFields* fields);

}  // namespace gateway

#endif  // SERVICE_API_LIMIT_REPORT_H_
