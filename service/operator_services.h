// OperatorServices are the services that operators call, and the engine that
// serves them at the admin listener. From Start on, what the metrics were is
// remembered for those who ask for a window of time.
//
//   OperatorServices operators({.config = *config, .runtime = runtime, ...});
//   GATEWAY_RETURN_IF_ERROR(operators.status());
//   // HTTP's paths for operators end in operators.table().
//   GATEWAY_RETURN_IF_ERROR(operators.Start(first_loop, connections_max));
//   ...
//   operators.Drain(grace);
//
// Thread contract: one thread, which is none of the loops'; the table is
// thread-safe.

#ifndef SERVICE_OPERATOR_SERVICES_H_
#define SERVICE_OPERATOR_SERVICES_H_

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/event_loop.h"
#include "llmgateway/config/v1/server.pb.h"
#include "service/alerts/alert_board.h"
#include "service/api/admin_service.h"
#include "service/api/alerts_admin.h"
#include "service/api/audit_admin.h"
#include "service/api/component_board.h"
#include "service/api/config_admin.h"
#include "service/api/health.h"
#include "service/api/keys_admin.h"
#include "service/api/ledger_admin.h"
#include "service/api/logging_admin.h"
#include "service/api/method_table.h"
#include "service/api/metrics_service.h"
#include "service/api/policies_admin.h"
#include "service/api/pricing_admin.h"
#include "service/api/readiness.h"
#include "service/api/reflection.h"
#include "service/api/summary_methods.h"
#include "service/api/traces_admin.h"
#include "service/call_tracing.h"
#include "service/config/environment.h"
#include "service/config/snapshot.h"
#include "service/grpc_engine.h"
#include "service/identity/issued_key_store.h"
#include "service/ledger/ledger_chains.h"
#include "service/observability/log_level_overrides.h"
#include "service/observability/metric_history.h"
#include "service/observability/metrics.h"
#include "service/observability/provider_health.h"
#include "service/observability/refusal_log.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/current_runtime.h"
#include "service/reload/config_reloader.h"
#include "service/state/state_store.h"
#include "service/summary/call_summary.h"

namespace gateway {

class OperatorServices {
 public:
  // All are borrowed.
  struct Sources {
    // The one that the process began with.
    const ConfigSnapshot& config;
    const Environment& environment;
    const CurrentRuntime& runtime;
    const ProviderHealthBoard& provider_health;
    MetricRegistry& metrics;
    RequestFeed& feed;
    CallSummary& summary;
    const Readiness& readiness;
    const ComponentBoard& components;
    BlockingWorker& worker;
    StateStore& state;
    ConfigReloader& reloader;
    IssuedKeyStore* issued_keys;  // Null where none are issued.
    // Null where there is no ledger.
    const LedgerChains* ledger = nullptr;
    CallTracing* tracing = nullptr;  // Null where no call is traced.
    AlertBoard& alerts;
    LogLevelOverrides& log_levels;
    // Where the gRPC C++ engine records refusals; the native one counts its
    // own.
    RefusalLog& refusals;
  };

  explicit OperatorServices(const Sources& sources);
  OperatorServices(const OperatorServices&) = delete;
  OperatorServices& operator=(const OperatorServices&) = delete;

  // Whether the table is as it should be.
  absl::Status status() const { return table_.status(); }
  const MethodTable& table() const { return table_; }

  // Listens.
  absl::Status Start(EventLoop& loop, size_t connections_max);
  // From now on the health service says that they are there.
  void StartServing() { health_.StartServing(); }

  // Null before Start.
  GrpcEngine* engine() { return engine_.get(); }

  // Gives calls under way until then, and ends the rest.
  void Drain(absl::Duration grace);

 private:
  const llmgateway::config::v1::GrpcListener& listener() const {
    return sources_.config.config().listeners().admin();
  }
  bool uses_grpc_core() const;
  // Null unless gRPC C++ serves operators.
  RefusalLog* Refusals() const;

  const Sources sources_;
  MetricHistory history_;
  HealthService health_;
  AdminService admin_;
  SummaryMethods summary_;
  MetricsService metrics_;
  PoliciesAdmin policies_;
  PricingAdmin pricing_;
  KeysAdmin keys_;
  LedgerAdmin ledger_;
  AuditAdmin audit_;
  ConfigAdmin config_;
  TracesAdmin traces_;
  AlertsAdmin alerts_;
  LoggingAdmin logging_;
  ReflectionService reflection_;
  MethodTable table_;
  std::unique_ptr<GrpcEngine> engine_;
};

}  // namespace gateway

#endif  // SERVICE_OPERATOR_SERVICES_H_
