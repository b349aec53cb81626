#include "clients/cli/circuits_request.h"

#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/target_words.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using CircuitsStub = v1::AdminService::Stub;

constexpr std::string_view kValidateOnly = "--validate_only";
constexpr std::string_view kListCircuitsFlags[] = {"--provider"};
constexpr std::string_view kSetCircuitSwitches[] = {kValidateOnly};
constexpr OperatorVerb kCircuitsVerbs[] = {{"list", kListCircuitsFlags},
                                           {"reset", {}, kSetCircuitSwitches},
                                           {"force", {}, kSetCircuitSwitches}};

constexpr std::pair<std::string_view, v1::ForceCircuitRequest::State>
    kForcedStates[] = {
        {"forced_open", v1::ForceCircuitRequest::STATE_FORCED_OPEN},
        {"metrics_only", v1::ForceCircuitRequest::STATE_METRICS_ONLY},
        {"configured", v1::ForceCircuitRequest::STATE_CONFIGURED}};

// As in `2/10`: so many of so many failed.
std::string WindowText(const v1::Circuit& circuit) {
  return absl::StrCat(circuit.window_failures(), "/", circuit.window_calls());
}

std::string LatencyText(const v1::Circuit& circuit) {
  if (!circuit.has_latency()) return "-";
  const absl::Duration latency = absl::Seconds(circuit.latency().seconds()) +
                                 absl::Nanoseconds(circuit.latency().nanos());
  return absl::FormatDuration(absl::Trunc(latency, absl::Milliseconds(1)));
}

// Why nobody, or hardly anybody, is sent there.
std::string HeldText(const v1::Circuit& circuit) {
  if (circuit.disabled()) {
    return absl::StrCat("disabled ", circuit.disabled_reason());
  }
  if (circuit.has_ejected_until()) {
    return absl::StrCat("ejected until ", TimeText(circuit.ejected_until()));
  }
  if (circuit.has_retry_time()) {
    return absl::StrCat("open until ", TimeText(circuit.retry_time()));
  }
  return "-";
}

absl::StatusOr<v1::ListCircuitsResponse> ListCircuits(
    const AdminConnection& admin, const OperatorWords& words) {
  v1::ListCircuitsRequest request;
  request.set_provider(LastOf(words, "--provider"));
  v1::ListCircuitsResponse all;
  const auto add = [&all](v1::ListCircuitsResponse& page) {
    for (v1::Circuit& each : *page.mutable_circuits()) {
      *all.add_circuits() = std::move(each);
    }
  };
  GATEWAY_RETURN_IF_ERROR(
      (admin.CallPages<v1::ListCircuitsRequest, v1::ListCircuitsResponse>(
          &CircuitsStub::ListCircuits, request, add)));
  return all;
}

template <typename Response>
std::string ShownCircuits(const OperatorWords& words,
                          const Response& response) {
  return words.as_json ? AsJson(response) : CircuitsTable(response.circuits());
}

}  // namespace

const OperatorCommand kCircuitsCommand = {"circuits", kCircuitsVerbs};

absl::StatusOr<std::string> AskCircuits(const RpcPlace& place,
                                        const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kCircuitsCommand, words));
  if (words.words[0] == "reset") {
    GATEWAY_ASSIGN_OR_RETURN(const v1::ResetCircuitRequest request,
                             ResetCircuitRequestOf(words));
    GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                             AdminConnection::Open(place));
    GATEWAY_ASSIGN_OR_RETURN(const v1::ResetCircuitResponse response,
                             admin.Call(&CircuitsStub::ResetCircuit, request));
    return ShownCircuits(words, response);
  }
  if (words.words[0] == "force") {
    GATEWAY_ASSIGN_OR_RETURN(const v1::ForceCircuitRequest request,
                             ForceCircuitRequestOf(words));
    GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                             AdminConnection::Open(place));
    GATEWAY_ASSIGN_OR_RETURN(const v1::ForceCircuitResponse response,
                             admin.Call(&CircuitsStub::ForceCircuit, request));
    if (words.as_json) return AsJson(response);
    v1::ListCircuitsResponse one;
    *one.add_circuits() = response.circuit();
    return CircuitsTable(one.circuits());
  }
  GATEWAY_RETURN_IF_ERROR(CheckNoName(kCircuitsCommand, words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(const v1::ListCircuitsResponse all,
                           ListCircuits(admin, words));
  return ShownCircuits(words, all);
}

absl::StatusOr<v1::ResetCircuitRequest> ResetCircuitRequestOf(
    const OperatorWords& words) {
  GATEWAY_ASSIGN_OR_RETURN(
      const std::string name,
      OneNameOf(kCircuitsCommand, words, "PROVIDER or PROVIDER/MODEL"));
  v1::ResetCircuitRequest request;
  request.set_validate_only(HasSwitch(words, kValidateOnly));
  if (name.find('/') == std::string::npos) {
    request.set_provider(name);
    return request;
  }
  GATEWAY_ASSIGN_OR_RETURN(const auto target, TargetOf(name));
  request.set_provider(target.provider());
  request.set_model(target.model());
  return request;
}

absl::StatusOr<v1::ForceCircuitRequest> ForceCircuitRequestOf(
    const OperatorWords& words) {
  if (words.words.size() == 3) {
    for (const auto& [word, state] : kForcedStates) {
      if (word != words.words[2]) continue;
      GATEWAY_ASSIGN_OR_RETURN(const auto target, TargetOf(words.words[1]));
      v1::ForceCircuitRequest request;
      request.set_provider(target.provider());
      request.set_model(target.model());
      request.set_state(state);
      request.set_validate_only(HasSwitch(words, kValidateOnly));
      return request;
    }
  }
  return absl::InvalidArgumentError(
      "circuits force takes PROVIDER/MODEL and forced_open, metrics_only or "
      "configured; see gatewayctl --help");
}

std::string CircuitsTable(
    const google::protobuf::RepeatedPtrField<v1::Circuit>& circuits) {
  if (circuits.empty()) return "nothing has been learned of a target yet\n";
  std::vector<Row> rows = {{"TARGET", "STATE", "FAILED", "IN A ROW", "OPENED",
                            "IN FLIGHT", "FIRST TOKEN", "HELD"}};
  for (const v1::Circuit& circuit : circuits) {
    rows.push_back(
        {TargetText(circuit.provider(), circuit.model()),
         ValueText(v1::Circuit::State_Name(circuit.state()), "STATE_"),
         WindowText(circuit), absl::StrCat(circuit.consecutive_failures()),
         absl::StrCat(circuit.times_opened()),
         absl::StrCat(circuit.attempts_in_flight()), LatencyText(circuit),
         HeldText(circuit)});
  }
  return Table(rows);
}

}  // namespace gateway
