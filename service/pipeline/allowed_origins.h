// AllowedOrigins are the pages that may call from a browser, by their origins
// (RFC 6454), as a configuration lists them: `https://app.example`, or `*`.
//
//   const AllowedOrigins allowed(config.listeners().http().cors());
//   if (allowed.Has(request.Find("origin"))) ...
//
// Thread contract: immutable, shared by all loops.

#ifndef SERVICE_PIPELINE_ALLOWED_ORIGINS_H_
#define SERVICE_PIPELINE_ALLOWED_ORIGINS_H_

#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "llmgateway/config/v1/server.pb.h"

namespace gateway {

// Returns whether a page of `origin` was served by `authority` itself.
bool IsSameOrigin(std::string_view origin, std::string_view authority);

class AllowedOrigins {
 public:
  explicit AllowedOrigins(const llmgateway::config::v1::CorsConfig& config);

  // Whether every origin is.
  bool all() const { return all_; }

  // The same origin as the list has it; empty if it does not. `*` is not looked
  // at. `origin` is as browsers write it: in lower case, without its scheme's
  // port.
  std::string_view Find(std::string_view origin) const;

  bool Has(std::string_view origin) const {
    return all_ ? !origin.empty() : !Find(origin).empty();
  }

 private:
  bool all_ = false;
  absl::flat_hash_set<std::string> origins_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ALLOWED_ORIGINS_H_
