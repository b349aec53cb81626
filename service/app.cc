#include "service/app.h"

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/async/blocking_worker.h"
#include "base/async/cancellation.h"
#include "base/async/latch.h"
#include "base/async/worker_pool.h"
#include "base/net/connection_quota.h"
#include "base/net/resolver.h"
#include "base/os/clock.h"
#include "base/os/descriptor_limit.h"
#include "base/os/logging.h"
#include "base/os/thread.h"
#include "base/status_macros.h"
#include "proto/proto_time.h"
#include "service/api/component_board.h"
#include "service/api/gateway_service.h"
#include "service/api/health.h"
#include "service/api/method_table.h"
#include "service/api/readiness.h"
#include "service/api/reflection.h"
#include "service/cache/resumable_streams.h"
#include "service/call_figures.h"
#include "service/call_tracing.h"
#include "service/caller_identity.h"
#include "service/config/config_reader.h"
#include "service/config/log_modules.h"
#include "service/drained_calls.h"
#include "service/gateway_alerts.h"
#include "service/grpc_engine.h"
#include "service/http/admin_routes.h"
#include "service/http/api_router.h"
#include "service/http/audit_route.h"
#include "service/http/compatibility_routes.h"
#include "service/http/metrics_routes.h"
#include "service/http/operations_routes.h"
#include "service/http_listener.h"
#include "service/kept_health.h"
#include "service/kept_ledger.h"
#include "service/kept_records.h"
#include "service/learned_state.h"
#include "service/listener_refusals.h"
#include "service/listener_tls.h"
#include "service/log_options.h"
#include "service/loop_runtime.h"
#include "service/observability/access_log.h"
#include "service/observability/call_metrics.h"
#include "service/observability/log_level_overrides.h"
#include "service/observability/metrics.h"
#include "service/observability/process_metrics.h"
#include "service/observability/provider_health.h"
#include "service/observability/request_feed.h"
#include "service/opened_audit.h"
#include "service/operator_services.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/health_prober.h"
#include "service/pipeline/overload_watch.h"
#include "service/pipeline/response_metrics.h"
#include "service/pipeline/response_store.h"
#include "service/pipeline/runtime_metrics.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/pipeline/shared_calls.h"
#include "service/process_limits.h"
#include "service/reload/config_reloader.h"
#include "service/reload/reload_thread.h"
#include "service/shared_budgets.h"
#include "service/shared_operators.h"
#include "service/shared_redis.h"
#include "service/state/state_store.h"
#include "service/summary/call_summary.h"
#include "service/version.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

constexpr absl::Duration kLogFlushTimeout = absl::Seconds(2);

}  // namespace

struct App::Graph {
  explicit Graph(Options options) : options(std::move(options)) {}

  const configv1::GatewayConfig& proto() const { return config->config(); }

  // Bind the addresses of the listeners.
  absl::StatusOr<LoopRuntime::HttpListener> ApiListener();
  absl::StatusOr<LoopRuntime::HttpListener> OperationsListener();
  absl::StatusOr<LoopRuntime::HttpListener> AdminHttpListener();
  LoopRuntime::Shared SharedByLoops();

  // What runtimes take from what is opened. REQUIRES: all of it is.
  Ports PortsOfRuntimes();

  // What another configuration is to find ready (ConfigReloader::Prepare).
  absl::StatusOr<std::function<void()>> Prepare(const ConfigSnapshot& next);

  Options options;
  // The one that the process began with.
  std::shared_ptr<const ConfigSnapshot> config;

  // Observability.
  LogLevelOverrides log_levels{kLogModules};
  MetricRegistry registry{SystemClock()};
  std::unique_ptr<AccessLog> access_log;  // Null if calls are not logged.
  std::unique_ptr<CallMetrics> metrics;
  std::unique_ptr<RequestFeed> feed;
  ProviderHealthBoard provider_health;
  Readiness readiness{SystemClock()};
  ListenerRefusals refusals{registry, SystemClock()};

  // Outlive the runtimes, which count limits and know callers by them.
  SharedRedis redis;
  SharedOperators statements;
  SharedBudgets budgets{SystemClock()};
  KeptRecords kept{SystemClock()};
  KeptLedger ledger{SystemClock()};
  std::unique_ptr<AuditLog> audit;  // Null if there is none.
  ComponentBoard components;
  CallTracing tracing;
  GatewayAlerts alerts{SystemClock()};
  CallerIdentity identity{kept.key_registry(), worker};

  // The rules, and how others come into use.
  std::unique_ptr<ConfigReloader> reloader;
  std::unique_ptr<CurrentRuntime> runtime;

  // Keeps what operators change and what has been learned; reads that when it
  // is closed, and so goes before the runtime.
  std::unique_ptr<StateStore> state;

  // What calls consumed. Written for the last time when all have ended, while
  // the state's folder is locked.
  std::unique_ptr<CallSummary> summary;

  // Answers that callers go on from, whatever runtime they were made by.
  std::optional<ResponseStore> responses;

  // Probe providers, and look at the memory, on the first loop; null until that
  // runs.
  std::unique_ptr<HealthProber> prober;
  std::unique_ptr<OverloadWatch> overload_watch;

  // Runs what blocks and is seldom needed.
  BlockingWorker worker{{.name = "worker"}};

  // Counts connections of callers, on all loops.
  const size_t descriptors = RaiseDescriptorLimit();
  ConnectionQuota callers{
      ConnectionQuota::CallersShareOf(DescriptorsBesideAdminHttp(
          options.config.snapshot->config(), descriptors))};

  // The loops, with the HTTP APIs on them.
  Resolver resolver;
  std::optional<ListenAddress> http_address;
  std::optional<ListenAddress> operations_address;
  std::optional<ListenAddress> admin_http_address;
  std::vector<std::unique_ptr<LoopRuntime>> loops;
  absl::flat_hash_map<const EventLoop*, LoopRuntime*> runtime_of;
  std::atomic<size_t> turns = 0;  // Of App::NextLoop.

  // The services and the engines that serve them.
  HealthService health{&components};
  std::unique_ptr<GatewayService> gateway;
  ReflectionService reflection;
  MethodTable table;
  std::unique_ptr<GrpcEngine> grpc;

  std::optional<OperatorServices> operators;

  // Computes what would hold a loop. Destroyed before the loops, at rest then.
  WorkerPool work{WorkerPool::ThreadsEach(AvailableCores())};

  std::unique_ptr<ReloadThread> reload_thread;

  bool drained = false;
};

App::App(Options options)
    : graph_(std::make_unique<Graph>(std::move(options))) {}

absl::StatusOr<std::unique_ptr<App>> App::Start(Options options) {
  std::unique_ptr<App> app(new App(std::move(options)));
  GATEWAY_RETURN_IF_ERROR(app->Build());
  GATEWAY_RETURN_IF_ERROR(app->AddAdminMethods());
  GATEWAY_RETURN_IF_ERROR(app->StartLoops());
  GATEWAY_RETURN_IF_ERROR(app->StartGrpc());
  GATEWAY_RETURN_IF_ERROR(app->StartAdmin());
  app->StartRepeatedWork();
  GATEWAY_RETURN_IF_ERROR(app->StartReloading());
  Graph& graph = *app->graph_;
  graph.identity.Start(*graph.loops[0]);
  graph.health.StartServing();
  graph.operators->StartServing();
  graph.readiness.SetReady();
  return app;
}

absl::Status App::Check(std::shared_ptr<const ConfigSnapshot> config) {
  return RuntimeSnapshot::Make(std::move(config)).status();
}

App::~App() { Drain().IgnoreError(); }

absl::Status App::Build() {
  Graph& graph = *graph_;
  GATEWAY_ASSIGN_OR_RETURN(
      graph.state, OpenState(graph.options.config.snapshot->config().runtime(),
                             graph.options.file));
  const ConfigReloader::Options reloading = {
      .kinds = graph.options.config.snapshot->kinds(),
      .file = graph.options.file,
      .environment = graph.options.environment,
      .strict = graph.options.strict,
      .state = graph.state.get(),
      .metrics = &graph.registry};
  graph.reloader =
      ConfigReloader::Make(reloading, std::move(graph.options.config));
  graph.config = graph.reloader->first();
  graph.log_levels.Configure(LogLevelsOf(graph.proto().logging()));
  const configv1::GatewayConfig& config = graph.proto();
  GATEWAY_ASSIGN_OR_RETURN(graph.access_log, OpenAccessLog(config.logging()));
  graph.metrics = MakeCallMetrics(config.metrics(), graph.registry);
  AddProcessMetrics({.version = kVersion, .access_log = graph.access_log.get()},
                    SystemClock(), graph.registry);
  graph.feed = std::make_unique<RequestFeed>(RequestFeed::Options{
      .events_limit =
          static_cast<size_t>(config.metrics().watch_events_limit())});
  graph.summary = OpenCallSummary(config, graph.options.file, graph.registry);
  GATEWAY_RETURN_IF_ERROR(graph.redis.Open(*graph.config, graph.registry));
  graph.statements.Open(*graph.config, &graph.components);
  GATEWAY_RETURN_IF_ERROR(graph.kept.Open(config, graph.options.file));
  GATEWAY_RETURN_IF_ERROR(graph.ledger.Open(config, graph.options.file,
                                            graph.config->ledger_password()));
  GATEWAY_RETURN_IF_ERROR(graph.tracing.Open(*graph.config, graph.registry));
  GATEWAY_ASSIGN_OR_RETURN(
      graph.audit, OpenAudit(*graph.config, graph.options.file,
                             graph.options.environment, graph.registry));
  GATEWAY_ASSIGN_OR_RETURN(
      std::shared_ptr<const RuntimeSnapshot> snapshot,
      RuntimeSnapshot::Make(graph.config, graph.PortsOfRuntimes()));
  graph.ledger.LoadBudgets(snapshot->budget_table());
  graph.responses.emplace(ResponseStore::LimitsOf(config.response_store()),
                          SystemClock(), graph.kept.responses());
  graph.ledger.AddMetrics(graph.registry);
  graph.kept.AddMetrics(graph.registry);
  AddResponseMetrics(*graph.responses, graph.registry);
  RestoreOperators(*graph.state, *snapshot);
  graph.alerts.Open(*graph.config, *graph.state);
  graph.runtime = std::make_unique<CurrentRuntime>(std::move(snapshot));
  graph.refusals.Follow(*graph.runtime);
  AddKeptHealth({*graph.runtime, graph.ledger.writer(), graph.ledger.chains(),
                 graph.audit.get(), graph.redis.health(), graph.kept.store(),
                 graph.summary.get(), SystemClock(),
                 [&graph] { return graph.ledger.trust(); },
                 [&graph] { return graph.ledger.trouble(); }},
                &graph.components);
  KeepWhatIsLearned(*graph.state, *graph.runtime);
  GATEWAY_RETURN_IF_ERROR(
      graph.budgets.Open(*graph.runtime,
                         {graph.ledger.path(), graph.ledger.chain(),
                          [&graph] { return graph.ledger.TakeBudgetNews(); }},
                         graph.registry));
  GATEWAY_RETURN_IF_ERROR(graph.ledger.FollowBudgets(*graph.runtime));
  AddRuntimeMetrics(*graph.runtime,
                    static_cast<size_t>(config.metrics().model_labels_limit()),
                    graph.registry);
  return absl::OkStatus();
}

Ports App::Graph::PortsOfRuntimes() {
  Ports ports = identity.ports(redis.counters());
  ports.sessions = kept.sessions();
  ports.shared_answers = redis.answers();
  ports.key_claims = redis.claims();
  if (proto().has_redis()) ports.budget_sharer = budgets.sharer();
  ports.ledger = ledger.writer();
  ports.audit = audit.get();
  ports.registered = &options.providers;
  return ports;
}

absl::StatusOr<std::function<void()>> App::Graph::Prepare(
    const ConfigSnapshot& next) {
  GATEWAY_ASSIGN_OR_RETURN(
      const std::shared_ptr<const LoopRuntime::Changes> changes,
      ChangesOfLoops(next));
  std::vector<std::function<void()>> commits;
  for (GrpcEngine* engine : {grpc.get(), operators->engine()}) {
    if (engine == nullptr) continue;
    GATEWAY_ASSIGN_OR_RETURN(commits.emplace_back(), engine->PrepareTls(next));
  }
  const LogLevels levels = LogLevelsOf(next.config().logging());
  GATEWAY_ASSIGN_OR_RETURN(commits.emplace_back(), redis.Prepare(next));
  commits.push_back(tracing.Prepare(next));
  commits.push_back(ledger.Prepare(next.ledger_password()));
  commits.push_back(statements.Prepare(next));
  return [this, changes, levels, commits = std::move(commits)] {
    log_levels.Configure(levels);
    for (const auto& commit : commits) commit();
    for (const auto& loop : loops) loop->Change(changes);
    alerts.Change();
    AwaitLoops(loops);  // Connections are shown the new certificates then.
  };
}

absl::StatusOr<LoopRuntime::HttpListener> App::Graph::ApiListener() {
  GATEWAY_ASSIGN_OR_RETURN(
      LoopRuntime::HttpListener listener,
      MakeHttpListener(*config, "http", proto().listeners().http(),
                       &http_address, &refusals.http));
  listener.handler = [this](LoopServices& services) {
    return std::make_unique<AuditRoute>(
        AuditRoute::Sources{services.runtime, operators->table(),
                            &refusals.http},
        std::make_unique<MetricsRoutes>(
            MetricsRoutes::Sources{services.runtime, operators->table(), *feed,
                                   &refusals.http},
            std::make_unique<CompatibilityRoutes>(
                CompatibilityRoutes::Sources{
                    services.runtime, provider_health, readiness, registry,
                    SystemClock(), kVersion, &refusals.http, &components},
                std::make_unique<ApiRouter>(services))));
  };
  return listener;
}

absl::StatusOr<LoopRuntime::HttpListener> App::Graph::OperationsListener() {
  GATEWAY_ASSIGN_OR_RETURN(
      LoopRuntime::HttpListener listener,
      MakeHttpListener(*config, "operations", proto().listeners().operations(),
                       &operations_address, &refusals.operations));
  KeepForOperators(descriptors, &listener);
  listener.handler = [this](LoopServices&) {
    return std::make_unique<OperationsRoutes>(
        readiness, registry, &refusals.operations,
        proto().metrics().exemplars(), &components);
  };
  return listener;
}

absl::StatusOr<LoopRuntime::HttpListener> App::Graph::AdminHttpListener() {
  GATEWAY_ASSIGN_OR_RETURN(
      LoopRuntime::HttpListener listener,
      MakeHttpListener(*config, "admin_http", proto().listeners().admin_http(),
                       &admin_http_address, &refusals.admin_http));
  KeepForOperators(descriptors, &listener);
  listener.handler = [this](LoopServices& services) {
    return std::make_unique<AdminRoutes>(
        AdminRoutes::Sources{services.runtime, operators->table(),
                             &refusals.admin_http, reloader.get()});
  };
  return listener;
}

LoopRuntime::Shared App::Graph::SharedByLoops() {
  return {resolver,
          *runtime,
          work,
          access_log.get(),
          *metrics,
          *feed,
          provider_health,
          registry,
          &*responses,
          &callers,
          &refusals.http,
          RequestBytesLimit(proto()),
          static_cast<size_t>(proto().runtime().answer_buffer_bytes_limit()),
          &identity.digester(),
          redis.access(),
          summary.get(),
          tracing.tracer(),
          &alerts.counts()};
}

// Before the loops, one of which serves them by HTTP.
absl::Status App::AddAdminMethods() {
  Graph& graph = *graph_;
  graph.operators.emplace(
      OperatorServices::Sources{.config = *graph.config,
                                .environment = graph.options.environment,
                                .runtime = *graph.runtime,
                                .provider_health = graph.provider_health,
                                .metrics = graph.registry,
                                .feed = *graph.feed,
                                .summary = *graph.summary,
                                .readiness = graph.readiness,
                                .components = graph.components,
                                .worker = graph.worker,
                                .state = *graph.state,
                                .reloader = *graph.reloader,
                                .issued_keys = graph.kept.issued_keys(),
                                .ledger = graph.ledger.chains(),
                                .tracing = &graph.tracing,
                                .alerts = graph.alerts.board(),
                                .log_levels = graph.log_levels,
                                .refusals = graph.refusals.admin});
  return graph.operators->status();
}

absl::Status App::OpenHttp(std::vector<LoopRuntime::HttpListener>* on_first,
                           std::vector<LoopRuntime::HttpListener>* on_others) {
  Graph& graph = *graph_;
  if (graph.options.embedded) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const LoopRuntime::HttpListener http,
                           graph.ApiListener());
  GATEWAY_ASSIGN_OR_RETURN(const LoopRuntime::HttpListener operations,
                           graph.OperationsListener());
  *on_others = {http};
  *on_first = {http, operations};
  addresses_.http = graph.http_address->text();
  addresses_.operations = graph.operations_address->text();
  if (graph.proto().listeners().has_admin_http()) {
    GATEWAY_ASSIGN_OR_RETURN(on_first->emplace_back(),
                             graph.AdminHttpListener());
    addresses_.admin_http = graph.admin_http_address->text();
  }
  return absl::OkStatus();
}

absl::Status App::StartLoops() {
  Graph& graph = *graph_;
  std::vector<LoopRuntime::HttpListener> on_first;
  std::vector<LoopRuntime::HttpListener> on_others;
  GATEWAY_RETURN_IF_ERROR(OpenHttp(&on_first, &on_others));
  const LoopRuntime::Shared shared = graph.SharedByLoops();
  for (int i = 0; i < EventLoopCount(graph.proto().runtime()); ++i) {
    const std::unique_ptr<LoopRuntime>& loop =
        graph.loops.emplace_back(std::make_unique<LoopRuntime>(shared));
    GATEWAY_RETURN_IF_ERROR(loop->Start(i, i == 0 ? on_first : on_others));
    graph.runtime_of[&loop->loop()] = loop.get();
  }
  return absl::OkStatus();
}

absl::Status App::StartGrpc() {
  Graph& graph = *graph_;
  graph.gateway = std::make_unique<GatewayService>(
      [&graph](EventLoop& loop) -> LoopServices& {
        return graph.runtime_of.find(&loop)->second->services();
      });
  graph.gateway->AddTo(graph.table);
  graph.health.AddTo(graph.table);
  graph.reflection.AddTo(graph.table);
  GATEWAY_RETURN_IF_ERROR(graph.table.status());
  if (graph.options.embedded) return absl::OkStatus();
  const configv1::GrpcListener& listener = graph.proto().listeners().grpc();
  std::vector<EventLoop*> loops;
  for (const auto& runtime : graph.loops) loops.push_back(&runtime->loop());
  GATEWAY_ASSIGN_OR_RETURN(
      graph.grpc,
      StartGrpcEngine({.config = *graph.config,
                       .name = "grpc",
                       .listener = listener,
                       .table = graph.table,
                       .health = graph.health,
                       .loops = std::move(loops),
                       .metrics = &graph.registry,
                       .callers = &graph.callers,
                       .refusals = &graph.refusals.grpc,
                       .without_keys = graph.refusals.without_keys}));
  addresses_.grpc = ListenAddressOf(*graph.grpc, listener.address());
  return absl::OkStatus();
}

absl::Status App::StartAdmin() {
  Graph& graph = *graph_;
  if (graph.options.embedded) return absl::OkStatus();
  GATEWAY_RETURN_IF_ERROR(graph.operators->Start(
      graph.loops[0]->loop(),
      ConnectionQuota::OperatorsShareOf(graph.descriptors)));
  addresses_.admin = ListenAddressOf(
      *graph.operators->engine(), graph.proto().listeners().admin().address());
  return absl::OkStatus();
}

void App::StartRepeatedWork() {
  Graph& graph = *graph_;
  EventLoop& first = graph.loops[0]->loop();
  graph.prober = std::make_unique<HealthProber>(*graph.runtime);
  graph.overload_watch =
      std::make_unique<OverloadWatch>(*graph.runtime, &*graph.responses);
  first.Post([&graph, &first] {
    Spawn(graph.prober->Run(first, graph.loops[0]->services().http));
    Spawn(graph.overload_watch->Run(first));
  });
  graph.tracing.Follow(*graph.loops[0]);
  graph.alerts.Follow(*graph.loops[0], *graph.runtime, *graph.state,
                      graph.worker, graph.registry);
  graph.kept.Follow(first);
  graph.redis.Follow(first);
  graph.statements.Follow(first, *graph.runtime, *graph.state, graph.worker);
  graph.budgets.Follow(first);
}

absl::Status App::StartReloading() {
  Graph& graph = *graph_;
  graph.reloader->Begin(
      graph.runtime.get(),
      [&graph](const ConfigSnapshot& next) { return graph.Prepare(next); });
  graph.reload_thread =
      std::make_unique<ReloadThread>(*graph.reloader, [&graph] {
        for (const auto& loop : graph.loops) loop->CloseUnused();
      });
  return graph.reload_thread->Start();
}

const MethodTable& App::gateway_methods() const { return graph_->table; }

EventLoop& App::NextLoop() {
  Graph& graph = *graph_;
  const size_t turn = graph.turns.fetch_add(1, std::memory_order_relaxed);
  return graph.loops[turn % graph.loops.size()]->loop();
}

void App::Reload() { graph_->reload_thread->Poke(); }

absl::Duration App::drain_grace() const {
  return ToAbsl(graph_->runtime->Get()->config().runtime().drain_grace());
}

App::Unwritten App::unwritten() const {
  const Graph& graph = *graph_;
  Unwritten all;
  if (const LedgerWriter* const ledger = graph.ledger.writer()) {
    const LedgerWriter::Unwritten of_ledger = ledger->unwritten();
    all.ledger_entries = of_ledger.lost;
    all.ledger_entries_under_way = of_ledger.under_way;
  }
  if (graph.audit != nullptr) {
    all.audit_entries = graph.audit->counts().unwritten;
  }
  return all;
}

absl::Status App::Drain() {
  Graph& graph = *graph_;
  if (std::exchange(graph.drained, true)) return absl::OkStatus();
  if (graph.reloader != nullptr) graph.reloader->End();
  graph.reload_thread.reset();
  const absl::Duration grace =
      graph.runtime == nullptr ? absl::ZeroDuration() : drain_grace();
  const absl::Duration over = SystemClock().SteadyTime() + grace;
  graph.readiness.SetDraining();
  if (graph.feed != nullptr) graph.feed->BeginDrain();
  if (graph.prober != nullptr) graph.prober->Stop(graph.loops[0]->loop());
  if (graph.overload_watch != nullptr) {
    graph.overload_watch->Stop(graph.loops[0]->loop());
  }
  if (graph.runtime != nullptr) LetNobodyBack(*graph.runtime->Get());
  graph.identity.Stop();
  CancelSignal drained;  // Fires on the first loop.
  Latch none_runs_on;
  const bool served = graph.prober != nullptr;
  if (served) {
    EventLoop& first = graph.loops[0]->loop();
    first.Post([&graph, &first, grace, &drained, &none_runs_on] {
      Spawn(EndWhoRunsOn(first, grace, *graph.runtime, drained, none_runs_on));
    });
  }
  // The engine first says NOT_SERVING, then refuses; gRPC and HTTP listeners
  // drain side by side.
  if (graph.grpc != nullptr) graph.grpc->StartDraining();
  Latch http_drained(static_cast<int>(graph.loops.size()));
  for (const auto& runtime : graph.loops) {
    runtime->Drain(grace, [&http_drained] { http_drained.Open(); });
  }
  if (graph.grpc != nullptr) graph.grpc->Drain(grace);
  if (!graph.loops.empty()) http_drained.Wait();
  if (served) {
    graph.loops[0]->loop().Post(
        [&drained] { drained.Cancel(absl::CancelledError("drained")); });
    none_runs_on.Wait();
  }
  if (graph.feed != nullptr) graph.feed->Close();
  if (graph.operators) graph.operators->Drain(absl::Seconds(1));
  graph.alerts.Stop();
  graph.tracing.Stop();
  graph.kept.Stop();
  graph.budgets.Stop();
  graph.statements.Stop();
  graph.redis.Stop(over - SystemClock().SteadyTime());
  for (const auto& runtime : graph.loops) runtime->Stop();
  // No call is left that would be written down, or learned from.
  absl::Status written = graph.ledger.Close();
  if (graph.state != nullptr) graph.state->Close();
  if (graph.audit != nullptr) written.Update(graph.audit->Close());
  AccessLog::FlushOrLeave(&graph.access_log, kLogFlushTimeout);
  return written;
}

}  // namespace gateway
