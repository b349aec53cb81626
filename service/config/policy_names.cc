#include "service/config/policy_names.h"

#include "llmgateway/config/v1/alerts.pb.h"
#include "llmgateway/config/v1/selection.pb.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;

struct OtherName {
  std::string_view name;
  std::string_view field;
};

constexpr OtherName kNamesOfPolicies[] = {
    {"context_window", "context_window_tokens"},
    {"provider", "target.provider"},
    {"provider_model_id", "target.model"},
};
constexpr OtherName kNamesOfNodes[] = {
    {"max_cost_tier", "cost_tier_max"},
    {"min_context_window", "context_window_tokens_min"},
};

constexpr OtherName kNamesOfAlerts[] = {{"alerts", "rules"}};

template <typename Names>
std::string_view FieldIn(const Names& names, std::string_view name) {
  for (const OtherName& other : names) {
    if (other.name == name) return other.field;
  }
  return {};
}

}  // namespace

std::string_view FieldOfOtherName(const Descriptor& type,
                                  std::string_view name) {
  if (&type == configv1::ModelPolicy::descriptor()) {
    return FieldIn(kNamesOfPolicies, name);
  }
  if (&type == configv1::NodeRequirement::descriptor()) {
    return FieldIn(kNamesOfNodes, name);
  }
  if (&type == configv1::AlertsConfig::descriptor()) {
    return FieldIn(kNamesOfAlerts, name);
  }
  return {};
}

std::string_view KeyFieldOf(const FieldDescriptor& list) {
  if (list.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return {};
  if (list.message_type() == configv1::ModelPolicy::descriptor()) return "id";
  if (list.message_type() == configv1::NodeRequirement::descriptor()) {
    return "name";
  }
  return {};
}

bool MayBeFlags(const FieldDescriptor& list) {
  return list.containing_type() == configv1::ModelPolicy::descriptor() &&
         list.number() == configv1::ModelPolicy::kCapabilitiesFieldNumber;
}

bool MayBeUpperCase(const google::protobuf::EnumDescriptor& type) {
  return &type == configv1::CostTier_descriptor();
}

}  // namespace gateway
