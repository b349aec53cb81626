// Thousands of scenarios, each of which must break no rule and happen the same
// when it is run again.

#include "tests/simulation/simulation.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/simulation/event_trace.h"
#include "tests/simulation/scenario.h"

namespace gateway {
namespace {

constexpr uint64_t kSeeds = 4000;
constexpr uint64_t kParts = 4;

class SeedsTest : public testing::TestWithParam<uint64_t> {};

TEST_P(SeedsTest, BreakNoRule) {
  const uint64_t first = GetParam() * (kSeeds / kParts);
  for (uint64_t seed = first; seed < first + kSeeds / kParts; ++seed) {
    EventTrace trace;
    for (const std::string& what : Simulate(MakeScenario(seed), &trace)) {
      ADD_FAILURE() << what << "\nTo see how, run\n"
                    << "  bazel run //tests/simulation:simulate -- --seed="
                    << seed << " --trace";
    }
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(All, SeedsTest, testing::Range(uint64_t{0}, kParts));

TEST(SimulationTest, TheSameHappensWhenItIsRunAgain) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    EventTrace first;
    EventTrace second;
    Simulate(MakeScenario(seed), &first);
    Simulate(MakeScenario(seed), &second);
    EXPECT_EQ(first.hash(), second.hash()) << "seed " << seed;
    EXPECT_GT(first.events(), 50) << "seed " << seed;
  }
}

TEST(SimulationTest, OtherSeedsAreOtherScenarios) {
  EventTrace first;
  EventTrace second;
  Simulate(MakeScenario(3), &first);
  Simulate(MakeScenario(11), &second);
  EXPECT_NE(first.hash(), second.hash());
}

}  // namespace
}  // namespace gateway
