#include "service/reload/restart_fields.h"

#include <cstddef>

#include "service/config/config_diff.h"
#include "service/config/store_validator.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::Listeners;
using ::llmgateway::config::v1::StoreConfig;
using ::llmgateway::config::v1::TlsServer;

constexpr size_t kFieldsMax = 1000;

// Which proxies are believed counts call by call. Of TLS it counts whether it
// is spoken and whether clients must show certificates: connections that stand
// were let in by that. The certificates themselves are for the next
// connections.
template <typename Listener>
void LeaveOutWhatMayChange(Listener* listener) {
  listener->clear_trusted_proxies();
  if (!listener->has_tls()) return;
  TlsServer& tls = *listener->mutable_tls();
  tls.set_cert_chain("given");
  tls.clear_private_key();
  if (!tls.client_ca().empty()) tls.set_client_ca("given");
}

// What is read at the start, and nothing else.
GatewayConfig AtStart(const GatewayConfig& config) {
  GatewayConfig start;
  Listeners& listeners = *start.mutable_listeners();
  listeners = config.listeners();
  LeaveOutWhatMayChange(listeners.mutable_grpc());
  LeaveOutWhatMayChange(listeners.mutable_http());
  listeners.mutable_http()->clear_messages_details();
  LeaveOutWhatMayChange(listeners.mutable_admin());
  LeaveOutWhatMayChange(listeners.mutable_operations());
  if (listeners.has_admin_http()) {
    LeaveOutWhatMayChange(listeners.mutable_admin_http());
  }
  auto& logging = *start.mutable_logging();
  logging.set_file(config.logging().file());
  logging.set_access_log(config.logging().access_log());
  logging.set_format(config.logging().format());
  if (config.logging().has_rotation()) {
    *logging.mutable_rotation() = config.logging().rotation();
  }
  *logging.mutable_access_log_fields() = config.logging().access_log_fields();
  *start.mutable_metrics() = config.metrics();
  *start.mutable_response_store() = config.response_store();
  auto& runtime = *start.mutable_runtime();
  runtime.set_event_loops(config.runtime().event_loops());
  runtime.set_state_dir(config.runtime().state_dir());
  // Without a Redis, whether there are others; how many is followed.
  if (!config.has_redis() && config.runtime().replicas() > 1) {
    runtime.set_replicas(2);
  }
  // The store is opened, or not, at the start. Of issued keys it counts whether
  // there are any.
  if (config.has_store()) *start.mutable_store() = config.store();
  if (config.has_redis()) *start.mutable_redis() = config.redis();
  if (config.has_ledger()) *start.mutable_ledger() = config.ledger();
  if (config.has_tracing()) *start.mutable_tracing() = config.tracing();
  if (config.has_sessions()) {
    auto& sessions = *start.mutable_sessions();
    // Elsewhere the store has no limit of its own, and this one is followed.
    if (RecordStoreEngine(config) == StoreConfig::ENGINE_MEMORY) {
      sessions.set_size_bytes_limit(config.sessions().size_bytes_limit());
    }
  }
  if (config.has_audit()) {
    auto& audit = *start.mutable_audit();
    audit.set_file(config.audit().file());
    audit.set_queue_entries_limit(config.audit().queue_entries_limit());
    audit.set_queue_bytes_limit(config.audit().queue_bytes_limit());
    audit.set_file_bytes_limit(config.audit().file_bytes_limit());
  }
  auto& callers = *start.mutable_auth()->mutable_callers();
  if (config.auth().callers().has_issued_keys()) {
    callers.mutable_issued_keys()->set_keys_limit(1);
  }
  return start;
}

// Whether replicas are to tell what they have spent, where this one has read
// the others' part of the database and counts it as its own: it would tell that
// as well, and all would count it twice.
bool BeginsToShareWhatItHasRead(const GatewayConfig& in_use,
                                const GatewayConfig& next) {
  return in_use.has_redis() && in_use.ledger().has_postgres() &&
         !in_use.budgets().shared() && next.budgets().shared();
}

}  // namespace

std::vector<std::string> RestartFields(const GatewayConfig& in_use,
                                       const GatewayConfig& next) {
  std::vector<std::string> fields;
  for (const ConfigDifference& each :
       DiffConfigs(AtStart(in_use), AtStart(next), kFieldsMax)) {
    fields.push_back(each.path);
  }
  if (BeginsToShareWhatItHasRead(in_use, next)) {
    fields.emplace_back("budgets.shared");
  }
  return fields;
}

}  // namespace gateway
