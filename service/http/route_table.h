// RouteTable finds which API serves a request: by method, path and, where two
// vendors share a path, by a field that only one of them sends.
//
//   RouteTable table;
//   table.Add({.api = &api, .method = "GET", .path = "/v1/models/",
//              .shown = "GET /v1/models/{id}", .serve = ...});
//   const RouteTable::Route* route = table.Find(request, &rest);
//
// Looking up allocates nothing.
//
// Thread contract: filled by one thread; then immutable.

#ifndef SERVICE_HTTP_ROUTE_TABLE_H_
#define SERVICE_HTTP_ROUTE_TABLE_H_

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "service/http/http_api.h"
#include "service/http/request_context.h"

namespace gateway {

class RouteTable {
 public:
  // Serves the request of `context`, which is taken; `rest` is what follows the
  // path of a route that ends in a slash, up to its `ending`. Both are the
  // request's.
  using Serve = std::function<Task<void>(RequestContext&& context,
                                         std::string_view rest)>;

  // A route. The texts are constants.
  struct Route {
    const HttpApi* api = nullptr;
    std::string_view method;   // GET stands for HEAD, too.
    std::string_view path;     // With a slash at its end: all paths below,
    std::string_view ending;   // if they end so,
    bool one_segment = false;  // and have no other slash between.
    std::string_view shown;    // How it is named to callers who are lost.
    std::string_view field;    // Only requests with this field; empty for all.
    // Returns whether the method can be used on what `rest` names; null if it
    // can on all. Requests for others are served too, so that the API says so
    // in its own form; `Allowed` leaves them out.
    bool (*has)(std::string_view rest) = nullptr;
    // It runs a call, which refuses and records who is not known itself. For
    // all other routes the router refuses them, and `serve` sees callers only.
    bool runs_call = false;
    // The rpc of GatewayService that it is for the scopes of callers, if it
    // runs no call: a call knows by itself.
    std::string_view rpc = "Generate";
    Serve serve;
  };

  // Adds a route. Of several that fit, one that is told by a field is used if
  // there is one, and the first of them.
  void Add(Route route);

  // Returns null if no route fits.
  const Route* Find(const HttpRequest& request, std::string_view* rest) const;

  // Returns the methods that `path` has, as an `allow` field lists them; empty
  // if it has none.
  std::string Allowed(std::string_view path) const;

  // Returns `POST /v1/messages, GET /v1/models and GET /v1/models/{id}`: what
  // the APIs of one vendor serve.
  std::string Shown(std::string_view vendor) const;

 private:
  std::deque<Route> routes_;  // As they were added, and stay where they are.
  std::vector<const Route*> told_by_field_;
  std::vector<const Route*> others_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_ROUTE_TABLE_H_
