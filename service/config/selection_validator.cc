#include "service/config/selection_validator.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/type/v1/target.pb.h"
#include "service/config/config_names.h"
#include "service/config/nearest_name.h"
#include "service/routing/selection/model_capability.h"
#include "service/routing/selection/selection_advice.h"
#include "service/routing/selection/selection_config.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

using ::google::protobuf::RepeatedPtrField;

constexpr char kSelectionPath[] = "routing.selection";
constexpr size_t kModelPoliciesMax = 1000;
constexpr size_t kNodeRequirementsMax = 1000;
constexpr size_t kPolicyFallbacksMax = 16;
constexpr size_t kCapabilityNamesMax = 64;
constexpr size_t kPolicyNameBytesMax = 128;

// Whether a text may name a policy or a node, as requests and header fields
// name them.
bool IsPolicyName(std::string_view text) {
  return !text.empty() && text.size() <= kPolicyNameBytesMax &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isgraph(c); });
}

class SelectionValidator {
 public:
  SelectionValidator(const configv1::GatewayConfig& config,
                     const FieldPlaces& places, ConfigProblems* problems)
      : places_(places), problems_(*problems) {
    for (const auto& provider : config.providers()) {
      providers_.push_back(provider.name());
    }
    for (const std::string_view name : CapabilityNames(~CapabilitySet{0})) {
      capabilities_.emplace_back(name);
    }
  }

  void Check(const configv1::SelectionConfig& selection);

 private:
  using Seen = std::map<std::string, size_t>;

  void Add(const std::string& path, std::string_view message) {
    well_formed_ = false;
    problems_.Add(places_.Find(path), path, message);
  }
  bool CheckCount(const std::string& path, int count, size_t most) {
    const bool fits = gateway::CheckCount(path, static_cast<size_t>(count),
                                          most, places_, &problems_);
    well_formed_ = well_formed_ && fits;
    return fits;
  }

  void CheckPolicy(const std::string& path,
                   const configv1::ModelPolicy& policy);
  void CheckTarget(const std::string& path,
                   const llmgateway::type::v1::Target& target);
  void CheckName(const std::string& list, size_t place, std::string_view field,
                 const std::string& name, Seen* seen);
  void CheckCapabilities(const std::string& path,
                         const RepeatedPtrField<std::string>& names);
  void CheckCost(const std::string& path, const std::string& cost);
  // Says what is doubtful about what is well-formed.
  void Warn(const configv1::SelectionConfig& selection);

  const FieldPlaces& places_;
  ConfigProblems& problems_;
  std::vector<std::string> providers_;
  std::vector<std::string> capabilities_;
  bool well_formed_ = true;
};

void SelectionValidator::Check(const configv1::SelectionConfig& selection) {
  const std::string policies = JoinPath(kSelectionPath, "policies");
  const std::string nodes = JoinPath(kSelectionPath, "nodes");
  if (!CheckCount(policies, selection.policies_size(), kModelPoliciesMax) ||
      !CheckCount(nodes, selection.nodes_size(), kNodeRequirementsMax)) {
    return;
  }
  Seen ids;
  for (int i = 0; i < selection.policies_size(); ++i) {
    const auto place = static_cast<size_t>(i);
    CheckName(policies, place, "id", selection.policies(i).id(), &ids);
    CheckPolicy(ElementPath(policies, place), selection.policies(i));
  }
  Seen names;
  for (int i = 0; i < selection.nodes_size(); ++i) {
    const auto place = static_cast<size_t>(i);
    const configv1::NodeRequirement& node = selection.nodes(i);
    const std::string path = ElementPath(nodes, place);
    CheckName(nodes, place, "name", node.name(), &names);
    CheckCapabilities(JoinPath(path, "required_capabilities"),
                      node.required_capabilities());
    CheckCapabilities(JoinPath(path, "preferred_capabilities"),
                      node.preferred_capabilities());
  }
  if (well_formed_) Warn(selection);
}

void SelectionValidator::CheckName(const std::string& list, size_t place,
                                   std::string_view field,
                                   const std::string& name, Seen* seen) {
  const std::string path = JoinPath(ElementPath(list, place), field);
  if (!IsPolicyName(name)) {
    return Add(path,
               "must be 1 to 128 printable characters without white "
               "space");
  }
  const auto [first, is_new] = seen->try_emplace(name, place);
  if (!is_new) {
    Add(path, absl::StrCat("is that of ", ElementPath(list, first->second),
                           " too; choose another"));
  }
}

void SelectionValidator::CheckPolicy(const std::string& path,
                                     const configv1::ModelPolicy& policy) {
  CheckTarget(JoinPath(path, "target"), policy.target());
  CheckCapabilities(JoinPath(path, "capabilities"), policy.capabilities());
  CheckCost(JoinPath(path, "input_cost_per_1k"), policy.input_cost_per_1k());
  CheckCost(JoinPath(path, "output_cost_per_1k"), policy.output_cost_per_1k());
  CheckCount(JoinPath(path, "fallback_models"), policy.fallback_models_size(),
             kPolicyFallbacksMax);
}

void SelectionValidator::CheckTarget(
    const std::string& path, const llmgateway::type::v1::Target& target) {
  const std::string provider = JoinPath(path, "provider");
  if (target.provider().empty()) {
    Add(provider, "is required; name a configured provider");
  } else if (std::find(providers_.begin(), providers_.end(),
                       target.provider()) == providers_.end()) {
    Add(provider, absl::StrCat("names no configured provider",
                               Suggestion(target.provider(), providers_)));
  }
  if (!IsModelName(target.model())) Add(JoinPath(path, "model"), kBadModelName);
  constexpr char kMeansNothing[] =
      "means nothing here, where no calls are shared; remove it";
  if (target.has_weight()) Add(JoinPath(path, "weight"), kMeansNothing);
  if (target.has_priority()) Add(JoinPath(path, "priority"), kMeansNothing);
}

void SelectionValidator::CheckCapabilities(
    const std::string& path, const RepeatedPtrField<std::string>& names) {
  if (!CheckCount(path, names.size(), kCapabilityNamesMax)) return;
  for (int i = 0; i < names.size(); ++i) {
    if (ParseCapability(names[i]).ok()) continue;
    Add(ElementPath(path, static_cast<size_t>(i)),
        absl::StrCat(
            "'", absl::CHexEscape(names[i].substr(0, kPolicyNameBytesMax)),
            "' is no capability", Suggestion(names[i], capabilities_)));
  }
}

void SelectionValidator::CheckCost(const std::string& path,
                                   const std::string& cost) {
  if (ParseCostPer1k(cost).has_value()) return;
  Add(path, "must be dollars, 0 to 1000 with at most 12 decimals, as in 0.003");
}

void SelectionValidator::Warn(const configv1::SelectionConfig& selection) {
  const PolicyTable table(PoliciesOf(selection), NodesOf(selection));
  const PolicyFindings findings = CheckPolicies(table);
  for (const PolicyFinding& issue : findings.issues) {
    const std::string path = JoinPath(kSelectionPath, issue.path);
    problems_.WarnOfIssue(places_.Find(path), path, issue.message);
  }
  for (const PolicyFinding& warning : findings.warnings) {
    const std::string path = JoinPath(kSelectionPath, warning.path);
    problems_.Warn(places_.Find(path), path, warning.message);
  }
}

}  // namespace

void CheckSelectionConfig(const configv1::GatewayConfig& config,
                          const FieldPlaces& places, ConfigProblems* problems) {
  SelectionValidator(config, places, problems)
      .Check(config.routing().selection());
}

}  // namespace gateway
