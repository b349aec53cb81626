// SessionRoutes is the API for conversations that the gateway keeps, beside
// OpenAI's:
//
//   POST   /v1/sessions        opens one: 201
//   GET    /v1/sessions/{id}
//   DELETE /v1/sessions/{id}   204
//
// POST /v1/chat/completions goes on with one that its `session_id` names
// (generation.h). They are CreateSession, GetSession and DeleteSession to the
// scopes of callers, and errors are told in OpenAI's words.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_SESSION_ROUTES_H_
#define SERVICE_HTTP_SESSION_ROUTES_H_

#include "service/http/http_api.h"
#include "service/http/route_table.h"

namespace gateway {

// Adds the routes. `api` must outlive `table`.
void AddSessions(const HttpApi& api, RouteTable& table);

}  // namespace gateway

#endif  // SERVICE_HTTP_SESSION_ROUTES_H_
