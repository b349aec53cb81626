// RouteTarget is where a call may be sent: a provider, and the model that it is
// asked for.
//
// Thread contract: plain views of texts that somebody else keeps.

#ifndef SERVICE_ROUTING_ROUTE_TARGET_H_
#define SERVICE_ROUTING_ROUTE_TARGET_H_

#include <string_view>

namespace gateway {

struct RouteTarget {
  std::string_view provider;
  std::string_view model;  // In a rule, empty: the one that the caller named.

  friend bool operator==(const RouteTarget&, const RouteTarget&) = default;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_ROUTE_TARGET_H_
