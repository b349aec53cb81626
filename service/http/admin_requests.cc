#include "service/http/admin_requests.h"

#include <cstdint>
#include <functional>
#include <set>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "google/protobuf/descriptor.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/http/body_fault.h"
#include "service/http/request_target.h"

namespace gateway {
namespace {

using ::google::protobuf::EnumDescriptor;
using ::google::protobuf::EnumValueDescriptor;

// What one request may change at a time, as AdminService has it.
constexpr int kNodePoliciesMax = 1000;
// What one selection may name, as the contract has it.
constexpr int kCapabilitiesMax = 64;

constexpr std::string_view kOverrideMode = "override";
constexpr std::string_view kDefaultMode = "default";

// Puts an error of the reading into a fault's words.
absl::Status FaultOfJson(const absl::Status& status) {
  if (status.ok() || !FieldViolations(status).empty()) return status;
  return BodyFault(status);
}

absl::Status UnknownField(const JsonValue& value, std::string_view known) {
  return value.Error(
      absl::StrCat("is no field of this request; there are ", ToAbsl(known)));
}

// Visits the fields of `object`, none of which may be there twice.
absl::Status EachFieldOnce(JsonValue& object, JsonValue::FieldVisitor visit) {
  if (!object.IsObject()) return object.Error("must be a JSON object");
  std::set<std::string, std::less<>> seen;
  return object.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (!seen.emplace(key).second) return value.Error("is given twice");
        return visit(key, value);
      });
}

absl::Status ReadFields(std::string_view body, JsonValue::FieldVisitor visit) {
  if (body.empty()) return InvalidField("body", "must be a JSON object");
  return FaultOfJson(ReadJson(
      body, [&](JsonValue& root) { return EachFieldOnce(root, visit); }));
}

absl::Status TakeText(JsonValue& value, std::string* to) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
  *to = text;
  return absl::OkStatus();
}

// `STRATEGY_COST_OPTIMIZED` as `cost_optimized`.
std::string NameWithout(std::string_view prefix,
                        const EnumValueDescriptor& value) {
  return absl::AsciiStrToLower(value.name().substr(prefix.size()));
}

// Reads the name of one of the values, but for the one that says nothing.
absl::StatusOr<int> EnumOf(JsonValue& value, const EnumDescriptor& type,
                           std::string_view prefix) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
  const std::string wanted = absl::AsciiStrToLower(ToAbsl(text));
  std::string known;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() == 0) continue;
    const std::string name = NameWithout(prefix, *type.value(i));
    if (name == wanted) return type.value(i)->number();
    absl::StrAppend(&known, known.empty() ? "" : ", ", name);
  }
  return value.Error(absl::StrCat("must be one of ", known));
}

// Reads how a model is given to a node.
absl::StatusOr<std::string_view> ModeOf(JsonValue& value) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view mode, value.String());
  if (mode == kOverrideMode) return kOverrideMode;
  if (mode == kDefaultMode) return kDefaultMode;
  if (mode == "config") {
    return value.Error(
        "'config' is not served, since the gateway never writes its file: "
        "change the file, and POST /api/admin/gateway/policies/reload");
  }
  return value.Error("must be 'override' or 'default'");
}

absl::Status ReadUpdatesByNode(JsonValue& updates,
                               v1::BulkUpdateNodePoliciesRequest* to) {
  return EachFieldOnce(
      updates, [&](std::string_view node, JsonValue& value) -> absl::Status {
        if (to->updates_size() == kNodePoliciesMax) {
          return updates.Error(
              absl::StrCat("has more than ", kNodePoliciesMax, " entries"));
        }
        v1::UpdateNodePolicyRequest& update = *to->add_updates();
        update.set_node_name(std::string(node));
        GATEWAY_RETURN_IF_ERROR(TakeText(value, update.mutable_model_id()));
        // Without one it would take an override back.
        if (!update.model_id().empty()) return absl::OkStatus();
        return value.Error("must be the id of a model policy");
      });
}

absl::Status CheckTier(JsonValue& value) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view tier, value.String());
  for (const std::string_view known :
       {"premium", "standard", "economy", "emergency"}) {
    if (tier == known) return absl::OkStatus();
  }
  return value.Error("must be one of premium, standard, economy, emergency");
}

absl::Status ReadSelectionField(std::string_view key, JsonValue& value,
                                v1::Selection* to) {
  if (key == "node_name") return TakeText(value, to->mutable_node_name());
  if (key == "capabilities") {
    return value.EachElement([&](JsonValue& element) -> absl::Status {
      if (to->capabilities_size() == kCapabilitiesMax) {
        return value.Error(
            absl::StrCat("has more than ", kCapabilitiesMax, " entries"));
      }
      return TakeText(element, to->add_capabilities());
    });
  }
  if (key == "strategy") {
    GATEWAY_ASSIGN_OR_RETURN(
        const int strategy,
        EnumOf(value, *v1::Selection::Strategy_descriptor(), "STRATEGY_"));
    to->set_strategy(static_cast<v1::Selection::Strategy>(strategy));
    return absl::OkStatus();
  }
  if (key == "tier") return CheckTier(value);
  if (key == "cost_tier_override") {
    if (value.IsNull()) return absl::OkStatus();
    GATEWAY_ASSIGN_OR_RETURN(
        const int tier,
        EnumOf(value, *v1::Selection::CostTier_descriptor(), "COST_TIER_"));
    to->set_cost_tier(static_cast<v1::Selection::CostTier>(tier));
    return absl::OkStatus();
  }
  return UnknownField(value,
                      "node_name, capabilities, strategy, tier and "
                      "cost_tier_override");
}

constexpr int64_t kSecondsPerHour = 3600;

// A parameter that is a number from 1 on.
struct CountParameter {
  std::string_view name;
  int32_t most = 0;
  int32_t otherwise = 0;
};

absl::StatusOr<int32_t> ReadCount(std::string_view query,
                                  const CountParameter& parameter) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string text,
                           FindParameter(query, parameter.name));
  if (text.empty()) return parameter.otherwise;
  int32_t count = 0;
  if (absl::SimpleAtoi(text, &count) && count >= 1 && count <= parameter.most) {
    return count;
  }
  return InvalidField(
      parameter.name,
      absl::StrCat("must be a whole number from 1 to ", parameter.most));
}

}  // namespace

absl::Status ReadNodePolicy(const AdminQuestion& from,
                            v1::UpdateNodePolicyRequest* to) {
  std::string_view mode = kOverrideMode;
  const absl::Status read = ReadFields(
      from.body, [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "model_id") return TakeText(value, to->mutable_model_id());
        if (key == "mode") {
          GATEWAY_ASSIGN_OR_RETURN(mode, ModeOf(value));
          return absl::OkStatus();
        }
        if (key != "ttl") return UnknownField(value, "model_id, mode and ttl");
        if (value.IsNull()) return absl::OkStatus();
        const absl::StatusOr<int64_t> seconds = value.Int64();
        if (!seconds.ok()) {
          return value.Error(
              "must be whole seconds, 1 to 31536000 (8760 hours); leave it out "
              "for an override that does not end by itself");
        }
        to->mutable_ttl()->set_seconds(*seconds);
        return absl::OkStatus();
      });
  GATEWAY_RETURN_IF_ERROR(read);
  to->set_node_name(from.node);
  if (mode == kOverrideMode && to->model_id().empty()) {
    return InvalidField("model_id",
                        "is required: the id of a model policy; to take an "
                        "override back, say \"mode\": \"default\"");
  }
  if (mode == kDefaultMode && !to->model_id().empty()) {
    return InvalidField("model_id",
                        "contradicts the mode 'default', which takes an "
                        "override back");
  }
  return absl::OkStatus();
}

absl::Status ReadNodePolicies(const AdminQuestion& from,
                              v1::BulkUpdateNodePoliciesRequest* to) {
  const absl::Status read = ReadFields(
      from.body, [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "updates") return ReadUpdatesByNode(value, to);
        if (key != "mode") return UnknownField(value, "updates and mode");
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view mode, ModeOf(value));
        if (mode == kOverrideMode) return absl::OkStatus();
        return value.Error(
            "must be 'override'; overrides are taken back one by one, at "
            "/api/admin/gateway/policies/{node}");
      });
  if (!read.ok() || !to->updates().empty()) return read;
  return InvalidField("updates", "is required: ids of model policies by node");
}

absl::Status ReadReload(const AdminQuestion& from, v1::ReloadConfigRequest*) {
  if (from.body.empty()) return absl::OkStatus();
  return ReadFields(from.body, [](std::string_view, JsonValue& value) {
    return value.Error("is no field of this request, which has none");
  });
}

absl::Status ReadTestSelection(const AdminQuestion& from,
                               v1::TestSelectionRequest* to) {
  v1::Selection& selection = *to->mutable_selection();
  GATEWAY_RETURN_IF_ERROR(
      ReadFields(from.body, [&](std::string_view key, JsonValue& value) {
        return ReadSelectionField(key, value, &selection);
      }));
  if (!selection.node_name().empty()) return absl::OkStatus();
  return InvalidField("node_name", "is required: the name of a node");
}

absl::Status ReadRecommendations(const AdminQuestion& from,
                                 v1::GetRecommendationsRequest* to) {
  to->set_node_name(from.node);
  return absl::OkStatus();
}

absl::Status ReadCallStatistics(const AdminQuestion& from,
                                v1::GetCallStatisticsRequest* to) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string text,
                           FindParameter(from.query, "hours"));
  if (text.empty()) return absl::OkStatus();
  int32_t hours = 0;
  if (!absl::SimpleAtoi(text, &hours)) {
    return InvalidField("hours", "must be a number");
  }
  to->set_hours(hours);
  return absl::OkStatus();
}

absl::Status ReadTraceList(const AdminQuestion& from,
                           v1::ListTracesRequest* to) {
  constexpr std::string_view kKnown[] = {"limit", "hours"};
  GATEWAY_RETURN_IF_ERROR(CheckParameters(from.query, kKnown));
  GATEWAY_ASSIGN_OR_RETURN(
      const int32_t limit,
      ReadCount(from.query, {.name = "limit", .most = 500, .otherwise = 50}));
  GATEWAY_ASSIGN_OR_RETURN(
      const int32_t hours,
      ReadCount(from.query, {.name = "hours", .most = 168, .otherwise = 1}));
  to->set_page_size(limit);
  to->mutable_window()->set_seconds(hours * kSecondsPerHour);
  return absl::OkStatus();
}

absl::Status ReadTrace(const AdminQuestion& from, v1::GetTraceRequest* to) {
  to->set_trace_id(from.node);
  return absl::OkStatus();
}

absl::Status ReadTraceMetrics(const AdminQuestion& from,
                              v1::GetTraceMetricsRequest* to) {
  constexpr std::string_view kKnown[] = {"hours"};
  GATEWAY_RETURN_IF_ERROR(CheckParameters(from.query, kKnown));
  GATEWAY_ASSIGN_OR_RETURN(
      const int32_t hours,
      ReadCount(from.query, {.name = "hours", .most = 24, .otherwise = 24}));
  to->mutable_window()->set_seconds(hours * kSecondsPerHour);
  return absl::OkStatus();
}

}  // namespace gateway
