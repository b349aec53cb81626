#include "service/pipeline/caller_access.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/net/host_port.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {
namespace {

// A host as long as this is no name that anybody has.
constexpr size_t kHostLengthShown = 253;

std::string HostKey(std::string_view authority) {
  return absl::AsciiStrToLower(ToAbsl(HostOfAuthority(authority)));
}

}  // namespace

CallerAccess::CallerAccess(const ConfigSnapshot& config, Clock& clock,
                           CallerMethods methods)
    : keys_(config.caller_keys(), clock, std::move(methods)),
      certified_{!config.config().listeners().grpc().tls().client_ca().empty(),
                 !config.config().listeners().http().tls().client_ca().empty()},
      origins_(config.config().listeners().http().cors()) {
  for (const std::string& host : config.config().auth().anonymous_hosts()) {
    if (host == "*") {
      any_host_ = true;
    } else {
      hosts_.insert(HostKey(host));
    }
  }
}

absl::StatusOr<CallerRef> CallerAccess::Identify(const CallerHead& head) const {
  if (!keys_.required()) {
    GATEWAY_RETURN_IF_ERROR(CheckHost(head));
    GATEWAY_RETURN_IF_ERROR(CheckOrigin(head));
  }
  absl::StatusOr<CallerRef> caller = keys_.Authenticate(CredentialsOf(head));
  if (caller.ok() && (*caller)->method == CallerMethod::kCertificate) {
    GATEWAY_RETURN_IF_ERROR(CheckOrigin(head));
  }
  return caller;
}

absl::StatusOr<CallerRef> CallerAccess::Authorize(
    const CallerHead& head) const {
  absl::StatusOr<CallerRef> caller = Identify(head);
  if (!caller.ok()) return caller;
  GATEWAY_RETURN_IF_ERROR((*caller)->scopes.CheckApi(head.api));
  return caller;
}

absl::Status CallerAccess::CheckHost(const CallerHead& head) const {
  // Without a host it is no browser, which always names one.
  if (any_host_ || head.authority.empty()) return absl::OkStatus();
  // Where clients show a certificate, no web page can call, and the gateway may
  // have any name.
  if (head.protocol == Protocol::kGrpc ? certified_.grpc : certified_.http) {
    return absl::OkStatus();
  }
  const std::string_view host = HostOfAuthority(head.authority);
  if (IsLoopbackHost(host)) return absl::OkStatus();
  if (!hosts_.empty() && hosts_.contains(HostKey(head.authority))) {
    return absl::OkStatus();
  }
  return MakeFault(
      v1::ERROR_REASON_FORBIDDEN,
      absl::StrCat("callers without a key are served by the name localhost, "
                   "not as '",
                   ToAbsl(host.substr(0, kHostLengthShown)),
                   "'; configure auth.callers.api_keys, or add the host to "
                   "auth.anonymous_hosts"));
}

absl::Status CallerAccess::CheckOrigin(const CallerHead& head) const {
  if (head.origin.empty() || origins_.Has(head.origin) ||
      IsSameOrigin(head.origin, head.authority)) {
    return absl::OkStatus();
  }
  return MakeFault(
      v1::ERROR_REASON_FORBIDDEN,
      "pages of other origins are served with a key only; configure "
      "auth.callers.api_keys, or add the origin to "
      "listeners.http.cors.allowed_origins");
}

}  // namespace gateway
