// LiveAttempt is an attempt under way: what its provider is handed, how long it
// may take, and what is kept of how it went.
//
//   LiveAttempt live(call, std::move(asked), attempts.Add());
//   absl::Status outcome;
//   if (!live.TakeRequest()) outcome = co_await live.ReadRequest();
//   if (outcome.ok() && live.HashesFirst()) co_await live.HashFirst();
//   if (outcome.ok()) outcome = co_await live.Send(&open);
//   outcome = live.End(std::move(outcome));
//
// It has the time that its provider's configuration gives it and, where others
// could still be asked, its share of the caller's (deadline_split.h): to be
// connected, and of a stream to its first content, heartbeats not counted. When
// that has passed it fails with PROVIDER_TIMEOUT; when its share has, only if
// there is somebody else to ask by then, and not to its target's discredit
// unless that usually takes no longer (errors/verdict.h, kOutOfTime).
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_LIVE_ATTEMPT_H_
#define SERVICE_PIPELINE_LIVE_ATTEMPT_H_

#include <array>
#include <coroutine>
#include <optional>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "providers/provider.h"
#include "service/pipeline/attempt.h"
#include "service/pipeline/call.h"
#include "service/pipeline/call_ledger.h"
#include "service/pipeline/context_report.h"
#include "service/pipeline/next_attempt.h"
#include "service/pipeline/open_stream.h"
#include "service/pipeline/plan.h"
#include "service/pipeline/provider_policy.h"
#include "service/tracing/trace_context.h"

namespace gateway {

class LiveAttempt final : public Departure {
 public:
  // Borrows the call, who knows whom else to ask, and the attempt, which is
  // filled in.
  LiveAttempt(PlannedCall& call, const NextAttempt& next, AskedTarget asked,
              Attempt& attempt);
  LiveAttempt(const LiveAttempt&) = delete;
  LiveAttempt& operator=(const LiveAttempt&) = delete;

  // Takes the request in the form that is planned. False if it has to be read
  // first.
  bool TakeRequest();
  // Reads it, off the loop where that takes long.
  Task<absl::Status> ReadRequest();

  // As CallLedger's, where there is one: to be asked once the request is read.
  // To hash it is not its provider's time.
  bool HashesFirst() const {
    return call_.ledger != nullptr && call_.ledger->HashesFirst(call_);
  }
  Task<void> HashFirst();

  // Has the provider do what is asked; a stream is left in `open`, which is
  // null for everything else. Its first content has come then. REQUIRES:
  // !HashesFirst().
  Task<absl::Status> Send(OpenStream* open);

  // Whether nothing holds it up any more but its provider: it has left, or
  // nobody writes that down. `wake` is set when that becomes so.
  bool departs() const { return call_.ledger == nullptr || recorded_; }
  void TellDeparture(WakeUp* wake) { departed_ = wake; }

  // Keeps how it went, and returns that.
  absl::Status End(absl::Status outcome);

  Attempt& attempt() { return attempt_; }

 private:
  // Writes down that it is about to leave, where there is a ledger. Its time
  // begins anew then: what the disk took is not the provider's.
  bool BeginDeparture(std::coroutine_handle<> handle) override;
  absl::Status EndDeparture() override;
  // What has passed since then is not its provider's time.
  void LeaveOut(absl::Duration since);

  const Provider& provider() const { return *target_.provider->provider; }

  // It is for a model to answer: not for vectors, a count or a kept answer.
  bool Generates() const;
  void FillRequest(bool fresh_connection);
  // Tells a provider that wants to know how full the context is.
  void AddContextFields();
  // Tells the provider which trace its request belongs to.
  void AddTraceFields();
  // False if the request has not been read.
  bool TakeParsed();
  Task<absl::Status> Open(OpenStream* open);
  Task<absl::Status> Count();
  Task<absl::Status> Embed();
  // How many of its inputs to ask for at once: all, unless memory is short
  // and no limit of the target counts the attempt.
  int EmbeddingsAtOnce() const;
  // So many of its inputs at once, one part after another.
  Task<absl::Status> EmbedInParts(int at_once);
  // Asks for `part` of what is asked for, or all of it.
  Task<absl::Status> EmbedPart(const v1::EmbedRequest& part,
                               v1::EmbedResponse* response);
  // Adds what is told of the inputs that were asked for last.
  void AddUsage(const absl::Status& outcome, const v1::Usage& usage);

  // Limits how long the attempt may take from now on, if anything does.
  void LimitTime();
  void OnTimer();
  // Limits it no more for the sake of others.
  void ShareNothing();
  // `without` is what has not come in time, `limit` the name of what has
  // passed, as of kTimeLimitKey, and `usual` how long that usually takes, of a
  // share, if anybody knows.
  void GiveUp(absl::Duration after, std::string_view without,
              std::string_view limit,
              std::optional<absl::Duration> usual = std::nullopt);

  PlannedCall& call_;
  const NextAttempt& next_;
  const PlannedTarget& target_;
  const TargetPolicy& policy_;
  Attempt& attempt_;
  const int attempts_left_;
  ProviderCall request_;
  // While that it leaves is written down, and since when it is.
  std::optional<CallLedger::Dispatching> dispatching_;
  absl::Duration dispatching_since_ = absl::ZeroDuration();
  bool recorded_ = false;
  WakeUp* departed_ = nullptr;
  // What fields of the request point to that are the attempt's own.
  std::optional<ContextTexts> context_;
  absl::InlinedVector<HttpField, 4> fields_;
  std::array<char, kTraceParentBytes> traceparent_;

  // From the attempt's begin; infinite for no limit.
  absl::Duration connect_limit_ = absl::InfiniteDuration();
  absl::Duration first_content_limit_ = absl::InfiniteDuration();
  // It is the configured one, and not a share of the caller's time.
  bool first_content_is_configured_ = false;
  std::optional<Timer> timer_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_LIVE_ATTEMPT_H_
