// Writes what is known of a call into the contract's messages, the same for the
// caller who gets the answer and for whoever watches.
//
//   for (const CallAttempt* attempt : record.attempts) {
//     FillAttempt(*attempt, *record.usage, answer->add_attempts());
//   }
//   FillTimings(record, answer->mutable_timings());
//
// Thread-safe: plain functions.

#ifndef SERVICE_OBSERVABILITY_RECORD_MESSAGES_H_
#define SERVICE_OBSERVABILITY_RECORD_MESSAGES_H_

#include <string_view>

#include "llmgateway/v1/usage.pb.h"
#include "service/observability/call_record.h"

namespace gateway {

// `usage` is the call's, which is the attempt's if it answered.
void FillAttempt(const CallAttempt& from, const llmgateway::v1::Usage& usage,
                 llmgateway::v1::Attempt* to);

void FillTimings(const CallTimes& from, llmgateway::v1::Timings* to);

void FillRoute(std::string_view provider, std::string_view model,
               std::string_view reason, llmgateway::v1::Route* to);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_RECORD_MESSAGES_H_
