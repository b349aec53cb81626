#include "service/config/config_reader.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/file.h"
#include "base/string_view.h"
#include "service/config/config_problem.h"
#include "service/config/defaults.h"
#include "service/config/environment.h"
#include "service/config/machine_check.h"
#include "service/config/loader.h"
#include "service/config/snapshot.h"
#include "service/config/validator.h"

namespace gateway {
namespace {

enum class Scope { kText, kTextAndMachine };

// Reads and checks the text, without secrets and machine.
LoadedConfig ReadAndCheck(const ProviderKinds& kinds, std::string_view text,
                          const Environment& environment,
                          ConfigProblems* problems) {
  LoadedConfig loaded = LoadConfigText(text, problems);
  ApplyEnvironment(environment, &loaded.config, problems);
  ApplyDefaults(kinds, &loaded.config);
  // Not validated if it was read in part: what was not read would seem to be
  // missing.
  if (loaded.complete) {
    ValidateConfig(kinds, loaded.config, loaded.places, problems);
  }
  return loaded;
}

ConfigReading ReadWithin(Scope scope, const ProviderKinds& kinds,
                         std::string_view text, const std::string& source,
                         const Environment& environment, absl::Time now) {
  ConfigReading reading;
  ConfigProblems problems(source);
  LoadedConfig loaded = ReadAndCheck(kinds, text, environment, &problems);
  if (problems.empty()) {
    if (scope == Scope::kTextAndMachine) {
      CheckMachine(kinds, loaded.config, environment, loaded.places, &problems);
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

ConfigDraft ReadConfigDraft(const ProviderKinds& kinds, std::string_view text,
                            const std::string& source,
                            const Environment& environment) {
  ConfigDraft draft;
  ConfigProblems problems(source);
  draft.config = ReadAndCheck(kinds, text, environment, &problems).config;
  draft.problems = problems.Sorted();
  draft.warnings = problems.SortedWarnings();
  return draft;
}

ConfigReading ReadConfigText(const ProviderKinds& kinds, std::string_view text,
                             const std::string& source,
                             const Environment& environment, absl::Time now) {
  return ReadWithin(Scope::kText, kinds, text, source, environment, now);
}

ConfigReading ReadConfigFile(const ProviderKinds& kinds,
                             const std::string& path,
                             const Environment& environment, absl::Time now) {
  const absl::StatusOr<std::string> text = ReadFile(path, kConfigBytesLimit);
  if (text.ok()) {
    return ReadWithin(Scope::kTextAndMachine, kinds, *text, path, environment,
                      now);
  }
  ConfigProblems problems(path);
  problems.Add({}, "", ToStd(text.status().message()));
  return {.problems = problems.Sorted()};
}

}  // namespace gateway
