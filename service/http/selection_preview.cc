#include "service/http/selection_preview.h"

#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "llmgateway/v1/admin.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/bounded_reading.h"
#include "providers/dialects/dropped_fields.h"
#include "providers/dialects/selection_chat/preview_writer.h"
#include "providers/dialects/selection_chat/request_reader.h"
#include "providers/dialects/selection_chat/selection_reader.h"
#include "service/api/route_view.h"
#include "service/http/request_target.h"
#include "service/http/selection_completion.h"
#include "service/pipeline/call_directives.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/pipeline/selection_messages.h"
#include "service/pipeline/violations.h"
#include "service/routing/selection/model_capability.h"
#include "service/routing/selection/model_policy.h"
#include "service/routing/selection/model_selection.h"
#include "service/routing/selection/selection_config.h"

namespace gateway {
namespace {

constexpr std::string_view kDefaultNode = "chat_completion";
constexpr std::string_view kNodeParameter = "node_name";
constexpr std::string_view kStrategyParameter = "strategy";

absl::Status Contradicts(std::string_view field) {
  return InvalidField(field, "contradicts the request; say it in one place");
}

// Takes what the query says where the body does not say it.
absl::Status MergeQuery(std::string_view query, v1::Selection* selection) {
  GATEWAY_ASSIGN_OR_RETURN(std::string node,
                           FindParameter(query, kNodeParameter));
  if (!node.empty()) {
    if (!selection->node_name().empty() && selection->node_name() != node) {
      return Contradicts("node_name");
    }
    selection->set_node_name(std::move(node));
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string name,
                           FindParameter(query, kStrategyParameter));
  if (name.empty()) return absl::OkStatus();
  v1::Selection said;
  const absl::Status read = selection_chat::ReadStrategy(name, &said);
  if (!read.ok()) return InvalidField("strategy", ToStd(read.message()));
  if (selection->strategy() != v1::Selection::STRATEGY_UNSPECIFIED &&
      selection->strategy() != said.strategy()) {
    return Contradicts("strategy");
  }
  selection->set_strategy(said.strategy());
  return absl::OkStatus();
}

// Takes what is said of the selection beside the request where the request does
// not say it.
absl::Status MergeSelection(const CallDirectives& said,
                            v1::Selection* selection) {
  if (!said.node.empty()) {
    if (!selection->node_name().empty() &&
        selection->node_name() != said.node) {
      return Contradicts("x-llmgateway-node");
    }
    selection->set_node_name(std::string(said.node));
  }
  if (said.capabilities != 0) {
    if (!selection->capabilities().empty() &&
        CapabilitiesOf(selection->capabilities()) != said.capabilities) {
      return Contradicts("x-llmgateway-capabilities");
    }
    selection->clear_capabilities();
    for (const std::string_view name : CapabilityNames(said.capabilities)) {
      selection->add_capabilities(std::string(name));
    }
  }
  if (said.strategy.has_value()) {
    // The numbers of both enums are the same.
    const auto strategy = static_cast<v1::Selection::Strategy>(*said.strategy);
    if (selection->strategy() != v1::Selection::STRATEGY_UNSPECIFIED &&
        selection->strategy() != strategy) {
      return Contradicts("x-llmgateway-strategy");
    }
    selection->set_strategy(strategy);
  }
  return absl::OkStatus();
}

absl::Status MergeDirectives(const CallDirectives& said,
                             v1::GenerateRequest* request) {
  std::string_view provider;
  const v1::CallerScope in_request = request->scope();
  CallScope scope = {.user_id = in_request.user_id(),
                     .session_id = in_request.session_id(),
                     .work_order_id = in_request.work_order_id(),
                     .agent_id = in_request.agent_id(),
                     .agent_type = in_request.agent_type(),
                     .project_id = in_request.project_id()};
  GATEWAY_RETURN_IF_ERROR(said.MergeInto(&provider, &scope));
  GATEWAY_RETURN_IF_ERROR(MergeSelection(said, request->mutable_selection()));
  request->set_provider_id(std::string(provider));
  // What a route goes by.
  request->mutable_scope()->set_agent_type(std::string(scope.agent_type));
  request->mutable_scope()->set_user_id(std::string(scope.user_id));
  for (const std::string_view tag : said.domain_tags) {
    request->add_domain_tags(std::string(tag));
  }
  return absl::OkStatus();
}

// Reads the request that a choice is asked for, which lies in `arena`.
absl::Status ReadAsked(const RequestContext& context,
                       const google::protobuf::Arena& arena,
                       v1::GenerateRequest* request) {
  const std::string_view body = context.request.body;
  GATEWAY_RETURN_IF_ERROR(ReadBounded(
      body.size(), [&arena] { return arena.SpaceAllocated(); },
      [&] { return selection_chat::ReadPreview(body, request); },
      RequestTakesTooMuch));
  v1::Selection* const selection = request->mutable_selection();
  GATEWAY_RETURN_IF_ERROR(CheckParameters(
      context.request.query, {kNodeParameter, kStrategyParameter}));
  GATEWAY_RETURN_IF_ERROR(MergeQuery(context.request.query, selection));
  Violations violations;
  CheckSelection(*selection, &violations);
  GATEWAY_RETURN_IF_ERROR(std::move(violations).ToStatus());
  GATEWAY_RETURN_IF_ERROR(MergeDirectives(context.fields.directives, request));
  CompleteSelection(context, {.node = std::string(kDefaultNode)}, request);
  return CheckThatThereIsAModel(context, *request);
}

// What each capability is, in the order in which they are told.
struct CapabilityRow {
  Capability capability;
  std::string_view category;
  std::string_view description;
};

constexpr CapabilityRow kCapabilityRows[] = {
    {kCapabilityStreaming, "interaction", "Answers piece by piece"},
    {kCapabilityFunctionCalling, "advanced", "Calls tools"},
    {kCapabilityVision, "multimodal", "Understands pictures"},
    {kCapabilityReasoning, "intelligence", "Reasons before it answers"},
    {kCapabilityWebSearch, "research", "Searches the web"},
    {kCapabilityLongContext, "context", "Takes long prompts"},
    {kCapabilityCreativeWriting, "creativity", "Writes well"},
    {kCapabilityCodeGeneration, "programming", "Writes and explains code"},
    {kCapabilityJsonMode, "formatting", "Answers in JSON"},
    {kCapabilityAudioInput, "multimodal", "Understands sound"},
    {kCapabilityDocumentInput, "multimodal", "Reads documents"},
    {kCapabilityAudioOutput, "multimodal", "Answers in sound"},
    {kCapabilityParallelTools, "advanced", "Calls several tools in one turn"},
    {kCapabilityStrictSchema, "formatting", "Keeps to a JSON Schema"},
    {kCapabilityCacheControl, "context", "Caches prompts as it is told"},
    {kCapabilityCountTokens, "context", "Counts the tokens of a prompt"},
};

struct StrategyRow {
  SelectionStrategy strategy;
  std::string_view description;
};

constexpr StrategyRow kStrategyRows[] = {
    {SelectionStrategy::kCostOptimized, "The cheapest that will do"},
    {SelectionStrategy::kPerformanceOptimized,
     "The one that has answered best and quickest"},
    {SelectionStrategy::kBalanced, "Cost and performance weighed"},
    {SelectionStrategy::kCapabilityStrict,
     "The cheapest with the capabilities named, whatever the node asks for"},
    {SelectionStrategy::kAdminPreferred,
     "The one that suits the node best, or that an operator gave to it"},
};
static_assert(std::size(kStrategyRows) == std::size(kSelectionStrategies));

const PolicyTable& TableOf(const RequestContext& context) {
  return context.runtime->router().selector().table();
}

// What the model of a policy can do; nothing without one.
std::vector<selection_chat::Ability> AbilitiesOf(const ModelPolicy* policy) {
  std::vector<selection_chat::Ability> abilities;
  if (policy == nullptr) return abilities;
  for (const CapabilityRow& each : kCapabilityRows) {
    abilities.emplace_back(
        CapabilityName(each.capability),
        LackingOf(policy->capabilities, each.capability) == 0);
  }
  return abilities;
}

// Returns the answer, or why nobody would be asked. `warnings` receives what of
// the request decides nothing, as a call would tell it.
absl::StatusOr<std::string> Preview(const RequestContext& context,
                                    UnaskedCall& unasked,
                                    std::vector<v1::Warning>* warnings) {
  auto& request = *google::protobuf::Arena::CreateMessage<v1::GenerateRequest>(
      &unasked.arena);
  GATEWAY_RETURN_IF_ERROR(ReadAsked(context, unasked.arena, &request));
  wire::DroppedFields("", warnings).Foreign("", request.extensions());
  v1::ExplainRouteResponse explained;
  unasked.Take(request);
  ExplainRoute(unasked, *context.caller.value_or(AnonymousCaller()),
               &explained);
  if (explained.failure() != v1::ERROR_REASON_UNSPECIFIED) {
    return MakeFault(explained.failure(), explained.failure_message());
  }
  const v1::Route& route = explained.route();
  const ModelPolicy* const policy =
      TableOf(context).FindPolicy(route.selection().model_id());
  std::string body;
  selection_chat::WritePreview(route, AbilitiesOf(policy), &body);
  return body;
}

}  // namespace

Task<void> PreviewSelection(RequestContext context) {
  UnaskedCall unasked(context.runtime, context.services.loop);
  std::vector<v1::Warning> warnings;
  const auto preview = [&] { return Preview(context, unasked, &warnings); };
  absl::StatusOr<std::string> body = co_await OffLoop(
      context.request.body.size(), preview, WorkerPool::Stage::kBegins);
  if (!body.ok()) {
    co_await Fail(std::move(context), body.status());
    co_return;
  }
  co_await SendJson(std::move(context), *std::move(body), std::move(warnings));
}

Task<void> ListCapabilities(RequestContext context) {
  std::vector<selection_chat::OfferedCapability> capabilities;
  for (const CapabilityRow& row : kCapabilityRows) {
    selection_chat::OfferedCapability& each = capabilities.emplace_back();
    each.name = CapabilityName(row.capability);
    each.description = row.description;
    each.category = row.category;
    for (const ModelPolicy& policy : TableOf(context).policies()) {
      if (LackingOf(policy.capabilities, row.capability) == 0) {
        each.models.push_back(policy.id);
      }
    }
  }
  std::vector<selection_chat::OfferedStrategy> strategies;
  for (const StrategyRow& row : kStrategyRows) {
    strategies.push_back({StrategyName(row.strategy), row.description});
  }
  std::string body;
  selection_chat::WriteOffer(capabilities, strategies, &body);
  co_await SendJson(std::move(context), std::move(body));
}

}  // namespace gateway
