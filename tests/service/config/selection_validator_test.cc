#include "service/config/selection_validator.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/config/config_reader.h"
#include "tests/service/config/problems_of.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Selection(std::string_view yaml) {
  return absl::StrCat("routing:\n  selection:\n", ToAbsl(yaml));
}

std::vector<std::string> SelectionProblems(std::string_view yaml) {
  return ProblemsBesideAMock(Selection(yaml));
}

std::vector<std::string> SelectionWarnings(std::string_view yaml) {
  const ConfigDraft draft = ReadConfigDraft(
      AllProviderKinds(),
      absl::StrCat("providers: [{name: mock, mock: {}}]\n", Selection(yaml)),
      "f", {});
  EXPECT_THAT(draft.problems, IsEmpty());
  std::vector<std::string> lines;
  for (const ConfigProblem& warning : draft.warnings) {
    lines.push_back(absl::StrCat(warning.is_issue ? "issue: " : "",
                                 warning.path, ": ", warning.message));
  }
  return lines;
}

TEST(SelectionValidatorTest, NamesAreThereAndOnlyOnce) {
  EXPECT_THAT(SelectionProblems("    policies:\n"
                                "    - {id: a, target: mock/m}\n"
                                "    - {id: a, target: mock/n}\n"
                                "    - {id: 'b c', target: mock/n}\n"
                                "    nodes:\n"
                                "    - {name: n}\n"
                                "    - {name: n}\n"
                                "    - {reasoning_required: true}\n"),
              ElementsAre("routing.selection.policies[1].id: is that of "
                          "routing.selection.policies[0] too; choose another",
                          "routing.selection.policies[2].id: must be 1 to 128 "
                          "printable characters without white space",
                          "routing.selection.nodes[1].name: is that of "
                          "routing.selection.nodes[0] too; choose another",
                          HasSubstr("nodes[2].name: must be 1 to 128")));
}

TEST(SelectionValidatorTest, TargetsAreModelsOfProvidersThatExist) {
  EXPECT_THAT(
      SelectionProblems(
          "    policies:\n"
          "    - {id: a, target: mokc/m}\n"
          "    - {id: b, target: mock}\n"
          "    - {id: c}\n"
          "    - {id: d, target: {provider: mock, model: m, weight: 2,\n"
          "                        priority: 1}}\n"),
      ElementsAre(
          "routing.selection.policies[0].target.provider: names no configured "
          "provider; did you mean 'mock'?",
          HasSubstr("policies[1].target.model: must be a model's name"),
          "routing.selection.policies[2].target.provider: is required; name a "
          "configured provider",
          HasSubstr("policies[2].target.model: must be a model's name"),
          HasSubstr("policies[3].target.weight: means nothing here"),
          HasSubstr("policies[3].target.priority: means nothing here")));
}

TEST(SelectionValidatorTest, CapabilitiesAreKnown) {
  EXPECT_THAT(
      SelectionProblems("    policies:\n"
                        "    - {id: a, target: mock/m, capabilities:\n"
                        "       [streaming, tools, web_serach]}\n"
                        "    nodes:\n"
                        "    - name: n\n"
                        "      required_capabilities: [flight]\n"
                        "      preferred_capabilities: [visoin]\n"),
      ElementsAre("routing.selection.policies[0].capabilities[2]: "
                  "'web_serach' is no capability; did you mean 'web_search'?",
                  HasSubstr("nodes[0].required_capabilities[0]: 'flight' is no "
                            "capability; known are 'streaming', "),
                  HasSubstr("did you mean 'vision'?")));
}

TEST(SelectionValidatorTest, NumbersAreInRange) {
  EXPECT_THAT(
      SelectionProblems(
          "    policies:\n"
          "    - {id: a, target: mock/m, context_window_tokens: 0,\n"
          "       input_cost_per_1k: '-1', output_cost_per_1k: 1000.5}\n"
          "    nodes:\n"
          "    - {name: n, context_window_tokens_min: -1}\n"),
      ElementsAre(HasSubstr("context_window_tokens: must be 1 to 1000000000"),
                  HasSubstr("input_cost_per_1k: must be dollars, 0 to 1000"),
                  HasSubstr("output_cost_per_1k: must be dollars"),
                  HasSubstr("context_window_tokens_min: must be 0 to")));
}

TEST(SelectionValidatorTest, ListsAreBounded) {
  std::string fallbacks;
  for (int i = 0; i < 17; ++i) {
    absl::StrAppend(&fallbacks, i == 0 ? "" : ", ", "a");
  }
  EXPECT_THAT(
      SelectionProblems(absl::StrCat("    policies: [{id: a, target: mock/m, "
                                     "fallback_models: [",
                                     fallbacks, "]}]\n")),
      ElementsAre(HasSubstr("at most 16 are allowed")));
  std::string nodes = "    nodes:\n";
  for (int i = 0; i < 1001; ++i) {
    absl::StrAppend(&nodes, "    - {name: n", i, "}\n");
  }
  EXPECT_THAT(SelectionProblems(nodes),
              ElementsAre(HasSubstr("at most 1000 are allowed")));
}

TEST(SelectionValidatorTest, WhatCannotServeOrIsNotUsedIsDoubtful) {
  EXPECT_THAT(
      SelectionWarnings("    policies:\n"
                        "    - {id: a, target: mock/m,\n"
                        "       fallback_models: [gone]}\n"
                        "    - {id: b, target: mock/n, cost_tier: premium}\n"
                        "    nodes:\n"
                        "    - {name: n}\n"
                        "    - {name: s, required_capabilities: [vision]}\n"),
      ElementsAre("issue: routing.selection.policies[0].fallback_models[0]: "
                  "fallback 'gone' of policy 'a' is not defined",
                  "issue: routing.selection.nodes[1]: no model can serve node "
                  "'s': a (lacks vision), b (lacks vision; its cost tier "
                  "PREMIUM is too dear)",
                  "routing.selection.policies[1]: policy 'b' is used by no "
                  "node"));
}

TEST(SelectionValidatorTest, NothingIsFine) {
  EXPECT_THAT(SelectionProblems("    default_strategy: cost_optimized\n"),
              IsEmpty());
  EXPECT_THAT(SelectionWarnings("    default_strategy: cost_optimized\n"),
              IsEmpty());
}

}  // namespace
}  // namespace gateway
