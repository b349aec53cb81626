// Shows the way that a request would take: whether the rules are rolled out to
// its caller, everything that the router considered, where it ended, and why.
//
//   ExplainRoute(*runtime, request, "team-a", &response);
//
// Thread-safe: a plain function.

#ifndef SERVICE_API_ROUTE_VIEW_H_
#define SERVICE_API_ROUTE_VIEW_H_

#include <string_view>

#include "llmgateway/v1/admin.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

// The metadata of ExplainRoute that names the caller.
inline constexpr std::string_view kExplainedCallerHeader =
    "x-llmgateway-caller";

// Fills in how the request would be routed. `caller` is the id of the key that
// it would be made with, by which a rollout places it; empty if that is not
// known, or callers need no key. REQUIRES: `out` is empty, and the request
// names a model, or the router knows a default one.
void ExplainRoute(const RuntimeSnapshot& runtime,
                  const llmgateway::v1::GenerateRequest& request,
                  std::string_view caller,
                  llmgateway::v1::ExplainRouteResponse* out);

}  // namespace gateway

#endif  // SERVICE_API_ROUTE_VIEW_H_
