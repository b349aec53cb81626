// Makes a snapshot of a configuration as text, with what was told of it.
//
//   const Made made = Make(yaml, {{"KEY", "sk-1"}});
//   ASSERT_NE(made.snapshot, nullptr);

#ifndef TESTS_SERVICE_CONFIG_MADE_SNAPSHOT_H_
#define TESTS_SERVICE_CONFIG_MADE_SNAPSHOT_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"
#include "service/config/defaults.h"
#include "service/config/environment.h"
#include "service/config/loader.h"
#include "service/config/snapshot.h"

namespace gateway {

struct Made {
  std::shared_ptr<const ConfigSnapshot> snapshot;
  std::vector<std::string> problems;
  std::vector<std::string> warnings;
};

// Of the file `f`, loaded at second 7.
inline Made Make(std::string_view yaml, const Environment& environment) {
  Made made;
  ConfigProblems problems("f");
  LoadedConfig loaded = LoadConfigText(yaml, &problems);
  EXPECT_TRUE(problems.empty());
  ApplyDefaults(AllProviderKinds(), &loaded.config);
  made.snapshot = ConfigSnapshot::Make(AllProviderKinds(), loaded.config,
                                       loaded.places, environment, "f",
                                       absl::FromUnixSeconds(7), &problems);
  for (const ConfigProblem& problem : problems.Sorted()) {
    made.problems.push_back(problem.ToString());
  }
  for (const ConfigProblem& warning : problems.SortedWarnings()) {
    made.warnings.push_back(warning.ToString());
  }
  return made;
}

}  // namespace gateway

#endif  // TESTS_SERVICE_CONFIG_MADE_SNAPSHOT_H_
