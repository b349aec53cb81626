// What requests of operators by HTTP have in common, whatever their paths: they
// are calls of rpcs in other words.
//
//   CallContext call(loop, {.peer = responder.peer(), .by_http = true});
//   AddHeadOf(request, &call);
//   const absl::Status status = CheckOperator(runtime, call).status();
//   if (!status.ok()) Refuse(OperatorHttpStatus(status));
//
// Thread-safe: plain functions.

#ifndef SERVICE_HTTP_OPERATOR_REQUEST_H_
#define SERVICE_HTTP_OPERATOR_REQUEST_H_

#include "absl/status/status.h"
#include "base/http/http_handler.h"
#include "service/api/call_context.h"

namespace gateway {

// Says to an rpc who asks. What it adds is valid as long as the request.
void AddHeadOf(const HttpRequest& request, CallContext* call);

// The HTTP status of a failure. REQUIRES: not OK.
int OperatorHttpStatus(const absl::Status& status);

}  // namespace gateway

#endif  // SERVICE_HTTP_OPERATOR_REQUEST_H_
