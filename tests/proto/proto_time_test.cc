#include "proto/proto_time.h"

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ProtoTimeTest, DurationsSurviveTheRoundTripToTheNanosecond) {
  for (const absl::Duration duration :
       {absl::ZeroDuration(), absl::Nanoseconds(1), absl::Milliseconds(1500),
        -absl::Milliseconds(1500), absl::Hours(24 * 365),
        absl::Seconds(3) - absl::Nanoseconds(1)}) {
    EXPECT_EQ(ToAbsl(ToProto(duration)), duration) << duration;
  }
}

TEST(ProtoTimeTest, SecondsAndNanosOfADurationHaveTheSameSign) {
  const google::protobuf::Duration proto = ToProto(-absl::Milliseconds(1500));
  EXPECT_EQ(proto.seconds(), -1);
  EXPECT_EQ(proto.nanos(), -500'000'000);
}

TEST(ProtoTimeTest, AnInfiniteDurationBecomesTheLongestThereIs) {
  EXPECT_EQ(ToProto(absl::InfiniteDuration()).seconds(), 315'576'000'000);
  EXPECT_EQ(ToProto(-absl::InfiniteDuration()).seconds(), -315'576'000'000);
}

TEST(ProtoTimeTest, ATimeBefore1970HasNanosThatAreNotNegative) {
  const google::protobuf::Timestamp proto =
      ToProto(absl::UnixEpoch() - absl::Nanoseconds(1));
  EXPECT_EQ(proto.seconds(), -1);
  EXPECT_EQ(proto.nanos(), 999'999'999);
}

TEST(ProtoTimeTest, TimesSurviveTheRoundTripToTheNanosecond) {
  for (const absl::Time time :
       {absl::UnixEpoch(), absl::UnixEpoch() - absl::Nanoseconds(1),
        absl::FromUnixNanos(1'767'225'600'123'456'789),
        absl::FromUnixSeconds(253'402'300'799)}) {
    EXPECT_EQ(ToAbsl(ToProto(time)), time) << time;
  }
}

TEST(ProtoTimeTest, ATimeKeepsItsNanoseconds) {
  const google::protobuf::Timestamp proto =
      ToProto(absl::FromUnixNanos(1'767'225'600'123'456'789));
  EXPECT_EQ(proto.seconds(), 1'767'225'600);
  EXPECT_EQ(proto.nanos(), 123'456'789);
}

}  // namespace
}  // namespace gateway
