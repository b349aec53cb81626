#include "service/config/config_reader.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/net/host_port.h"
#include "base/os/file.h"
#include "base/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "service/config/applied_references.h"
#include "service/config/compatibility_variables.h"
#include "service/config/config_problem.h"
#include "service/config/config_references.h"
#include "service/config/defaults.h"
#include "service/config/environment.h"
#include "service/config/ledger_validator.h"
#include "service/config/loader.h"
#include "service/config/machine_check.h"
#include "service/config/snapshot.h"
#include "service/config/validator.h"

namespace gateway {
namespace {

enum class Scope { kDraft, kText, kTextAndMachine };

// A text, and which files with parts of it are read.
struct TextSource {
  Scope scope;
  const std::string& name;
  // Null but for a text that an operator applies.
  const AppliedReferences* allowed = nullptr;
};

constexpr size_t kSectionFilesMax = 16;
constexpr char kPortVariable[] = "LLM_GATEWAY_PORT";

using FileNames = ::google::protobuf::RepeatedPtrField<std::string>;

// Reads the files of a section, whose content takes the place of their names.
void ReadSectionFiles(const TextSource& source, std::string_view section,
                      FileNames* names, LoadedConfig* loaded,
                      ConfigProblems* problems) {
  const FileNames files = *names;
  names->Clear();
  for (int i = 0; i < files.size(); ++i) {
    const std::string field =
        ElementPath(JoinPath(section, "files"), static_cast<size_t>(i));
    const std::string path = source.allowed == nullptr
                                 ? PathBeside(source.name, files[i])
                                 : source.allowed->IncludedFile(files[i]);
    if (path.empty()) {
      problems->Add(loaded->places.Find(field), field,
                    "is read for a text that is applied if the configuration "
                    "file names it, too; put what it says into the text");
      loaded->complete = false;
      continue;
    }
    loaded->included.push_back(path);
    const absl::StatusOr<std::string> text = ReadFile(path, kConfigBytesLimit);
    if (!text.ok()) {
      problems->Add(loaded->places.Find(field), field,
                    ToStd(text.status().message()));
      loaded->complete = false;
      continue;
    }
    AddSectionText(section, *text, path, loaded, problems);
    if (!names->empty()) {
      problems->Add({.source = path}, "files",
                    "cannot be named in such a file; name them in the "
                    "configuration itself");
      names->Clear();
    }
  }
}

void IncludeSectionFiles(const TextSource& source, std::string_view section,
                         FileNames* names, LoadedConfig* loaded,
                         ConfigProblems* problems) {
  const std::string field = JoinPath(section, "files");
  if (names->empty() ||
      !CheckCount(field, static_cast<size_t>(names->size()), kSectionFilesMax,
                  loaded->places, problems)) {
    return;
  }
  const TextPlace place = loaded->places.Find(field);
  switch (source.scope) {
    case Scope::kDraft:
      return problems->Warn(place, field,
                            "are not looked at here, where only the text is");
    case Scope::kText:
      return problems->Add(place, field,
                           "cannot be read for a text that is no file; put "
                           "what they say into the text");
    case Scope::kTextAndMachine:
      return ReadSectionFiles(source, section, names, loaded, problems);
  }
}

void IncludeFiles(const TextSource& source, LoadedConfig* loaded,
                  ConfigProblems* problems) {
  auto& config = loaded->config;
  if (config.routing().has_selection()) {
    IncludeSectionFiles(
        source, "routing.selection",
        config.mutable_routing()->mutable_selection()->mutable_files(), loaded,
        problems);
  }
  if (config.has_alerts()) {
    IncludeSectionFiles(source, "alerts",
                        config.mutable_alerts()->mutable_files(), loaded,
                        problems);
  }
}

bool IsSet(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found != environment.end() && !found->second.empty();
}

// Where a ledger's file counts from, whoever has named it, and one that the
// system which the file is of keeps without being told to.
void PlaceLedger(const Environment& environment, LoadedConfig* loaded,
                 ConfigProblems* problems) {
  constexpr char kRoot[] = "CONTROL_PLANE_ROOT";
  auto& config = loaded->config;
  const bool has_root = IsSet(environment, kRoot);
  if (!config.has_ledger() && !loaded->usual_ledger.empty()) {
    if (!has_root) {
      return problems->Warn(
          {}, "ledger",
          absl::StrCat("is not kept, though the system that this file is of "
                       "sends no call without one: set ",
                       kRoot, " to its root, where it is ",
                       loaded->usual_ledger,
                       ", or LLM_GATEWAY_LEDGER_PATH to a file"));
    }
    config.mutable_ledger()->set_path(loaded->usual_ledger);
  }
  if (has_root) PutLedgerUnder(environment.at(kRoot), &config);
}

bool AsksForAnyPort(const Environment& environment) {
  if (!IsSet(environment, kPortVariable)) return false;
  const absl::StatusOr<uint16_t> port =
      ParsePort(environment.at(kPortVariable));
  return port.ok() && *port == 0;
}

// Sets the port of listeners.http.address, which has its default by now, to
// that of LLM_GATEWAY_PORT, unless the address has a variable of its own.
void ApplyHttpPort(const Environment& environment,
                   llmgateway::config::v1::GatewayConfig* config,
                   ConfigProblems* problems) {
  if (!IsSet(environment, kPortVariable)) return;
  const std::string& port = environment.at(kPortVariable);
  // Kubernetes makes one that is an address, for a service of this name.
  if (absl::StrContains(port, "://")) return;
  if (!ParsePort(port).ok()) {
    problems->AddFrom(kVariableSource, kPortVariable,
                      "must be a port, 0 to 65535");
    return;
  }
  if (IsSet(environment, "LLM_GATEWAY_LISTENERS_HTTP_ADDRESS")) return;
  auto& listener = *config->mutable_listeners()->mutable_http();
  const std::string& address = listener.address();
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return;
  listener.set_address(absl::StrCat(address.substr(0, colon + 1), port));
  problems->TellAsFrom("listeners.http.address", kVariableSource,
                       kPortVariable);
}

// Reads and checks the text, without secrets and machine.
LoadedConfig ReadAndCheck(const TextSource& source, const ProviderKinds& kinds,
                          std::string_view text, const Environment& environment,
                          ConfigProblems* problems) {
  LoadedConfig loaded = LoadConfigText(text, problems);
  IncludeFiles(source, &loaded, problems);
  ApplyEnvironment(environment, &loaded.config, problems);
  PlaceLedger(environment, &loaded, problems);
  // Whoever takes any port has others beside him who do so.
  if (AsksForAnyPort(environment)) UseFreePorts(&loaded.config);
  ApplyDefaults(kinds, &loaded.config);
  ApplyHttpPort(environment, &loaded.config, problems);
  // Not validated if it was read in part: what was not read would seem to be
  // missing.
  if (loaded.complete) {
    ValidateConfig(kinds, loaded.config, loaded.places, problems);
    // Last, since it takes out rules that mistakes are told of by their number.
    ApplyCompatibilitySwitches(kinds, environment, &loaded.config);
  }
  return loaded;
}

ConfigReading ReadWithin(Scope scope, const ProviderKinds& kinds,
                         std::string_view text, const std::string& source,
                         const Environment& environment, absl::Time now,
                         const AppliedReferences* allowed) {
  ConfigReading reading;
  reading.text = text;
  ConfigProblems problems(source);
  LoadedConfig loaded = ReadAndCheck({scope, source, allowed}, kinds, text,
                                     environment, &problems);
  reading.files = FilesNamedBy(loaded.config);
  reading.files.insert(reading.files.end(), loaded.included.begin(),
                       loaded.included.end());
  reading.included = std::move(loaded.included);
  if (problems.empty() && allowed != nullptr) {
    allowed->Check(loaded.config, loaded.places, &problems);
  }
  if (problems.empty()) {
    if (scope == Scope::kTextAndMachine) {
      const std::string& state_dir = loaded.config.runtime().state_dir();
      CheckMachine(kinds, loaded.config, environment, loaded.places,
                   state_dir.empty() ? "" : PathBeside(source, state_dir),
                   &problems);
    }
    reading.snapshot =
        ConfigSnapshot::Make(kinds, std::move(loaded.config), loaded.places,
                             environment, source, now, &problems);
    if (!problems.empty()) reading.snapshot = nullptr;
  }
  reading.problems = problems.Sorted();
  reading.warnings = problems.SortedWarnings();
  return reading;
}

}  // namespace

std::string PathBeside(const std::string& config_file,
                       const std::string& name) {
  if (name.starts_with("/")) return name;
  return config_file.substr(0, config_file.rfind('/') + 1) + name;
}

ConfigDraft ReadConfigDraft(const ProviderKinds& kinds, std::string_view text,
                            const std::string& source,
                            const Environment& environment) {
  ConfigDraft draft;
  ConfigProblems problems(source);
  draft.config = ReadAndCheck({Scope::kDraft, source}, kinds, text, environment,
                              &problems)
                     .config;
  draft.problems = problems.Sorted();
  draft.warnings = problems.SortedWarnings();
  return draft;
}

ConfigReading ReadConfigText(const ProviderKinds& kinds, std::string_view text,
                             const std::string& source,
                             const Environment& environment, absl::Time now) {
  return ReadWithin(Scope::kText, kinds, text, source, environment, now,
                    nullptr);
}

ConfigReading ReadConfigForMachine(const ProviderKinds& kinds,
                                   std::string_view text,
                                   const std::string& source,
                                   const Environment& environment,
                                   absl::Time now,
                                   const AppliedReferences* allowed) {
  return ReadWithin(Scope::kTextAndMachine, kinds, text, source, environment,
                    now, allowed);
}

ConfigReading ReadConfigFile(const ProviderKinds& kinds,
                             const std::string& path,
                             const Environment& environment, absl::Time now) {
  const absl::StatusOr<std::string> text = ReadFile(path, kConfigBytesLimit);
  if (text.ok()) {
    return ReadConfigForMachine(kinds, *text, path, environment, now);
  }
  ConfigProblems problems(path);
  problems.Add({}, "", ToStd(text.status().message()));
  return {.problems = problems.Sorted()};
}

}  // namespace gateway
