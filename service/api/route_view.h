// Shows the way that a request would take: everything that the router
// considered, where it ended, and why.
//
//   ExplainRoute(*runtime, request, &response);
//
// Thread-safe: a plain function.

#ifndef SERVICE_API_ROUTE_VIEW_H_
#define SERVICE_API_ROUTE_VIEW_H_

#include "llmgateway/v1/admin.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

// Fills in how the request would be routed. REQUIRES: `out` is empty, and the
// request names a model, or the router knows a default one.
void ExplainRoute(const RuntimeSnapshot& runtime,
                  const llmgateway::v1::GenerateRequest& request,
                  llmgateway::v1::ExplainRouteResponse* out);

}  // namespace gateway

#endif  // SERVICE_API_ROUTE_VIEW_H_
