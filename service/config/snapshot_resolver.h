// Turns what a configuration refers to into the secrets of its snapshot, and
// reports references that lead nowhere or to what cannot be used.
//
//   ConfigSnapshot::Resolver resolver(places, environment, now, problems);
//   resolver.ResolveAll(snapshot);
//   if (!resolver.succeeded()) return nullptr;
//
// ConfigSnapshot::Make is its only user. Opens the files that are named.
//
// Thread-compatible.

#ifndef SERVICE_CONFIG_SNAPSHOT_RESOLVER_H_
#define SERVICE_CONFIG_SNAPSHOT_RESOLVER_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/secret.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"
#include "service/config/environment.h"
#include "service/config/secret_reference.h"
#include "service/config/snapshot.h"

namespace gateway {

class ConfigSnapshot::Resolver {
 public:
  Resolver(const FieldPlaces& places, const Environment& environment,
           absl::Time now, ConfigProblems* problems)
      : places_(places),
        environment_(environment),
        now_(now),
        problems_(*problems) {}

  void ResolveAll(ConfigSnapshot* snapshot);
  bool succeeded() const { return succeeded_; }

 private:
  void Add(const std::string& path, std::string_view message) {
    succeeded_ = false;
    problems_.Add(places_.Find(path), path, message);
  }

  // Returns the secret; nothing if the variable is not set or, with the problem
  // added, if the secret cannot be read.
  std::optional<Secret> Resolve(const std::string& path,
                                const std::string& reference, SecretForm form);
  // As Resolve, but a variable that is not set is a problem, too.
  std::optional<Secret> Require(const std::string& path,
                                const std::string& reference, SecretForm form);
  // As Require, but empty where nothing is named, or it cannot be read.
  Secret RequireIfGiven(const std::string& path, const std::string& reference,
                        SecretForm form);

  void ResolveProviders(ConfigSnapshot* snapshot);
  void ReadCaFile(const llmgateway::config::v1::ProviderConfig& provider,
                  ConfigSnapshot* snapshot);
  std::vector<AccessKey> ResolveAccessKeys(
      const std::string& list,
      const llmgateway::config::v1::AuthMethods& methods);
  std::vector<KeySetAccess> ResolveKeySets(
      const std::string& list,
      const llmgateway::config::v1::AuthMethods& methods);
  static Caller CallerOf(const llmgateway::config::v1::ApiKey& entry);
  std::optional<AccessKey> ResolveAccessKey(
      const std::string& path, const llmgateway::config::v1::ApiKey& entry);
  // Adds a warning for each credential in `absent`, a path and a reference.
  void WarnOfAbsent(
      const std::vector<std::pair<std::string, std::string>>& absent,
      bool others_serve);
  void ResolveTls(const std::string& listener,
                  const llmgateway::config::v1::TlsServer& server,
                  ConfigSnapshot* snapshot);
  void CheckTls(const std::string& path,
                const llmgateway::config::v1::TlsServer& server,
                const Tls& tls);
  void ResolveRedis(ConfigSnapshot* snapshot);
  void ResolveAuditKeys(ConfigSnapshot* snapshot);
  void ResolveTracing(ConfigSnapshot* snapshot);
  std::vector<WebhookHeader> ResolveHeaders(
      const std::string& path,
      const llmgateway::config::v1::WebhookAction& webhook);
  void ResolveAlerts(ConfigSnapshot* snapshot);

  const FieldPlaces& places_;
  const Environment& environment_;
  const absl::Time now_;
  ConfigProblems& problems_;
  bool succeeded_ = true;
};

}  // namespace gateway

#endif  // SERVICE_CONFIG_SNAPSHOT_RESOLVER_H_
