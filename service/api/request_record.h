// Writes what is known of a finished call as the contract has it.
//
//   ToRequestRecord(event.call->record(), message.mutable_record());
//
// Thread-safe: a plain function.

#ifndef SERVICE_API_REQUEST_RECORD_H_
#define SERVICE_API_REQUEST_RECORD_H_

#include "llmgateway/v1/metrics.pb.h"
#include "service/observability/call_record.h"

namespace gateway {

// Expects `out` to be empty.
void ToRequestRecord(const CallRecord& call,
                     llmgateway::v1::RequestRecord* out);

}  // namespace gateway

#endif  // SERVICE_API_REQUEST_RECORD_H_
