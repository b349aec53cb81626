// Usage that nobody tells is estimated and marked: what a call has cost is not
// nothing because its provider, its caller or the network cut it short.
//
//   const InputMeasure input(call);             // Before the answer begins.
//   ...
//   CompleteUsage(outcome, call, input, delivered, *stream, &facts);
//
// Thread contract: one call, by one thread at a time.

#ifndef SERVICE_PIPELINE_USAGE_ESTIMATE_H_
#define SERVICE_PIPELINE_USAGE_ESTIMATE_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/provider.h"
#include "service/pipeline/attempt.h"
#include "service/pipeline/incoming_call.h"
#include "service/pipeline/token_estimate.h"

namespace gateway {

class Call;

// The output that is taken to be had where nobody tells and nothing is
// configured.
inline constexpr int64_t kOutputTokensNobodyTells = 1000;

// What the input of a call is estimated by, once nobody else will tell how many
// tokens it has. To be made before the answer begins, since the request is let
// go of then: by gRPC the message, by HTTP the bytes.
class InputMeasure {
 public:
  explicit InputMeasure(const IncomingCall& call);

  int64_t Tokens(const IncomingCall& call) const;

 private:
  void Keep(const IncomingCall& call);

  int64_t guess_ = 0;
  RawRequest kept_;  // On the call's arena; no dialect if there is none.
};

// A guess of the input tokens of a call that may still be read, or of one that
// KeepGuessedInput has kept it of; there is at most as much to read as it has
// bytes.
int64_t GuessedInputTokens(const IncomingCall& call);
// Keeps the guess of a large call, if it will be asked for on its loop or the
// ledger's thread, which it would hold up there. For OffLoop, as it is planned.
void KeepGuessedInput(Call& call);

// The provider has said how many tokens there were, of the input or the output.
bool IsTold(const v1::Usage& usage);

// It has said so of both.
bool IsWhole(const v1::Usage& usage);

// Of an answer whose usage was told with its end, whole or as a stream: what
// was told stands, and a side of it that is missing, or cannot be read, is
// estimated. `output_tokens` is what its text is estimated to be.
void EstimateMissing(const IncomingCall& call, const InputMeasure& input,
                     int64_t output_tokens, v1::Usage* usage);

// What the provider has not told of the usage is estimated: what it has cost
// nobody will say, and it is not nothing. So is what it told before the end, if
// more than that was said since.
void EstimateUsage(const IncomingCall& call, const InputMeasure& input,
                   int64_t output_tokens, v1::Usage* usage);

// Of a stream that has ended, and how. What was told of all of the answer
// stands, even if the caller did not get all of it, or a part of it cannot be
// read; what was told before its last content is not all of it, even if the
// stream came to its end. An answer in the background goes on without its
// stream.
void CompleteUsage(const absl::Status& outcome, const IncomingCall& call,
                   const InputMeasure& input, const DeliveredTokens& delivered,
                   const ProviderStream& stream, ResponseFacts* facts);

// Of a whole answer whose provider told none, or not all; it is read for that.
void EstimateWholeUsage(const IncomingCall& call, Attempt* attempt);

// The answer is made in the background, and the provider has only begun it.
bool IsOnlyBegun(const IncomingCall& call, const Attempt& attempt);

// Of an answer that is only begun: what it will have consumed is told to nobody
// here.
void EstimateBackgroundUsage(const IncomingCall& call, Attempt* attempt);

// Of an attempt that failed without an answer: its prompt is billed if the
// provider was left at work on it, because a timeout passed, the call ended or
// another attempt was first, or if it had begun to answer; and then what came
// of the answer, too. Of an answer in the background that is all that it will
// have consumed. A failure that the provider tells costs nothing, and nor do a
// count and a stored response.
void EstimateUnanswered(const IncomingCall& call, Attempt* attempt);

// Returns how many bytes EstimateWholeUsage is to read, for OffLoop.
size_t BytesToEstimate(const Attempt& attempt);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_USAGE_ESTIMATE_H_
