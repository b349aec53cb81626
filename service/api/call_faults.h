// The faults that engines and APIs find by themselves, so that a caller is
// told the same whichever serves it.
//
//   if (deadline <= now) Refuse(DeadlinePassed());
//
// Thread-compatible: plain functions.

#ifndef SERVICE_API_CALL_FAULTS_H_
#define SERVICE_API_CALL_FAULTS_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"

namespace gateway {

// A client's own timer runs a little ahead of ours, so the hang-up that comes
// this close to the deadline is the deadline.
inline constexpr absl::Duration kDeadlineSlack = absl::Milliseconds(10);

absl::Status DeadlinePassed();

// The gateway is shutting down.
absl::Status Draining();

// The caller went away before its call ended.
absl::Status CallerGone();

// A method that takes one message was sent none.
absl::Status NoRequestMessage();

// What was sent is not a `message`.
absl::Status NotAMessage(const google::protobuf::Message& message);

}  // namespace gateway

#endif  // SERVICE_API_CALL_FAULTS_H_
