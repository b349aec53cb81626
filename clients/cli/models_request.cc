#include "clients/cli/models_request.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/target_words.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ModelsStub = v1::AdminService::Stub;

constexpr std::string_view kReasonFlag = "--reason";
constexpr std::string_view kOfProviderFlags[] = {"--provider"};
constexpr std::string_view kSetModelFlags[] = {kReasonFlag};
constexpr OperatorVerb kModelsVerbs[] = {{"list", kOfProviderFlags},
                                         {"get", kOfProviderFlags},
                                         {"disabled", {}},
                                         {"enable", kSetModelFlags},
                                         {"disable", kSetModelFlags}};

// Somebody waits for a word to be completed.
constexpr absl::Duration kNamesTimeout = absl::Seconds(1);

// As in `400000`, or a dash where it is not known.
std::string TokensMaxText(int64_t tokens) {
  return tokens == 0 ? "-" : absl::StrCat(tokens);
}

// Why there is no model of a provider, for people: it may be none of the
// gateway's.
std::string NoModelOf(const std::string& provider,
                      const GatewayConnection& gateway) {
  std::set<std::string> providers;
  const auto add = [&providers](v1::ListModelsResponse& page) {
    for (const v1::Model& each : page.models()) {
      providers.insert(each.provider());
    }
  };
  const absl::Status listed =
      gateway.CallPages<v1::ListModelsRequest, v1::ListModelsResponse>(
          &v1::GatewayService::Stub::ListModels, {}, add);
  std::string note =
      absl::StrCat("gatewayctl: no model of a provider '", provider, "'");
  if (listed.ok() && !providers.empty()) {
    absl::StrAppend(&note, "; there are models of ",
                    absl::StrJoin(providers, ", "));
  }
  return note + "\n";
}

absl::StatusOr<std::string> AskModelList(const RpcPlace& place,
                                         const OperatorWords& words,
                                         std::string* note) {
  GATEWAY_RETURN_IF_ERROR(CheckNoName(kModelsCommand, words));
  GATEWAY_ASSIGN_OR_RETURN(const GatewayConnection gateway,
                           GatewayConnection::Open(place));
  v1::ListModelsRequest request;
  request.set_provider_id(LastOf(words, "--provider"));
  v1::ListModelsResponse all;
  const auto add = [&all](v1::ListModelsResponse& page) {
    for (v1::Model& each : *page.mutable_models()) {
      *all.add_models() = std::move(each);
    }
  };
  GATEWAY_RETURN_IF_ERROR(
      (gateway.CallPages<v1::ListModelsRequest, v1::ListModelsResponse>(
          &v1::GatewayService::Stub::ListModels, request, add)));
  if (all.models().empty() && !request.provider_id().empty()) {
    *note = NoModelOf(request.provider_id(), gateway);
    if (!words.as_json) return std::string();
  }
  return words.as_json ? AsJson(all) : ModelsTable(all.models());
}

absl::StatusOr<std::string> AskModel(const RpcPlace& place,
                                     const OperatorWords& words) {
  v1::GetModelRequest request;
  GATEWAY_ASSIGN_OR_RETURN(*request.mutable_name(),
                           OneNameOf(kModelsCommand, words, "one model"));
  request.set_provider_id(LastOf(words, "--provider"));
  GATEWAY_ASSIGN_OR_RETURN(const GatewayConnection gateway,
                           GatewayConnection::Open(place));
  v1::ListModelsResponse one;
  GATEWAY_ASSIGN_OR_RETURN(
      *one.add_models(),
      gateway.Call(&v1::GatewayService::Stub::GetModel, request));
  return words.as_json ? AsJson(one.models(0)) : ModelsTable(one.models());
}

absl::StatusOr<std::string> AskDisabled(const RpcPlace& place,
                                        const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckNoName(kModelsCommand, words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  v1::ListCircuitsResponse all;
  const auto add_disabled = [&all](v1::ListCircuitsResponse& page) {
    for (v1::Circuit& circuit : *page.mutable_circuits()) {
      if (circuit.disabled()) *all.add_circuits() = std::move(circuit);
    }
  };
  GATEWAY_RETURN_IF_ERROR(
      (admin.CallPages<v1::ListCircuitsRequest, v1::ListCircuitsResponse>(
          &ModelsStub::ListCircuits, {}, add_disabled)));
  return words.as_json ? AsJson(all) : DisabledModelsTable(all.circuits());
}

}  // namespace

const OperatorCommand kModelsCommand = {"models", kModelsVerbs};

absl::StatusOr<std::string> AskModels(const RpcPlace& place,
                                      const OperatorWords& words,
                                      std::string* note) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kModelsCommand, words));
  if (words.words[0] == "list") return AskModelList(place, words, note);
  if (words.words[0] == "get") return AskModel(place, words);
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
  const absl::StatusOr<llmgateway::type::v1::Target> target = TargetOf(name);
  if (!target.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("models ", words.words[0],
                     " needs one PROVIDER/MODEL, as in openai/gpt-5-mini; "
                     "gatewayctl models disabled shows those that are"));
  }
  v1::SetModelEnabledRequest request;
  request.set_provider(target->provider());
  request.set_model(target->model());
  request.set_enabled(words.words[0] == "enable");
  request.set_reason(LastOf(words, kReasonFlag));
  return request;
}

std::vector<std::string> ModelNames(RpcPlace place) {
  place.timeout = kNamesTimeout;
  std::vector<std::string> names;
  const absl::StatusOr<GatewayConnection> gateway =
      GatewayConnection::Open(std::move(place));
  if (!gateway.ok()) return names;
  const auto add = [&names](v1::ListModelsResponse& page) {
    for (const v1::Model& each : page.models()) names.push_back(each.name());
  };
  gateway
      ->CallPages<v1::ListModelsRequest, v1::ListModelsResponse>(
          &v1::GatewayService::Stub::ListModels, {}, add)
      .IgnoreError();
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

bool AsksAsCaller(const OperatorWords& words) {
  return !words.words.empty() &&
         (words.words[0] == "list" || words.words[0] == "get");
}

std::string ModelsTable(
    const google::protobuf::RepeatedPtrField<v1::Model>& models) {
  if (models.empty()) return "no model is configured\n";
  std::vector<Row> rows = {
      {"MODEL", "PROVIDER", "OWNER", "INPUT", "OUTPUT", "CAPABILITIES"}};
  for (const v1::Model& model : models) {
    rows.push_back({model.name(), model.provider(), OrDash(model.owner()),
                    TokensMaxText(model.input_tokens_max()),
                    TokensMaxText(model.output_tokens_max()),
                    OrDash(absl::StrJoin(model.capabilities(), ", "))});
  }
  return Table(rows);
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
