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
#include "base/string_view.h"
#include "google/protobuf/message.h"
#include "providers/provider_settings.h"
#include "service/config/config_references.h"
#include "service/config/secret_reference.h"
#include "service/config/yaml_writer.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;

using ::llmgateway::config::v1::GatewayConfig;
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

AppliedReferences::AppliedReferences(const ProviderKinds& kinds,
                                     const GatewayConfig& file)
    : kinds_(kinds) {
  for (NamedReference& named : SecretReferencesOf(file)) {
    named_.insert(std::move(named.reference));
  }
  for (NamedReference& named : CaFilesOf(file)) {
    named_.insert(std::move(named.reference));
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
  if (named_.count(text) > 0) return true;
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

void AppliedReferences::Check(const GatewayConfig& applied,
                              const FieldPlaces& places,
                              ConfigProblems* problems) const {
  const auto refuse = [&](const std::string& path, std::string_view what) {
    problems->Add(places.Find(path), path,
                  absl::StrCat("must not be taken from ", ToAbsl(what),
                               ": neither does the file name it, nor does its "
                               "runtime.applied_references allow it"));
  };
  for (const NamedReference& named : SecretReferencesOf(applied)) {
    if (AllowsReference(named.reference)) continue;
    refuse(named.path, SecretReference::Parse(named.reference)->description());
  }
  for (const NamedReference& named : CaFilesOf(applied)) {
    if (named_.count(named.reference) > 0 || AllowsFile(named.reference)) {
      continue;
    }
    refuse(named.path, absl::StrCat("file ", named.reference));
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
