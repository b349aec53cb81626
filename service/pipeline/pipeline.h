// Pipeline takes a call through its four stages:
//
//   Admit   may this caller ask this?            admission.h
//   Plan    where does it go, and why?           service/routing/router.h
//   Attempt ask, wait, try again                 attempts.h
//   Record  write down what became of it, once   recorder.h
//
// An API makes a Call, and an AnswerSink that speaks its caller's language:
//
//   co_await RunCall(call, sink, recorder);
//
// Every way out of RunCall goes through Record, and every stream through
// exactly one SendEnd.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_PIPELINE_H_
#define SERVICE_PIPELINE_PIPELINE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "providers/provider.h"
#include "service/pipeline/call.h"
#include "service/pipeline/recorder.h"

namespace gateway {

// Where the answer goes. What it returns is OK unless the caller is gone.
class AnswerSink {
 public:
  // A whole answer: call.answer. Not for streams.
  virtual Task<absl::Status> SendAnswer(Call& call) = 0;

  // A part of a stream. The first one is the commit point: after it, nothing
  // is tried again.
  virtual Task<absl::Status> SendBatch(Call& call, StreamBatch& batch) = 0;

  // The end of a stream, good or bad, or a failure in place of an answer.
  virtual Task<absl::Status> SendEnd(Call& call,
                                     const absl::Status& outcome) = 0;

 protected:
  ~AnswerSink() = default;
};

// Runs `call` from Admit to Record. Returns how it ended.
Task<absl::Status> RunCall(Call& call, AnswerSink& sink, Recorder& recorder);

// How many input tokens a call has.
struct TokenCount {
  int64_t tokens = 0;
  bool estimated = false;
  // The provider's answer as it came, if the request was forwarded likewise.
  std::string raw;
};

// Tells the caller a count, or why there is none.
using TellCount =
    std::function<Task<absl::Status>(const absl::StatusOr<TokenCount>& count)>;

// Runs a call that asks for a count. `tell`, if there is one, does so before
// the call is recorded.
Task<absl::StatusOr<TokenCount>> RunCount(Call& call, Recorder& recorder,
                                          const TellCount* tell = nullptr);

// Tells the caller how its call went.
using TellOutcome =
    std::function<Task<absl::Status>(const absl::Status& outcome)>;

// Runs a call that asks for vectors: call.embed. `tell`, if there is one, does
// so before the call is recorded.
Task<absl::Status> RunEmbed(Call& call, Recorder& recorder,
                            v1::EmbedResponse* response,
                            const TellOutcome* tell = nullptr);

// Runs a call that asks for an answer which was forwarded and which its
// provider keeps; `reply` receives the bytes of what that says. As RunEmbed
// otherwise.
Task<absl::Status> RunKept(Call& call, Recorder& recorder,
                           const KeptAnswer& asked, std::string* reply,
                           const TellOutcome* tell = nullptr);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_PIPELINE_H_
