#include "clients/cli/models_request.h"

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ModelsStub = v1::AdminService::Stub;

constexpr std::string_view kReasonFlag = "--reason";
constexpr std::string_view kSetModelFlags[] = {kReasonFlag};
constexpr OperatorVerb kModelsVerbs[] = {
    {"disabled", {}}, {"enable", kSetModelFlags}, {"disable", kSetModelFlags}};

absl::StatusOr<std::string> AskDisabled(const RpcPlace& place,
                                        const OperatorWords& words) {
  if (words.words.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("models disabled takes no '", words.words[1], "'"));
  }
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  v1::ListCircuitsResponse all;
  v1::ListCircuitsRequest request;
  do {
    GATEWAY_ASSIGN_OR_RETURN(v1::ListCircuitsResponse page,
                             admin.Call(&ModelsStub::ListCircuits, request));
    for (v1::Circuit& circuit : *page.mutable_circuits()) {
      if (circuit.disabled()) *all.add_circuits() = std::move(circuit);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return words.as_json ? AsJson(all) : DisabledModelsTable(all.circuits());
}

}  // namespace

const OperatorCommand kModelsCommand = {"models", kModelsVerbs};

absl::StatusOr<std::string> AskModels(const RpcPlace& place,
                                      const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kModelsCommand, words));
  if (words.words[0] == "disabled") return AskDisabled(place, words);
  GATEWAY_ASSIGN_OR_RETURN(const v1::SetModelEnabledRequest request,
                           SetModelEnabledRequestOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(const v1::SetModelEnabledResponse response,
                           admin.Call(&ModelsStub::SetModelEnabled, request));
  if (words.as_json) return AsJson(response);
  const v1::Circuit& now = response.circuit();
  return absl::StrCat(now.provider(), "/", now.model(), " is ",
                      now.disabled() ? "disabled" : "enabled", "\n");
}

absl::StatusOr<v1::SetModelEnabledRequest> SetModelEnabledRequestOf(
    const OperatorWords& words) {
  const std::string name = words.words.size() == 2 ? words.words[1] : "";
  // A provider's name has no slash, a model's may.
  const size_t slash = name.find('/');
  if (slash == 0 || slash == name.npos || slash + 1 == name.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("models ", words.words[0],
                     " needs one PROVIDER/MODEL, as in openai/gpt-5-mini; "
                     "gatewayctl models disabled shows those that are"));
  }
  v1::SetModelEnabledRequest request;
  request.set_provider(name.substr(0, slash));
  request.set_model(name.substr(slash + 1));
  request.set_enabled(words.words[0] == "enable");
  request.set_reason(LastOf(words, kReasonFlag));
  return request;
}

std::string DisabledModelsTable(
    const google::protobuf::RepeatedPtrField<v1::Circuit>& circuits) {
  if (circuits.empty()) return "no model is disabled\n";
  std::vector<Row> rows = {{"MODEL", "WHY"}};
  for (const v1::Circuit& circuit : circuits) {
    const std::string& why = circuit.disabled_reason();
    rows.push_back({absl::StrCat(circuit.provider(), "/", circuit.model()),
                    why.empty() ? "-" : why});
  }
  return Table(rows);
}

}  // namespace gateway
