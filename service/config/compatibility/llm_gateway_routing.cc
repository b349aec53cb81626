#include "service/config/compatibility/llm_gateway_routing.h"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "llmgateway/type/v1/target.pb.h"
#include "service/config/compatibility/llm_gateway_providers.h"
#include "service/config/config_problem.h"

namespace gateway {
namespace {

using ::llmgateway::compatibility::LlmGatewaySettings;
using ::llmgateway::compatibility::LlmProviderSettings;
using ::llmgateway::compatibility::ModelTierSettings;
using ::llmgateway::compatibility::RoutingSettings;
using ::llmgateway::config::v1::AgentRule;
using ::llmgateway::config::v1::ModelTierRule;
using ::llmgateway::config::v1::RoutingConfig;
using ::llmgateway::type::v1::Target;

// Where the file names none.
constexpr char kDefaultProvider[] = "anthropic";

// A tier of models: its field, its name, what its models' names contain, and
// the type of provider that has them. They are looked for in this order.
struct SettingsTier {
  const std::string& (ModelTierSettings::*provider)() const;
  const char* name;
  const char* contains;
  LlmProviderSettings::Type maker;
};

constexpr SettingsTier kSettingsTiers[] = {
    {&ModelTierSettings::opus, "opus", "opus",
     LlmProviderSettings::TYPE_ANTHROPIC},
    {&ModelTierSettings::sonnet, "sonnet", "sonnet",
     LlmProviderSettings::TYPE_ANTHROPIC},
    {&ModelTierSettings::haiku, "haiku", "haiku",
     LlmProviderSettings::TYPE_ANTHROPIC},
    {&ModelTierSettings::gpt4, "gpt4", "gpt-4",
     LlmProviderSettings::TYPE_OPENAI},
    {&ModelTierSettings::gpt35, "gpt35", "gpt-3.5",
     LlmProviderSettings::TYPE_OPENAI},
    {&ModelTierSettings::deepseek, "deepseek", "deepseek",
     LlmProviderSettings::TYPE_DEEPSEEK},
};

class RoutingTranslator {
 public:
  RoutingTranslator(const LlmGatewaySettings& settings,
                    Translation* translation)
      : settings_(settings), translation_(*translation) {}

  void Run(const RoutingSettings& routing);

 private:
  void AddDefault(const RoutingSettings& routing);
  void AddAgentRules(const RoutingSettings& routing);
  void AddTierRules(const ModelTierSettings& tiers);
  void AddFallbacks(const RoutingSettings& routing);
  // Sees to it that the shipped rules do not hold.
  void ReplaceShippedRules();
  // Warns of providers that are led to and may not have what callers name.
  void WarnOfForeignModels();
  // True if the provider is in the file and not enabled; warns of it.
  bool IsLeftOut(const std::string& name, const std::string& written,
                 std::string_view what);
  bool IsOfType(const std::string& provider,
                LlmProviderSettings::Type type) const;
  Target TargetOf(const std::string& provider);

  const LlmGatewaySettings& settings_;
  Translation& translation_;
  // Providers that are asked for the model that the caller names.
  std::set<std::string> without_model_;
};

bool RoutingTranslator::IsOfType(const std::string& provider,
                                 LlmProviderSettings::Type type) const {
  const auto found = settings_.providers().find(provider);
  return found != settings_.providers().end() &&
         found->second.provider_type() == type;
}

Target RoutingTranslator::TargetOf(const std::string& provider) {
  Target target;
  target.set_provider(provider);
  const auto found = settings_.providers().find(provider);
  // Found missing when rules are checked.
  if (found == settings_.providers().end()) return target;
  target.set_model(ModelForRules(found->second));
  if (target.model().empty()) without_model_.insert(provider);
  return target;
}

void RoutingTranslator::WarnOfForeignModels() {
  for (const std::string& provider : without_model_) {
    const LlmProviderSettings& settings = settings_.providers().at(provider);
    if (settings.provider_type() == LlmProviderSettings::TYPE_ANTHROPIC ||
        !settings.model_aliases().empty()) {
      continue;
    }
    translation_.Warn(
        JoinPath(EntryPath(JoinPath(kLlmGatewaySection, "providers"), provider),
                 "defaultModel"),
        "is not given: rules and fallbacks ask this provider for the model "
        "that the caller names, which may be none of its own");
  }
}

bool RoutingTranslator::IsLeftOut(const std::string& name,
                                  const std::string& written,
                                  std::string_view what) {
  const auto found = settings_.providers().find(name);
  if (found == settings_.providers().end() || IsEnabled(found->second)) {
    return false;
  }
  translation_.Warn(
      written,
      absl::StrCat("names a provider that is not enabled; ", ToAbsl(what)));
  return true;
}

void RoutingTranslator::Run(const RoutingSettings& routing) {
  AddDefault(routing);
  AddAgentRules(routing);
  AddTierRules(routing.model_tier_rules());
  AddFallbacks(routing);
  WarnOfForeignModels();
  ReplaceShippedRules();
}

void RoutingTranslator::AddDefault(const RoutingSettings& routing) {
  const std::string written =
      JoinPath(kLlmGatewaySection, "routing.defaultProvider");
  const bool is_given = !routing.default_provider().empty();
  const std::string name =
      is_given ? routing.default_provider() : kDefaultProvider;
  if (IsLeftOut(name, written, "calls that no rule knows fail")) return;
  if (!is_given && !settings_.providers().contains(name)) {
    translation_.Warn(written,
                      "is not given, and no provider is called 'anthropic', "
                      "which it would be: calls that no rule knows fail");
    return;
  }
  RoutingConfig& config = *translation_.config().mutable_routing();
  *config.mutable_default_target() = TargetOf(name);
  translation_.From(written, "routing.default_target");
}

void RoutingTranslator::AddAgentRules(const RoutingSettings& routing) {
  const std::string path = JoinPath(kLlmGatewaySection, "routing.agentRules");
  RoutingConfig& config = *translation_.config().mutable_routing();
  translation_.From(path, "routing.agent_rules");
  for (const auto& [agent, provider] :
       translation_.InOrder(routing.agent_rules(), path)) {
    const std::string written = EntryPath(path, agent);
    if (IsLeftOut(provider, written, "the rule does not hold")) continue;
    translation_.From(
        written, ElementPath("routing.agent_rules",
                             static_cast<size_t>(config.agent_rules_size())));
    AgentRule& rule = *config.add_agent_rules();
    rule.set_agent_type(agent);
    *rule.add_targets() = TargetOf(provider);
  }
}

void RoutingTranslator::AddTierRules(const ModelTierSettings& tiers) {
  const std::string path =
      JoinPath(kLlmGatewaySection, "routing.modelTierRules");
  RoutingConfig& config = *translation_.config().mutable_routing();
  for (const SettingsTier& tier : kSettingsTiers) {
    const std::string& provider = (tiers.*tier.provider)();
    const std::string written = JoinPath(path, tier.name);
    if (provider.empty() ||
        IsLeftOut(provider, written, "the rule does not hold")) {
      continue;
    }
    translation_.From(
        written,
        ElementPath("routing.model_tier_rules",
                    static_cast<size_t>(config.model_tier_rules_size())));
    ModelTierRule& rule = *config.add_model_tier_rules();
    rule.set_tier(tier.name);
    rule.add_contains(tier.contains);
    // The maker of a model has it by the name that the caller gives.
    if (IsOfType(provider, tier.maker)) {
      rule.add_targets()->set_provider(provider);
    } else {
      *rule.add_targets() = TargetOf(provider);
    }
  }
}

void RoutingTranslator::AddFallbacks(const RoutingSettings& routing) {
  const std::string path =
      JoinPath(kLlmGatewaySection, "routing.fallbackChain");
  RoutingConfig& config = *translation_.config().mutable_routing();
  translation_.From(path, "routing.fallbacks");
  for (int i = 0; i < routing.fallback_chain_size(); ++i) {
    const std::string& provider = routing.fallback_chain(i);
    const std::string written = ElementPath(path, static_cast<size_t>(i));
    if (IsLeftOut(provider, written, "nothing falls back to it")) continue;
    translation_.From(
        written, ElementPath("routing.fallbacks",
                             static_cast<size_t>(config.fallbacks_size())));
    *config.add_fallbacks() = TargetOf(provider);
  }
}

void RoutingTranslator::ReplaceShippedRules() {
  const auto& providers = translation_.config().providers();
  RoutingConfig& config = *translation_.config().mutable_routing();
  if (!config.agent_rules().empty() || !config.model_tier_rules().empty() ||
      providers.empty()) {
    return;
  }
  // The shipped rules hold where there are none at all. This one is followed by
  // nobody who does not ask for `tier:default`.
  ModelTierRule& rule = *config.add_model_tier_rules();
  rule.set_tier("default");
  *rule.add_targets() = config.has_default_target()
                            ? config.default_target()
                            : TargetOf(providers[0].name());
  translation_.From(JoinPath(kLlmGatewaySection, "routing.defaultProvider"),
                    "routing.model_tier_rules[0]");
}

}  // namespace

void TranslateLlmRouting(const LlmGatewaySettings& settings,
                         Translation* translation) {
  const std::string written = JoinPath(kLlmGatewaySection, "routing");
  if (!settings.has_routing()) {
    translation->Add(written,
                     "is required; name at least a defaultProvider in it");
    return;
  }
  RoutingTranslator(settings, translation).Run(settings.routing());
}

}  // namespace gateway
