#include "service/config/provider_validator.h"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/net/base_url.h"
#include "base/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/map.h"
#include "google/protobuf/message.h"
#include "service/config/config_names.h"
#include "service/config/header_rules.h"
#include "service/config/secret_reference.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Map;
using ::google::protobuf::Message;
using ::llmgateway::config::v1::HttpUpstream;
using ::llmgateway::config::v1::ProviderConfig;

constexpr int kModelsMax = 10'000;
constexpr int kHeadersMax = 64;
constexpr int kBetasMax = 64;
constexpr int kCredentialsMax = 64;
constexpr int kArgumentsMax = 64;
constexpr int kVariablesMax = 64;
constexpr size_t kReplyBytesMax = 1024 * 1024;

class ProviderValidator {
 public:
  ProviderValidator(const ProviderConfig& provider, const std::string& path,
                    const FieldPlaces& places, ConfigProblems* problems)
      : provider_(provider),
        path_(path),
        places_(places),
        problems_(*problems) {}

  void Check();

 private:
  void Add(const std::string& path, std::string_view message) {
    problems_.Add(places_.Find(path), path, message);
  }
  void AddIfBad(const std::string& path, const absl::Status& status) {
    if (!status.ok()) Add(path, ToStd(status.message()));
  }
  void CheckCount(const std::string& path, size_t count, int most);

  void CheckModels();
  void CheckModelMap(const std::string& path,
                     const Map<std::string, std::string>& models);
  void CheckCredentials();
  void CheckCredentialName(const std::string& name, const std::string& path,
                           std::set<std::string>* taken);
  // Check what several kinds have in common, if this one has it.
  void CheckKind(const FieldDescriptor& kind);
  void CheckBaseUrl(const std::string& path, const std::string& text,
                    bool allow_plaintext);
  // Warns if a kind whose service requires keys has none.
  void WarnOfNoKey(const std::string& path, const std::string& base_url,
                   const HttpUpstream& http);
  void CheckHttp(const std::string& path, const HttpUpstream& http);
  void CheckHeaders(const std::string& path,
                    const Map<std::string, std::string>& headers);
  // Check what only one kind has.
  void CheckParticulars(const std::string& path);
  void CheckAnthropic(const std::string& path,
                      const configv1::AnthropicProvider& anthropic);
  void CheckLocalCli(const std::string& path,
                     const configv1::LocalCliProvider& cli);
  void CheckCompatible(const std::string& path,
                       const configv1::OpenAiCompatibleProvider& compatible);
  void CheckValues(
      const std::string& path,
      const std::map<std::string, const std::string*>& header_values);

  const ProviderConfig& provider_;
  const std::string& path_;
  const FieldPlaces& places_;
  ConfigProblems& problems_;
};

void ProviderValidator::CheckCount(const std::string& path, size_t count,
                                   int most) {
  if (count <= static_cast<size_t>(most)) return;
  Add(path,
      absl::StrCat("has ", count, " entries; at most ", most, " are allowed"));
}

void ProviderValidator::Check() {
  CheckModels();
  const FieldDescriptor* const kind =
      provider_.GetReflection()->GetOneofFieldDescriptor(
          provider_, provider_.GetDescriptor()->FindOneofByName("kind"));
  if (kind == nullptr) {
    Add(path_,
        "has no kind; give one of openai, anthropic, gemini, azure_openai, "
        "deepseek, openrouter, ollama, local_cli, openai_compatible and mock, "
        "as in {name: mock, mock: {}}");
    return;
  }
  CheckKind(*kind);
  CheckParticulars(JoinPath(path_, kind->name()));
}

void ProviderValidator::CheckModels() {
  const std::string models = JoinPath(path_, "models");
  CheckCount(models, provider_.models().size(), kModelsMax);
  std::set<std::string> seen;
  for (int i = 0; i < provider_.models_size(); ++i) {
    const std::string model_path = ElementPath(models, static_cast<size_t>(i));
    if (!IsModelName(provider_.models(i))) Add(model_path, kBadModelName);
    if (!seen.insert(provider_.models(i)).second) {
      Add(model_path, "is listed already; remove it");
    }
  }
  CheckModelMap(JoinPath(path_, "model_aliases"), provider_.model_aliases());
  const std::string capabilities = JoinPath(path_, "model_capabilities");
  CheckCount(capabilities, provider_.model_capabilities().size(), kModelsMax);
  for (int i = 0; i < provider_.model_capabilities_size(); ++i) {
    if (IsModelName(provider_.model_capabilities(i).model())) continue;
    Add(JoinPath(ElementPath(capabilities, static_cast<size_t>(i)), "model"),
        kBadModelName);
  }
}

void ProviderValidator::CheckModelMap(
    const std::string& path, const Map<std::string, std::string>& models) {
  CheckCount(path, models.size(), kModelsMax);
  for (const auto& [name, model] : models) {
    if (!IsModelName(name) || !IsModelName(model)) {
      Add(EntryPath(path, name), kBadModelName);
    }
  }
}

void ProviderValidator::CheckCredentials() {
  const std::string credentials = JoinPath(path_, "credentials");
  CheckCount(credentials, static_cast<size_t>(provider_.credentials_size()),
             kCredentialsMax);
  // Taken: the names of the kind's own key, and of the one that callers bring.
  std::set<std::string> names = {"default", "caller"};
  for (int i = 0; i < provider_.credentials_size(); ++i) {
    CheckCredentialName(provider_.credentials(i).name(),
                        ElementPath(credentials, static_cast<size_t>(i)),
                        &names);
    const std::string key =
        JoinPath(ElementPath(credentials, static_cast<size_t>(i)), "api_key");
    const std::string& reference = provider_.credentials(i).api_key();
    if (reference.empty()) {
      Add(key, "is required; give file:path or env:NAME");
    } else {
      AddIfBad(key, SecretReference::Parse(reference).status());
    }
  }
}

void ProviderValidator::CheckCredentialName(const std::string& name,
                                            const std::string& path,
                                            std::set<std::string>* taken) {
  const std::string at = JoinPath(path, "name");
  if (!IsConfigName(name, "-_.", /*upper_case=*/true)) {
    Add(at, "must be 1 to 64 of letters, digits and '-_.'");
  } else if (!taken->insert(name).second) {
    Add(at, absl::StrCat("is '", name,
                         "', which another credential is called; choose "
                         "another"));
  }
}

void ProviderValidator::CheckKind(const FieldDescriptor& kind) {
  const std::string path = JoinPath(path_, kind.name());
  const Message& settings =
      provider_.GetReflection()->GetMessage(provider_, &kind);
  const auto& reflection = *settings.GetReflection();
  const auto text_of = [&](const char* name) {
    const FieldDescriptor* field =
        settings.GetDescriptor()->FindFieldByName(name);
    return field == nullptr ? std::string()
                            : reflection.GetString(settings, field);
  };
  const bool has_keys =
      settings.GetDescriptor()->FindFieldByName("api_key") != nullptr;
  const std::string api_key = text_of("api_key");
  if (!api_key.empty()) {
    AddIfBad(JoinPath(path, "api_key"),
             SecretReference::Parse(api_key).status());
  }
  CheckCredentials();
  if (!has_keys && provider_.credentials_size() > 0) {
    Add(JoinPath(path_, "credentials"), "are of no use to this kind");
  }
  const FieldDescriptor* const http_field =
      settings.GetDescriptor()->FindFieldByName("http");
  if (http_field == nullptr) return;
  const auto& http = static_cast<const HttpUpstream&>(
      reflection.GetMessage(settings, http_field));
  CheckBaseUrl(path, text_of("base_url"), http.allow_plaintext());
  CheckHttp(JoinPath(path, "http"), http);
  if (has_keys && api_key.empty()) {
    WarnOfNoKey(path, text_of("base_url"), http);
  }
}

void ProviderValidator::WarnOfNoKey(const std::string& path,
                                    const std::string& base_url,
                                    const HttpUpstream& http) {
  // Services that require a key.
  static constexpr std::string_view kVendors[] = {
      "https://api.openai.com", "https://api.anthropic.com",
      "https://generativelanguage.googleapis.com", "https://api.deepseek.com",
      "https://openrouter.ai"};
  const bool asks = std::any_of(
      std::begin(kVendors), std::end(kVendors),
      [&](std::string_view vendor) { return base_url.starts_with(vendor); });
  if (!asks || provider_.credentials_size() > 0 ||
      provider_.credential_passthrough() || !http.headers().empty()) {
    return;
  }
  const std::string field = JoinPath(path, "api_key");
  problems_.Warn(places_.Find(field), field,
                 "is not set, and the vendor answers nobody without a key; "
                 "name one, as in env:NAME, or let callers bring theirs with "
                 "credential_passthrough");
}

void ProviderValidator::CheckBaseUrl(const std::string& path,
                                     const std::string& text,
                                     bool allow_plaintext) {
  const std::string url_path = JoinPath(path, "base_url");
  if (text.empty()) {
    Add(url_path, "is required; say where the service is");
    return;
  }
  const absl::StatusOr<BaseUrl> url = ParseBaseUrl(text);
  AddIfBad(url_path, url.status());
  if (url.ok() && !url->tls && !url->IsLoopback() && !allow_plaintext) {
    Add(url_path,
        "must be https: prompts and keys would cross the network in the "
        "clear; if that is meant, set http.allow_plaintext");
  }
}

void ProviderValidator::CheckHttp(const std::string& path,
                                  const HttpUpstream& http) {
  CheckHeaders(JoinPath(path, "headers"), http.headers());
  if (http.proxy().empty()) return;
  const std::string proxy = JoinPath(path, "proxy");
  const absl::StatusOr<BaseUrl> url = ParseBaseUrl(http.proxy());
  AddIfBad(proxy, url.status());
  if (url.ok() && (url->tls || !url->path.empty())) {
    Add(proxy, "must be http://host:port");
  }
}

void ProviderValidator::CheckHeaders(
    const std::string& path, const Map<std::string, std::string>& headers) {
  CheckCount(path, headers.size(), kHeadersMax);
  // Sorted by name, so that the report is always the same.
  std::map<std::string, std::string> seen;
  for (const auto& [name, value] :
       std::map<std::string, std::string>(headers.begin(), headers.end())) {
    const std::string entry = EntryPath(path, name);
    AddIfBad(entry, CheckExtraHeader(name, value));
    if (!seen.try_emplace(absl::AsciiStrToLower(name), name).second) {
      Add(entry, "is given twice but for its letter case; keep one");
    }
  }
}

void ProviderValidator::CheckValues(
    const std::string& path,
    const std::map<std::string, const std::string*>& header_values) {
  for (const auto& [field, value] : header_values) {
    AddIfBad(JoinPath(path, field), CheckHeaderValue(*value));
  }
}

void ProviderValidator::CheckParticulars(const std::string& path) {
  switch (provider_.kind_case()) {
    case ProviderConfig::kOpenai:
      return CheckValues(path,
                         {{"organization", &provider_.openai().organization()},
                          {"project", &provider_.openai().project()}});
    case ProviderConfig::kAnthropic:
      return CheckAnthropic(path, provider_.anthropic());
    case ProviderConfig::kGemini:
      if (!IsConfigName(provider_.gemini().api_version(), "-_.", true)) {
        Add(JoinPath(path, "api_version"),
            "must be 1 to 64 of letters, digits and '-_.'");
      }
      return;
    case ProviderConfig::kAzureOpenai:
      if (!IsConfigName(provider_.azure_openai().api_version(), "-_.", true)) {
        Add(JoinPath(path, "api_version"),
            "must be 1 to 64 of letters, digits and '-_.'");
      }
      return CheckModelMap(JoinPath(path, "deployments"),
                           provider_.azure_openai().deployments());
    case ProviderConfig::kOpenrouter:
      return CheckValues(path, {{"referer", &provider_.openrouter().referer()},
                                {"title", &provider_.openrouter().title()}});
    case ProviderConfig::kLocalCli:
      return CheckLocalCli(path, provider_.local_cli());
    case ProviderConfig::kOpenaiCompatible:
      return CheckCompatible(path, provider_.openai_compatible());
    case ProviderConfig::kMock:
      if (provider_.mock().reply().size() > kReplyBytesMax) {
        Add(JoinPath(path, "reply"), "is longer than 1 MiB");
      }
      return;
    default:
      return;
  }
}

void ProviderValidator::CheckAnthropic(
    const std::string& path, const configv1::AnthropicProvider& anthropic) {
  CheckValues(path, {{"version", &anthropic.version()}});
  const std::string betas = JoinPath(path, "betas");
  CheckCount(betas, anthropic.betas().size(), kBetasMax);
  for (int i = 0; i < anthropic.betas_size(); ++i) {
    if (!IsConfigName(anthropic.betas(i), "-_.", /*upper_case=*/true)) {
      Add(ElementPath(betas, static_cast<size_t>(i)),
          "must be 1 to 64 of letters, digits and '-_.'");
    }
  }
}

void ProviderValidator::CheckLocalCli(const std::string& path,
                                      const configv1::LocalCliProvider& cli) {
  CheckCount(JoinPath(path, "arguments"), cli.arguments().size(),
             kArgumentsMax);
  const std::string environment = JoinPath(path, "environment");
  CheckCount(environment, cli.environment().size(), kVariablesMax);
  for (const auto& [name, value] : cli.environment()) {
    const bool bad = name.empty() || name.find('=') != std::string::npos ||
                     name.find('\0') != std::string::npos ||
                     value.find('\0') != std::string::npos;
    if (bad) Add(EntryPath(environment, name), "must be a variable's name");
  }
  const std::string inherited = JoinPath(path, "inherit_environment");
  CheckCount(inherited, cli.inherit_environment().size(), kVariablesMax);
  for (int i = 0; i < cli.inherit_environment_size(); ++i) {
    const std::string& name = cli.inherit_environment(i);
    if (name.empty() || name.find('=') != std::string::npos ||
        name.find('\0') != std::string::npos) {
      Add(absl::StrCat(inherited, "[", i, "]"),
          "must be a variable's name alone, without its value");
    }
  }
}

void ProviderValidator::CheckCompatible(
    const std::string& path,
    const configv1::OpenAiCompatibleProvider& compatible) {
  const std::string& header = compatible.credential_header();
  if (!IsConfigName(header, "-_", /*upper_case=*/true)) {
    Add(JoinPath(path, "credential_header"),
        "must be a header's name: 1 to 64 of letters, digits and '-_'");
  }
  const std::string& reasoning = compatible.quirks().reasoning_field();
  if (!reasoning.empty() && reasoning != "reasoning_content" &&
      reasoning != "reasoning") {
    Add(JoinPath(path, "quirks.reasoning_field"),
        "must be reasoning_content, reasoning or empty");
  }
}

}  // namespace

void CheckProvider(const ProviderConfig& provider, const std::string& path,
                   const FieldPlaces& places, ConfigProblems* problems) {
  ProviderValidator(provider, path, places, problems).Check();
}

}  // namespace gateway
