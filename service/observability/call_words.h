// The words and numbers that stand for what a record says of a call, wherever
// they are written: lines of the log, spans, entries of the ledger, answers to
// operators.
//
// Thread-safe: plain functions.

#ifndef SERVICE_OBSERVABILITY_CALL_WORDS_H_
#define SERVICE_OBSERVABILITY_CALL_WORDS_H_

#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {

// `first`, `retry`, `fallback`, `hedge` or `reconnect`; empty for none.
std::string_view AttemptKindWord(llmgateway::v1::Attempt::Kind kind);

// As `stop` or `tool_calls`; empty for none.
std::string_view FinishReasonWord(llmgateway::v1::FinishReason reason);

// The HTTP status of an answer that ends with the code: that of
// google/rpc/code.proto, and 400 for FAILED_PRECONDITION.
int HttpStatusOf(absl::StatusCode code);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_CALL_WORDS_H_
