#include "service/config/auth_validator.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/net/host_port.h"
#include "base/sha256.h"
#include "base/string_view.h"
#include "service/config/caller_methods_validator.h"
#include "service/config/config_names.h"
#include "service/config/key_terms.h"
#include "service/config/secret_reference.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::ApiKey;
using ::llmgateway::config::v1::AuthConfig;
using ::llmgateway::config::v1::AuthMethods;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::TlsServer;

constexpr int kApiKeysMax = 10'000;
constexpr int kAnonymousHostsMax = 100;

bool IsSha256(std::string_view text) {
  return text.size() == 2 * kSha256Bytes &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isxdigit(c);
         });
}

// Returns whether an address, `host:port`, is one that other machines cannot
// reach. A malformed one counts as such: it is reported elsewhere.
bool IsLoopbackAddress(std::string_view address) {
  return !CheckListenAddress(address).ok() ||
         IsLoopbackHost(HostOfAuthority(address));
}

class AuthValidator {
 public:
  AuthValidator(const FieldPlaces& places, ConfigProblems* problems)
      : places_(places), problems_(*problems) {}

  void CheckAccess(const AuthConfig& auth);
  void CheckMethods(const std::string& path, const AuthMethods& methods);

  // Adds `message` if other machines could reach the listener without a key.
  void CheckReach(const std::string& path, const std::string& address,
                  const TlsServer& tls, std::string_view message);

 private:
  void Add(const std::string& path, std::string_view message) {
    problems_.Add(places_.Find(path), path, message);
  }
  // Adds what only callers' keys may have.
  void CheckOperatorsKeys(const AuthMethods& methods);
  void CheckKey(const std::string& path, const ApiKey& key);
  void CheckKeySource(const std::string& path, const ApiKey& key);

  const FieldPlaces& places_;
  ConfigProblems& problems_;
};

void AuthValidator::CheckAccess(const AuthConfig& auth) {
  CheckMethods("auth.callers", auth.callers());
  CheckMethods("auth.operators", auth.operators());
  CheckOperatorsKeys(auth.operators());
  const bool anonymous = !HasCallerMethod(auth.callers());
  if (!anonymous && auth.insecure_allow_anonymous()) {
    Add("auth.insecure_allow_anonymous",
        "contradicts 'auth.callers', which asks callers who they are; remove "
        "one");
  }
  const std::string hosts = "auth.anonymous_hosts";
  if (auth.anonymous_hosts_size() > kAnonymousHostsMax) {
    Add(hosts, absl::StrCat("has ", auth.anonymous_hosts_size(),
                            " entries; at most ", kAnonymousHostsMax,
                            " are allowed"));
    return;
  }
  for (int i = 0; i < auth.anonymous_hosts_size(); ++i) {
    if (auth.anonymous_hosts(i) == "*") continue;
    const absl::Status status = CheckHost(auth.anonymous_hosts(i));
    if (status.ok()) continue;
    Add(ElementPath(hosts, static_cast<size_t>(i)), ToStd(status.message()));
  }
}

void AuthValidator::CheckMethods(const std::string& path,
                                 const AuthMethods& methods) {
  const std::string list = JoinPath(path, "api_keys");
  if (methods.api_keys_size() > kApiKeysMax) {
    Add(list, absl::StrCat("has ", methods.api_keys_size(),
                           " entries; at most ", kApiKeysMax, " are allowed"));
    return;
  }
  std::set<std::string_view> ids;
  for (int i = 0; i < methods.api_keys_size(); ++i) {
    const ApiKey& key = methods.api_keys(i);
    const std::string key_path = ElementPath(list, static_cast<size_t>(i));
    if (!IsConfigName(key.id(), "-_.", /*upper_case=*/true)) {
      Add(JoinPath(key_path, "id"),
          "must be 1 to 64 of letters, digits and '-_.'");
    } else if (!ids.insert(key.id()).second) {
      Add(JoinPath(key_path, "id"), "is another key's id too; choose another");
    }
    CheckKey(key_path, key);
  }
}

void AuthValidator::CheckOperatorsKeys(const AuthMethods& methods) {
  if (methods.has_issued_keys()) {
    Add("auth.operators.issued_keys",
        "is for callers only: give operators keys in auth.operators.api_keys; "
        "remove it");
  }
  for (int i = 0; i < methods.api_keys_size(); ++i) {
    const ApiKey& key = methods.api_keys(i);
    const std::string path =
        ElementPath("auth.operators.api_keys", static_cast<size_t>(i));
    if (!key.scopes().empty()) {
      Add(JoinPath(path, "scopes"),
          "is for callers only: an operator's key opens every rpc; remove it");
    }
    if (!key.labels().empty()) {
      Add(JoinPath(path, "labels"),
          "is for callers only: an operator makes no calls; remove it");
    }
    if (!key.limits().empty()) {
      Add(JoinPath(path, "limits"),
          "is for callers only: an operator makes no calls; remove it");
    }
    if (key.priority() != llmgateway::config::v1::PRIORITY_UNSPECIFIED) {
      Add(JoinPath(path, "priority"),
          "is for callers only: an operator makes no calls; remove it");
    }
  }
}

void AuthValidator::CheckKey(const std::string& path, const ApiKey& key) {
  CheckKeySource(path, key);
  CheckKeyTerms(path, KeyTermsOf(key), places_, &problems_);
}

void AuthValidator::CheckKeySource(const std::string& path,
                                   const ApiKey& key) {
  switch (key.secret_case()) {
    case ApiKey::kKey: {
      const absl::Status status = SecretReference::Parse(key.key()).status();
      if (!status.ok()) Add(JoinPath(path, "key"), ToStd(status.message()));
      return;
    }
    case ApiKey::kKeySha256:
      if (!IsSha256(key.key_sha256())) {
        Add(JoinPath(path, "key_sha256"),
            "must be the 64 hexadecimal digits of the key's SHA-256");
      }
      return;
    case ApiKey::SECRET_NOT_SET:
      Add(JoinPath(path, "key"),
          "is required; give env:NAME or file:path, or give 'key_sha256' "
          "instead");
      return;
  }
}

void AuthValidator::CheckReach(const std::string& path,
                               const std::string& address,
                               const TlsServer& tls,
                               std::string_view message) {
  // No warning if clients must have a certificate of the listener's own
  // authorities: others cannot connect.
  if (!tls.client_ca().empty()) return;
  if (!IsLoopbackAddress(address)) Add(JoinPath(path, "address"), message);
}

}  // namespace

void CheckAuth(const GatewayConfig& config, const FieldPlaces& places,
               ConfigProblems* problems) {
  constexpr char kAnonymousCallers[] =
      "is not loopback, and callers need no key; set auth.callers.api_keys, or "
      "listen on 127.0.0.1, or, to serve everybody who reaches it, set "
      "auth.insecure_allow_anonymous: true";
  constexpr char kAnonymousOperators[] =
      "is not loopback, and operators need no key; set "
      "auth.operators.api_keys, or listen on 127.0.0.1";
  const AuthConfig& auth = config.auth();
  AuthValidator validator(places, problems);
  validator.CheckAccess(auth);
  CheckCallerMethods(config, places, problems);
  const auto& listeners = config.listeners();
  if (!HasCallerMethod(auth.callers()) && !auth.insecure_allow_anonymous()) {
    validator.CheckReach("listeners.grpc", listeners.grpc().address(),
                         listeners.grpc().tls(), kAnonymousCallers);
    validator.CheckReach("listeners.http", listeners.http().address(),
                         listeners.http().tls(), kAnonymousCallers);
  }
  if (!HasCallerMethod(auth.operators())) {
    validator.CheckReach("listeners.admin", listeners.admin().address(),
                         listeners.admin().tls(), kAnonymousOperators);
    if (listeners.has_admin_http()) {
      validator.CheckReach("listeners.admin_http",
                           listeners.admin_http().address(),
                           listeners.admin_http().tls(), kAnonymousOperators);
    }
  }
}

}  // namespace gateway
