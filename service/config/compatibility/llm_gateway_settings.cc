#include "service/config/compatibility/llm_gateway_settings.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/net/base_url.h"
#include "base/string_view.h"
#include "google/protobuf/util/time_util.h"
#include "llmgateway/type/v1/target.pb.h"
#include "service/config/config_problem.h"

namespace gateway {
namespace {

using ::google::protobuf::util::TimeUtil;
using ::llmgateway::compatibility::AuditSettings;
using ::llmgateway::compatibility::CostTrackingSettings;
using ::llmgateway::compatibility::LlmGatewaySettings;
using ::llmgateway::compatibility::LlmProviderSettings;
using ::llmgateway::compatibility::ModelTierSettings;
using ::llmgateway::compatibility::RoutingSettings;
using ::llmgateway::compatibility::SettingsFile;
using ::llmgateway::config::v1::AgentRule;
using ::llmgateway::config::v1::HttpUpstream;
using ::llmgateway::config::v1::ModelPriceConfig;
using ::llmgateway::config::v1::ModelTierRule;
using ::llmgateway::config::v1::ProviderConfig;
using ::llmgateway::config::v1::RoutingConfig;
using ::llmgateway::type::v1::Target;

constexpr char kSection[] = "llmGateway";

// What the other system does where the file is silent.
constexpr char kDefaultProvider[] = "anthropic";
constexpr char kDefaultDeployment[] = "gpt-4";
constexpr char kDefaultApiVersion[] = "2024-02-15-preview";
constexpr int64_t kDefaultTimeoutSecs = 300;
constexpr int64_t kDefaultRetries = 2;

// Ours, in seconds.
constexpr int64_t kTotalTimeoutMax = 86'400;
constexpr int64_t kFirstByteTimeoutMax = 3600;
constexpr int64_t kDefaultCallTimeout = 900;
// Retries, which do not count the first attempt.
constexpr int64_t kRetriesMax = 9;

// A tier of models: its field, its name, and what its models' names contain.
// They are looked for in this order.
struct SettingsTier {
  const std::string& (ModelTierSettings::*provider)() const;
  const char* name;
  const char* contains;
};

constexpr SettingsTier kSettingsTiers[] = {
    {&ModelTierSettings::opus, "opus", "opus"},
    {&ModelTierSettings::sonnet, "sonnet", "sonnet"},
    {&ModelTierSettings::haiku, "haiku", "haiku"},
    {&ModelTierSettings::gpt4, "gpt4", "gpt-4"},
    {&ModelTierSettings::gpt35, "gpt35", "gpt-3.5"},
    {&ModelTierSettings::deepseek, "deepseek", "deepseek"},
};

// Returns `env:NAME` for a variable that is named as `env:NAME`, `$NAME` or, in
// capitals, by its name alone; nothing for any other text. In small letters a
// name alone might as well be a key.
std::optional<std::string> KeyReference(std::string_view text) {
  if (text.starts_with("env:")) return std::string(text);
  if (text.starts_with('$'))
    return absl::StrCat("env:", ToAbsl(text.substr(1)));
  const bool is_name =
      !absl::ascii_isdigit(static_cast<unsigned char>(text[0])) &&
      std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return absl::ascii_isupper(c) || absl::ascii_isdigit(c) || c == '_';
      });
  if (!is_name) return std::nullopt;
  return absl::StrCat("env:", ToAbsl(text));
}

bool IsCredentialHeader(const std::string& name) {
  const std::string lower = absl::AsciiStrToLower(name);
  return lower == "authorization" || lower == "x-api-key" || lower == "api-key";
}

bool IsEnabled(const LlmProviderSettings& settings) {
  return !settings.has_enabled() || settings.enabled();
}

class SettingsTranslator {
 public:
  SettingsTranslator(const LlmGatewaySettings& settings,
                     Translation* translation)
      : settings_(settings), translation_(*translation) {}

  void Run();

 private:
  // A provider's settings, where they stand and where they go.
  struct Provider {
    const LlmProviderSettings& settings;
    std::string written;
    std::string field;
  };

  void AddProviders();
  void AddProvider(const std::string& name,
                   const LlmProviderSettings& settings);
  // Sets what all kinds have. `kind` is the field's name.
  template <typename Kind>
  void FillKind(const Provider& provider, const std::string& kind,
                Kind* message);
  void FillTimeouts(const Provider& provider, const std::string& field,
                    HttpUpstream* http);
  void FillHeaders(const Provider& provider, const std::string& field,
                   HttpUpstream* http);
  void FillRetries(const Provider& provider, ProviderConfig* config);
  void FillModels(const Provider& provider, ProviderConfig* config);
  void WarnOfAzureFields(const Provider& provider);

  void AddRouting(const RoutingSettings& routing);
  void AddDefault(const RoutingSettings& routing);
  void AddAgentRules(const RoutingSettings& routing);
  void AddTierRules(const ModelTierSettings& tiers);
  void AddFallbacks(const RoutingSettings& routing);
  // Sees to it that the shipped rules do not hold.
  void ReplaceShippedRules();
  // True if the provider is in the file and not enabled; warns of it.
  bool IsLeftOut(const std::string& name, const std::string& written,
                 std::string_view what);
  Target TargetOf(const std::string& provider) const;

  void AddCosts(const CostTrackingSettings& costs);
  void WarnOfAudit(const AuditSettings& audit);

  const LlmGatewaySettings& settings_;
  Translation& translation_;
  int64_t attempts_ = 0;      // The most of any provider.
  int64_t call_seconds_ = 0;  // The most that all attempts at one may take.
};

void SettingsTranslator::Run() {
  AddProviders();
  const std::string routing = JoinPath(kSection, "routing");
  if (!settings_.has_routing()) {
    translation_.Add(routing,
                     "is required; name at least a defaultProvider in it");
  } else {
    AddRouting(settings_.routing());
  }
  AddCosts(settings_.cost_tracking());
  if (settings_.has_audit()) WarnOfAudit(settings_.audit());
}

void SettingsTranslator::AddProviders() {
  const std::string path = JoinPath(kSection, "providers");
  for (const auto& [name, provider] :
       translation_.InOrder(settings_.providers(), path)) {
    if (IsEnabled(provider)) AddProvider(name, provider);
  }
  translation_.From(path, "providers");
  if (translation_.config().providers().empty()) {
    translation_.Add(path,
                     "is required, with at least one provider that is enabled");
    return;
  }
  auto& resilience = *translation_.config().mutable_resilience();
  if (attempts_ > 0) {
    resilience.mutable_retry()->set_attempts_limit(
        static_cast<int32_t>(attempts_));
  }
  if (call_seconds_ > kDefaultCallTimeout) {
    *resilience.mutable_call_timeout() =
        TimeUtil::SecondsToDuration(std::min(call_seconds_, kTotalTimeoutMax));
  }
}

void SettingsTranslator::AddProvider(const std::string& name,
                                     const LlmProviderSettings& settings) {
  const auto index =
      static_cast<size_t>(translation_.config().providers_size());
  ProviderConfig& config = *translation_.config().add_providers();
  const Provider provider = {
      .settings = settings,
      .written = EntryPath(JoinPath(kSection, "providers"), name),
      .field = ElementPath("providers", index)};
  config.set_name(name);
  translation_.From(provider.written, provider.field);
  FillModels(provider, &config);
  FillRetries(provider, &config);
  switch (settings.provider_type()) {
    case LlmProviderSettings::TYPE_ANTHROPIC:
      FillKind(provider, "anthropic", config.mutable_anthropic());
      break;
    case LlmProviderSettings::TYPE_AZURE: {
      auto& azure = *config.mutable_azure_openai();
      FillKind(provider, "azure_openai", &azure);
      azure.set_api_version(settings.api_version().empty()
                                ? kDefaultApiVersion
                                : settings.api_version());
      translation_.From(JoinPath(provider.written, "apiVersion"),
                        JoinPath(provider.field, "azure_openai.api_version"));
      return;
    }
    case LlmProviderSettings::TYPE_DEEPSEEK:
      FillKind(provider, "deepseek", config.mutable_deepseek());
      break;
    case LlmProviderSettings::TYPE_OLLAMA:
      FillKind(provider, "ollama", config.mutable_ollama());
      break;
    case LlmProviderSettings::TYPE_OPENAI:
      FillKind(provider, "openai", config.mutable_openai());
      break;
    default:
      translation_.Add(
          JoinPath(provider.written, "providerType"),
          "is required; give one of anthropic, azure, deepseek, ollama and "
          "openai");
      // Any kind will do, so that nothing follows from there being none.
      config.mutable_mock();
      return;
  }
  WarnOfAzureFields(provider);
}

template <typename Kind>
void SettingsTranslator::FillKind(const Provider& provider,
                                  const std::string& kind, Kind* message) {
  const std::string field = JoinPath(provider.field, kind);
  const std::string& base_url = provider.settings.base_url();
  const std::string url_written = JoinPath(provider.written, "baseUrl");
  translation_.From(url_written, JoinPath(field, "base_url"));
  message->set_base_url(base_url);
  if (base_url.empty()) {
    translation_.Add(url_written, "is required; say where the service is");
  }
  const absl::StatusOr<BaseUrl> url = ParseBaseUrl(base_url);
  if (url.ok() && !url->tls && !url->IsLoopback()) {
    message->mutable_http()->set_allow_plaintext(true);
    translation_.Warn(url_written,
                      "is not https: prompts and keys cross the network in the "
                      "clear");
  }
  const std::string& key = provider.settings.api_key_ref();
  const std::string key_written = JoinPath(provider.written, "apiKeyRef");
  translation_.From(key_written, JoinPath(field, "api_key"));
  if (!key.empty()) {
    const std::optional<std::string> reference = KeyReference(key);
    if (reference.has_value()) {
      message->set_api_key(*reference);
    } else {
      translation_.Add(key_written,
                       "must name a variable: env:NAME, $NAME or, in capitals, "
                       "NAME; a key itself does not belong into a file");
    }
  }
  const std::string http = JoinPath(field, "http");
  FillTimeouts(provider, http, message->mutable_http());
  FillHeaders(provider, http, message->mutable_http());
}

void SettingsTranslator::FillTimeouts(const Provider& provider,
                                      const std::string& field,
                                      HttpUpstream* http) {
  const LlmProviderSettings& settings = provider.settings;
  const int64_t seconds = settings.has_timeout_secs() ? settings.timeout_secs()
                                                      : kDefaultTimeoutSecs;
  const std::string written = JoinPath(provider.written, "timeoutSecs");
  translation_.From(written, JoinPath(field, "timeouts"));
  if (!translation_.CheckRange(written, seconds, 1, kTotalTimeoutMax)) return;
  auto& timeouts = *http->mutable_timeouts();
  const auto first_byte =
      TimeUtil::SecondsToDuration(std::min(seconds, kFirstByteTimeoutMax));
  *timeouts.mutable_total() = TimeUtil::SecondsToDuration(seconds);
  *timeouts.mutable_first_byte() = first_byte;
  *timeouts.mutable_stream_first_byte() = first_byte;
  const int64_t retries =
      settings.has_max_retries() ? settings.max_retries() : kDefaultRetries;
  const int64_t attempts = 1 + std::clamp(retries, int64_t{0}, kRetriesMax);
  call_seconds_ = std::max(call_seconds_, seconds * attempts);
}

void SettingsTranslator::FillHeaders(const Provider& provider,
                                     const std::string& field,
                                     HttpUpstream* http) {
  const std::string written = JoinPath(provider.written, "headers");
  const std::string headers = JoinPath(field, "headers");
  translation_.From(written, headers);
  for (const auto& [name, value] : provider.settings.headers()) {
    if (IsCredentialHeader(name)) {
      translation_.Add(EntryPath(written, name),
                       "carries a credential; name its variable in apiKeyRef");
    }
    (*http->mutable_headers())[name] = value;
    translation_.From(EntryPath(written, name), EntryPath(headers, name));
  }
}

void SettingsTranslator::FillRetries(const Provider& provider,
                                     ProviderConfig* config) {
  const LlmProviderSettings& settings = provider.settings;
  const int64_t retries =
      settings.has_max_retries() ? settings.max_retries() : kDefaultRetries;
  const std::string written = JoinPath(provider.written, "maxRetries");
  if (!translation_.CheckRange(written, retries, 0, kRetriesMax)) return;
  // The first attempt is none of the retries.
  const int64_t attempts = retries + 1;
  config->mutable_resilience()->mutable_retry()->set_attempts_limit(
      static_cast<int32_t>(attempts));
  translation_.From(written, JoinPath(provider.field, "resilience.retry"));
  attempts_ = std::max(attempts_, attempts);
}

void SettingsTranslator::FillModels(const Provider& provider,
                                    ProviderConfig* config) {
  const LlmProviderSettings& settings = provider.settings;
  const bool is_azure =
      settings.provider_type() == LlmProviderSettings::TYPE_AZURE;
  const std::string model =
      is_azure ? TargetOf(config->name()).model() : settings.default_model();
  if (!model.empty()) config->add_models(model);
  translation_.From(
      JoinPath(provider.written, is_azure ? "deployment" : "defaultModel"),
      JoinPath(provider.field, "models"));
  const std::string written = JoinPath(provider.written, "modelAliases");
  const std::string aliases = JoinPath(provider.field, "model_aliases");
  translation_.From(written, aliases);
  for (const auto& [name, meant] : settings.model_aliases()) {
    (*config->mutable_model_aliases())[name] = meant;
    translation_.From(EntryPath(written, name), EntryPath(aliases, name));
  }
}

void SettingsTranslator::WarnOfAzureFields(const Provider& provider) {
  constexpr char kMeansNothing[] =
      "is not followed: it means something for the type 'azure' alone";
  if (!provider.settings.deployment().empty()) {
    translation_.Warn(JoinPath(provider.written, "deployment"), kMeansNothing);
  }
  if (!provider.settings.api_version().empty()) {
    translation_.Warn(JoinPath(provider.written, "apiVersion"), kMeansNothing);
  }
}

Target SettingsTranslator::TargetOf(const std::string& provider) const {
  Target target;
  target.set_provider(provider);
  const auto found = settings_.providers().find(provider);
  if (found == settings_.providers().end()) return target;
  const LlmProviderSettings& settings = found->second;
  if (settings.provider_type() == LlmProviderSettings::TYPE_AZURE) {
    target.set_model(settings.deployment().empty() ? kDefaultDeployment
                                                   : settings.deployment());
    return target;
  }
  // Callers name Claude's models, which others do not have. Where aliases say
  // what each stands for, they decide.
  if (settings.provider_type() != LlmProviderSettings::TYPE_ANTHROPIC &&
      settings.model_aliases().empty()) {
    target.set_model(settings.default_model());
  }
  return target;
}

bool SettingsTranslator::IsLeftOut(const std::string& name,
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

void SettingsTranslator::AddRouting(const RoutingSettings& routing) {
  AddDefault(routing);
  AddAgentRules(routing);
  AddTierRules(routing.model_tier_rules());
  AddFallbacks(routing);
  ReplaceShippedRules();
}

void SettingsTranslator::AddDefault(const RoutingSettings& routing) {
  const std::string written = JoinPath(kSection, "routing.defaultProvider");
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

void SettingsTranslator::AddAgentRules(const RoutingSettings& routing) {
  const std::string path = JoinPath(kSection, "routing.agentRules");
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

void SettingsTranslator::AddTierRules(const ModelTierSettings& tiers) {
  const std::string path = JoinPath(kSection, "routing.modelTierRules");
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
    *rule.add_targets() = TargetOf(provider);
  }
}

void SettingsTranslator::AddFallbacks(const RoutingSettings& routing) {
  const std::string path = JoinPath(kSection, "routing.fallbackChain");
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

void SettingsTranslator::ReplaceShippedRules() {
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
  translation_.From(JoinPath(kSection, "routing.defaultProvider"),
                    "routing.model_tier_rules[0]");
}

void SettingsTranslator::AddCosts(const CostTrackingSettings& costs) {
  const std::string section = JoinPath(kSection, "costTracking");
  if (costs.has_enabled() && !costs.enabled()) {
    translation_.Warn(JoinPath(section, "enabled"),
                      "is not followed: what calls cost is always counted");
  }
  const std::string path = JoinPath(section, "pricingOverrides");
  translation_.From(path, "prices.models");
  for (const auto& [model, price] :
       translation_.InOrder(costs.pricing_overrides(), path)) {
    auto& models = *translation_.config().mutable_prices()->mutable_models();
    const std::string written = EntryPath(path, model);
    const std::string field =
        ElementPath("prices.models", static_cast<size_t>(models.size()));
    ModelPriceConfig& config = *models.Add();
    config.set_model(model);
    config.set_input(price.input_per_million());
    config.set_output(price.output_per_million());
    config.set_cache_write(price.cache_write_per_million());
    config.set_cached_input(price.cache_read_per_million());
    const std::pair<const char*, const char*> origins[] = {
        {"inputPerMillion", "input"},
        {"outputPerMillion", "output"},
        {"cacheWritePerMillion", "cache_write"},
        {"cacheReadPerMillion", "cached_input"}};
    translation_.From(written, field);
    for (const auto& [theirs, ours] : origins) {
      translation_.From(JoinPath(written, theirs), JoinPath(field, ours));
    }
    if (price.input_per_million().empty()) {
      translation_.Add(JoinPath(written, "inputPerMillion"), "is required");
    }
    if (price.output_per_million().empty()) {
      translation_.Add(JoinPath(written, "outputPerMillion"), "is required");
    }
  }
}

void SettingsTranslator::WarnOfAudit(const AuditSettings& audit) {
  if (audit.has_enabled() && !audit.enabled()) return;
  translation_.Warn(JoinPath(kSection, "audit"),
                    "asks for an audit log, which this gateway does not keep "
                    "yet: nothing of a request or answer is stored");
}

}  // namespace

void TranslateLlmGatewaySettings(const SettingsFile& file,
                                 Translation* translation) {
  if (file.has_gateway_enabled()) {
    translation->config().mutable_routing()->mutable_rollout()->set_enabled(
        file.gateway_enabled());
    translation->From("gatewayEnabled", "routing.rollout.enabled");
  }
  if (file.proxy_enabled()) {
    translation->Warn("proxyEnabled",
                      "is not followed: there is no HTTP proxy here; give "
                      "clients the gateway's own address");
  }
  if (!file.has_llm_gateway()) {
    translation->Add(kSection, "is required; it has providers and routing");
    translation->From(kSection, "providers");
    return;
  }
  SettingsTranslator(file.llm_gateway(), translation).Run();
}

}  // namespace gateway
