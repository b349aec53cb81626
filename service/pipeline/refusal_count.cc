#include "service/pipeline/refusal_count.h"

#include <string_view>

#include "absl/hash/hash.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "service/identity/caller.h"
#include "service/pipeline/call_limits.h"

namespace gateway {

bool RefusalCount::Take(const PlannedCall& call, const Limits& limits,
                        int64_t* others) {
  const absl::Duration now = call.loop.Now();
  return IsKnown(*call.caller)
             ? callers_.Take(CallerNumber(call), now, limits.of_caller, others)
             : unknown_.Take(now, limits.of_unknown, others);
}

uint64_t CallerNumber(const PlannedCall& call) {
  const absl::Hash<std::string_view> hash;
  return call.caller->id.empty() ? hash(PeerAddressOf(call.facts.peer))
                                 : hash(call.caller->id);
}

}  // namespace gateway
