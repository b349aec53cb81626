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

// Whether the caller has said on whose behalf the call is made, and what.
bool SaysAnything(const CallScope& scope);
void FillScope(const CallScope& from, llmgateway::v1::CallerScope* to);

// Fills in `out`. REQUIRES: `out` is empty.
void ToRequestRecord(const CallRecord& call,
                     llmgateway::v1::RequestRecord* out);

// Fill in what is known of a call when it goes to a provider, and when it has
// its first token. REQUIRES: `out` is empty.
void ToRequestStarted(const CallRecord& call,
                      llmgateway::v1::RequestStarted* out);
void ToRequestFirstToken(const CallRecord& call,
                         llmgateway::v1::RequestFirstToken* out);

}  // namespace gateway

#endif  // SERVICE_API_REQUEST_RECORD_H_
