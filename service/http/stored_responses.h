// The paths of OpenAI's Responses that lead to what has been answered before:
//
//   GET    /v1/responses/{id}
//   GET    /v1/responses/{id}/input_items
//   POST   /v1/responses/{id}/cancel
//   DELETE /v1/responses/{id}
//
// An answer that was translated is kept by the gateway, which shows and forgets
// it itself. One that was forwarded lives at its provider: there the request is
// sent on, with the credential that made it. Which is which the ResponseStore
// knows, and a caller reaches only what it asked for itself.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_STORED_RESPONSES_H_
#define SERVICE_HTTP_STORED_RESPONSES_H_

#include "service/http/http_api.h"
#include "service/http/route_table.h"

namespace gateway {

// Adds the routes. `api` must outlive `table`.
void AddStoredResponses(const HttpApi& api, RouteTable& table);

}  // namespace gateway

#endif  // SERVICE_HTTP_STORED_RESPONSES_H_
