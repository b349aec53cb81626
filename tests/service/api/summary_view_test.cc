#include "service/api/summary_view.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/metrics.pb.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A quarter past ten.
constexpr int64_t kQueryHour = int64_t{24} * 20000 + 10;
const absl::Time kQueryTime = BeginOfHour(kQueryHour) + absl::Minutes(15);

absl::StatusOr<SummaryQuery> Read(const v1::GetCostSummaryRequest& request) {
  return ReadSummaryQuery(request, kQueryTime);
}

TEST(ReadSummaryQueryTest, WithoutATimeAllIsSummedUntilNow) {
  const absl::StatusOr<SummaryQuery> query = Read({});
  ASSERT_TRUE(query.ok()) << query.status();
  EXPECT_EQ(query->begin, kEarlierHours);
  EXPECT_EQ(query->end, kQueryHour + 1);
  EXPECT_EQ(query->groups_limit, 100u);
  EXPECT_EQ(query->bucket, SummaryQuery::Bucket::kNone);
}

TEST(ReadSummaryQueryTest, TimesAreThoseOfTheirHours) {
  v1::GetCostSummaryRequest request;
  *request.mutable_start_time() = ToProto(kQueryTime - absl::Hours(3));
  *request.mutable_end_time() = ToProto(kQueryTime - absl::Hours(1));
  absl::StatusOr<SummaryQuery> query = Read(request);
  ASSERT_TRUE(query.ok()) << query.status();
  EXPECT_EQ(query->begin, kQueryHour - 3);
  EXPECT_EQ(query->end, kQueryHour);
  *request.mutable_end_time() = ToProto(BeginOfHour(kQueryHour - 1));
  query = Read(request);
  ASSERT_TRUE(query.ok()) << query.status();
  EXPECT_EQ(query->end, kQueryHour - 1);
}

TEST(ReadSummaryQueryTest, TheEndIsBehindTheBegin) {
  v1::GetCostSummaryRequest request;
  *request.mutable_start_time() = ToProto(kQueryTime);
  EXPECT_THAT(Read(request).status().message(), HasSubstr("start_time"));
  *request.mutable_end_time() = ToProto(kQueryTime);
  EXPECT_THAT(Read(request).status().message(), HasSubstr("end_time"));
  *request.mutable_end_time() = ToProto(kQueryTime + absl::Seconds(1));
  EXPECT_TRUE(Read(request).ok());
}

TEST(ReadSummaryQueryTest, DimensionsAreKnownAndNamedOnce) {
  v1::GetCostSummaryRequest request;
  request.add_group_by(v1::CALL_DIMENSION_KEY);
  request.add_group_by(v1::CALL_DIMENSION_AGENT);
  const absl::StatusOr<SummaryQuery> query = Read(request);
  ASSERT_TRUE(query.ok()) << query.status();
  EXPECT_THAT(query->group_by,
              ElementsAre(CallDimension::kKey, CallDimension::kAgent));
  request.add_group_by(v1::CALL_DIMENSION_KEY);
  EXPECT_THAT(Read(request).status().message(),
              HasSubstr("names CALL_DIMENSION_KEY twice"));
  request.set_group_by(2, v1::CALL_DIMENSION_UNSPECIFIED);
  EXPECT_FALSE(Read(request).ok());
}

TEST(ReadSummaryQueryTest, TheEndOfAllTimeIsOneThatCanBeTold) {
  v1::GetCostSummaryRequest request;
  request.mutable_end_time()->set_seconds(253'402'300'799);
  const absl::StatusOr<SummaryQuery> query = Read(request);
  ASSERT_TRUE(query.ok()) << query.status();
  EXPECT_LE(ToProto(BeginOfHour(query->end)).seconds(), 253'402'300'799);
}

TEST(ReadSummaryQueryTest, LimitsHoldOnBothSides) {
  v1::GetCostSummaryRequest request;
  request.set_groups_limit(1001);
  EXPECT_EQ(Read(request)->groups_limit, 1000u);
  request.set_groups_limit(-1);
  EXPECT_FALSE(Read(request).ok());
  request.set_groups_limit(7);
  request.mutable_filter()->set_agent_type(std::string(1024, 'a'));
  EXPECT_TRUE(Read(request).ok());
  request.mutable_filter()->set_agent_type(std::string(1025, 'a'));
  EXPECT_THAT(Read(request).status().message(), HasSubstr("filter.agent_type"));
}

}  // namespace
}  // namespace gateway
