#include "service/api/caller_check.h"

#include <optional>

#include "absl/container/inlined_vector.h"
#include "base/net/host_port.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/api/provider_credential.h"
#include "service/identity/peer_address.h"
#include "service/pipeline/allowed_origins.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

// Where an operator's call came in.
struct OperatorsListener {
  const TrustedProxies& proxies;
  // Whether operators' clients show a certificate there.
  bool certified = false;
  bool by_http = false;
  // Which pages operators are served for there; null for none of another
  // origin.
  const configv1::CorsConfig* cors = nullptr;
};

OperatorsListener ListenerOf(const RuntimeSnapshot& runtime,
                             const CallContext& call) {
  const configv1::Listeners& listeners = runtime.config().listeners();
  if (!call.by_http()) {
    return {.proxies = runtime.proxies().admin,
            .certified = !listeners.admin().tls().client_ca().empty()};
  }
  return {.proxies = runtime.proxies().admin_http,
          .certified = !listeners.admin_http().tls().client_ca().empty(),
          .by_http = true,
          .cors = &listeners.admin_http().cors()};
}

// Whether a browser asks for a page of another origin. It names the origin, but
// not when the page only shows what it asks for, as an image: then it says how
// far that is from here.
bool IsOfForeignPage(const CallContext& call) {
  const std::string_view origin = call.FindMetadata("origin").value_or("");
  if (!origin.empty()) return !IsSameOrigin(origin, call.authority());
  const std::string_view site =
      call.FindMetadata("sec-fetch-site").value_or("same-origin");
  return site != "same-origin" && site != "none";
}

// Refuses pages of other origins that are not allowed.
absl::Status CheckOrigin(const OperatorsListener& listener,
                         const CallContext& call) {
  if (!IsOfForeignPage(call)) return absl::OkStatus();
  if (listener.cors == nullptr) {
    return MakeFault(v1::ERROR_REASON_FORBIDDEN,
                     "pages of other origins are served with an operator's key "
                     "only; configure auth.operators.api_keys");
  }
  const AllowedOrigins allowed(*listener.cors);
  if (allowed.all() || allowed.Has(call.FindMetadata("origin").value_or(""))) {
    return absl::OkStatus();
  }
  return MakeFault(v1::ERROR_REASON_FORBIDDEN,
                   "pages of other origins are served with an operator's key "
                   "only; configure "
                   "auth.operators.api_keys, or add the origin to "
                   "listeners.admin_http.cors.allowed_origins");
}

// A browser is at this machine, too, and calls by HTTP for whatever page it
// shows: refuses those that are no operator's (see CallerAccess).
absl::Status CheckPage(const OperatorsListener& listener,
                       const CallContext& call) {
  const std::string_view authority = call.authority();
  if (!authority.empty() && !IsLoopbackHost(HostOfAuthority(authority))) {
    return MakeFault(v1::ERROR_REASON_FORBIDDEN,
                     "operators without a key are served by the name localhost "
                     "only; configure auth.operators.api_keys");
  }
  return CheckOrigin(listener, call);
}

// Takes all credentials of the metadata in one pass.
void TakeCredentials(const CallContext& call, CallerHead* head) {
  constexpr std::string_view kAuthorization = "authorization";
  constexpr std::string_view kApiKey = "x-api-key";
  std::optional<std::string_view> authorization;
  std::optional<std::string_view> api_key;
  std::optional<std::string_view> of_provider;
  for (const auto& [name, value] : call.metadata()) {
    if (name == kAuthorization) {
      TakeCredential(kAuthorization, value, &authorization, head);
    } else if (name == kApiKey) {
      TakeCredential(kApiKey, value, &api_key, head);
    } else if (name == kProviderCredentialHeader) {
      TakeCredential(kProviderCredentialHeader, value, &of_provider, head);
    }
  }
  head->authorization = authorization.value_or("");
  head->api_key = api_key.value_or("");
}

}  // namespace

std::string_view ClientOf(const CallContext& call,
                          const TrustedProxies& proxies) {
  if (proxies.empty()) return call.peer();
  absl::InlinedVector<std::string_view, 4> forwarded_for;
  for (const MetadataEntry& entry : call.metadata()) {
    if (entry.name == kForwardedForHeader) forwarded_for.push_back(entry.value);
  }
  return proxies.ClientOf(call.peer(), forwarded_for);
}

CallerHead CallerHeadOf(const CallContext& call,
                        const TrustedProxies& proxies) {
  CallerHead head;
  head.protocol = Protocol::kGrpc;
  TakeCredentials(call, &head);
  head.authority = call.authority();
  head.origin = call.FindMetadata("origin").value_or("");
  head.certificate = call.peer_names();
  head.peer = ClientOf(call, proxies);
  head.counts = call.TakeFirstLook();
  return head;
}

absl::StatusOr<CallerRef> CheckCaller(const RuntimeSnapshot& runtime,
                                      const CallContext& call) {
  return runtime.callers().Authorize(
      CallerHeadOf(call, runtime.proxies().grpc));
}

namespace {

absl::StatusOr<std::string> CheckOperatorAt(const OperatorsListener& listener,
                                            const RuntimeSnapshot& runtime,
                                            const CallContext& call) {
  const Authenticator& operators = runtime.operators();
  const CallerHead head = CallerHeadOf(call, listener.proxies);
  if (!operators.required() && !listener.certified) {
    // Who comes through a proxy here may be anywhere.
    if (!IsLoopbackHost(HostOfAuthority(call.peer())) ||
        !IsLoopbackHost(AddressOfPeer(head.peer))) {
      return MakeFault(v1::ERROR_REASON_FORBIDDEN,
                       "operators without a key are served on loopback only; "
                       "configure auth.operators.api_keys");
    }
    if (listener.by_http) GATEWAY_RETURN_IF_ERROR(CheckPage(listener, call));
  }
  const absl::StatusOr<CallerRef> known =
      operators.Authenticate(CredentialsOf(head));
  if (known.ok()) {
    // A browser shows a certificate for whatever page it shows.
    if ((*known)->method == CallerMethod::kCertificate && listener.by_http) {
      GATEWAY_RETURN_IF_ERROR(CheckOrigin(listener, call));
    }
    return (*known)->id;
  }
  return known.status();
}

}  // namespace

absl::StatusOr<std::string> CheckOperator(const RuntimeSnapshot& runtime,
                                          const CallContext& call) {
  return CheckOperatorAt(ListenerOf(runtime, call), runtime, call);
}

std::string OperatorName(const RuntimeSnapshot& runtime,
                         const CallContext& call) {
  const absl::StatusOr<std::string> id = CheckOperator(runtime, call);
  return id.ok() && !id->empty() ? *id : "an operator";
}

absl::StatusOr<std::string> CheckOperatorAmongCallers(
    const RuntimeSnapshot& runtime, const CallContext& call) {
  if (!runtime.operators().required()) {
    if (runtime.callers().asks_for_keys()) {
      return MakeFault(v1::ERROR_REASON_FORBIDDEN,
                       "is for operators, and a caller's key is no operator's; "
                       "configure auth.operators.api_keys");
    }
    CallerHead head = CallerHeadOf(call, runtime.proxies().http);
    head.protocol = Protocol::kHttp;
    GATEWAY_RETURN_IF_ERROR(runtime.callers().Identify(head).status());
  }
  return CheckOperatorAt({.proxies = runtime.proxies().http, .by_http = true},
                         runtime, call);
}

Method::Authorization OperatorsOnly(const CurrentRuntime& current,
                                    RefusalLog* refusals) {
  Method::Authorization authorization;
  authorization.check = [&current](const CallContext& call) {
    return CheckOperator(*current.Get(), call).status();
  };
  if (refusals == nullptr) return authorization;
  authorization.on_refusal = [refusals](const CallContext& call,
                                        const absl::Status& status) {
    refusals->Request({.code = ToStd(absl::StatusCodeToString(status.code())),
                       .method = "POST",
                       .path = call.method(),
                       .peer = call.peer(),
                       .request_id = call.request_id(),
                       .why = ToStd(status.message())});
  };
  return authorization;
}

}  // namespace gateway
