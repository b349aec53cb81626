// What is wrong with a stream whose status is OK and whose answer is not whole.
// The other clients say the same of the same streams.
//
//   if (const std::string lost = order.Add(event); !lost.empty()) {
//     return EventLost(lost);
//   }
//   ...
//   return FaultOfEnd(order.has_ended() ? &end : nullptr);
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CPP_ANSWER_FAULT_H_
#define CLIENTS_CPP_ANSWER_FAULT_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

struct AnswerFault {
  absl::StatusCode code;
  // As in ErrorInfo: a name of llmgateway.v1.ErrorReason without its prefix, or
  // the number of one that this version of the contract does not know.
  std::string reason;
  std::string message;
};

// Of a stream that lacks an event, has one twice or has one behind its end, as
// EventOrder says: DATA_LOSS and STREAM_INTERRUPTED.
AnswerFault EventLost(const std::string& lost);

// Of a stream that is over; nothing if its end is OUTCOME_FINISHED. Without an
// end, which is null then, UNAVAILABLE and STREAM_INTERRUPTED; otherwise
// UNKNOWN with the end's own reason and message.
std::optional<AnswerFault> FaultOfEnd(const llmgateway::v1::StreamEnd* end);

}  // namespace gateway

#endif  // CLIENTS_CPP_ANSWER_FAULT_H_
