#include "service/config/applied_references.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/net/base_url.h"
#include "base/net/host_port.h"
#include "base/string_view.h"
#include "google/protobuf/message.h"
#include "providers/provider_settings.h"
#include "service/config/config_reader.h"
#include "service/config/config_references.h"
#include "service/config/secret_reference.h"
#include "service/config/yaml_writer.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::HttpUpstream;
using ::llmgateway::config::v1::ProviderConfig;

constexpr std::string_view kVariable = "env:";
constexpr std::string_view kFile = "file:";

bool HasDotDot(const fs::path& path) {
  return std::any_of(path.begin(), path.end(),
                     [](const fs::path& part) { return part == ".."; });
}

bool LiesWithin(const fs::path& path, const fs::path& folder) {
  const auto [end, rest] =
      std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  // A folder that is written with a slash at its end has an empty last part.
  return end == folder.end() ||
         (end->empty() && std::next(end) == folder.end());
}

// The absolute path without `.` and doubled slashes.
fs::path Plain(const std::string& path) {
  std::error_code error;
  return fs::absolute(path, error).lexically_normal();
}

// What is the same for all references that lead to one secret.
std::string IdentityOf(const std::string& reference) {
  if (!std::string_view(reference).starts_with(kFile)) return reference;
  const fs::path plain = Plain(reference.substr(kFile.size()));
  std::error_code error;
  const fs::path real = fs::weakly_canonical(plain, error);
  return absl::StrCat(ToAbsl(kFile), (error ? plain : real).native());
}

// The field without the places in lists. Keys of a provider are one field,
// whatever its kind and however many it has.
std::string FieldOf(std::string_view path) {
  std::string field;
  bool is_place = false;
  for (const char c : path) {
    is_place = is_place || c == '[';
    if (!is_place) field += c;
    is_place = is_place && c != ']';
  }
  const bool is_providers = std::string_view(field).starts_with("providers.");
  if (!is_providers) return field;
  return absl::StrCat("providers", field.substr(field.rfind('.')));
}

// The server of a URL; validation has more to say of a text that is none.
std::string ServerOf(const std::string& text) {
  const absl::StatusOr<BaseUrl> url = ParseBaseUrl(text);
  if (!url.ok()) return text;
  return absl::StrCat(url->tls ? "https://" : "http://",
                      JoinHostPort(url->host, absl::StrCat(url->port)));
}

// Where what the provider at this place is shown goes; empty if nowhere.
std::string DestinationOf(const ProviderConfig& provider) {
  const google::protobuf::Message* const settings = ProviderSettings(provider);
  if (settings == nullptr) return "";
  const std::string base_url = TextSetting(*settings, "base_url");
  const std::string destination = ServerOf(base_url);
  const HttpUpstream* const http = HttpSettings(*settings);
  // With TLS a proxy sees nothing.
  const bool is_tls = std::string_view(destination).starts_with("https://");
  if (is_tls || http == nullptr || http->proxy().empty()) return destination;
  return absl::StrCat(destination, " by way of ", http->proxy());
}

// The same for whatever field names a secret.
std::string DestinationOf(const GatewayConfig& config, std::string_view path) {
  for (int i = 0; i < config.providers_size(); ++i) {
    const std::string provider =
        ElementPath("providers", static_cast<size_t>(i));
    if (path.starts_with(absl::StrCat(provider, "."))) {
      return DestinationOf(config.providers(i));
    }
  }
  for (int i = 0; i < config.alerts().actions_size(); ++i) {
    const std::string webhook =
        ElementPath("alerts.actions", static_cast<size_t>(i)) + ".webhook";
    // A signing key goes nowhere.
    if (path.starts_with(webhook + ".headers")) {
      return ServerOf(config.alerts().actions(i).webhook().url());
    }
  }
  if (path.starts_with("tracing.")) {
    return ServerOf(config.tracing().endpoint());
  }
  return "";
}

// The settings of a kind that runs a program, as text; empty for other kinds.
std::string ProgramSettings(const ProviderKinds& kinds,
                            const ProviderConfig& provider) {
  const ProviderKind* const kind = kinds.Find(provider);
  if (kind == nullptr) return "";
  const bool runs_program =
      std::any_of(kind->settings.begin(), kind->settings.end(),
                  [](const ProviderSetting& setting) {
                    return setting.form == SettingForm::kProgram;
                  });
  if (!runs_program) return "";
  return absl::StrCat(ToAbsl(kind->name), ":\n",
                      WriteYaml(*ProviderSettings(provider)));
}

}  // namespace

absl::Status CheckAppliedReference(std::string_view entry) {
  if (entry.starts_with(kVariable)) {
    entry.remove_prefix(kVariable.size());
    if (SecretReference::Parse(absl::StrCat(ToAbsl(kVariable), ToAbsl(entry)))
            .ok()) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        "must say after 'env:' how variables begin, of letters, digits and "
        "'_'");
  }
  if (entry.starts_with(kFile)) {
    entry.remove_prefix(kFile.size());
    if (entry.size() > 1 && entry.ends_with('/') &&
        !HasDotDot(fs::path(entry))) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        "must give a folder after 'file:', with '/' at its end and no '..', "
        "other than '/' itself");
  }
  return absl::InvalidArgumentError(
      "must be 'env:PREFIX', for variables that begin so, or 'file:folder/'");
}

std::vector<AppliedReferences::Named> AppliedReferences::AllOf(
    const GatewayConfig& config) {
  std::vector<Named> all;
  const auto add = [&](NamedReference& named, std::string reference) {
    Use use = {FieldOf(named.path), DestinationOf(config, named.path)};
    all.push_back(
        {std::move(named.path), std::move(reference), std::move(use)});
  };
  for (NamedReference& named : SecretReferencesOf(config)) {
    add(named, named.reference);
  }
  for (NamedReference& named : CaFilesOf(config)) {
    add(named, absl::StrCat(ToAbsl(kFile), named.reference));
  }
  return all;
}

std::string AppliedReferences::IncludedFile(const std::string& name) const {
  std::string path = PathBeside(included_.config_file, name);
  const auto& all = included_.paths;
  if (std::find(all.begin(), all.end(), path) == all.end()) return "";
  return path;
}

AppliedReferences::AppliedReferences(const ProviderKinds& kinds,
                                     const GatewayConfig& file,
                                     IncludedFiles included)
    : kinds_(kinds), included_(std::move(included)) {
  for (const Named& named : AllOf(file)) {
    uses_.insert(named.use);
    uses_of_[IdentityOf(named.reference)].insert(named.use);
  }
  for (const ProviderConfig& provider : file.providers()) {
    std::string settings = ProgramSettings(kinds_, provider);
    if (!settings.empty()) programs_.insert(std::move(settings));
  }
  for (const std::string& entry : file.runtime().applied_references()) {
    const std::string_view text = entry;
    if (text.starts_with(kVariable)) {
      variable_prefixes_.emplace_back(text.substr(kVariable.size()));
    } else if (text.starts_with(kFile)) {
      folders_.emplace_back(text.substr(kFile.size()));
    }
  }
}

bool AppliedReferences::AllowsFile(const std::string& path) const {
  if (HasDotDot(fs::path(path))) return false;
  const fs::path plain = Plain(path);
  return std::any_of(
      folders_.begin(), folders_.end(), [&plain](const std::string& folder) {
        if (!LiesWithin(plain, Plain(folder))) return false;
        // Weakly, since it is for others to say that the file is not there.
        std::error_code error;
        const fs::path real = fs::weakly_canonical(plain, error);
        if (error) return false;
        const fs::path real_folder = fs::canonical(folder, error);
        return !error && LiesWithin(real, real_folder);
      });
}

bool AppliedReferences::AllowsReference(const std::string& text) const {
  const absl::StatusOr<SecretReference> reference =
      SecretReference::Parse(text);
  if (!reference.ok()) return true;  // Validation has more to say of it.
  const std::string& name = reference->name();
  if (reference->is_file()) return AllowsFile(name);
  return std::any_of(variable_prefixes_.begin(), variable_prefixes_.end(),
                     [&name](const std::string& prefix) {
                       return std::string_view(name).starts_with(prefix);
                     });
}

std::string AppliedReferences::Refusal(const Named& named) const {
  const auto known = uses_of_.find(IdentityOf(named.reference));
  const bool is_known = known != uses_of_.end();
  if (is_known && known->second.count(named.use) > 0) return "";
  const absl::StatusOr<SecretReference> reference =
      SecretReference::Parse(named.reference);
  if (!reference.ok()) return "";  // As above.
  const std::string what = reference->description();
  if (!is_known && !AllowsReference(named.reference)) {
    return absl::StrCat("must not be taken from ", what,
                        ": neither does the file name it, nor does its "
                        "runtime.applied_references allow it");
  }
  if (!is_known && uses_.count(named.use) > 0) return "";
  const std::string where = named.use.destination.empty()
                                ? std::string("for this")
                                : absl::StrCat("for ", named.use.destination);
  return absl::StrCat("must not be taken from ", what, " ", where, ": ",
                      is_known ? "the file names it for something else"
                               : "the file names no secret for that",
                      "; put this use of it into the file first");
}

void AppliedReferences::Check(const GatewayConfig& applied,
                              const FieldPlaces& places,
                              ConfigProblems* problems) const {
  for (const Named& named : AllOf(applied)) {
    const std::string refusal = Refusal(named);
    if (refusal.empty()) continue;
    problems->Add(places.Find(named.path), named.path, refusal);
  }
  for (int i = 0; i < applied.providers_size(); ++i) {
    const std::string settings = ProgramSettings(kinds_, applied.providers(i));
    if (settings.empty() || programs_.count(settings) > 0) continue;
    const std::string path = ElementPath("providers", static_cast<size_t>(i));
    problems->Add(places.Find(path), path,
                  "runs a program: its settings must be those of a provider "
                  "in the configuration file");
  }
}

}  // namespace gateway
