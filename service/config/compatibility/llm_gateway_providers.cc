#include "service/config/compatibility/llm_gateway_providers.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/net/base_url.h"
#include "base/string_view.h"
#include "google/protobuf/util/time_util.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {
namespace {

using ::google::protobuf::util::TimeUtil;
using ::llmgateway::compatibility::LlmGatewaySettings;
using ::llmgateway::compatibility::LlmProviderSettings;
using ::llmgateway::config::v1::HttpUpstream;
using ::llmgateway::config::v1::ProviderConfig;

// What the other system does where the file is silent.
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

class ProvidersTranslator {
 public:
  ProvidersTranslator(const LlmGatewaySettings& settings,
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

  const LlmGatewaySettings& settings_;
  Translation& translation_;
  int64_t attempts_ = 0;      // The most of any provider.
  int64_t call_seconds_ = 0;  // The most that all attempts at one may take.
};

void ProvidersTranslator::Run() {
  const std::string path = JoinPath(kLlmGatewaySection, "providers");
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

void ProvidersTranslator::AddProvider(const std::string& name,
                                      const LlmProviderSettings& settings) {
  const auto index =
      static_cast<size_t>(translation_.config().providers_size());
  ProviderConfig& config = *translation_.config().add_providers();
  const Provider provider = {
      .settings = settings,
      .written = EntryPath(JoinPath(kLlmGatewaySection, "providers"), name),
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
void ProvidersTranslator::FillKind(const Provider& provider,
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

void ProvidersTranslator::FillTimeouts(const Provider& provider,
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

void ProvidersTranslator::FillHeaders(const Provider& provider,
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

void ProvidersTranslator::FillRetries(const Provider& provider,
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

void ProvidersTranslator::FillModels(const Provider& provider,
                                     ProviderConfig* config) {
  const LlmProviderSettings& settings = provider.settings;
  const bool is_azure =
      settings.provider_type() == LlmProviderSettings::TYPE_AZURE;
  const std::string model =
      is_azure ? ModelForRules(settings) : settings.default_model();
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

void ProvidersTranslator::WarnOfAzureFields(const Provider& provider) {
  constexpr char kMeansNothing[] =
      "is not followed: it means something for the type 'azure' alone";
  if (!provider.settings.deployment().empty()) {
    translation_.Warn(JoinPath(provider.written, "deployment"), kMeansNothing);
  }
  if (!provider.settings.api_version().empty()) {
    translation_.Warn(JoinPath(provider.written, "apiVersion"), kMeansNothing);
  }
}

}  // namespace

bool IsEnabled(const LlmProviderSettings& settings) {
  return !settings.has_enabled() || settings.enabled();
}

std::string ModelForRules(const LlmProviderSettings& settings) {
  switch (settings.provider_type()) {
    case LlmProviderSettings::TYPE_ANTHROPIC:
      return "";
    case LlmProviderSettings::TYPE_AZURE:
      return settings.deployment().empty() ? kDefaultDeployment
                                           : settings.deployment();
    default:
      return settings.model_aliases().empty() ? settings.default_model() : "";
  }
}

void TranslateLlmProviders(const LlmGatewaySettings& settings,
                           Translation* translation) {
  ProvidersTranslator(settings, translation).Run();
}

}  // namespace gateway
