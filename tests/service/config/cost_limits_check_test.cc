#include "service/config/cost_limits_check.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/config/problems_of.h"

namespace gateway {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// Two models of which one has a price, the shipped list's.
std::string Configured(const std::string& more) {
  return "routing:\n"
         "  default_target: {provider: mock, model: house-model}\n"
         "  model_rules:\n"
         "  - {exact: gpt-4o, targets: [openai]}\n"
         "  - {exact: ours, targets: [openai]}\n" +
         more;
}

std::vector<std::string> Warnings(const std::string& more) {
  return WithoutPlaces(
      Validated("providers: [{name: mock, mock: {}, models: [listed]}, "
                "{name: openai, openai: {api_key: 'env:KEY'}, "
                "model_aliases: {ours: ft-ours}}]\n" +
                Configured(more))
          .SortedWarnings());
}

constexpr char kWhy[] =
    ", whose price is not known, and so never refuses them; give a price in "
    "prices.models";

TEST(CostLimitsCheckTest, WhatHasNoPriceIsPassed) {
  EXPECT_THAT(
      Warnings("rate_limits: [{name: d, unit: cost, limit_usd: '1'}]\n"),
      Contains(std::string("rate_limits[0]: counts nothing for calls to "
                           "mock/house-model, mock/listed, openai/ft-ours") +
               kWhy));
  EXPECT_THAT(Warnings("rate_limits: [{name: r, unit: requests, limit: 1}]\n"),
              Not(Contains(HasSubstr("counts nothing"))));
}

TEST(CostLimitsCheckTest, APriceOrAnotherMatchIsEnough) {
  const std::string limit =
      "rate_limits: [{name: d, unit: cost, limit_usd: '1', match: ";
  EXPECT_THAT(Warnings(limit + "{providers: [openai]}}]\n"),
              Contains(std::string("rate_limits[0]: counts nothing for calls "
                                   "to openai/ft-ours") +
                       kWhy));
  EXPECT_THAT(Warnings(limit + "{models: ['gpt-*']}}]\n"),
              Not(Contains(HasSubstr("counts nothing"))));
  EXPECT_THAT(
      Warnings(limit +
               "{providers: [mock]}}]\n"
               "prices: {models: [{model: '*', kind: mock, input: 1, output: "
               "1}]}\n"),
      Not(Contains(HasSubstr("counts nothing"))));
}

TEST(CostLimitsCheckTest, LimitsOfCallersAreLookedAtToo) {
  EXPECT_THAT(
      Warnings("auth: {callers: {api_keys: [{id: a, key: 'env:A', limits: "
               "[{unit: requests, limit: 1}, {unit: cost, limit_usd: '1'}]}]}}"
               "\n"),
      Contains(HasSubstr(
          "auth.callers.api_keys[0].limits[1]: counts nothing for calls to")));
}

TEST(CostLimitsCheckTest, ManyModelsAreNotAllNamed) {
  std::string models = "providers: [{name: mock, mock: {}, models: [";
  for (int i = 0; i < 7; ++i) models += "m" + std::to_string(i) + ", ";
  models += "m7]}]\nrate_limits: [{name: d, unit: cost, limit_usd: '1'}]\n";
  EXPECT_THAT(WithoutPlaces(Validated(models).SortedWarnings()),
              Contains(HasSubstr("mock/m4 and 3 more, whose")));
}

}  // namespace
}  // namespace gateway
