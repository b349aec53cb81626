#include "service/pipeline/rollout_route.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const RuntimeSnapshot> RuntimeWithRollout(
    const std::string& rollout) {
  return MakeTestRuntime(absl::StrCat(
      "providers: [{name: old, mock: {}}, {name: new, mock: {}}]\n"
      "routing: {default_target: new/n, rollout: {",
      rollout, "}}\n"));
}

// `team-a` has its place at 29.91 %, `team-b` at 25.84 %.
TEST(RolloutRouteTest, TheFirstThatIsKnownPlacesACall) {
  const auto runtime = RuntimeWithRollout("percentage: 27");
  EXPECT_FALSE(IsRolledOutTo(*runtime, {.caller = "team-a"}));
  EXPECT_TRUE(IsRolledOutTo(*runtime, {.caller = "team-b"}));
  EXPECT_TRUE(
      IsRolledOutTo(*runtime, {.caller = "team-b", .user_id = "team-a"}));
  EXPECT_FALSE(
      IsRolledOutTo(*runtime, {.user_id = "team-a", .request_id = "team-b"}));
  EXPECT_TRUE(IsRolledOutTo(*runtime, {.request_id = "team-b"}));
  EXPECT_TRUE(IsRolledOutTo(*RuntimeWithRollout("percentage: 100"),
                            {.caller = "team-a"}));
  EXPECT_FALSE(IsRolledOutTo(*RuntimeWithRollout("enabled: false"),
                             {.caller = "team-b"}));
}

TEST(RolloutRouteTest, WhoIsOutsideGetsTheBaseline) {
  const auto runtime = RuntimeWithRollout("enabled: false, baseline: old/o");
  for (const char* provider : {"", "old"}) {
    absl::StatusOr<RoutePlan> plan =
        PlanOutsideRollout(*runtime, {.model = "m", .provider = provider});
    ASSERT_TRUE(plan.ok()) << plan.status();
    EXPECT_EQ(plan->reason, "rollout:baseline");
    EXPECT_EQ(plan->targets.At(0)->provider, "old");
    EXPECT_EQ(plan->targets.At(0)->model, "o");
    EXPECT_EQ(plan->targets.At(1), nullptr);
  }
}

TEST(RolloutRouteTest, OrIsRefused) {
  const auto refused = [](const std::string& rollout,
                          const RolloutQuery& query) {
    const absl::Status status =
        PlanOutsideRollout(*RuntimeWithRollout(rollout), query).status();
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_NOT_ROLLED_OUT);
    return std::string(status.message());
  };
  EXPECT_THAT(refused("enabled: false", {.model = "m"}),
              HasSubstr("not rolled out to this caller yet"));
  EXPECT_THAT(refused("enabled: false, baseline: old/o",
                      {.model = "m", .provider = "new"}),
              HasSubstr("its calls go to 'old'"));
  EXPECT_THAT(refused("enabled: false, baseline: old", {.model = "tier:fast"}),
              HasSubstr("nor are tiers"));
}

}  // namespace
}  // namespace gateway
