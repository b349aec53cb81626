// What others than its caller are told of a failed call, and of each of its
// attempts: the ledger, the logs, the feeds, traces and the audit log. None of
// them has a text of the call, so it is the message without
//
//   what it quotes of the request: all   [quoted]
//   from 16 bytes on, and words that
//   no error is made of
//   (audit/redaction/quoted_words.h)
//   what it quotes of an answer          [withheld]
//   keys, tokens, addresses, numbers of cards, passwords in URLs
//                                        [redacted:email]
//
// The names of models stay, as do those of fields that the APIs have. Once a
// stream has begun the request is no longer there to be compared with, and what
// a provider says then is withheld, but for its code, if that is made of words
// that errors use. The caller is told all of it.
//
//   attempt.Tell(ToldFailure(call, attempt.model, attempt.status));
//
// Thread contract: one call, by one thread at a time.

#ifndef SERVICE_PIPELINE_TOLD_FAILURE_H_
#define SERVICE_PIPELINE_TOLD_FAILURE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "service/pipeline/call.h"
#include "service/pipeline/incoming_call.h"

namespace gateway {

// Of a failure of a call whose request is not there. REQUIRES: !failure.ok().
std::string ToldFailure(const absl::Status& failure);

// Of one whose request is. `model` is the provider's name of it, if an attempt
// failed. REQUIRES: !failure.ok().
std::string ToldFailure(const IncomingCall& call, std::string_view model,
                        const absl::Status& failure);
// Returns how many bytes that compares the message with, for OffLoop.
size_t BytesToCompare(const IncomingCall& call);

// Sets what is told of the attempts that have failed, and of `outcome` if that
// is a failure. To be called while the request is there.
Task<void> TellFailures(Call& call, const absl::Status& outcome);

// Returns what is told of `outcome`, with which the call has ended: what
// TellFailures has set, or else as without the request. REQUIRES:
// !outcome.ok().
std::string ToldOutcome(const Call& call, const absl::Status& outcome);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_TOLD_FAILURE_H_
