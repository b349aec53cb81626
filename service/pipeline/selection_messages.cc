#include "service/pipeline/selection_messages.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/http/http1_codec.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "providers/registry/registry.h"
#include "service/routing/selection/model_policy.h"
#include "service/routing/selection/node_overrides.h"
#include "service/routing/selection/selection_config.h"

namespace gateway {
namespace {

constexpr int kCapabilitiesMax = 64;
constexpr int kPreviousFailuresMax = 64;

void CheckSelectionName(std::string_view name, const FieldPath& path,
                        Violations* violations) {
  if (name.size() > kNodeNameBytesMax) {
    violations->Add(
        path, absl::StrCat("is longer than ", kNodeNameBytesMax, " bytes"));
  } else if (!IsFieldValue(name)) {
    violations->Add(path, "must not contain control characters");
  }
}

absl::Status Contradiction(std::string_view name) {
  return InvalidField(
      absl::StrCat(ToAbsl(CallDirectives::kPrefix), ToAbsl(name)),
      "contradicts the request; say it in one place");
}

// Takes what is said beside the request where the request does not say it.
absl::Status MergeSelection(const CallDirectives& said, bool strategy_is_said,
                            SelectionQuery* query) {
  if (!said.node.empty()) {
    if (!query->node.empty() && query->node != said.node) {
      return Contradiction("node");
    }
    query->node = said.node;
  }
  if (said.capabilities != 0) {
    if (query->capabilities != 0 && query->capabilities != said.capabilities) {
      return Contradiction("capabilities");
    }
    query->capabilities = said.capabilities;
  }
  if (said.strategy.has_value()) {
    if (strategy_is_said && query->strategy != *said.strategy) {
      return Contradiction("strategy");
    }
    query->strategy = *said.strategy;
  }
  return absl::OkStatus();
}

}  // namespace

void CheckSelection(const v1::Selection& selection, Violations* violations) {
  CheckSelectionName(selection.node_name(), "selection.node_name", violations);
  if (selection.capabilities_size() > kCapabilitiesMax) {
    violations->Add(
        "selection.capabilities",
        absl::StrCat("has more than ", kCapabilitiesMax, " entries"));
  } else {
    for (int i = 0; i < selection.capabilities_size(); ++i) {
      const absl::Status status =
          ParseCapability(selection.capabilities(i)).status();
      if (status.ok()) continue;
      violations->Add({"selection.capabilities", i}, ToStd(status.message()));
    }
  }
  if (!v1::Selection::Strategy_IsValid(selection.strategy())) {
    violations->Add("selection.strategy", "is not known");
  }
  if (!v1::Selection::CostTier_IsValid(selection.cost_tier())) {
    violations->Add("selection.cost_tier", "is not known");
  }
  if (selection.budget_remaining_usd_nanos() < 0) {
    violations->Add("selection.budget_remaining_usd_nanos",
                    "must be at least 0");
  }
  if (selection.previous_failures_size() > kPreviousFailuresMax) {
    violations->Add(
        "selection.previous_failures",
        absl::StrCat("has more than ", kPreviousFailuresMax, " entries"));
    return;
  }
  for (int i = 0; i < selection.previous_failures_size(); ++i) {
    CheckSelectionName(selection.previous_failures(i),
                       {"selection.previous_failures", i}, violations);
  }
}

AskedSelection::AskedSelection(const v1::Selection& selection,
                               SelectionStrategy default_strategy)
    : previous_failures_(selection.previous_failures().begin(),
                         selection.previous_failures().end()) {
  query_.node = selection.node_name();
  query_.capabilities = CapabilitiesOf(selection.capabilities());
  // The numbers of both enums are the same, here and below.
  query_.strategy = selection.strategy() == v1::Selection::STRATEGY_UNSPECIFIED
                        ? default_strategy
                        : static_cast<SelectionStrategy>(selection.strategy());
  if (selection.cost_tier() != v1::Selection::COST_TIER_UNSPECIFIED) {
    query_.cost_tier_max = static_cast<CostTier>(selection.cost_tier());
  }
  if (selection.has_budget_remaining_usd_nanos()) {
    query_.budget_remaining_usd_nanos = selection.budget_remaining_usd_nanos();
  }
  query_.previous_failures = previous_failures_;
}

bool AsksForSelection(const v1::GenerateRequest& request) {
  // An empty one asks for nothing.
  return request.has_selection() && request.selection().ByteSizeLong() > 0;
}

bool AsksForSelection(const IncomingCall& call) {
  if (call.facts.directives != nullptr && call.facts.directives->selects()) {
    return true;
  }
  return call.request != nullptr && AsksForSelection(*call.request);
}

absl::StatusOr<const AskedSelection*> SelectionAskedBy(IncomingCall& call) {
  if (!AsksForSelection(call)) return nullptr;
  if (call.embed != nullptr) {
    return InvalidField(
        call.facts.directives->node.empty() ? "x-llmgateway-capabilities"
                                            : "x-llmgateway-node",
        "chooses models that generate; name a model for embeddings");
  }
  const SelectionStrategy default_strategy =
      call.runtime->router().selector().default_strategy();
  const bool in_request =
      call.request != nullptr && AsksForSelection(*call.request);
  AskedSelection* const asked =
      in_request ? google::protobuf::Arena::Create<AskedSelection>(
                       &call.arena, call.request->selection(), default_strategy)
                 : google::protobuf::Arena::Create<AskedSelection>(
                       &call.arena, default_strategy);
  if (call.facts.directives == nullptr) return asked;
  const bool strategy_is_said =
      in_request && call.request->selection().strategy() !=
                        v1::Selection::STRATEGY_UNSPECIFIED;
  const absl::Status merged =
      MergeSelection(*call.facts.directives, strategy_is_said, &asked->query());
  if (!merged.ok()) return merged;
  return asked;
}

const ModelPolicy* PolicyThatLedTo(const RuntimeSnapshot& runtime,
                                   const SelectionResult& selection,
                                   std::string_view provider,
                                   std::string_view upstream_model) {
  const ProviderRegistry::Entry* const entry =
      runtime.providers().Find(provider);
  const auto led_there = [&](const ModelPolicy& policy) {
    return policy.provider == provider && entry != nullptr &&
           entry->UpstreamModel(policy.model) == upstream_model;
  };
  if (led_there(*selection.model)) return selection.model;
  for (const ModelPolicy* const fallback : selection.fallback_chain) {
    if (led_there(*fallback)) return fallback;
  }
  return nullptr;
}

void FillServedSelection(const SelectionResult& from, const ModelPolicy* served,
                         v1::ModelSelection* to) {
  FillSelection(from, to);
  if (served == nullptr || served == from.model) return;
  const auto& chain = from.fallback_chain;
  const auto at = std::find(chain.begin(), chain.end(), served);
  assert(at != chain.end() && from.fallback_scores.size() == chain.size());
  const double score = from.fallback_scores[at - chain.begin()];
  std::string reasoning =
      absl::StrCat("in place of ", from.model->id,
                   ", which was chosen first: ", from.Reasoning());
  if (from.basis == SelectionBasis::kBest ||
      from.basis == SelectionBasis::kPreviousFailure) {
    absl::StrAppend(&reasoning,
                    absl::StrFormat("; %s has %.1f", served->id, score));
  }
  to->set_model_id(served->id);
  to->set_reasoning(std::move(reasoning));
  if (from.basis == SelectionBasis::kBest) {
    to->set_confidence(ConfidenceOf(from.strategy, score));
  }
  to->set_estimated_cost_usd_nanos(
      EstimateCost(served->price, from.capabilities));
  to->clear_alternatives();
  for (const ModelPolicy* const other : from.alternatives) {
    if (other != served) to->add_alternatives(other->id);
  }
  // Those that would have been asked after it.
  to->clear_fallback_chain();
  for (auto next = at + 1; next != chain.end(); ++next) {
    to->add_fallback_chain((*next)->id);
  }
}

void FillSelection(const SelectionResult& from, v1::ModelSelection* to) {
  to->set_model_id(from.model->id);
  to->set_reasoning(from.Reasoning());
  to->set_confidence(from.confidence);
  to->set_estimated_cost_usd_nanos(from.cost_estimate_usd_nanos);
  for (const ModelPolicy* other : from.alternatives) {
    to->add_alternatives(other->id);
  }
  for (const ModelPolicy* fallback : from.fallback_chain) {
    to->add_fallback_chain(fallback->id);
  }
}

}  // namespace gateway
