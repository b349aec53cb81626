#include "service/config/validator.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "google/protobuf/map.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "google/protobuf/util/time_util.h"
#include "service/config/base_url.h"
#include "service/config/field_ranges.h"
#include "service/config/header_rules.h"
#include "service/config/nearest_name.h"
#include "service/config/secret_reference.h"

namespace gateway {
namespace {

using ::google::protobuf::Map;
using ::llmgateway::config::v1::AnthropicProvider;
using ::llmgateway::config::v1::AuthConfig;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::GrpcListener;
using ::llmgateway::config::v1::HttpUpstream;
using ::llmgateway::config::v1::Listeners;
using ::llmgateway::config::v1::LoggingConfig;
using ::llmgateway::config::v1::ModelRule;
using ::llmgateway::config::v1::OpenAiProvider;
using ::llmgateway::config::v1::ProviderConfig;
using ::llmgateway::config::v1::RetryConfig;
using ::llmgateway::config::v1::RoutingConfig;
using ::llmgateway::config::v1::TlsServer;

constexpr int kProvidersMax = 256;
constexpr int kModelsMax = 10'000;
constexpr int kRulesMax = 10'000;
constexpr int kApiKeysMax = 10'000;
constexpr int kHeadersMax = 64;
constexpr int kBetasMax = 64;
constexpr int kModuleLevelsMax = 64;
constexpr size_t kNameLengthMax = 64;
constexpr size_t kModelLengthMax = 256;
constexpr size_t kReplyBytesMax = 1024 * 1024;

// Letters, digits and the marks, 1 to 64 of them.
bool IsName(std::string_view text, std::string_view marks, bool upper_case) {
  return !text.empty() && text.size() <= kNameLengthMax &&
         std::all_of(text.begin(), text.end(), [&](unsigned char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) ||
                  (upper_case && absl::ascii_isupper(c)) ||
                  marks.find(static_cast<char>(c)) != std::string_view::npos;
         });
}

// A model's name goes into URLs, logs and headers.
bool IsModelName(std::string_view text) {
  return !text.empty() && text.size() <= kModelLengthMax &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c > ' ' && c != 0x7F; });
}

constexpr char kBadModelName[] =
    "must be a model's name: 1 to 256 characters without white space";

class Validator {
 public:
  Validator(const FieldPlaces& places, ConfigProblems* problems)
      : places_(places), problems_(*problems) {}

  void Check(const GatewayConfig& config);

 private:
  void Add(const std::string& path, std::string_view message) {
    problems_.Add(places_.Find(path), path, message);
  }
  void AddIfBad(const std::string& path, const absl::Status& status) {
    if (!status.ok()) Add(path, ToStd(status.message()));
  }
  // True if there are few enough.
  bool CheckCount(const std::string& path, int count, int most);

  void CheckListeners(const Listeners& listeners);
  void CheckWindows(const std::string& path, const GrpcListener& listener);
  void CheckTls(const std::string& path, const TlsServer& tls);
  void CheckSecret(const std::string& path, const std::string& reference);
  void CheckProviders(const GatewayConfig& config);
  void CheckModels(const std::string& path, const ProviderConfig& provider);
  void CheckKind(const std::string& path, const ProviderConfig& provider);
  void CheckBaseUrl(const std::string& path, const std::string& text,
                    bool allow_plaintext);
  void CheckHttp(const std::string& path, const HttpUpstream& http);
  void CheckHeaders(const std::string& path,
                    const Map<std::string, std::string>& headers);
  void CheckRouting(const RoutingConfig& routing);
  void CheckRule(const std::string& path, const ModelRule& rule);
  void CheckMatch(const std::string& path, const ModelRule& rule);
  void CheckProviderName(const std::string& path, const std::string& name);
  void CheckRetry(const RetryConfig& retry);
  void CheckAuth(const AuthConfig& auth);
  void CheckLogging(const LoggingConfig& logging);

  const FieldPlaces& places_;
  ConfigProblems& problems_;
  std::vector<std::string> provider_names_;
};

void Validator::Check(const GatewayConfig& config) {
  CheckFieldRanges(config, places_, &problems_);
  CheckListeners(config.listeners());
  CheckProviders(config);
  CheckRouting(config.routing());
  CheckRetry(config.resilience().retry());
  CheckAuth(config.auth());
  CheckLogging(config.logging());
}

bool Validator::CheckCount(const std::string& path, int count, int most) {
  if (count <= most) return true;
  Add(path,
      absl::StrCat("has ", count, " entries; at most ", most, " are allowed"));
  return false;
}

void Validator::CheckWindows(const std::string& path,
                             const GrpcListener& listener) {
  constexpr int64_t kConnectionWindowMax = INT32_MAX;
  // gRPC C++ has windows of its own.
  if (listener.engine() == GrpcListener::ENGINE_GRPC_CORE) return;
  const int64_t window = listener.stream_window_bytes_limit();
  if (window > kConnectionWindowMax) return;  // Told of as out of range.
  const int64_t bytes = window * int64_t{listener.concurrent_streams_limit()};
  if (bytes <= kConnectionWindowMax) return;
  Add(JoinPath(path, "stream_window_bytes_limit"),
      absl::StrCat("times concurrent_streams_limit is ", bytes,
                   " bytes; one connection can have at most ",
                   kConnectionWindowMax));
}

void Validator::CheckListeners(const Listeners& listeners) {
  CheckWindows("listeners.grpc", listeners.grpc());
  CheckWindows("listeners.admin", listeners.admin());
  const std::pair<std::string, const std::string*> addresses[] = {
      {"listeners.grpc", &listeners.grpc().address()},
      {"listeners.http", &listeners.http().address()},
      {"listeners.admin", &listeners.admin().address()},
      {"listeners.operations", &listeners.operations().address()},
  };
  std::map<std::string, std::string> takers;
  for (const auto& [listener, address] : addresses) {
    const std::string path = JoinPath(listener, "address");
    const absl::Status status = CheckListenAddress(*address);
    AddIfBad(path, status);
    if (!status.ok() || address->ends_with(":0")) continue;
    const auto [first, is_new] = takers.try_emplace(*address, listener);
    if (!is_new) {
      Add(path, absl::StrCat("is taken by ", first->second,
                             " already; choose another port"));
    }
  }
  const std::pair<std::string, const TlsServer*> servers[] = {
      {"listeners.grpc.tls",
       listeners.grpc().has_tls() ? &listeners.grpc().tls() : nullptr},
      {"listeners.http.tls",
       listeners.http().has_tls() ? &listeners.http().tls() : nullptr},
      {"listeners.admin.tls",
       listeners.admin().has_tls() ? &listeners.admin().tls() : nullptr},
      {"listeners.operations.tls", listeners.operations().has_tls()
                                       ? &listeners.operations().tls()
                                       : nullptr},
  };
  for (const auto& [path, tls] : servers) {
    if (tls != nullptr) CheckTls(path, *tls);
  }
}

void Validator::CheckTls(const std::string& path, const TlsServer& tls) {
  const std::pair<const char*, const std::string*> required[] = {
      {"cert_chain", &tls.cert_chain()}, {"private_key", &tls.private_key()}};
  for (const auto& [field, reference] : required) {
    if (reference->empty()) {
      Add(JoinPath(path, field), "is required; give file:path or env:NAME");
    } else {
      CheckSecret(JoinPath(path, field), *reference);
    }
  }
  if (!tls.client_ca().empty()) {
    CheckSecret(JoinPath(path, "client_ca"), tls.client_ca());
  }
}

void Validator::CheckSecret(const std::string& path,
                            const std::string& reference) {
  AddIfBad(path, SecretReference::Parse(reference).status());
}

void Validator::CheckProviders(const GatewayConfig& config) {
  if (config.providers().empty()) {
    Add("providers",
        "is required; name at least one provider, as in "
        "[{name: mock, mock: {}}]");
    return;
  }
  if (!CheckCount("providers", config.providers_size(), kProvidersMax)) return;
  std::map<std::string, size_t> seen;
  for (int i = 0; i < config.providers_size(); ++i) {
    const ProviderConfig& provider = config.providers(i);
    const std::string path = ElementPath("providers", static_cast<size_t>(i));
    const std::string name_path = JoinPath(path, "name");
    const auto [first, is_new] =
        seen.try_emplace(provider.name(), static_cast<size_t>(i));
    if (is_new) provider_names_.push_back(provider.name());
    if (!IsName(provider.name(), "-_", /*upper_case=*/false)) {
      Add(name_path, "must be 1 to 64 of lower-case letters, digits and '-_'");
    } else if (!is_new) {
      Add(name_path, absl::StrCat("is the name of providers[", first->second,
                                  "] too; choose another"));
    }
    CheckModels(path, provider);
    CheckKind(path, provider);
  }
}

void Validator::CheckModels(const std::string& path,
                            const ProviderConfig& provider) {
  const std::string models = JoinPath(path, "models");
  CheckCount(models, provider.models_size(), kModelsMax);
  std::set<std::string> seen;
  for (int i = 0; i < provider.models_size(); ++i) {
    const std::string model_path = ElementPath(models, static_cast<size_t>(i));
    if (!IsModelName(provider.models(i))) Add(model_path, kBadModelName);
    if (!seen.insert(provider.models(i)).second) {
      Add(model_path, "is listed already; remove it");
    }
  }
  const std::string aliases = JoinPath(path, "model_aliases");
  CheckCount(aliases, static_cast<int>(provider.model_aliases_size()),
             kModelsMax);
  for (const auto& [alias, model] : provider.model_aliases()) {
    if (!IsModelName(alias) || !IsModelName(model)) {
      Add(EntryPath(aliases, alias), kBadModelName);
    }
  }
}

void Validator::CheckKind(const std::string& path,
                          const ProviderConfig& provider) {
  switch (provider.kind_case()) {
    case ProviderConfig::kOpenai: {
      const OpenAiProvider& openai = provider.openai();
      const std::string kind = JoinPath(path, "openai");
      CheckBaseUrl(kind, openai.base_url(), openai.http().allow_plaintext());
      if (!openai.api_key().empty()) {
        CheckSecret(JoinPath(kind, "api_key"), openai.api_key());
      }
      AddIfBad(JoinPath(kind, "organization"),
               CheckHeaderValue(openai.organization()));
      AddIfBad(JoinPath(kind, "project"), CheckHeaderValue(openai.project()));
      CheckHttp(JoinPath(kind, "http"), openai.http());
      return;
    }
    case ProviderConfig::kAnthropic: {
      const AnthropicProvider& anthropic = provider.anthropic();
      const std::string kind = JoinPath(path, "anthropic");
      CheckBaseUrl(kind, anthropic.base_url(),
                   anthropic.http().allow_plaintext());
      if (!anthropic.api_key().empty()) {
        CheckSecret(JoinPath(kind, "api_key"), anthropic.api_key());
      }
      AddIfBad(JoinPath(kind, "version"),
               CheckHeaderValue(anthropic.version()));
      const std::string betas = JoinPath(kind, "betas");
      CheckCount(betas, anthropic.betas_size(), kBetasMax);
      for (int i = 0; i < anthropic.betas_size(); ++i) {
        if (!IsName(anthropic.betas(i), "-_.", /*upper_case=*/true)) {
          Add(ElementPath(betas, static_cast<size_t>(i)),
              "must be 1 to 64 of letters, digits and '-_.'");
        }
      }
      CheckHttp(JoinPath(kind, "http"), anthropic.http());
      return;
    }
    case ProviderConfig::kMock:
      if (provider.mock().reply().size() > kReplyBytesMax) {
        Add(JoinPath(path, "mock.reply"), "is longer than 1 MiB");
      }
      return;
    case ProviderConfig::KIND_NOT_SET:
      Add(path,
          "has no kind; give one of openai, anthropic and mock, as in "
          "{name: mock, mock: {}}");
      return;
  }
}

void Validator::CheckBaseUrl(const std::string& path, const std::string& text,
                             bool allow_plaintext) {
  const std::string url_path = JoinPath(path, "base_url");
  const absl::StatusOr<BaseUrl> url = ParseBaseUrl(text);
  AddIfBad(url_path, url.status());
  if (url.ok() && !url->tls && !url->IsLoopback() && !allow_plaintext) {
    Add(url_path,
        "must be https: prompts and keys would cross the network in the "
        "clear; if that is meant, set http.allow_plaintext");
  }
}

void Validator::CheckHttp(const std::string& path, const HttpUpstream& http) {
  CheckHeaders(JoinPath(path, "headers"), http.headers());
  if (!http.proxy().empty()) {
    const std::string proxy = JoinPath(path, "proxy");
    const absl::StatusOr<BaseUrl> url = ParseBaseUrl(http.proxy());
    AddIfBad(proxy, url.status());
    if (url.ok() && (url->tls || !url->path.empty())) {
      Add(proxy, "must be http://host:port");
    }
  }
}

void Validator::CheckHeaders(const std::string& path,
                             const Map<std::string, std::string>& headers) {
  CheckCount(path, static_cast<int>(headers.size()), kHeadersMax);
  // In the order of their names, so that the report is always the same.
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

void Validator::CheckProviderName(const std::string& path,
                                  const std::string& name) {
  if (std::find(provider_names_.begin(), provider_names_.end(), name) ==
      provider_names_.end()) {
    Add(path, absl::StrCat("names no configured provider",
                           Suggestion(name, provider_names_)));
  }
}

void Validator::CheckRouting(const RoutingConfig& routing) {
  if (!routing.default_provider().empty()) {
    CheckProviderName("routing.default_provider", routing.default_provider());
  }
  const std::string rules = "routing.model_rules";
  if (!CheckCount(rules, routing.model_rules_size(), kRulesMax)) return;
  for (int i = 0; i < routing.model_rules_size(); ++i) {
    CheckRule(ElementPath(rules, static_cast<size_t>(i)),
              routing.model_rules(i));
  }
}

void Validator::CheckRule(const std::string& path, const ModelRule& rule) {
  CheckMatch(path, rule);
  if (rule.provider().empty()) {
    Add(JoinPath(path, "provider"), "is required; name a configured provider");
  } else {
    CheckProviderName(JoinPath(path, "provider"), rule.provider());
  }
  if (!rule.model().empty() && !IsModelName(rule.model())) {
    Add(JoinPath(path, "model"), kBadModelName);
  }
}

void Validator::CheckMatch(const std::string& path, const ModelRule& rule) {
  switch (rule.match_case()) {
    case ModelRule::kAlias:
      if (!IsModelName(rule.alias()))
        Add(JoinPath(path, "alias"), kBadModelName);
      if (rule.model().empty()) {
        Add(path, "has an alias but no model; say which model it stands for");
      }
      return;
    case ModelRule::kPrefix:
      if (!IsModelName(rule.prefix()))
        Add(JoinPath(path, "prefix"), kBadModelName);
      return;
    case ModelRule::kExact:
      if (!IsModelName(rule.exact()))
        Add(JoinPath(path, "exact"), kBadModelName);
      return;
    case ModelRule::kGlob: {
      const std::string glob = JoinPath(path, "glob");
      if (!IsModelName(rule.glob())) Add(glob, kBadModelName);
      // Other tools give these a meaning, so whoever writes them expects it.
      if (rule.glob().find_first_of("[]{}\\") != std::string::npos) {
        Add(glob, "knows only '*' and '?'; write a rule for each alternative");
      }
      return;
    }
    case ModelRule::MATCH_NOT_SET:
      Add(path, "matches nothing; give one of alias, prefix, exact and glob");
      return;
  }
}

void Validator::CheckRetry(const RetryConfig& retry) {
  if (retry.backoff_limit() < retry.backoff_base()) {
    Add("resilience.retry.backoff_limit", "must be at least backoff_base");
  }
}

void Validator::CheckAuth(const AuthConfig& auth) {
  if (auth.mode() == AuthConfig::MODE_TOKEN && auth.api_keys().empty()) {
    Add("auth.mode", "is token, so 'auth.api_keys' must hold a key");
  }
  if (!CheckCount("auth.api_keys", auth.api_keys_size(), kApiKeysMax)) return;
  std::set<std::string> names;
  for (int i = 0; i < auth.api_keys_size(); ++i) {
    const std::string path =
        ElementPath("auth.api_keys", static_cast<size_t>(i));
    const std::string& name = auth.api_keys(i).name();
    if (!IsName(name, "-_.", /*upper_case=*/true)) {
      Add(JoinPath(path, "name"),
          "must be 1 to 64 of letters, digits and '-_.'");
    } else if (!names.insert(name).second) {
      Add(JoinPath(path, "name"), "is another key's name too; choose another");
    }
    if (auth.api_keys(i).key().empty()) {
      Add(JoinPath(path, "key"), "is required; give env:NAME or file:path");
    } else {
      CheckSecret(JoinPath(path, "key"), auth.api_keys(i).key());
    }
  }
}

void Validator::CheckLogging(const LoggingConfig& logging) {
  const std::string levels = "logging.module_levels";
  CheckCount(levels, static_cast<int>(logging.module_levels_size()),
             kModuleLevelsMax);
  for (const auto& [module, level] : logging.module_levels()) {
    if (!IsName(module, "-_/", /*upper_case=*/false)) {
      Add(EntryPath(levels, module),
          "must be a module's name of lower-case letters, digits and '-_/'");
    }
  }
}

}  // namespace

void ValidateConfig(const GatewayConfig& config, const FieldPlaces& places,
                    ConfigProblems* problems) {
  Validator(places, problems).Check(config);
}

}  // namespace gateway
