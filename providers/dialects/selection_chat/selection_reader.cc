#include "providers/dialects/selection_chat/selection_reader.h"

#include <cmath>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "providers/dialects/object_fields.h"

namespace gateway::selection_chat {
namespace {

// One more than a Selection may have, so that whoever checks it says so.
constexpr int kNamesMax = 65;

struct StrategyName {
  std::string_view name;
  v1::Selection::Strategy strategy;
};

constexpr StrategyName kStrategies[] = {
    {"cost_optimized", v1::Selection::STRATEGY_COST_OPTIMIZED},
    {"performance_optimized", v1::Selection::STRATEGY_PERFORMANCE_OPTIMIZED},
    {"balanced", v1::Selection::STRATEGY_BALANCED},
    {"capability_strict", v1::Selection::STRATEGY_CAPABILITY_STRICT},
    {"admin_preferred", v1::Selection::STRATEGY_ADMIN_PREFERRED},
};

struct TierName {
  std::string_view name;
  v1::Selection::CostTier tier;
};

constexpr TierName kTiers[] = {
    {"LOW", v1::Selection::COST_TIER_LOW},
    {"MEDIUM", v1::Selection::COST_TIER_MEDIUM},
    {"HIGH", v1::Selection::COST_TIER_HIGH},
    {"PREMIUM", v1::Selection::COST_TIER_PREMIUM},
};

absl::Status ReadNames(JsonValue& value,
                       google::protobuf::RepeatedPtrField<std::string>* names) {
  return value.EachElement([names](JsonValue& element) -> absl::Status {
    if (names->size() == kNamesMax) return element.Error("too many entries");
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view name, element.String());
    names->Add()->assign(name);
    return absl::OkStatus();
  });
}

absl::Status ReadNode(JsonValue& value, v1::Selection* selection) {
  return wire::ReadText(value, selection->mutable_node_name());
}

absl::Status ReadCapabilities(JsonValue& value, v1::Selection* selection) {
  return ReadNames(value, selection->mutable_capabilities());
}

absl::Status ReadPreviousFailures(JsonValue& value, v1::Selection* selection) {
  return ReadNames(value, selection->mutable_previous_failures());
}

absl::Status ReadStrategyField(JsonValue& value, v1::Selection* selection) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view name, value.String());
  const absl::Status read = ReadStrategy(name, selection);
  return read.ok() ? read : value.Error(ToStd(read.message()));
}

absl::Status ReadTier(JsonValue& value, v1::Selection* selection) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view said, value.String());
  for (const TierName& each : kTiers) {
    if (!absl::EqualsIgnoreCase(ToAbsl(each.name), ToAbsl(said))) continue;
    selection->set_cost_tier(each.tier);
    return absl::OkStatus();
  }
  return value.Error("must be LOW, MEDIUM, HIGH or PREMIUM");
}

absl::Status ReadBudget(JsonValue& value, v1::Selection* selection) {
  GATEWAY_ASSIGN_OR_RETURN(const double dollars, value.Double());
  // Written so that NaN fails.
  if (!(dollars >= 0 && dollars <= kBudgetMaxUsd)) {
    return value.Error("must lie in 0 to 1000000 dollars");
  }
  selection->set_budget_remaining_usd_nanos(std::llround(dollars * 1e9));
  return absl::OkStatus();
}

struct SelectionField {
  std::string_view key;
  absl::Status (*read)(JsonValue& value, v1::Selection* selection);
};

constexpr SelectionField kFields[] = {
    {"budget_remaining", ReadBudget},
    {"capabilities", ReadCapabilities},
    {"cost_tier_override", ReadTier},
    {"node_name", ReadNode},
    {"previous_failures", ReadPreviousFailures},
    {"strategy", ReadStrategyField},
};

const SelectionField* FindField(std::string_view key) {
  for (const SelectionField& field : kFields) {
    if (field.key == key) return &field;
  }
  return nullptr;
}

}  // namespace

bool IsSelectionField(std::string_view key) {
  return FindField(key) != nullptr;
}

absl::Status ReadSelectionField(std::string_view key, JsonValue& value,
                                v1::Selection* selection) {
  const SelectionField* const field = FindField(key);
  if (field == nullptr) return value.Error("is not known here");
  return value.IsNull() ? value.Null() : field->read(value, selection);
}

absl::Status ReadStrategy(std::string_view name, v1::Selection* selection) {
  std::string names;
  for (const StrategyName& each : kStrategies) {
    if (each.name == name) {
      selection->set_strategy(each.strategy);
      return absl::OkStatus();
    }
    absl::StrAppend(&names, names.empty() ? "" : ", ", ToAbsl(each.name));
  }
  return absl::InvalidArgumentError(absl::StrCat("must be one of ", names));
}

}  // namespace gateway::selection_chat
