#include "service/operator_services.h"

#include <string>
#include <string_view>

#include "base/net/host_port.h"
#include "base/os/clock.h"
#include "base/status_macros.h"
#include "service/audit/redaction/body_redactor.h"
#include "service/version.h"

namespace gateway {

namespace configv1 = ::llmgateway::config::v1;

OperatorServices::OperatorServices(const Sources& sources)
    : sources_(sources),
      history_(sources.metrics, SystemClock(), {}),
      admin_({.runtime = sources.runtime,
              .health = sources.provider_health,
              .metrics = sources.metrics,
              .readiness = sources.readiness,
              .worker = sources.worker,
              .state = sources.state,
              .components = &sources.components,
              .refusals = Refusals(),
              .reloader = &sources.reloader,
              .environment = sources.environment,
              .version = std::string(kVersion)}),
      summary_({.runtime = sources.runtime,
                .metrics = sources.metrics,
                .summary = sources.summary,
                .feed = sources.feed,
                .worker = sources.worker}),
      metrics_({.runtime = sources.runtime,
                .metrics = sources.metrics,
                .history = history_,
                .feed = sources.feed,
                .worker = sources.worker,
                .refusals = Refusals()}),
      policies_({.runtime = sources.runtime,
                 .store = sources.state,
                 .worker = sources.worker}),
      pricing_({.runtime = sources.runtime,
                .state = sources.state,
                .worker = sources.worker}),
      keys_({.runtime = sources.runtime, .keys = sources.issued_keys}),
      ledger_({.chains = sources.ledger}),
      audit_({.runtime = sources.runtime}),
      config_({.runtime = sources.runtime,
               .reloader = sources.reloader,
               .worker = sources.worker}),
      traces_(TracesAdmin::Sources{
          .runtime = sources.runtime,
          .tracer =
              sources.tracing == nullptr ? nullptr : sources.tracing->tracer(),
          .exporter = sources.tracing == nullptr
                          ? nullptr
                          : sources.tracing->exporter()}),
      alerts_({.runtime = sources.runtime,
               .board = sources.alerts,
               .state = sources.state,
               .worker = sources.worker}),
      logging_({.runtime = sources.runtime, .levels = sources.log_levels}) {
  // AdminService and MetricsService come behind the others, and say who may
  // call them, too.
  policies_.AddTo(table_);
  pricing_.AddTo(table_);
  keys_.AddTo(table_);
  ledger_.AddTo(table_);
  audit_.AddTo(table_);
  config_.AddTo(table_);
  traces_.AddTo(table_);
  alerts_.AddTo(table_);
  logging_.AddTo(table_);
  admin_.AddTo(table_);
  summary_.AddTo(table_);
  metrics_.AddTo(table_);
  health_.AddTo(table_);
  reflection_.AddTo(table_);
}

bool OperatorServices::uses_grpc_core() const {
  return listener().engine() == configv1::GrpcListener::ENGINE_GRPC_CORE;
}

RefusalLog* OperatorServices::Refusals() const {
  return uses_grpc_core() ? &sources_.refusals : nullptr;
}

absl::Status OperatorServices::Start(EventLoop& loop, size_t connections_max) {
  // On loopback only: the library serves channelz without asking for a key.
  const bool channelz =
      uses_grpc_core() && IsLoopbackHost(HostOfAuthority(listener().address()));
  // The library serves it beside the table.
  if (channelz) reflection_.AddService("grpc.channelz.v1.Channelz");
  const auto without_keys = [&runtime =
                                 sources_.runtime](std::string_view text) {
    return runtime.Get()->key_redactor()->RedactText(text).text;
  };
  GATEWAY_ASSIGN_OR_RETURN(engine_,
                           StartGrpcEngine({.config = sources_.config,
                                            .name = "admin",
                                            .listener = listener(),
                                            .table = table_,
                                            .health = health_,
                                            .loops = {&loop},
                                            .metrics = &sources_.metrics,
                                            .connections_max = connections_max,
                                            .refusals = Refusals(),
                                            .without_keys = without_keys,
                                            .channelz = channelz}));
  AddMetricHistoryMetrics(history_, sources_.metrics);
  history_.Begin();
  return absl::OkStatus();
}

void OperatorServices::Drain(absl::Duration grace) {
  if (engine_ != nullptr) engine_->Drain(grace);
  history_.Stop();
}

}  // namespace gateway
