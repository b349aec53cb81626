// Writes what is known of a call as the contract has it.
//
//   ToRequestRecord(event.call->record(), message.mutable_ended());
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

// Of a call that goes to a provider, and of one that has its first token: what
// has become known by then. Expect `out` to be empty.
void ToRequestStarted(const CallRecord& call,
                      llmgateway::v1::RequestStarted* out);
void ToRequestFirstToken(const CallRecord& call,
                         llmgateway::v1::RequestFirstToken* out);

}  // namespace gateway

#endif  // SERVICE_API_REQUEST_RECORD_H_
