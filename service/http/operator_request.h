// What requests of operators by HTTP have in common, whatever their paths: they
// are calls of rpcs in other words.
//
//   CallContext call(loop, {.peer = responder.peer(), .by_http = true});
//   AddHeadOf(request, &call);
//   const absl::Status status = CheckOperator(runtime, call).status();
//   if (!status.ok()) Refuse(HttpStatusOf(status.code()));
//
// Thread-safe: plain functions.

#ifndef SERVICE_HTTP_OPERATOR_REQUEST_H_
#define SERVICE_HTTP_OPERATOR_REQUEST_H_

#include "base/http/http_handler.h"
#include "service/api/call_context.h"

namespace gateway {

// Says to an rpc who asks. What it adds is valid as long as the request.
void AddHeadOf(const HttpRequest& request, CallContext* call);

}  // namespace gateway

#endif  // SERVICE_HTTP_OPERATOR_REQUEST_H_
