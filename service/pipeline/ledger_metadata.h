// What the ledger's entries say of a call: members that any gateway with a
// ledger of this kind has, and within one more, `gateway`, what only this one
// knows, such as the cost and all that it was computed from.
//
//   entry.metadata = ExchangeMetadata(call, attempt, {.dispatch_id = id, ...});
//
// Thread-safe: plain functions.

#ifndef SERVICE_PIPELINE_LEDGER_METADATA_H_
#define SERVICE_PIPELINE_LEDGER_METADATA_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/errors.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/pipeline/attempt.h"
#include "service/pipeline/call.h"
#include "service/pipeline/reused_answer.h"

namespace gateway {

// The code of a failure in entries: older than the reasons of errors.proto and
// coarser, where there is one; otherwise the reason's name. `refused` tells
// that the call came to no attempt.
std::string_view LedgerCode(v1::ErrorReason reason, bool refused);

// The same of what refused a call. Of budgets `HIERARCHY_EXCEEDED`,
// `TURN_LIMIT`, `NOT_ALLOCATED` and, of all that is spent or too much,
// `BUDGET_EXHAUSTED`.
std::string_view RefusalCode(const absl::Status& refusal);

// Of an entry DISPATCH: for whom, and the hash of the note beside it
// (service/ledger/note_check.h).
std::string DispatchMetadata(const PlannedCall& call,
                             std::string_view note_hash);

// What an exchange has beside the attempt.
struct ExchangeTexts {
  std::string_view dispatch_id;
  std::string_view context_hash;
  // Empty unless they are to be kept.
  std::string_view prompt;
  std::string_view response;
  // Of the note beside the entry; empty if that closes the dispatch alone.
  std::string_view note_hash;
};

// Of an entry EXCHANGE, of an attempt that has ended.
std::string ExchangeMetadata(const PlannedCall& call, const Attempt& attempt,
                             const ExchangeTexts& texts);

// The same of one of which nobody will know how it ended, with what it was
// estimated to consume.
std::string UnknownExchangeMetadata(const PlannedCall& call,
                                    const Attempt& attempt,
                                    const ExchangeTexts& texts,
                                    const v1::Usage& estimate);

// Of an entry PROMPT_REJECTED. `told` is what others than the caller are told
// of the refusal, `note_hash` that of the note beside the entry; empty if there
// is none. It stands for so many others before it that have no entry.
std::string RejectionMetadata(const Call& call, const absl::Status& refusal,
                              std::string_view told, std::string_view note_hash,
                              int64_t others);

// Of an entry ANSWER_REUSED.
std::string ReuseMetadata(const Call& call, const ReusedAnswer& reused);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_LEDGER_METADATA_H_
