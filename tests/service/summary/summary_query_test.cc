#include "service/summary/summary_query.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/summary/summary_printing.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// The first hour of a day.
constexpr int64_t kMidnight = int64_t{24} * 20000;

class SummaryQueryTest : public testing::Test {
 protected:
  void Add(int64_t hour, const CallGroup& group, int64_t cost) {
    history_.Add(hour, group, Costs(cost));
  }

  SummaryHistory history_{{.hours = 168}, absl::UnixEpoch()};
};

TEST_F(SummaryQueryTest, WithoutConditionsAllIsOneGroup) {
  Add(kMidnight, {.provider = "a"}, 1);
  Add(kMidnight + 1, {.provider = "b"}, 2);
  const SummaryAnswer answer = SumCalls(history_, {});
  EXPECT_EQ(answer.totals, Costs(3, 2));
  ASSERT_EQ(answer.groups.size(), 1u);
  EXPECT_EQ(answer.groups[0].totals, Costs(3, 2));
  EXPECT_EQ(answer.groups[0].provider, "");
  EXPECT_TRUE(answer.rest.IsZero());
  EXPECT_THAT(answer.buckets, IsEmpty());
}

TEST_F(SummaryQueryTest, WithoutCallsThereIsNoGroup) {
  EXPECT_THAT(SumCalls(history_, {}).groups, IsEmpty());
}

TEST_F(SummaryQueryTest, GroupsComeByCostThenByCallsThenByName) {
  Add(kMidnight, {.model = "cheap"}, 1);
  Add(kMidnight, {.model = "dear"}, 9);
  Add(kMidnight, {.model = "b"}, 0);
  Add(kMidnight, {.model = "a"}, 0);
  history_.Add(kMidnight, {.model = "often"}, Costs(0, 5));
  const SummaryAnswer answer =
      SumCalls(history_, {.group_by = {CallDimension::kModel}});
  std::vector<std::string> models;
  for (const auto& group : answer.groups) models.push_back(group.model);
  EXPECT_THAT(models, ElementsAre("dear", "cheap", "often", "a", "b"));
}

TEST_F(SummaryQueryTest, GroupsAreToldApartByAllThatIsAskedFor) {
  Add(kMidnight, {.agent_type = "x", .provider = "a", .project_id = "1"}, 1);
  Add(kMidnight, {.agent_type = "x", .provider = "b", .project_id = "1"}, 4);
  Add(kMidnight, {.agent_type = "x", .provider = "a", .project_id = "2"}, 8);
  const SummaryAnswer answer =
      SumCalls(history_,
               {.group_by = {CallDimension::kProvider, CallDimension::kAgent}});
  ASSERT_EQ(answer.groups.size(), 2u);
  EXPECT_EQ(answer.groups[0].agent_type, "x");
  EXPECT_EQ(answer.groups[0].provider, "a");
  EXPECT_EQ(answer.groups[0].project_id, "");
  EXPECT_EQ(answer.groups[0].totals, Costs(9, 2));
  EXPECT_EQ(answer.groups[1].provider, "b");
}

TEST_F(SummaryQueryTest, AKeyIsThatOfCallersWhoHaveOne) {
  Add(kMidnight, {.caller = "k", .caller_has_key = true}, 2);
  Add(kMidnight, {.caller = "token", .caller_has_key = false}, 1);
  const SummaryAnswer by_key =
      SumCalls(history_, {.group_by = {CallDimension::kKey}});
  ASSERT_EQ(by_key.groups.size(), 2u);
  EXPECT_EQ(by_key.groups[0].key, "k");
  EXPECT_EQ(by_key.groups[1].key, "");
  EXPECT_EQ(SumCalls(history_, {.filter = {.key = "token"}}).totals.calls(), 0);
  EXPECT_EQ(SumCalls(history_, {.filter = {.caller = "token"}}).totals.calls(),
            1);
}

TEST_F(SummaryQueryTest, FiltersMustAllMatch) {
  const CallGroup group = {.agent_type = "a",
                           .provider = "p",
                           .model = "m",
                           .project_id = "j",
                           .caller = "c",
                           .caller_has_key = true};
  Add(kMidnight, group, 1);
  const CallFilter all = {"a", "p", "m", "j", "c", "c"};
  EXPECT_EQ(SumCalls(history_, {.filter = all}).totals, Costs(1));
  for (std::string CallFilter::* const field :
       {&CallFilter::agent_type, &CallFilter::provider, &CallFilter::model,
        &CallFilter::project_id, &CallFilter::key, &CallFilter::caller}) {
    CallFilter another = all;
    another.*field = "another";
    EXPECT_TRUE(SumCalls(history_, {.filter = another}).totals.IsZero());
  }
}

TEST_F(SummaryQueryTest, ATimeHasItsFirstHourAndNotItsLast) {
  for (int64_t hour = 0; hour < 4; ++hour) Add(kMidnight + hour, {}, 1);
  const SummaryAnswer answer =
      SumCalls(history_, {.begin = kMidnight + 1, .end = kMidnight + 3});
  EXPECT_EQ(answer.totals, Costs(2, 2));
}

TEST_F(SummaryQueryTest, DaysBeginAtMidnight) {
  Add(kMidnight - 1, {}, 1);
  Add(kMidnight, {}, 2);
  Add(kMidnight + 23, {}, 4);
  Add(kMidnight + 24, {}, 8);
  const SummaryAnswer answer =
      SumCalls(history_, {.bucket = SummaryQuery::Bucket::kDay});
  ASSERT_EQ(answer.buckets.size(), 3u);
  EXPECT_EQ(answer.buckets[0].begin, kMidnight - 24);
  EXPECT_EQ(answer.buckets[0].end, kMidnight);
  EXPECT_EQ(answer.buckets[1].totals, Costs(6, 2));
  EXPECT_EQ(answer.buckets[2].begin, kMidnight + 24);
}

TEST_F(SummaryQueryTest, BucketsHaveTheGroupsInTheOrderOfTheWhole) {
  Add(kMidnight, {.model = "a"}, 5);
  Add(kMidnight, {.model = "b"}, 1);
  Add(kMidnight + 1, {.model = "b"}, 9);
  Add(kMidnight + 1, {.model = "c"}, 2);
  const SummaryAnswer answer =
      SumCalls(history_, {.group_by = {CallDimension::kModel},
                          .bucket = SummaryQuery::Bucket::kHour,
                          .groups_limit = 2});
  ASSERT_EQ(answer.groups.size(), 2u);
  EXPECT_EQ(answer.groups[0].model, "b");
  EXPECT_EQ(answer.groups[1].model, "a");
  EXPECT_EQ(answer.rest, Costs(2));
  ASSERT_EQ(answer.buckets.size(), 2u);
  EXPECT_THAT(answer.buckets[0].groups,
              ElementsAre(Pair(0u, Costs(1)), Pair(1u, Costs(5))));
  EXPECT_THAT(answer.buckets[1].groups, ElementsAre(Pair(0u, Costs(9))));
  EXPECT_EQ(answer.buckets[1].totals, Costs(11, 2));
}

TEST_F(SummaryQueryTest, WhatIsOlderIsSummedOnlyWithoutABegin) {
  Add(kMidnight - 1000, {}, 1);
  Add(kMidnight, {}, 2);
  history_.Expire(kMidnight);
  EXPECT_EQ(SumCalls(history_, {}).totals, Costs(3, 2));
  EXPECT_EQ(SumCalls(history_, {.begin = kMidnight - 2000}).totals, Costs(2));
  const SummaryAnswer answer =
      SumCalls(history_, {.bucket = SummaryQuery::Bucket::kDay});
  ASSERT_EQ(answer.buckets.size(), 2u);
  EXPECT_EQ(answer.buckets[0].begin, kEarlierHours);
  EXPECT_EQ(answer.buckets[0].totals, Costs(1));
}

}  // namespace
}  // namespace gateway
