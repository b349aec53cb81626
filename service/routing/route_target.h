// RouteTarget is where a call may be sent: a provider, and the model that it is
// asked for.
//
// Thread contract: plain views of texts that somebody else keeps.

#ifndef SERVICE_ROUTING_ROUTE_TARGET_H_
#define SERVICE_ROUTING_ROUTE_TARGET_H_

#include <string_view>

namespace gateway {

// A target as one of those that share a rule's calls and are compared with each
// other. Whoever made it (TargetHealth::CompareTargets) knows what it is.
class GroupMember;

struct RouteTarget {
  std::string_view provider;
  std::string_view model;  // In a rule, empty: the one that the caller named.
  // Null if it is not compared with others.
  GroupMember* member = nullptr;

  // The same target, whatever group it is of.
  friend bool operator==(const RouteTarget& a, const RouteTarget& b) {
    return a.provider == b.provider && a.model == b.model;
  }
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_ROUTE_TARGET_H_
