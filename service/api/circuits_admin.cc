#include "service/api/circuits_admin.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/utf8.h"
#include "errors/fault.h"
#include "service/api/caller_check.h"
#include "service/api/circuit_view.h"
#include "service/api/state_fault.h"
#include "service/config/config_names.h"
#include "service/pipeline/batch_size.h"

namespace gateway {
namespace {

using By = TargetAvailability::By;

constexpr std::string_view kService = "llmgateway.v1.AdminService";
constexpr std::string_view kModule = "providers";

constexpr int64_t kReasonCharactersMax = 512;
// How a page token begins. It names the provider that is asked for and the last
// circuit of its page, so that the next page is right even if circuits come
// between the two.
constexpr absl::string_view kCircuitMark = "circuit:";

// A provider and a model.
using CircuitName = std::pair<std::string, std::string>;

// Returns the token for what comes behind a circuit.
std::string TokenBehind(const v1::Circuit& circuit,
                        const std::string& asked_provider) {
  return absl::StrCat(kCircuitMark, asked_provider, "/", circuit.provider(),
                      "/", circuit.model());
}

// Returns the circuit that the token of such a request names.
absl::StatusOr<CircuitName> NameInToken(absl::string_view token,
                                        const std::string& asked_provider) {
  // Providers' names have no slash.
  const std::vector<std::string> parts =
      absl::StrSplit(token, absl::MaxSplits('/', 2));
  absl::string_view provider = parts[0];
  if (parts.size() != 3 || !absl::ConsumePrefix(&provider, kCircuitMark)) {
    return InvalidField("page_token", "is not one that this listing returned");
  }
  if (provider != asked_provider) {
    return InvalidField("page_token",
                        "is of a listing for another provider; begin again "
                        "without one");
  }
  return CircuitName(parts[1], parts[2]);
}

absl::Status CheckProvider(const RuntimeSnapshot& runtime,
                           const std::string& provider) {
  if (provider.empty()) return InvalidField("provider", "is required");
  if (runtime.providers().Find(provider) != nullptr) return absl::OkStatus();
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_PROVIDER_NOT_FOUND,
                absl::StrCat("provider '", provider, "' is not configured"));
  AddFaultMetadata(fault, "provider", provider);
  return fault;
}

absl::Status CheckTargetNames(const RuntimeSnapshot& runtime,
                              const std::string& provider,
                              const std::string& model) {
  GATEWAY_RETURN_IF_ERROR(CheckProvider(runtime, provider));
  if (model.empty()) return InvalidField("model", "is required");
  if (!IsModelName(model)) return InvalidField("model", kBadModelName);
  return absl::OkStatus();
}

// Returns the target, to be changed by an operator.
absl::StatusOr<TargetState*> TargetToChange(const RuntimeSnapshot& runtime,
                                            const std::string& provider,
                                            const std::string& model) {
  TargetState* const target =
      runtime.resilience().targets.FindOwn(provider, model);
  if (target != nullptr) return target;
  return MakeFault(v1::ERROR_REASON_OVERLOADED,
                   "too many models have been named since the process began");
}

// Returns what is kept of a circuit of which this is said.
v1::Circuit::State KeptState(v1::ForceCircuitRequest::State said) {
  switch (said) {
    case v1::ForceCircuitRequest::STATE_FORCED_OPEN:
      return v1::Circuit::STATE_FORCED_OPEN;
    case v1::ForceCircuitRequest::STATE_METRICS_ONLY:
      return v1::Circuit::STATE_METRICS_ONLY;
    default:
      return v1::Circuit::STATE_UNSPECIFIED;
  }
}

// Fills in the circuit of a target that may never have been asked.
void FillAsItIs(const RuntimeSnapshot& runtime, const std::string& provider,
                const std::string& model, v1::Circuit* out) {
  const CircuitView view(runtime);
  const TargetState* const known =
      runtime.resilience().targets.FindKnown(provider, model);
  if (known != nullptr) {
    view.Fill(*known, out);
  } else {
    view.FillUnknown(provider, model, out);
  }
}

// Fills in what a circuit would be once it is forced.
void FillForced(const RuntimeSnapshot& runtime,
                const v1::ForceCircuitRequest& request, v1::Circuit* out) {
  FillAsItIs(runtime, request.provider(), request.model(), out);
  out->clear_retry_time();
  if (request.state() != v1::ForceCircuitRequest::STATE_CONFIGURED) {
    out->set_state(KeptState(request.state()));
    return;
  }
  // It is reset.
  v1::Circuit fresh;
  CircuitView(runtime).FillUnknown(request.provider(), request.model(), &fresh);
  out->set_state(fresh.state());
  out->clear_consecutive_failures();
  out->clear_window_calls();
  out->clear_window_failures();
}

// Returns the operator's name, as people are told it.
void LogDeed(const CircuitDeed& deed, const std::string& provider,
             const std::string& model) {
  Log(LogLevel::kInfo, kModule, deed.done,
      {{"provider", provider},
       {"model", model},
       {"operator", deed.by},
       {"detail", deed.detail}});
}

// Closes the circuits of a provider, or of one of its models.
void ResetAll(const RuntimeSnapshot& runtime, const std::string& provider,
              const std::string& model) {
  const absl::Duration now = runtime.clock().SteadyTime();
  ResilienceState& resilience = runtime.resilience();
  resilience.outliers.Reset(provider, model, now);
  if (model.empty()) resilience.providers.ResetCredentials(provider);
  for (TargetState* target : resilience.targets.All()) {
    if (target->provider != provider) continue;
    if (!model.empty() && target->model != model) continue;
    target->breaker.Reset(now);
    target->availability.RecordSuccess();  // Ends the row of failures.
  }
}

}  // namespace

void CircuitsAdmin::AddTo(MethodTable& table) {
  table.AddUnary(kService, "ListCircuits", *this, &CircuitsAdmin::ListCircuits);
  table.AddUnary(kService, "ResetCircuit", *this, &CircuitsAdmin::ResetCircuit);
  table.AddUnary(kService, "ForceCircuit", *this, &CircuitsAdmin::ForceCircuit);
  table.AddUnary(kService, "SetModelEnabled", *this,
                 &CircuitsAdmin::SetModelEnabled);
}

Task<absl::Status> CircuitsAdmin::ListCircuits(
    CallContext&, const v1::ListCircuitsRequest& request,
    v1::ListCircuitsResponse* response) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  GATEWAY_CO_ASSIGN_OR_RETURN(const int page_size,
                              PageSizeOf(*runtime, request.page_size()));
  std::optional<CircuitName> after;
  if (!request.page_token().empty()) {
    GATEWAY_CO_ASSIGN_OR_RETURN(
        after, NameInToken(request.page_token(), request.provider()));
  }
  if (!request.provider().empty()) {
    GATEWAY_CO_RETURN_IF_ERROR(CheckProvider(*runtime, request.provider()));
  }
  const CircuitView view(*runtime);
  for (const TargetState* target : view.Targets(request.provider())) {
    if (after.has_value() &&
        CircuitName(target->provider, target->model) <= *after) {
      continue;
    }
    if (response->circuits_size() == page_size) {
      response->set_next_page_token(
          TokenBehind(response->circuits(page_size - 1), request.provider()));
      break;
    }
    view.Fill(*target, response->add_circuits());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> CircuitsAdmin::ResetCircuit(
    CallContext& call, const v1::ResetCircuitRequest& request,
    v1::ResetCircuitResponse* response) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  GATEWAY_CO_RETURN_IF_ERROR(CheckProvider(*runtime, request.provider()));
  if (!request.validate_only()) {
    CircuitChange change = {
        .provider = request.provider(),
        .model = request.model(),
        .say = [](v1::Circuit* kept) { kept->clear_state(); }};
    std::function<void()> reset = [runtime, provider = request.provider(),
                                   model = request.model()] {
      ResetAll(*runtime, provider, model);
    };
    CircuitDeed deed = {.done = "An operator has reset circuits",
                        .by = OperatorName(*runtime, call)};
    GATEWAY_CO_RETURN_IF_ERROR(co_await Say(call, runtime, std::move(change),
                                            std::move(reset), std::move(deed)));
  }
  const CircuitView view(*runtime);
  for (const TargetState* target : view.Targets(request.provider())) {
    if (!request.model().empty() && target->model != request.model()) continue;
    view.Fill(*target, response->add_circuits());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> CircuitsAdmin::ForceCircuit(
    CallContext& call, const v1::ForceCircuitRequest& request,
    v1::ForceCircuitResponse* response) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  GATEWAY_CO_RETURN_IF_ERROR(
      CheckTargetNames(*runtime, request.provider(), request.model()));
  CircuitBreaker::State state = CircuitBreaker::State::kClosed;
  switch (request.state()) {
    case v1::ForceCircuitRequest::STATE_FORCED_OPEN:
      state = CircuitBreaker::State::kForcedOpen;
      break;
    case v1::ForceCircuitRequest::STATE_METRICS_ONLY:
      state = CircuitBreaker::State::kMetricsOnly;
      break;
    case v1::ForceCircuitRequest::STATE_CONFIGURED:
      break;
    default:
      co_return InvalidField("state", "is required");
  }
  if (request.validate_only()) {
    FillForced(*runtime, request, response->mutable_circuit());
    co_return absl::OkStatus();
  }
  GATEWAY_CO_ASSIGN_OR_RETURN(
      TargetState* const target,
      TargetToChange(*runtime, request.provider(), request.model()));
  CircuitChange change = {
      .provider = request.provider(),
      .model = request.model(),
      .say = [state = KeptState(request.state())](v1::Circuit* kept) {
        kept->set_state(state);
      }};
  std::function<void()> force = [runtime, target, state] {
    target->breaker.Force(state, runtime->clock().SteadyTime());
  };
  CircuitDeed deed = {
      .done = "An operator has forced a circuit",
      .by = OperatorName(*runtime, call),
      .detail = v1::ForceCircuitRequest::State_Name(request.state())};
  GATEWAY_CO_RETURN_IF_ERROR(co_await Say(call, runtime, std::move(change),
                                          std::move(force), std::move(deed)));
  CircuitView(*runtime).Fill(*target, response->mutable_circuit());
  co_return absl::OkStatus();
}

Task<absl::Status> CircuitsAdmin::SetModelEnabled(
    CallContext& call, const v1::SetModelEnabledRequest& request,
    v1::SetModelEnabledResponse* response) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  GATEWAY_CO_RETURN_IF_ERROR(
      CheckTargetNames(*runtime, request.provider(), request.model()));
  if (CountCharacters(request.reason()) > kReasonCharactersMax) {
    co_return InvalidField(
        "reason", absl::StrCat("must be at most ", kReasonCharactersMax,
                               " characters"));
  }
  const std::string who = OperatorName(*runtime, call);
  const std::string why =
      absl::StrCat("by ", who, request.reason().empty() ? "" : ": ",
                   request.reason());
  v1::Circuit& circuit = *response->mutable_circuit();
  const CircuitView view(*runtime);
  if (request.validate_only()) {
    FillAsItIs(*runtime, request.provider(), request.model(), &circuit);
    circuit.set_disabled(!request.enabled());
    circuit.set_disabled_reason(request.enabled() ? "" : why);
    co_return absl::OkStatus();
  }
  GATEWAY_CO_ASSIGN_OR_RETURN(
      TargetState* const target,
      TargetToChange(*runtime, request.provider(), request.model()));
  auto keep = [&state = sources_.state, runtime, target,
               said = ModelSwitch{request.enabled(), why}] {
    return SwitchModel(state, *runtime, *target, said);
  };
  const CircuitDeed deed = {
      .done = request.enabled() ? "An operator has enabled a model"
                                : "An operator has disabled a model",
      .by = who,
      .detail = request.reason()};
  auto log = [deed, provider = request.provider(), model = request.model()] {
    LogDeed(deed, provider, model);
  };
  GATEWAY_CO_RETURN_IF_ERROR(
      co_await KeepChange(sources_.state, sources_.worker, call,
                          std::move(keep), std::move(log)));
  view.Fill(*target, &circuit);
  co_return absl::OkStatus();
}

Task<absl::Status> CircuitsAdmin::Say(CallContext& call, Runtime runtime,
                                      CircuitChange change,
                                      std::function<void()> apply,
                                      CircuitDeed deed) {
  auto log = [deed = std::move(deed), provider = change.provider,
              model = change.model] { LogDeed(deed, provider, model); };
  auto keep = [&state = sources_.state, runtime = std::move(runtime),
               change = std::move(change), apply = std::move(apply)] {
    return state.WriteThen(
        kCircuitDocument, [&] { return WriteCircuits(*runtime, &change); },
        apply);
  };
  return KeepChange(sources_.state, sources_.worker, call, std::move(keep),
                    std::move(log));
}

}  // namespace gateway
