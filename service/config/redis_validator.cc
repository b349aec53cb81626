#include "service/config/redis_validator.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/net/host_port.h"
#include "base/string_view.h"
#include "service/config/config_names.h"
#include "service/config/secret_reference.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::RedisConfig;

constexpr size_t kAddressesMax = 64;

class RedisCheck {
 public:
  RedisCheck(const RedisConfig& redis, const FieldPlaces& places,
             ConfigProblems& problems)
      : redis_(redis), places_(places), problems_(problems) {}

  void CheckAddresses();
  void CheckTopology();
  void CheckUsers();
  void CheckTls();
  void CheckPrefix();

 private:
  void Add(std::string_view field, std::string_view message) {
    const std::string path = JoinPath("redis", field);
    problems_.Add(places_.Find(path), path, message);
  }
  void CheckSecret(std::string_view field, const std::string& reference) {
    if (reference.empty()) return;
    const absl::Status status = SecretReference::Parse(reference).status();
    if (!status.ok()) Add(field, ToStd(status.message()));
  }

  const RedisConfig& redis_;
  const FieldPlaces& places_;
  ConfigProblems& problems_;
};

void RedisCheck::CheckAddresses() {
  if (redis_.addresses().empty()) {
    Add("addresses", "is required: where the Redis is, such as cache:6379");
    return;
  }
  if (!CheckCount("redis.addresses",
                  static_cast<size_t>(redis_.addresses_size()), kAddressesMax,
                  places_, &problems_)) {
    return;
  }
  for (int i = 0; i < redis_.addresses_size(); ++i) {
    const std::string field = ElementPath("addresses", static_cast<size_t>(i));
    const absl::StatusOr<HostPort> where = ParseHostPort(redis_.addresses(i));
    if (!where.ok()) {
      Add(field, ToStd(where.status().message()));
    } else if (where->host.empty() || where->port == 0) {
      Add(field, "must name a host and a port, such as cache:6379");
    }
  }
  if (redis_.topology() == RedisConfig::TOPOLOGY_STANDALONE &&
      redis_.addresses_size() > 1) {
    Add("addresses",
        "must be one where topology is standalone; choose sentinel or cluster "
        "for several");
  }
}

void RedisCheck::CheckTopology() {
  const bool is_sentinel = redis_.topology() == RedisConfig::TOPOLOGY_SENTINEL;
  if (is_sentinel && redis_.master_name().empty()) {
    Add("master_name",
        "is required where topology is sentinel: what the sentinels call the "
        "master");
  }
  if (!is_sentinel && !redis_.master_name().empty()) {
    Add("master_name", "is for topology sentinel only; leave it out");
  }
  if (!is_sentinel && !redis_.sentinel_username().empty()) {
    Add("sentinel_username", "is for topology sentinel only; leave it out");
  }
  if (!is_sentinel && !redis_.sentinel_password().empty()) {
    Add("sentinel_password", "is for topology sentinel only; leave it out");
  }
  if (redis_.topology() == RedisConfig::TOPOLOGY_CLUSTER &&
      redis_.database() != 0) {
    Add("database", "must be 0 in a cluster, which has no other");
  }
}

void RedisCheck::CheckUsers() {
  CheckSecret("password", redis_.password());
  CheckSecret("sentinel_password", redis_.sentinel_password());
  if (!redis_.username().empty() && redis_.password().empty()) {
    Add("password", "is required where there is a username");
  }
  if (!redis_.sentinel_username().empty() &&
      redis_.sentinel_password().empty()) {
    Add("sentinel_password", "is required where there is a sentinel_username");
  }
}

void RedisCheck::CheckTls() {
  const auto& tls = redis_.tls();
  CheckSecret("tls.ca", tls.ca());
  CheckSecret("tls.cert_chain", tls.cert_chain());
  CheckSecret("tls.private_key", tls.private_key());
  if (tls.cert_chain().empty() != tls.private_key().empty()) {
    Add(tls.cert_chain().empty() ? "tls.cert_chain" : "tls.private_key",
        "is required: a certificate and its key come together");
  }
  if (tls.server_name().empty()) return;
  const absl::Status host = CheckHost(tls.server_name());
  if (!host.ok()) Add("tls.server_name", ToStd(host.message()));
}

void RedisCheck::CheckPrefix() {
  if (!IsConfigName(redis_.prefix(), "-_.:", /*upper_case=*/true)) {
    Add("prefix", "must be 1 to 64 of letters, digits and '-_.:'");
  }
}

}  // namespace

void CheckRedis(const GatewayConfig& config, const FieldPlaces& places,
                ConfigProblems* problems) {
  if (!config.has_redis()) return;
  RedisCheck check(config.redis(), places, *problems);
  check.CheckAddresses();
  check.CheckTopology();
  check.CheckUsers();
  check.CheckTls();
  check.CheckPrefix();
}

}  // namespace gateway
