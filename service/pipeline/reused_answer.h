// A ReusedAnswer stands in the place of an attempt's: an answer that was made
// for another call, kept or shared. Nobody is asked, and nothing is billed.
//
//   GATEWAY_RETURN_IF_ERROR(ReuseAnswer(std::move(kept), &call));
//   call.DecidingAttempt()->answer  // Is it, as if it had just come.
//
// Thread contract: one call, by one thread at a time.

#ifndef SERVICE_PIPELINE_REUSED_ANSWER_H_
#define SERVICE_PIPELINE_REUSED_ANSWER_H_

#include <cstddef>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "service/cache/kept_answer.h"
#include "service/pipeline/attempt.h"

namespace gateway {

class Call;

struct ReusedAnswer {
  KeptAnswerPtr kept;
  // What the attempt would have been; none of the call's, since there was none.
  Attempt attempt;
};

// Sets call->reused. INTERNAL if the answer cannot be read. Of a stream, what
// it says is read later (kept_stream.h). REQUIRES: the call is planned, and
// `kept` is a stream if it asks for one.
absl::Status ReuseAnswer(KeptAnswerPtr kept, Call* call);

// Waits for the answer that another call makes, or has made, and reuses it.
// REQUIRES: call.shared is there, and does not lead.
Task<absl::Status> AwaitOther(Call& call);

// Returns the answer of `attempt`, which has been completed, as one that can be
// reused.
KeptAnswerPtr KeepAnswer(const Call& call, const Attempt& attempt);

// Who made an answer: whose call it was, and who was asked with which
// credential.
struct AnswerMaker {
  // Nothing if the record of it is of a version that did not say.
  std::optional<std::string_view> caller;
  std::string_view provider;
  std::string_view credential;  // Its name; empty if there is none.
};

// Returns who made the answer of `attempt`; where that is a reused one, who
// made it first. Borrows from both.
AnswerMaker MakerOf(const Call& call, const Attempt& attempt);

// Fills in where the answer of `attempt`, which has been completed, is from,
// and how it has ended. Of a reused one, it is from where it was made first.
void FillOrigin(const Call& call, const Attempt& attempt, KeptAnswer* kept);

// How much work each is, for OffLoop: bytes are copied or borrowed, messages
// written or read.
size_t BytesToKeep(const Attempt& attempt);
size_t BytesToReuse(const KeptAnswer& kept);

// Why the model ended the answer; that of the last choice. Sets `stopped` to
// whether it has ended all of them itself.
v1::FinishReason FinishReasonOfAll(const Attempt& attempt, bool* stopped);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_REUSED_ANSWER_H_
