// An Attempt is one asking of one target: what it was, how it went, and what
// came of it. What is told of it, to the caller (llmgateway.v1.Attempt) as to
// the log, the metrics and the feed, is a CallAttempt, kept here once; the rest
// is what the provider is handed to fill in.
//
// It stays at its address, and nothing of it is another attempt's, so that two
// of a call can be under way at once (hedged_attempt.h). The message of its
// answer is allocated on the call's arena
// (docs/adr/0012-a-call-is-what-its-stages-returned.md).
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_ATTEMPT_H_
#define SERVICE_PIPELINE_ATTEMPT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/memory/stable_list.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "service/budgets/budget_charges.h"
#include "service/limits/limit_charges.h"
#include "service/observability/call_record.h"
#include "service/observability/provider_health.h"
#include "service/overload/gradient_limit.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/credential_pool.h"
#include "service/resilience/provider_board.h"
#include "service/resilience/target_board.h"
#include "service/tracing/trace_context.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

struct PlannedTarget;

// What has not come yet, of steady times.
inline constexpr absl::Duration kNotCome = -absl::InfiniteDuration();

struct Attempt : CallAttempt {
  Attempt() = default;
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  // Keeps how it ended, and what is told of that. Called again where a stream
  // has ended that had begun well.
  void End(absl::Status outcome, absl::Duration took);

  // Keeps what others than the caller are told of how it failed
  // (told_failure.h). Until it is called again they are told it as of a call
  // whose request is not there.
  void Tell(std::string message);

  // Ends this attempt alone; fires with the call's own.
  CancelSignal cancel;
  std::optional<CancelListener> follows_call;

  // Valid while attempts are made.
  const PlannedTarget* target = nullptr;
  // The request goes to the provider, and the answer to the caller, as bytes.
  bool forwards = false;
  absl::Duration began;  // Steady.
  // Its span's, which its provider is told; 0 if the call is not traced.
  SpanId span = 0;
  // The model as the provider is asked for it; `model` is how it is recorded.
  std::string_view upstream_model;
  // What lists of prices call the provider's vendor.
  std::string_view priced_as;
  // The most tokens that its model answers with; 0 if that is not known.
  int64_t output_tokens_limit = 0;

  // How it went.
  absl::Duration first_content = kNotCome;  // Steady.
  int64_t content_events = 0;               // That the caller was sent.
  // For how long in all the caller did not take what had come.
  absl::Duration held_up;
  absl::Status status;
  bool compared = false;  // What is told of that, with the request.
  AttemptProgress progress;

  // What came of it. Of a stream, `answer` has the facts only.
  ProviderAnswer answer;
  std::vector<v1::Warning> warnings;
  // The bytes of what was forwarded and is no generated answer: of a count, or
  // of what a provider keeps.
  std::string reply;
  // What a call that counts asked for.
  int64_t input_tokens = 0;
  // What a stream said that failed before any of it was sent, estimated.
  int64_t unsent_output_tokens = 0;
  // Of inputs that are to become vectors: [embed_begin, embed_end) were asked
  // for, and nobody has told how many tokens they have.
  int embed_begin = 0;
  int embed_end = 0;

  // Counts as in flight at its provider while it lives, and at its target.
  InflightAttempt inflight;
  TargetUse use;
  ProviderPlace place;
  ProviderPlace model_place;
  // What it has taken of its target's limits; null if there are none.
  std::unique_ptr<LimitCharges> limits;
  // What of its target's budgets is reserved for it; null if nothing is beside
  // what the call and its other attempts have reserved.
  BudgetReservation budgets;

  // Whose credential was sent, and which; null if none of the configured ones
  // was. As a last resort it was taken although it was out.
  CredentialPool* credentials = nullptr;
  size_t credential_index = 0;
  bool last_resort = false;
  // Its limit of attempts at once, and the place among them; null where it has
  // none.
  GradientLimit* credential_limit = nullptr;
  std::optional<GradientLimit::Place> credential_place;

  // Tells the target's breaker, and all else that watches the target, how it
  // went. Of a stream, once it has ended; a probe's, once it has begun. `now`
  // is steady.
  void TellBreaker(absl::Duration now);
  // The same, and gives the attempt's places back: it is over.
  void Close(absl::Duration now);
  // Null once the breaker has been told.
  std::optional<CircuitBreaker::Permit> permit;

 private:
  std::string told_;  // Where error_message lies.
};

// The attempts of a call, in the order in which they began. Forgotten are those
// of a call that nobody was asked for.
using AttemptList = StableList<Attempt>;

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ATTEMPT_H_
