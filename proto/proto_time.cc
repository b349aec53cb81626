#include "proto/proto_time.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace gateway {
namespace {

// The ends of the range that protobuf's Duration allows.
constexpr int64_t kSecondsMax = 315'576'000'000;

constexpr int64_t kNanosPerSecond = 1'000'000'000;
// What 64 bits hold of nanoseconds, some 292 years; what is more is cut to it.
constexpr int64_t kNanosMax = std::numeric_limits<int64_t>::max();

}  // namespace

absl::Duration ToAbsl(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

absl::Time ToAbsl(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) +
         absl::Nanoseconds(time.nanos());
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  SetProto(duration, &proto);
  return proto;
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp proto;
  SetProto(time, &proto);
  return proto;
}

void SetProto(absl::Duration duration, google::protobuf::Duration* proto) {
  // Integers: every answer has half a dozen of these.
  const int64_t nanos = absl::ToInt64Nanoseconds(duration);
  if (nanos > -kNanosMax && nanos < kNanosMax) {
    proto->set_seconds(nanos / kNanosPerSecond);
    proto->set_nanos(static_cast<int32_t>(nanos % kNanosPerSecond));
    return;
  }
  duration = std::clamp(duration, -absl::Seconds(kSecondsMax),
                        absl::Seconds(kSecondsMax));
  proto->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

void SetProto(absl::Time time, google::protobuf::Timestamp* proto) {
  const int64_t nanos = absl::ToUnixNanos(time);
  if (nanos >= 0 && nanos < kNanosMax) {
    proto->set_seconds(nanos / kNanosPerSecond);
    proto->set_nanos(static_cast<int32_t>(nanos % kNanosPerSecond));
    return;
  }
  const int64_t seconds = absl::ToUnixSeconds(time);
  proto->set_seconds(seconds);
  proto->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

}  // namespace gateway
