#include "service/api/circuits_admin.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/utf8.h"
#include "errors/fault.h"
#include "google/protobuf/util/json_util.h"
#include "service/api/caller_check.h"
#include "service/api/circuit_view.h"
#include "service/config/config_names.h"

namespace gateway {
namespace {

using By = TargetAvailability::By;

constexpr std::string_view kService = "llmgateway.v1.AdminService";
constexpr std::string_view kModule = "providers";
// Where what operators have said is kept: a ListCircuitsResponse in JSON.
constexpr std::string_view kDocument = "circuits.json";

constexpr int kCircuitsPageDefault = 100;
constexpr int kCircuitsPageMax = 1000;
constexpr int64_t kReasonCharactersMax = 512;
// How a page token begins. It names the last circuit of its page, so that the
// next page is right even if circuits come between the two.
constexpr absl::string_view kCircuitMark = "circuit:";

// A provider and a model.
using CircuitName = std::pair<std::string, std::string>;

// Returns the name in a page token; nothing if it is none of ours.
std::optional<CircuitName> NameInToken(absl::string_view token) {
  if (!absl::ConsumePrefix(&token, kCircuitMark)) return std::nullopt;
  const size_t slash = token.find('/');
  if (slash == absl::string_view::npos) return std::nullopt;
  return CircuitName(token.substr(0, slash), token.substr(slash + 1));
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

// Returns the operator's name, as people are told it.
std::string OperatorName(const RuntimeSnapshot& runtime,
                         const CallContext& call) {
  const absl::StatusOr<std::string_view> id = CheckOperator(runtime, call);
  return id.ok() && !id->empty() ? std::string(*id) : "an operator";
}

void LogDeed(std::string_view deed, const std::string& provider,
             const std::string& model, const std::string& who,
             std::string_view detail = {}) {
  Log(LogLevel::kInfo, kModule, deed,
      {{"provider", provider},
       {"model", model},
       {"operator", who},
       {"detail", detail}});
}

// Returns what operators have said, in the form in which it is kept.
std::string WhatIsKept(const RuntimeSnapshot& runtime) {
  const absl::Duration now = runtime.clock().SteadyTime();
  v1::ListCircuitsResponse kept;
  for (const TargetState* target : runtime.resilience().targets.All()) {
    v1::Circuit circuit;
    const CircuitBreaker::Snapshot breaker = target->breaker.Read(now);
    if (breaker.is_forced) {
      circuit.set_state(breaker.state == CircuitBreaker::State::kForcedOpen
                            ? v1::Circuit::STATE_FORCED_OPEN
                            : v1::Circuit::STATE_METRICS_ONLY);
    }
    const TargetAvailability::Snapshot said = target->availability.Read();
    if (said.by == By::kOperator) {
      circuit.set_disabled(true);
      circuit.set_disabled_reason(said.why);
    }
    if (circuit.ByteSizeLong() == 0) continue;
    circuit.set_provider(target->provider);
    circuit.set_model(target->model);
    *kept.add_circuits() = std::move(circuit);
  }
  std::string json;
  // Fails for no message without an Any.
  static_cast<void>(google::protobuf::util::MessageToJsonString(kept, &json));
  return json;
}

void Restore(const v1::Circuit& kept, TargetBoard& targets,
             absl::Duration now) {
  TargetState* const target = targets.FindOwn(kept.provider(), kept.model());
  if (target == nullptr) return;
  if (kept.state() == v1::Circuit::STATE_FORCED_OPEN) {
    target->breaker.Force(CircuitBreaker::State::kForcedOpen, now);
  } else if (kept.state() == v1::Circuit::STATE_METRICS_ONLY) {
    target->breaker.Force(CircuitBreaker::State::kMetricsOnly, now);
  }
  if (kept.disabled()) {
    target->availability.Disable(By::kOperator, kept.disabled_reason());
  }
}

}  // namespace

void RestoreCircuits(const StateStore& state, const RuntimeSnapshot& runtime) {
  const absl::StatusOr<std::optional<std::string>> text =
      state.Read(kDocument);
  v1::ListCircuitsResponse kept;
  absl::Status read = text.status();
  if (read.ok() && text->has_value() &&
      !google::protobuf::util::JsonStringToMessage(**text, &kept).ok()) {
    read = absl::DataLossError(absl::StrCat(
        state.folder(), "/", ToAbsl(kDocument), " is not what was written"));
  }
  if (!read.ok()) {
    Log(LogLevel::kError, "state",
        "No model is disabled and no circuit forced, since what operators have "
        "said cannot be read",
        {{"error", read}});
    return;
  }
  for (const v1::Circuit& circuit : kept.circuits()) {
    Restore(circuit, runtime.resilience().targets,
            runtime.clock().SteadyTime());
  }
}

template <typename Request, typename Response>
void CircuitsAdmin::Add(MethodTable& table, const char* method,
                        Handler<Request, Response> handler) {
  table.AddUnary<Request, Response>(
      kService, method,
      [this, handler](CallContext& call, const Request& request,
                      Response* response) {
        return (this->*handler)(call, request, response);
      });
}

void CircuitsAdmin::AddTo(MethodTable& table) {
  Add(table, "ListCircuits", &CircuitsAdmin::ListCircuits);
  Add(table, "ResetCircuit", &CircuitsAdmin::ResetCircuit);
  Add(table, "ForceCircuit", &CircuitsAdmin::ForceCircuit);
  Add(table, "SetModelEnabled", &CircuitsAdmin::SetModelEnabled);
}

Task<absl::Status> CircuitsAdmin::ListCircuits(
    CallContext&, const v1::ListCircuitsRequest& request,
    v1::ListCircuitsResponse* response) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  if (request.page_size() < 0) {
    co_return InvalidField("page_size", "must not be negative");
  }
  std::optional<CircuitName> after;
  if (!request.page_token().empty()) {
    after = NameInToken(request.page_token());
    if (!after.has_value()) {
      co_return InvalidField("page_token",
                             "is not one that this listing returned");
    }
  }
  if (!request.provider().empty()) {
    GATEWAY_CO_RETURN_IF_ERROR(CheckProvider(*runtime, request.provider()));
  }
  const int page_size =
      request.page_size() == 0
          ? kCircuitsPageDefault
          : std::min(request.page_size(), kCircuitsPageMax);
  const CircuitView view(*runtime);
  for (const TargetState* target : view.Targets(request.provider())) {
    if (after.has_value() &&
        CircuitName(target->provider, target->model) <= *after) {
      continue;
    }
    if (response->circuits_size() == page_size) {
      const v1::Circuit& shown = response->circuits(page_size - 1);
      response->set_next_page_token(
          absl::StrCat(kCircuitMark, shown.provider(), "/", shown.model()));
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
  const absl::Duration now = runtime->clock().SteadyTime();
  ResilienceState& resilience = runtime->resilience();
  resilience.outliers.Reset(request.provider(), request.model(), now);
  if (request.model().empty()) {
    resilience.providers.ResetCredentials(request.provider());
  }
  for (TargetState* target : resilience.targets.All()) {
    if (target->provider != request.provider()) continue;
    if (!request.model().empty() && target->model != request.model()) continue;
    target->breaker.Reset(now);
    target->availability.RecordSuccess();  // Ends the row of failures.
  }
  LogDeed("An operator has reset circuits", request.provider(),
          request.model(), OperatorName(*runtime, call));
  const CircuitView view(*runtime);
  for (const TargetState* target : view.Targets(request.provider())) {
    if (!request.model().empty() && target->model != request.model()) continue;
    view.Fill(*target, response->add_circuits());
  }
  co_return co_await Keep(call);
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
  GATEWAY_CO_ASSIGN_OR_RETURN(
      TargetState* const target,
      TargetToChange(*runtime, request.provider(), request.model()));
  target->breaker.Force(state, runtime->clock().SteadyTime());
  LogDeed("An operator has forced a circuit", request.provider(),
          request.model(), OperatorName(*runtime, call),
          v1::ForceCircuitRequest::State_Name(request.state()));
  CircuitView(*runtime).Fill(*target, response->mutable_circuit());
  co_return co_await Keep(call);
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
    const TargetState* const known =
        runtime->resilience().targets.FindKnown(request.provider(),
                                                request.model());
    if (known != nullptr) {
      view.Fill(*known, &circuit);
    } else {
      view.FillUnknown(request.provider(), request.model(), &circuit);
    }
    circuit.set_disabled(!request.enabled());
    circuit.set_disabled_reason(request.enabled() ? "" : why);
    co_return absl::OkStatus();
  }
  GATEWAY_CO_ASSIGN_OR_RETURN(
      TargetState* const target,
      TargetToChange(*runtime, request.provider(), request.model()));
  if (request.enabled()) {
    target->availability.Enable();
    LogDeed("An operator has enabled a model", request.provider(),
            request.model(), who, request.reason());
  } else {
    target->availability.Disable(By::kOperator, why);
    LogDeed("An operator has disabled a model", request.provider(),
            request.model(), who, request.reason());
  }
  view.Fill(*target, &circuit);
  co_return co_await Keep(call);
}

Task<absl::Status> CircuitsAdmin::Keep(CallContext& call) {
  StateStore& state = sources_.state;
  if (!state.is_persistent()) co_return absl::OkStatus();
  // Read on the worker, where one follows the other, so that what is written
  // last is what was said last.
  auto write = [&state, runtime = sources_.runtime.Get()] {
    return state.Write(kDocument, WhatIsKept(*runtime));
  };
  const absl::StatusOr<absl::Status> kept =
      co_await sources_.worker.Run(std::move(write), call.cancel());
  if (!kept.ok()) {
    // The caller has gone, or too many wait. It is in force all the same.
    state.WriteSoon(kDocument, WhatIsKept(*sources_.runtime.Get()));
    co_return absl::OkStatus();
  }
  if (kept->ok()) co_return absl::OkStatus();
  co_return MakeFault(
      v1::ERROR_REASON_INTERNAL,
      absl::StrCat("it is in force, but will be forgotten by a restart: ",
                   kept->message()));
}

}  // namespace gateway
