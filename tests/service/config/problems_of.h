// ProblemsOf says what is wrong with a configuration, as a test compares it.
//
//   EXPECT_THAT(ProblemsBesideAMock("routing: {strict: 1}\n"),
//   ElementsAre(...));
//
// Thread contract: one test.

#ifndef TESTS_SERVICE_CONFIG_PROBLEMS_OF_H_
#define TESTS_SERVICE_CONFIG_PROBLEMS_OF_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"
#include "service/config/defaults.h"
#include "service/config/loader.h"
#include "service/config/validator.h"

namespace gateway {

inline ConfigProblems Validated(std::string_view yaml) {
  ConfigProblems problems("f");
  LoadedConfig loaded = LoadConfigText(yaml, &problems);
  EXPECT_TRUE(problems.empty()) << problems.Sorted()[0].ToString();
  ApplyDefaults(AllProviderKinds(), &loaded.config);
  ValidateConfig(AllProviderKinds(), loaded.config, loaded.places, &problems);
  return problems;
}

// Each as its path and its message.
inline std::vector<std::string> WithoutPlaces(
    const std::vector<ConfigProblem>& problems) {
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : problems) {
    lines.push_back(absl::StrCat(problem.path, ": ", problem.message));
  }
  return lines;
}

// What is wrong with a configuration, without the places.
inline std::vector<std::string> ProblemsOf(std::string_view yaml) {
  return WithoutPlaces(Validated(yaml).Sorted());
}

// The same for a configuration that has a mock besides.
inline std::vector<std::string> ProblemsBesideAMock(std::string_view yaml) {
  return ProblemsOf(
      absl::StrCat("providers: [{name: mock, mock: {}}]\n", ToAbsl(yaml)));
}

// What it is warned of.
inline std::vector<std::string> WarningsBesideAMock(std::string_view yaml) {
  return WithoutPlaces(
      Validated(
          absl::StrCat("providers: [{name: mock, mock: {}}]\n", ToAbsl(yaml)))
          .SortedWarnings());
}

}  // namespace gateway

#endif  // TESTS_SERVICE_CONFIG_PROBLEMS_OF_H_
