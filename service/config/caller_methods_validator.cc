#include "service/config/caller_methods_validator.h"

#include <cstddef>
#include <set>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "service/config/config_names.h"
#include "service/config/key_terms.h"
#include "service/config/secret_reference.h"
#include "service/identity/certificate_names.h"
#include "service/identity/key_set_fetch.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::AuthMethods;
using ::llmgateway::config::v1::CallerGrants;
using ::llmgateway::config::v1::ClientCertificates;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::GrpcListener;
using ::llmgateway::config::v1::JwtIssuer;
using ::llmgateway::config::v1::TlsServer;

constexpr int kIssuersMax = 100;
constexpr int kAudiencesMax = 100;
constexpr int kCertificateNamesMax = 1000;
constexpr size_t kIssuerLengthMax = 2048;
constexpr size_t kClaimLengthMax = 256;

bool IsShortText(std::string_view text, size_t length_max) {
  return text.size() <= length_max && IsPrintableText(text);
}

bool IsCallerPrefix(std::string_view text) {
  if (!text.ends_with(':')) return false;
  const std::string_view name = text.substr(0, text.size() - 1);
  return IsConfigName(name, "-_.", /*upper_case=*/true) && name.size() < 64 &&
         name != "dns" && name != "spiffe";
}

class MethodsValidator {
 public:
  MethodsValidator(const FieldPlaces& places, ConfigProblems* problems)
      : places_(places), problems_(*problems) {}

  void CheckIssuers(const std::string& list, const AuthMethods& methods,
                    bool for_operators);
  void CheckCertificates(const std::string& path,
                         const ClientCertificates& certificates,
                         bool for_operators);
  void Add(const std::string& path, std::string_view message) {
    problems_.Add(places_.Find(path), path, message);
  }

 private:
  void CheckIssuer(const std::string& path, const JwtIssuer& issuer);
  void CheckKeySetOf(const std::string& path, const JwtIssuer& issuer);
  void CheckGrants(const std::string& path, const CallerGrants& grants,
                   bool for_operators);
  // Returns whether the list has no more than that.
  bool CheckCount(const std::string& list, int count, int max);
  void CheckReference(const std::string& path, const std::string& reference);

  const FieldPlaces& places_;
  ConfigProblems& problems_;
};

bool MethodsValidator::CheckCount(const std::string& list, int count, int max) {
  if (count <= max) return true;
  Add(list,
      absl::StrCat("has ", count, " entries; at most ", max, " are allowed"));
  return false;
}

void MethodsValidator::CheckReference(const std::string& path,
                                      const std::string& reference) {
  if (reference.empty()) return;
  const absl::Status status = SecretReference::Parse(reference).status();
  if (!status.ok()) Add(path, ToStd(status.message()));
}

void MethodsValidator::CheckIssuers(const std::string& list,
                                    const AuthMethods& methods,
                                    bool for_operators) {
  if (!CheckCount(list, methods.jwt_issuers_size(), kIssuersMax)) return;
  std::set<std::string_view> names;
  std::set<std::string_view> prefixes;
  for (int i = 0; i < methods.jwt_issuers_size(); ++i) {
    const JwtIssuer& issuer = methods.jwt_issuers(i);
    const std::string path = ElementPath(list, static_cast<size_t>(i));
    CheckIssuer(path, issuer);
    if (!issuer.issuer().empty() && !names.insert(issuer.issuer()).second) {
      Add(JoinPath(path, "issuer"), "is another entry's too; remove one");
    }
    if (!prefixes.insert(issuer.caller_prefix()).second) {
      Add(JoinPath(path, "caller_prefix"),
          "is another issuer's too, so that one could name the other's "
          "callers; choose another");
    }
    CheckGrants(JoinPath(path, "grants"), issuer.grants(), for_operators);
  }
}

void MethodsValidator::CheckIssuer(const std::string& path,
                                   const JwtIssuer& issuer) {
  if (issuer.issuer().empty() ||
      !IsShortText(issuer.issuer(), kIssuerLengthMax)) {
    Add(JoinPath(path, "issuer"),
        "is required: the tokens' `iss`, at most 2048 printable ASCII "
        "characters");
  }
  const std::string audiences = JoinPath(path, "audiences");
  if (issuer.audiences().empty()) {
    Add(audiences,
        "is required: without one, tokens that are for others would open this "
        "gateway");
  } else if (CheckCount(audiences, issuer.audiences_size(), kAudiencesMax)) {
    for (int i = 0; i < issuer.audiences_size(); ++i) {
      if (issuer.audiences(i).empty()) {
        Add(ElementPath(audiences, static_cast<size_t>(i)),
            "must not be empty");
      }
    }
  }
  if (!IsCallerPrefix(issuer.caller_prefix())) {
    Add(JoinPath(path, "caller_prefix"),
        "must be 1 to 63 of letters, digits and '-_.', and a colon; neither "
        "'dns:' nor 'spiffe:'");
  }
  const auto check_claim = [&](const char* field, const std::string& claim) {
    if (IsShortText(claim, kClaimLengthMax)) return;
    Add(JoinPath(path, field),
        "must be at most 256 printable ASCII characters");
  };
  check_claim("caller_claim", issuer.caller_claim());
  check_claim("scopes_claim", issuer.scopes_claim());
  check_claim("owner_claim", issuer.owner_claim());
  CheckKeySetOf(path, issuer);
}

void MethodsValidator::CheckKeySetOf(const std::string& path,
                                     const JwtIssuer& issuer) {
  if (!issuer.key_set().empty()) {
    const absl::Status status = CheckKeySet(issuer.key_set());
    if (!status.ok()) {
      Add(JoinPath(path, "key_set"),
          absl::StrCat(status.message(), "; give an https URL or file:path"));
    }
  } else if (!issuer.issuer().empty()) {
    const absl::Status status = CheckDiscoveredIssuer(issuer.issuer());
    if (!status.ok()) {
      Add(JoinPath(path, "key_set"),
          absl::StrCat("is required, since 'issuer' ", status.message(),
                       " to be asked where it is"));
    }
  }
  CheckReference(JoinPath(path, "key_set_ca"), issuer.key_set_ca());
  CheckReference(JoinPath(path, "key_set_token"), issuer.key_set_token());
}

void MethodsValidator::CheckGrants(const std::string& path,
                                   const CallerGrants& grants,
                                   bool for_operators) {
  if (for_operators && !grants.scopes().empty()) {
    Add(JoinPath(path, "scopes"),
        "is for callers only: an operator may do everything; remove it");
  }
  if (for_operators && !grants.labels().empty()) {
    Add(JoinPath(path, "labels"),
        "is for callers only: an operator makes no calls; remove it");
  }
  if (for_operators && !grants.limits().empty()) {
    Add(JoinPath(path, "limits"),
        "is for callers only: an operator makes no calls; remove it");
  }
  if (for_operators &&
      grants.priority() != llmgateway::config::v1::PRIORITY_UNSPECIFIED) {
    Add(JoinPath(path, "priority"),
        "is for callers only: an operator makes no calls; remove it");
  }
  CheckKeyTerms(path, KeyTermsOf(grants), places_, &problems_);
}

void MethodsValidator::CheckCertificates(const std::string& path,
                                         const ClientCertificates& certificates,
                                         bool for_operators) {
  const std::string names = JoinPath(path, "names");
  if (certificates.names().empty()) {
    Add(names, "is required: say who is let in, such as 'spiffe://prod/**'");
  } else if (CheckCount(names, certificates.names_size(),
                        kCertificateNamesMax)) {
    for (int i = 0; i < certificates.names_size(); ++i) {
      const absl::Status status =
          CheckCertificatePattern(certificates.names(i));
      if (status.ok()) continue;
      Add(ElementPath(names, static_cast<size_t>(i)), ToStd(status.message()));
    }
  }
  CheckGrants(JoinPath(path, "grants"), certificates.grants(), for_operators);
}

bool AsksForCertificates(const TlsServer& tls) {
  return !tls.client_ca().empty();
}

// The library does not tell handlers of certificates here.
bool IsBlind(const GrpcListener& listener) {
  return listener.engine() == GrpcListener::ENGINE_GRPC_CORE &&
         AsksForCertificates(listener.tls());
}

}  // namespace

bool HasCallerMethod(const AuthMethods& methods) {
  return !methods.api_keys().empty() || !methods.jwt_issuers().empty() ||
         methods.has_client_certificates() || methods.has_issued_keys();
}

void CheckCallerMethods(const GatewayConfig& config, const FieldPlaces& places,
                        ConfigProblems* problems) {
  MethodsValidator validator(places, problems);
  const auto& listeners = config.listeners();
  const auto check = [&](const std::string& path, const AuthMethods& methods,
                         bool for_operators, const GrpcListener& grpc,
                         std::string_view grpc_name, const TlsServer& http,
                         std::string_view http_name) {
    validator.CheckIssuers(JoinPath(path, "jwt_issuers"), methods,
                           for_operators);
    if (!methods.has_client_certificates()) return;
    const std::string certificates = JoinPath(path, "client_certificates");
    validator.CheckCertificates(certificates, methods.client_certificates(),
                                for_operators);
    if (IsBlind(grpc)) {
      validator.Add(
          absl::StrCat("listeners.", ToAbsl(grpc_name), ".engine"),
          absl::StrCat("does not tell who shows a certificate, as '",
                       certificates, "' wants; use the native engine"));
    }
    if (!AsksForCertificates(grpc.tls()) && !AsksForCertificates(http)) {
      validator.Add(certificates,
                    absl::StrCat("is for a listener with tls.client_ca: set "
                                 "listeners.",
                                 ToAbsl(grpc_name),
                                 ".tls.client_ca or "
                                 "listeners.",
                                 ToAbsl(http_name), ".tls.client_ca"));
    }
  };
  check("auth.callers", config.auth().callers(), /*for_operators=*/false,
        listeners.grpc(), "grpc", listeners.http().tls(), "http");
  check("auth.operators", config.auth().operators(), /*for_operators=*/true,
        listeners.admin(), "admin", listeners.admin_http().tls(), "admin_http");
}

}  // namespace gateway
