#include "service/resilience/outlier_groups.h"

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kAnHour = absl::Hours(1);
constexpr OutlierEjection::Options kTwoFaults = {.consecutive_faults = 2};

const std::vector<OutlierGroups::Name>& Pair() {
  static const auto& pair =
      *new std::vector<OutlierGroups::Name>{{"a", "m"}, {"b", ""}};
  return pair;
}

TEST(OutlierGroupsTest, MembersMayBeFoundBeforeTheSettingsCome) {
  OutlierGroups groups(std::nullopt);
  GroupMember& member = *groups.Find(Pair(), kAnHour)[0];
  EXPECT_THAT(groups.Read(kAnHour), IsEmpty());
  groups.SetOptions(kTwoFaults, kAnHour);
  EXPECT_THAT(groups.Read(kAnHour), SizeIs(2));
  for (int i = 0; i < 2; ++i) member.RecordFault(kAnHour);
  EXPECT_EQ(member.WeightPermille(kAnHour), 0);
}

TEST(OutlierGroupsTest, AMemberThatFailsIsOutAndTheLastOneIsNot) {
  OutlierGroups groups(kTwoFaults);
  const std::vector<GroupMember*> members = groups.Find(Pair(), kAnHour);
  ASSERT_THAT(members, SizeIs(2));
  EXPECT_EQ(members[0]->provider(), "a");
  EXPECT_EQ(members[1]->model(), "");
  for (int i = 0; i < 2; ++i) members[0]->RecordFault(kAnHour);
  for (int i = 0; i < 9; ++i) members[1]->RecordFault(kAnHour);
  EXPECT_EQ(members[0]->WeightPermille(kAnHour), 0);
  EXPECT_EQ(members[1]->WeightPermille(kAnHour), 1000);
  const std::vector<OutlierGroups::Standing> standings = groups.Read(kAnHour);
  ASSERT_THAT(standings, SizeIs(2));
  EXPECT_EQ(standings[0].provider, "a");
  EXPECT_EQ(standings[0].model, "m");
  EXPECT_EQ(standings[0].state.ejected_for, absl::Seconds(30));
  EXPECT_EQ(standings[1].state.ejected_for, absl::ZeroDuration());
}

TEST(OutlierGroupsTest, ASuccessEndsARow) {
  OutlierGroups groups(kTwoFaults);
  GroupMember& member = *groups.Find(Pair(), kAnHour)[0];
  member.RecordFault(kAnHour);
  member.RecordSuccess(kAnHour, absl::Milliseconds(3));
  member.RecordFault(kAnHour);
  EXPECT_EQ(member.WeightPermille(kAnHour), 1000);
  EXPECT_FALSE(member.was_ejected());
  member.RecordFault(kAnHour);
  EXPECT_EQ(member.WeightPermille(kAnHour), 0);
  EXPECT_TRUE(member.was_ejected());
}

TEST(OutlierGroupsTest, TheSameTargetsAreTheSameGroup) {
  OutlierGroups groups(kTwoFaults);
  const std::vector<GroupMember*> members = groups.Find(Pair(), kAnHour);
  groups.SetOptions(kTwoFaults, kAnHour);
  EXPECT_EQ(groups.Find(Pair(), kAnHour), members);
  EXPECT_NE(groups.Find({{"a", "m"}, {"c", ""}}, kAnHour)[0], members[0]);
}

TEST(OutlierGroupsTest, ATargetThatIsNamedTwiceIsNotComparedWithItself) {
  OutlierGroups groups(kTwoFaults);
  EXPECT_THAT(groups.Find({{"a", "m"}, {"a", "m"}}, kAnHour), IsEmpty());
}

TEST(OutlierGroupsTest, AnotherConfigurationMayStopTheComparing) {
  OutlierGroups groups(kTwoFaults);
  groups.Find(Pair(), kAnHour)[0]->RecordFault(kAnHour);
  groups.SetOptions(std::nullopt, kAnHour);
  EXPECT_THAT(groups.Read(kAnHour), IsEmpty());
}

TEST(OutlierGroupsTest, WhoIsResetIsBackAtOnce) {
  const auto out = [](OutlierGroups& groups) {
    GroupMember& member = *groups.Find(Pair(), kAnHour)[0];
    for (int i = 0; i < 2; ++i) member.RecordFault(kAnHour);
    return &member;
  };
  OutlierGroups groups(kTwoFaults);
  GroupMember& member = *out(groups);
  groups.Reset("a", "other", kAnHour);
  groups.Reset("b", "m", kAnHour);
  EXPECT_EQ(member.WeightPermille(kAnHour), 0);
  groups.Reset("a", "m", kAnHour);
  EXPECT_EQ(member.WeightPermille(kAnHour), 1000);
  out(groups);
  groups.Reset("a", "", kAnHour);
  EXPECT_EQ(member.WeightPermille(kAnHour), 1000);
}

TEST(OutlierGroupsTest, OneThatStandsForTheCallersModelIsResetWithAny) {
  OutlierGroups groups(kTwoFaults);
  GroupMember& member = *groups.Find(Pair(), kAnHour)[1];
  for (int i = 0; i < 2; ++i) member.RecordFault(kAnHour);
  groups.Reset("b", "m", kAnHour);
  EXPECT_EQ(member.WeightPermille(kAnHour), 1000);
}

TEST(OutlierGroupsTest, ThereIsALimitOfMembers) {
  OutlierGroups groups(kTwoFaults);
  std::vector<std::string> names;
  for (size_t i = 0; i <= OutlierGroups::kMembersMax; ++i) {
    names.push_back(std::to_string(i));
  }
  std::vector<OutlierGroups::Name> targets;
  for (size_t i = 0; i < OutlierGroups::kMembersMax; ++i) {
    targets.push_back({names[i], "m"});
  }
  EXPECT_THAT(groups.Find(targets, kAnHour), SizeIs(targets.size()));
  EXPECT_THAT(groups.Find({{names.back(), "m"}}, kAnHour), IsEmpty());
}

}  // namespace
}  // namespace gateway
