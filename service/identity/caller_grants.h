// What an operator grants to callers: to who shows a key of the configuration,
// or to all whom tokens of an issuer or certificates name.
//
//   Caller caller = CallerWithGrants(config.grants());
//   caller.id = "jwt:" + name;
//
// Thread-safe: plain functions.

#ifndef SERVICE_IDENTITY_CALLER_GRANTS_H_
#define SERVICE_IDENTITY_CALLER_GRANTS_H_

#include "llmgateway/config/v1/server.pb.h"
#include "service/identity/caller.h"

namespace gateway {

// Return a caller that has what is granted, and no id yet: owner, labels, by
// their names, scopes, priority and limits. REQUIRE: it has passed validation.
Caller CallerWithGrants(const llmgateway::config::v1::CallerGrants& grants);
Caller CallerWithGrants(const llmgateway::config::v1::ApiKey& key);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_CALLER_GRANTS_H_
