#include "service/api/admin_service.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/sleep.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/api/caller_check.h"
#include "service/api/config_admin.h"
#include "service/api/config_check.h"
#include "service/api/provider_view.h"
#include "service/api/route_view.h"
#include "service/config/loader.h"
#include "service/config/masked.h"
#include "service/pipeline/batch_size.h"
#include "service/pipeline/call_directives.h"
#include "service/pipeline/selection_messages.h"

namespace gateway {
namespace {

constexpr std::string_view kAdminService = "llmgateway.v1.AdminService";
constexpr std::string_view kInflightCalls = "llmgw_inflight_requests";

// How a page token begins. It names the last provider of its page, so that the
// next page is right even if providers come and go between the two.
constexpr char kTokenMark[] = "after:";

v1::GetHealthResponse::Status StatusOf(Readiness::State state, bool refuses,
                                       bool troubled) {
  switch (state) {
    case Readiness::State::kStarting:
      return v1::GetHealthResponse::STATUS_NOT_SERVING;
    case Readiness::State::kServing:
      if (refuses) return v1::GetHealthResponse::STATUS_NOT_SERVING;
      return troubled ? v1::GetHealthResponse::STATUS_DEGRADED
                      : v1::GetHealthResponse::STATUS_SERVING;
    case Readiness::State::kDraining:
      break;
  }
  return v1::GetHealthResponse::STATUS_DRAINING;
}

// How often it is looked how the gateway is doing, for those who watch.
constexpr absl::Duration kHealthInterval = absl::Seconds(1);

// What a watcher is told the change of: not of numbers that every call counts
// up.
std::string HealthInWords(const v1::GetHealthResponse& health) {
  v1::GetHealthResponse words = health;
  words.clear_calls_in_flight();
  for (v1::Provider& provider : *words.mutable_providers()) {
    const v1::ProviderHealth::State state = provider.health().state();
    provider.mutable_health()->Clear();
    provider.mutable_health()->set_state(state);
  }
  return words.SerializeAsString();
}

// Returns whom a route is explained for, by the id of a key; AnonymousCaller()
// if none is named.
absl::StatusOr<CallerRef> ExplainedCaller(const RuntimeSnapshot& runtime,
                                          const CallContext& call) {
  const std::string_view field = kExplainedCallerHeader;
  if (!call.FindMetadata(field).has_value()) return AnonymousCaller();
  const std::optional<std::string_view> caller = call.FindSoleMetadata(field);
  if (!caller.has_value()) {
    return InvalidField(field, "is given twice; name one key");
  }
  if (!runtime.callers().asks_for_keys()) {
    return InvalidField(field,
                        "means nothing where callers have no keys; say "
                        "scope.user_id in the request");
  }
  for (const auto& key : runtime.snapshot().caller_keys()) {
    if (key.caller.id == *caller) return Borrow(key.caller);
  }
  CallerRef issued = runtime.ports().issued_keys->CallerOf(*caller);
  if (issued != nullptr) return issued;
  return InvalidField(field,
                      "names no key: none of auth.callers.api_keys, and none "
                      "that was issued, has this id");
}

// Of what is said beside an rpc only what it knows is taken; all else would be
// ignored although its caller counts on it.
absl::Status CheckDirectives(const CallContext& call) {
  const bool explains = absl::EndsWith(ToAbsl(call.method()), "/ExplainRoute");
  for (const MetadataEntry& entry : call.metadata()) {
    if (!absl::StartsWith(ToAbsl(entry.name),
                          ToAbsl(CallDirectives::kPrefix)) ||
        (explains && entry.name == kExplainedCallerHeader)) {
      continue;
    }
    return InvalidField(
        entry.name,
        explains ? absl::StrCat("is not known here; say in the request what a "
                                "call would say by it. Only ",
                                ToAbsl(kExplainedCallerHeader), " is known")
                 : std::string("is not known to this rpc; leave it out"));
  }
  return absl::OkStatus();
}

}  // namespace

AdminService::AdminService(Sources sources)
    : sources_(std::move(sources)),
      circuits_({.runtime = sources_.runtime,
                 .state = sources_.state,
                 .worker = sources_.worker}),
      rollout_({.runtime = sources_.runtime,
                .state = sources_.state,
                .worker = sources_.worker}),
      limits_({.runtime = sources_.runtime}),
      budgets_({.runtime = sources_.runtime,
                .commit = CommitsToLedger(sources_.runtime)}) {}

template <typename Request, typename Response>
void AdminService::AddAnswer(MethodTable& table, const char* method,
                             Answer<Request, Response> answer) {
  table.AddUnary<Request, Response>(
      kAdminService, method,
      [this, answer](CallContext&, const Request& request, Response* response) {
        return Run(answer, request, response);
      });
}

template <typename Request, typename Response>
Task<absl::Status> AdminService::Run(Answer<Request, Response> answer,
                                     const Request& request,
                                     Response* response) const {
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  co_return (this->*answer)(*runtime, request, response);
}

void AdminService::AddTo(MethodTable& table) {
  AddAnswer(table, "ListProviders", &AdminService::ListProviders);
  AddAnswer(table, "GetProvider", &AdminService::GetProvider);
  AddAnswer(table, "GetHealth", &AdminService::GetHealth);
  AddAnswer(table, "GetConfig", &AdminService::GetConfig);
  table.AddUnary(kAdminService, "ValidateConfig", *this,
                 &AdminService::ValidateConfig);
  table.AddUnary(kAdminService, "ExplainRoute", *this,
                 &AdminService::ExplainRoute);
  circuits_.AddTo(table);
  rollout_.AddTo(table);
  limits_.AddTo(table);
  budgets_.AddTo(table);
  table.AddServerStream<v1::WatchHealthRequest, v1::WatchHealthResponse>(
      kAdminService, "WatchHealth",
      [this](CallContext& call, const v1::WatchHealthRequest&,
             MessageWriter& writer) { return WatchHealth(call, writer); });
  Method::Authorization authorization =
      OperatorsOnly(sources_.runtime, sources_.refusals);
  authorization.check = [is_operator = std::move(authorization.check)](
                            const CallContext& call) -> absl::Status {
    GATEWAY_RETURN_IF_ERROR(is_operator(call));
    return CheckDirectives(call);
  };
  table.AuthorizeBy(kAdminService, authorization);
  table.KeepWhileDraining(kAdminService);
}

absl::Status AdminService::ListProviders(
    const RuntimeSnapshot& runtime, const v1::ListProvidersRequest& request,
    v1::ListProvidersResponse* response) const {
  GATEWAY_ASSIGN_OR_RETURN(const int page_size,
                           PageSizeOf(runtime, request.page_size()));
  if (!request.page_token().empty() &&
      !absl::StartsWith(request.page_token(), kTokenMark)) {
    return InvalidField("page_token", "is not one that this listing returned");
  }
  const std::string after =
      request.page_token().empty()
          ? std::string()
          : request.page_token().substr(sizeof(kTokenMark) - 1);
  for (const ProviderRegistry::Entry* entry : ProvidersByName(runtime)) {
    if (entry->name <= after) continue;
    if (response->providers_size() == page_size) {
      response->set_next_page_token(
          absl::StrCat(kTokenMark, response->providers(page_size - 1).name()));
      break;
    }
    FillProvider(runtime, *entry, sources_.health, response->add_providers());
  }
  return absl::OkStatus();
}

absl::Status AdminService::GetProvider(const RuntimeSnapshot& runtime,
                                       const v1::GetProviderRequest& request,
                                       v1::Provider* response) const {
  const ProviderRegistry::Entry* const entry =
      runtime.providers().Find(request.name());
  if (entry == nullptr) {
    absl::Status fault = MakeFault(
        v1::ERROR_REASON_PROVIDER_NOT_FOUND,
        absl::StrCat("provider '", request.name(), "' is not configured"));
    AddFaultMetadata(fault, "provider", request.name());
    return fault;
  }
  FillProvider(runtime, *entry, sources_.health, response);
  return absl::OkStatus();
}

absl::Status AdminService::GetHealth(const RuntimeSnapshot& runtime,
                                     const v1::GetHealthRequest&,
                                     v1::GetHealthResponse* response) const {
  const Readiness::State state = sources_.readiness.state();
  if (state == Readiness::State::kStarting) {
    response->add_problems("the gateway is starting");
  } else if (state == Readiness::State::kDraining) {
    response->add_problems("the gateway is shutting down");
  }
  bool troubled = false;
  const bool refuses = FillComponents(response, &troubled);
  for (const ProviderRegistry::Entry* entry : ProvidersByName(runtime)) {
    v1::Provider& provider = *response->add_providers();
    FillProvider(runtime, *entry, sources_.health, &provider);
    provider.clear_models();
    const std::string problem = ProviderProblem(runtime, *entry, provider);
    if (problem.empty()) continue;
    troubled = true;
    response->add_problems(problem);
  }
  if (sources_.reloader != nullptr) {
    const ConfigReloader::State config = sources_.reloader->state();
    if (!config.problems.empty()) {
      troubled = true;
      response->add_problems(absl::StrCat(
          config.of_applied
              ? "what an operator has applied could not be used when the "
                "gateway started, and the file is in use; apply it anew, or "
                "reload: "
              : "the configuration file is not in use: ",
          config.problems.front().ToString()));
    }
  }
  for (const std::string& file : sources_.state.damaged()) {
    troubled = true;
    response->add_problems(absl::StrCat(
        "runtime.state_dir: a file was damaged when the gateway started, and "
        "what it kept is not in force; it is kept as ",
        file, ": say again what is missing, remove it, and reload"));
  }
  response->set_status(StatusOf(state, refuses, troubled));
  response->set_version(sources_.version);
  const std::optional<absl::Time> since = sources_.readiness.serving_since();
  if (since.has_value()) *response->mutable_start_time() = ToProto(*since);
  response->set_calls_in_flight(CallsInFlight());
  return absl::OkStatus();
}

bool AdminService::FillComponents(v1::GetHealthResponse* response,
                                  bool* troubled) const {
  if (sources_.components == nullptr) return false;
  bool refuses = false;
  for (v1::ComponentHealth& health : sources_.components->Read()) {
    if (health.state() != v1::ComponentHealth::STATE_HEALTHY) {
      *troubled = true;
      response->add_problems(ComponentProblem(health));
    }
    refuses |= health.state() == v1::ComponentHealth::STATE_FAILING;
    *response->add_components() = std::move(health);
  }
  return refuses;
}

Task<absl::Status> AdminService::WatchHealth(CallContext& call,
                                             MessageWriter& writer) {
  std::string told;
  while (!call.cancel().cancelled()) {
    v1::WatchHealthResponse message;
    const std::shared_ptr<const RuntimeSnapshot> runtime =
        sources_.runtime.Get();
    GATEWAY_CO_RETURN_IF_ERROR(
        GetHealth(*runtime, v1::GetHealthRequest(), message.mutable_health()));
    std::string state = HealthInWords(message.health());
    if (state != told) {
      told = std::move(state);
      const bool written = co_await writer.Write(message);
      if (!written) break;
    }
    // There is no event for all that health consists of.
    (co_await Sleep(call.loop(), kHealthInterval, call.cancel())).IgnoreError();
  }
  co_return call.cancel().status();
}

int64_t AdminService::CallsInFlight() const {
  double calls = 0;
  for (const MetricFamilyValue& family : sources_.metrics.Read().families) {
    if (family.name != kInflightCalls) continue;
    for (const MetricValue& metric : family.metrics) calls += metric.number;
  }
  return static_cast<int64_t>(calls);
}

absl::Status AdminService::GetConfig(const RuntimeSnapshot& runtime,
                                     const v1::GetConfigRequest&,
                                     v1::GetConfigResponse* response) const {
  const ConfigSnapshot& snapshot = runtime.snapshot();
  *response->mutable_config() = MaskConfig(snapshot.config());
  response->set_yaml(snapshot.masked_yaml());
  response->set_source(snapshot.source());
  *response->mutable_load_time() = ToProto(snapshot.load_time());
  response->set_checksum(snapshot.checksum());
  response->set_etag(snapshot.etag());
  if (sources_.reloader == nullptr) return absl::OkStatus();
  const ConfigReloader::State state = sources_.reloader->state();
  response->set_version(state.version.number);
  response->set_source(state.version.source);
  FillProblems(state.problems, v1::ConfigProblem::SEVERITY_ERROR,
               response->mutable_refused_problems());
  if (!state.problems.empty()) {
    *response->mutable_refuse_time() = ToProto(state.refuse_time);
  }
  return absl::OkStatus();
}

Task<absl::Status> AdminService::ExplainRoute(
    CallContext& call, const v1::ExplainRouteRequest& request,
    v1::ExplainRouteResponse* response) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  if (request.request().model().empty() &&
      !AsksForSelection(request.request()) &&
      !runtime->router().knows_default_model()) {
    co_return InvalidField("request.model", "is required");
  }
  GATEWAY_CO_ASSIGN_OR_RETURN(const CallerRef caller,
                              ExplainedCaller(*runtime, call));
  UnaskedCall unasked(runtime, call.loop());
  unasked.Take(request.request());
  const auto explain = [&] {
    gateway::ExplainRoute(unasked, *caller, response);
    return true;
  };
  // As a call's prompt, the request's may have to be counted.
  co_await OffLoop(unasked.facts.request_bytes, explain);
  co_return absl::OkStatus();
}

Task<absl::Status> AdminService::ValidateConfig(
    CallContext& call, const v1::ValidateConfigRequest& request,
    v1::ValidateConfigResponse* response) {
  if (request.text().empty()) co_return InvalidField("text", "is required");
  if (request.text().size() > kConfigBytesLimit) {
    co_return InvalidField("text",
                           absl::StrCat("must be at most ", kConfigBytesLimit,
                                        " bytes, not ", request.text().size()));
  }
  // Owns what it reads, since the work may outlive the call.
  auto check = [kinds = sources_.runtime.Get()->snapshot().kinds(),
                text = request.text(), environment = sources_.environment] {
    return CheckConfig(kinds, text, environment);
  };
  absl::StatusOr<v1::ValidateConfigResponse> checked =
      co_await sources_.worker.Run(std::move(check), call.cancel());
  if (absl::IsResourceExhausted(checked.status())) {
    co_return MakeFault(v1::ERROR_REASON_OVERLOADED,
                        "too many configurations wait to be checked");
  }
  GATEWAY_CO_RETURN_IF_ERROR(checked.status());
  *response = *std::move(checked);
  co_return absl::OkStatus();
}

}  // namespace gateway
