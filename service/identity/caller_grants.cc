#include "service/identity/caller_grants.h"

#include <map>
#include <string>
#include <vector>

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

template <typename Grants>
Caller CallerWith(const Grants& grants) {
  Caller caller;
  caller.owner = grants.owner();
  // In an order of their own: that of the map differs from start to start.
  const std::map<std::string, std::string> labels(grants.labels().begin(),
                                                  grants.labels().end());
  caller.labels.assign(labels.begin(), labels.end());
  caller.scopes =
      Scopes::Parse(std::vector<std::string>(grants.scopes().begin(),
                                             grants.scopes().end()))
          .value_or(Scopes());
  caller.priority = CallerPriorityOf(grants.priority());
  caller.limits.assign(grants.limits().begin(), grants.limits().end());
  caller.budget = grants.budget();
  return caller;
}

}  // namespace

Caller CallerWithGrants(const configv1::CallerGrants& grants) {
  return CallerWith(grants);
}

Caller CallerWithGrants(const configv1::ApiKey& key) { return CallerWith(key); }

}  // namespace gateway
