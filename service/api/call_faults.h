// The faults that engines and APIs find by themselves, so that a caller is
// told the same whichever serves it.
//
//   if (deadline <= now) Refuse(DeadlinePassed());
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_CALL_FAULTS_H_
#define SERVICE_API_CALL_FAULTS_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"

namespace gateway {

// A hang-up this close to the deadline counts as the deadline, since a client's
// own timer runs a little ahead of ours.
inline constexpr absl::Duration kDeadlineSlack = absl::Milliseconds(10);

// How long calls that are cancelled at the end may take to tell their clients
// so.
inline constexpr absl::Duration kFarewell = absl::Seconds(1);

absl::Status DeadlinePassed();

// The fault for a call that comes while the gateway shuts down.
absl::Status Draining();

// The fault for a caller who left before its call ended.
absl::Status CallerGone();

// The fault for a method that takes one message and was sent none.
absl::Status NoRequestMessage();

// The fault for bytes that are not a `message`.
absl::Status NotAMessage(const google::protobuf::Message& message);

}  // namespace gateway

#endif  // SERVICE_API_CALL_FAULTS_H_
