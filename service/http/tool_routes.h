// ToolRoutes is the API for tools of an earlier gateway, beside OpenAI's:
//
//   GET  /v1/tools          [{"name", "description", "parameters"}, ...]
//   POST /v1/tools/execute  {"name", "arguments"}: {"name", "result",
//                           "success", "error"}
//
// They are ListTools and ExecuteTool to the scopes of callers, and errors are
// told in OpenAI's words; arguments that break the tool's schema with 422.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_TOOL_ROUTES_H_
#define SERVICE_HTTP_TOOL_ROUTES_H_

#include "service/http/http_api.h"
#include "service/http/route_table.h"

namespace gateway {

// Adds the routes. `api` must outlive `table`.
void AddTools(const HttpApi& api, RouteTable& table);

}  // namespace gateway

#endif  // SERVICE_HTTP_TOOL_ROUTES_H_
