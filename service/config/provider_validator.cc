#include "service/config/provider_validator.h"

#include <algorithm>
#include <cassert>
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
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/net/base_url.h"
#include "base/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/map.h"
#include "google/protobuf/message.h"
#include "providers/provider_settings.h"
#include "service/config/config_names.h"
#include "service/config/header_rules.h"
#include "service/config/secret_reference.h"

namespace gateway {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Map;
using ::google::protobuf::Message;
using ::llmgateway::config::v1::HttpUpstream;
using ::llmgateway::config::v1::ModelTimeouts;
using ::llmgateway::config::v1::ProviderConfig;

constexpr int kModelsMax = 10'000;
constexpr int kHeadersMax = 64;
constexpr int kCredentialsMax = 64;

bool IsVariable(const std::string& name) {
  return !name.empty() && name.find('=') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

// Returns OK if the text of a setting has the form, else what it must be.
absl::Status CheckForm(SettingForm form, const std::string& text) {
  const auto unless = [](bool good, const char* message) {
    return good ? absl::OkStatus() : absl::InvalidArgumentError(message);
  };
  switch (form) {
    case SettingForm::kName:
      return unless(IsConfigName(text, "-_.", /*upper_case=*/true),
                    "must be 1 to 64 of letters, digits and '-_.'");
    case SettingForm::kHeaderName:
      return unless(IsConfigName(text, "-_", /*upper_case=*/true),
                    "must be a header's name: 1 to 64 of letters, digits and "
                    "'-_'");
    case SettingForm::kHeaderValue:
      return CheckHeaderValue(text);
    case SettingForm::kModel:
      return unless(IsModelName(text), kBadModelName);
    case SettingForm::kVariable:
      return unless(IsVariable(text),
                    "must be a variable's name alone, without its value");
    // Asked of the machine.
    case SettingForm::kProgram:
    case SettingForm::kDirectory:
    case SettingForm::kText:
      break;
  }
  return absl::OkStatus();
}

absl::Status CheckEntryForm(SettingForm form, const std::string& key,
                            const std::string& value) {
  if (form == SettingForm::kVariable) {
    return IsVariable(key) && value.find('\0') == std::string::npos
               ? absl::OkStatus()
               : absl::InvalidArgumentError("must be a variable's name");
  }
  const absl::Status status = CheckForm(form, key);
  return status.ok() ? CheckForm(form, value) : status;
}

// Returns the kinds' names in the order of provider.proto, and last those that
// need nothing.
std::vector<std::string> NamesInOrder(const ProviderKinds& kinds) {
  std::vector<std::pair<std::pair<bool, int>, std::string>> places;
  for (const ProviderKind* kind : kinds) {
    const std::string name(kind->name);
    const FieldDescriptor* const field =
        ProviderConfig::descriptor()->FindFieldByName(name);
    assert(field != nullptr);
    places.push_back({{kind->simulated, field->number()}, name});
  }
  std::sort(places.begin(), places.end());
  std::vector<std::string> names;
  for (auto& [place, name] : places) names.push_back(std::move(name));
  return names;
}

std::string OneOf(const ProviderKinds& kinds) {
  std::vector<std::string> names = NamesInOrder(kinds);
  const std::string last = std::move(names.back());
  names.pop_back();
  return absl::StrCat("give one of ", absl::StrJoin(names, ", "),
                      names.empty() ? "" : " and ", last, ", as in ",
                      ProviderExample(kinds));
}

class ProviderValidator {
 public:
  ProviderValidator(const ProviderKinds& kinds, const ProviderConfig& provider,
                    const std::string& path, const FieldPlaces& places,
                    ConfigProblems* problems)
      : kinds_(kinds),
        provider_(provider),
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
  void CheckCount(const std::string& path, size_t count, int most) {
    gateway::CheckCount(path, count, static_cast<size_t>(most), places_,
                        &problems_);
  }

  void CheckModels();
  void CheckAdaptiveConcurrency();
  void CheckModelResilience();
  void CheckModelTimeouts(const std::string& path,
                          const ModelTimeouts& timeouts);
  void CheckModelMap(const std::string& path,
                     const Map<std::string, std::string>& models);
  void CheckCredentials();
  void CheckCredentialName(const std::string& name, const std::string& path,
                           std::set<std::string>* taken);
  // Checks what several kinds have in common, if this one has it.
  void CheckCommon(const std::string& path, const Message& settings);
  void CheckBaseUrl(const std::string& path, const std::string& text,
                    bool allow_plaintext);
  // Warns if a kind whose service requires keys has none.
  void WarnOfNoKey(const std::string& path, const std::string& base_url,
                   const HttpUpstream& http);
  void CheckHttp(const std::string& path, const HttpUpstream& http);
  void CheckHeaders(const std::string& path,
                    const Map<std::string, std::string>& headers);
  // Checks a setting by the kind's own table.
  void CheckSetting(const std::string& path, const Message& settings,
                    const ProviderSetting& setting);

  const ProviderKinds& kinds_;
  const ProviderConfig& provider_;
  const std::string& path_;
  const FieldPlaces& places_;
  ConfigProblems& problems_;
};

void ProviderValidator::Check() {
  CheckModels();
  CheckAdaptiveConcurrency();
  CheckModelResilience();
  const std::string name(ProviderKindName(provider_));
  if (name.empty()) {
    Add(path_, absl::StrCat("has no kind; ", OneOf(kinds_)));
    return;
  }
  const std::string path = JoinPath(path_, name);
  const ProviderKind* const kind = kinds_.Find(provider_);
  if (kind == nullptr) {
    Add(path,
        absl::StrCat("is no kind that this program has; ", OneOf(kinds_)));
    return;
  }
  if (provider_.resilience().health_check().enabled() && !kind->lists_models) {
    Add(JoinPath(path_, "resilience.health_check"),
        absl::StrCat("is of no use to '", name,
                     "', which cannot be asked for its models; remove it"));
  }
  const Message& settings = *ProviderSettings(provider_);
  CheckCommon(path, settings);
  for (const ProviderSetting& setting : kind->settings) {
    CheckSetting(JoinPath(path, setting.field), settings, setting);
  }
  if (kind->check == nullptr) return;
  for (const SettingProblem& problem : kind->check(provider_)) {
    Add(JoinPath(path, problem.field), problem.message);
  }
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

void ProviderValidator::CheckAdaptiveConcurrency() {
  if (!provider_.resilience().has_adaptive_concurrency()) return;
  const auto& adaptive = provider_.resilience().adaptive_concurrency();
  const std::string path = JoinPath(path_, "resilience.adaptive_concurrency");
  if (adaptive.min_limit() > adaptive.max_limit()) {
    Add(JoinPath(path, "min_limit"),
        absl::StrCat("must be at most max_limit, which is ",
                     adaptive.max_limit(), ", and not ", adaptive.min_limit(),
                     "; lower it or raise that"));
  } else if (adaptive.initial_limit() < adaptive.min_limit()) {
    Add(JoinPath(path, "initial_limit"),
        absl::StrCat("must be at least min_limit, which is ",
                     adaptive.min_limit(), ", and not ",
                     adaptive.initial_limit(), "; raise it or lower that"));
  } else if (adaptive.initial_limit() > adaptive.max_limit()) {
    Add(JoinPath(path, "initial_limit"),
        absl::StrCat("must be at most max_limit, which is ",
                     adaptive.max_limit(), ", and not ",
                     adaptive.initial_limit(), "; lower it or raise that"));
  }
}

void ProviderValidator::CheckModelResilience() {
  const std::string models = JoinPath(path_, "resilience.models");
  const auto& all = provider_.resilience().models();
  CheckCount(models, all.size(), kModelsMax);
  std::set<std::string> seen;
  for (int i = 0; i < all.size(); ++i) {
    const std::string path = ElementPath(models, static_cast<size_t>(i));
    const std::string& model = all[i].model();
    const auto alias = provider_.model_aliases().find(model);
    if (!IsModelName(model)) {
      Add(JoinPath(path, "model"), kBadModelName);
    } else if (model.find_first_of("*?") != std::string::npos) {
      Add(JoinPath(path, "model"),
          "is one name and no pattern; name each model, or set the same for "
          "all in resilience of the provider");
    } else if (alias != provider_.model_aliases().end()) {
      Add(JoinPath(path, "model"),
          absl::StrCat("is an alias of this provider; name the model, '",
                       alias->second, "'"));
    } else if (!seen.insert(model).second) {
      Add(JoinPath(path, "model"), "is named already; remove it");
    }
    CheckModelTimeouts(JoinPath(path, "timeouts"), all[i].timeouts());
  }
}

void ProviderValidator::CheckModelTimeouts(const std::string& path,
                                           const ModelTimeouts& timeouts) {
  const Message* const settings = ProviderSettings(provider_);
  if (settings == nullptr || HttpSettings(*settings) != nullptr) return;
  const auto check = [&](bool is_set, const char* field) {
    if (!is_set) return;
    Add(JoinPath(path, field),
        "is of no use to a provider that is not reached by HTTP; remove it, or "
        "set first_content");
  };
  check(timeouts.has_first_byte(), "first_byte");
  check(timeouts.has_stream_first_byte(), "stream_first_byte");
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

void ProviderValidator::CheckCommon(const std::string& path,
                                    const Message& settings) {
  const bool has_keys = HasSetting(settings, "api_key");
  const std::string api_key = TextSetting(settings, "api_key");
  if (!api_key.empty()) {
    AddIfBad(JoinPath(path, "api_key"),
             SecretReference::Parse(api_key).status());
  }
  CheckCredentials();
  if (!has_keys && provider_.credentials_size() > 0) {
    Add(JoinPath(path_, "credentials"), "are of no use to this kind");
  }
  const HttpUpstream* const http = HttpSettings(settings);
  if (http == nullptr) return;
  const std::string base_url = TextSetting(settings, "base_url");
  CheckBaseUrl(path, base_url, http->allow_plaintext());
  CheckHttp(JoinPath(path, "http"), *http);
  if (has_keys && api_key.empty()) WarnOfNoKey(path, base_url, *http);
}

void ProviderValidator::WarnOfNoKey(const std::string& path,
                                    const std::string& base_url,
                                    const HttpUpstream& http) {
  // Another kind may be pointed to a vendor's address, too.
  const bool asks =
      std::any_of(kinds_.begin(), kinds_.end(), [&](const ProviderKind* kind) {
        return !kind->keyed_origin.empty() &&
               base_url.starts_with(kind->keyed_origin);
      });
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
    AddIfBad(entry, CheckExtraHeader(kinds_, name, value));
    if (!seen.try_emplace(absl::AsciiStrToLower(name), name).second) {
      Add(entry, "is given twice but for its letter case; keep one");
    }
  }
}

void ProviderValidator::CheckSetting(const std::string& path,
                                     const Message& settings,
                                     const ProviderSetting& setting) {
  const auto& reflection = *settings.GetReflection();
  const FieldDescriptor* const field =
      settings.GetDescriptor()->FindFieldByName(std::string(setting.field));
  assert(field != nullptr);
  if (!field->is_repeated()) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return;
    const std::string text = reflection.GetString(settings, field);
    if (!text.empty()) AddIfBad(path, CheckForm(setting.form, text));
    return;
  }
  const int count = reflection.FieldSize(settings, field);
  CheckCount(path, static_cast<size_t>(count), setting.entries_limit);
  for (int i = 0; i < count; ++i) {
    if (!field->is_map()) {
      AddIfBad(ElementPath(path, static_cast<size_t>(i)),
               CheckForm(setting.form,
                         reflection.GetRepeatedString(settings, field, i)));
      continue;
    }
    const Message& entry = reflection.GetRepeatedMessage(settings, field, i);
    const std::string key = entry.GetReflection()->GetString(
        entry, field->message_type()->map_key());
    const std::string value = entry.GetReflection()->GetString(
        entry, field->message_type()->map_value());
    AddIfBad(EntryPath(path, key), CheckEntryForm(setting.form, key, value));
  }
}

}  // namespace

std::string ProviderExample(const ProviderKinds& kinds) {
  const std::string name = NamesInOrder(kinds).back();
  return absl::StrCat("{name: ", name, ", ", name, ": {}}");
}

void CheckProvider(const ProviderKinds& kinds, const ProviderConfig& provider,
                   const std::string& path, const FieldPlaces& places,
                   ConfigProblems* problems) {
  ProviderValidator(kinds, provider, path, places, problems).Check();
}

}  // namespace gateway
