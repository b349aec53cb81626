// CallerAccess decides who may call the data listeners: whoever shows one of
// the callers' keys or, where callers have none, local programs.
//
//   GATEWAY_ASSIGN_OR_RETURN(const CallerRef caller,
//                            runtime.callers().Authorize(head));
//
// Without keys a listener on loopback is protected by nothing but its address,
// and a browser calls from that address, too, for whatever page it shows. So a
// request that asks without a key
//
//   * names this machine as its host, or one of `auth.anonymous_hosts`: a page
//     whose name was made to lead here (DNS rebinding) names its own;
//   * comes from no page of another origin, unless CORS allows that page: a
//     page may send a POST of plain text anywhere, though not read the answer.
//
// The second holds for callers known by their certificate as well, which a
// browser shows for whatever page it shows, too.
//
// It needs the head of a request only, and is asked before anything else is
// read.
//
// Thread contract: immutable, shared by all loops.

#ifndef SERVICE_PIPELINE_CALLER_ACCESS_H_
#define SERVICE_PIPELINE_CALLER_ACCESS_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/os/clock.h"
#include "service/config/snapshot.h"
#include "service/identity/caller.h"
#include "service/identity/key_registry.h"
#include "service/identity/scopes.h"
#include "service/observability/call_record.h"
#include "service/pipeline/allowed_origins.h"
#include "service/pipeline/authenticator.h"

namespace gateway {

// What the head of a request says of who asks: values of header fields, empty
// if absent. Views of the request.
struct CallerHead {
  Protocol protocol = Protocol::kGrpc;
  ScopedApi api = ScopedApi::kGrpc;
  std::string_view authorization;
  std::string_view api_key;    // `x-api-key`
  std::string_view authority;  // `host` or `:authority`
  std::string_view origin;
  // As in ShownCredentials.
  std::string_view certificate = {};
  std::string_view peer = {};
  bool counts = true;
  std::string_view repeated = {};
};

// Takes the `value` of a credential's field called `name`, a constant. If one
// was `taken` before, of that name, `head` is none that is let in.
inline void TakeCredential(std::string_view name, std::string_view value,
                           std::optional<std::string_view>* taken,
                           CallerHead* head) {
  if (taken->has_value()) {
    head->repeated = name;
  } else {
    *taken = value;
  }
}

// What it shows.
inline ShownCredentials CredentialsOf(const CallerHead& head) {
  return {head.authorization, head.api_key, head.certificate,
          head.peer,          head.counts,  head.repeated};
}

class CallerAccess {
 public:
  // Borrows both references.
  CallerAccess(const ConfigSnapshot& config, Clock& clock,
               CallerMethods methods = {});

  // Whether callers must show a key.
  bool asks_for_keys() const { return keys_.required(); }

  // Who calls. Borrowed from the configuration, or shared. Faults: those of
  // Authenticator; FORBIDDEN for others.
  absl::StatusOr<CallerRef> Identify(const CallerHead& head) const;

  // The same, if the caller may use that API; FORBIDDEN otherwise.
  absl::StatusOr<CallerRef> Authorize(const CallerHead& head) const;

 private:
  // Listeners that serve only clients with a certificate of theirs.
  struct Certified {
    bool grpc = false;
    bool http = false;
  };

  absl::Status CheckHost(const CallerHead& head) const;
  absl::Status CheckOrigin(const CallerHead& head) const;

  const Authenticator keys_;
  const Certified certified_;
  const AllowedOrigins origins_;
  bool any_host_ = false;
  absl::flat_hash_set<std::string> hosts_;  // In lower case, no brackets.
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALLER_ACCESS_H_
