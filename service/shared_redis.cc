#include "service/shared_redis.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/net/host_port.h"
#include "base/net/tls_context.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "base/status_macros.h"
#include "proto/proto_time.h"
#include "service/pipeline/limit_metrics.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::RedisConfig;

constexpr std::string_view kServerNames[] = {"server"};

constexpr MetricDefinition kUp = {
    .name = "llmgw_redis_up",
    .help = "1 while all event loops reach the Redis server, 0 otherwise.",
    .kind = MetricKind::kGauge,
    .label_names = kServerNames};
constexpr MetricDefinition kConnections = {
    .name = "llmgw_redis_connections",
    .help = "Event loops whose connection to the Redis server takes commands.",
    .kind = MetricKind::kGauge,
    .label_names = kServerNames};
constexpr MetricDefinition kOutages = {
    .name = "llmgw_redis_outages_total",
    .help = "How often the Redis server could be reached no longer.",
    .kind = MetricKind::kCounter,
    .label_names = kServerNames};

RedisOptions::Topology TopologyOf(const RedisConfig& config) {
  switch (config.topology()) {
    case RedisConfig::TOPOLOGY_SENTINEL:
      return RedisOptions::Topology::kSentinel;
    case RedisConfig::TOPOLOGY_CLUSTER:
      return RedisOptions::Topology::kCluster;
    default:
      return RedisOptions::Topology::kStandalone;
  }
}

// Names this process among the replicas.
std::string ReplicaName() {
  return absl::StrCat(absl::Hex(SecureRandom().Bits(), absl::kZeroPad16));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const RedisOptions>> RedisOptionsOf(
    const ConfigSnapshot& config) {
  if (!config.config().has_redis()) return nullptr;
  const RedisConfig& redis = config.config().redis();
  const ConfigSnapshot::Redis& secrets = config.redis_secrets();
  auto options = std::make_shared<RedisOptions>();
  options->topology = TopologyOf(redis);
  options->master_name = redis.master_name();
  for (const std::string& address : redis.addresses()) {
    GATEWAY_ASSIGN_OR_RETURN(options->addresses.emplace_back(),
                             ParseHostPort(address));
  }
  RedisConnectionOptions& connection = options->connection;
  connection.user = redis.username();
  connection.password = secrets.password;
  connection.database = redis.database();
  connection.client_name = "llm-gateway";
  connection.command_timeout = ToAbsl(redis.timeout());
  connection.connect_timeout =
      std::max(connection.connect_timeout, connection.command_timeout);
  connection.silence_limit =
      std::max(connection.silence_limit, connection.command_timeout);
  if (redis.has_tls()) {
    GATEWAY_ASSIGN_OR_RETURN(
        connection.tls,
        TlsContext::ForClient({.ca_pem = secrets.ca,
                               .certificate_chain_pem = secrets.cert_chain,
                               .private_key_pem = secrets.private_key}));
    connection.tls_server_name = redis.tls().server_name();
  }
  options->sentinel = connection;
  options->sentinel.user = redis.sentinel_username();
  options->sentinel.password = secrets.sentinel_password;
  options->sentinel.database = 0;
  return options;
}

absl::Status SharedRedis::Open(const ConfigSnapshot& config,
                               MetricRegistry& registry) {
  GATEWAY_ASSIGN_OR_RETURN(options_, RedisOptionsOf(config));
  if (options_ != nullptr) FollowCredentials();
  const int replicas = config.config().runtime().replicas();
  if (options_ == nullptr && replicas <= 1) return absl::OkStatus();
  SharedCounterStore::Options sharing;
  sharing.replicas = std::max(replicas, 1);
  RedisClientOfLoop client;
  if (options_ != nullptr) {
    sharing.redis.prefix = config.config().redis().prefix();
    sharing.redis.replica = ReplicaName();
    sharing.redis.is_cluster =
        options_->topology == RedisOptions::Topology::kCluster;
    client = &LoopRedis::OfThisLoop;
    answers_ = std::make_unique<RedisAnswers>(
        RedisAnswers::Options{.prefix = sharing.redis.prefix},
        &LoopRedis::OfThisLoop, SystemClock());
    claims_ = std::make_unique<KeyClaims>(
        KeyClaims::Options{.prefix = sharing.redis.prefix},
        &LoopRedis::OfThisLoop);
  }
  counters_ = std::make_unique<SharedCounterStore>(sharing, std::move(client));
  if (options_ != nullptr) AddMetrics(registry);
  return absl::OkStatus();
}

void SharedRedis::FollowCredentials() {
  auto options = std::make_shared<RedisOptions>(*options_);
  const auto follow = [](RedisConnectionOptions& connection) {
    auto latest = std::make_shared<Credentials>(CredentialsOf(connection));
    connection.latest = [latest] { return latest->Get(); };
    return latest;
  };
  credentials_ = follow(options->connection);
  sentinel_credentials_ = follow(options->sentinel);
  options_ = std::move(options);
}

absl::StatusOr<std::function<void()>> SharedRedis::Prepare(
    const ConfigSnapshot& next) {
  const int replicas = std::max(next.config().runtime().replicas(), 1);
  GATEWAY_ASSIGN_OR_RETURN(const std::shared_ptr<const RedisOptions> options,
                           RedisOptionsOf(next));
  return [this, replicas, options] {
    if (counters_ != nullptr) counters_->keeper().SetReplicas(replicas);
    if (credentials_ == nullptr || options == nullptr) return;
    credentials_->Set(CredentialsOf(options->connection));
    sentinel_credentials_->Set(CredentialsOf(options->sentinel));
  };
}

void SharedRedis::Follow(EventLoop& loop) {
  if (options_ == nullptr) return;
  follows_on_ = &loop;
  loop.Post([this, &loop] {
    Spawn(counters_->keeper().Run(loop));
    Spawn(claims_->Run(loop));
  });
}

void SharedRedis::Stop(absl::Duration patience) {
  if (follows_on_ == nullptr) return;
  claims_->Stop(*follows_on_, std::max(patience, KeyClaims::kStopPatience));
  counters_->keeper().Stop(*follows_on_);
  follows_on_ = nullptr;
}

void SharedRedis::AddMetrics(MetricRegistry& registry) {
  AddSharingMetrics(counters_->keeper().state(), registry);
  registry.AddCollector([this](MetricRegistry::Values& values) {
    for (const RedisHealth::Server& server : health_.Servers()) {
      values.Add(kUp, {server.name}, server.is_up() ? 1 : 0);
      values.Add(kConnections, {server.name}, server.up);
      values.Add(kOutages, {server.name}, static_cast<double>(server.outages));
    }
  });
}

}  // namespace gateway
