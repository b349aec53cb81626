// Between protobuf's times, which the contract and the configuration use, and
// Abseil's, which the code does.
//
//   const absl::Duration grace = ToAbsl(config.runtime().drain_grace());
//   SetProto(taken, attempt->mutable_duration());
//
// Thread contract: plain functions.

#ifndef PROTO_PROTO_TIME_H_
#define PROTO_PROTO_TIME_H_

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace gateway {

absl::Duration ToAbsl(const google::protobuf::Duration& duration);

// Converts a duration; an infinite one becomes the longest that protobuf
// allows.
google::protobuf::Duration ToProto(absl::Duration duration);

absl::Time ToAbsl(const google::protobuf::Timestamp& time);
google::protobuf::Timestamp ToProto(absl::Time time);

// The same, into a message that is there already.
void SetProto(absl::Duration duration, google::protobuf::Duration* proto);
void SetProto(absl::Time time, google::protobuf::Timestamp* proto);

}  // namespace gateway

#endif  // PROTO_PROTO_TIME_H_
