// Shows the way that a request would take: whether the rules are rolled out to
// its caller, everything that the router considered, which targets are passed
// over, whom the call would be sent to in the end, and why.
//
//   UnaskedCall call(runtime, loop);
//   call.Take(request);
//   ExplainRoute(call, "team-a", &response);
//
// Thread contract: one call, by one thread at a time; may run off the loop.

#ifndef SERVICE_API_ROUTE_VIEW_H_
#define SERVICE_API_ROUTE_VIEW_H_

#include <string_view>

#include "llmgateway/v1/admin.pb.h"
#include "service/pipeline/route_preview.h"

namespace gateway {

// The metadata of ExplainRoute that names the caller.
inline constexpr std::string_view kExplainedCallerHeader =
    "x-llmgateway-caller";

// Fills in how the request would be routed. `caller` is who would make it, by
// which a rollout places it; AnonymousCaller() if that is not known, or callers
// need no key. REQUIRES: `out` is empty, the call has taken a
// request, and that names a model, or the router knows a default one.
void ExplainRoute(UnaskedCall& call, const Caller& caller,
                  llmgateway::v1::ExplainRouteResponse* out);

}  // namespace gateway

#endif  // SERVICE_API_ROUTE_VIEW_H_
