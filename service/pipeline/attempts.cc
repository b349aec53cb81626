#include "service/pipeline/attempts.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/sleep.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "errors/verdict.h"
#include "providers/models/model_facts.h"
#include "service/pipeline/call_cost.h"
#include "service/pipeline/call_log.h"
#include "service/pipeline/conversation.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/retry_budget.h"
#include "service/resilience/target_board.h"

namespace gateway {
namespace {

size_t RequestBytes(const PlannedCall& call) {
  // A conversation that goes on is sent whole, and may be far larger than the
  // request that goes on with it.
  return call.admitted.continuation.continued ? call.request->ByteSizeLong()
                                              : call.facts.request_bytes;
}

// A stream may hold so many times its request's bytes before its first content:
// one of OpenAI's Responses repeats the request twice, and escapes may double
// that.
constexpr size_t kEchoesMax = 4;

// Waits for the first content and keeps what came before it.
Task<absl::Status> HoldBack(OpenStream* open, size_t held_bytes_limit) {
  StreamBatch held;
  size_t held_bytes = 0;
  bool begun = false;
  while (!begun) {
    StreamBatch batch;
    absl::StatusOr<bool> more = co_await open->stream->Next(&batch);
    if (!more.ok()) co_return more.status();
    open->ended = !*more;
    for (const v1::GenerateEvent& event : batch.events) {
      held_bytes += event.ByteSizeLong();
    }
    held.events.Append(std::move(batch.events));
    if (batch.content_events > 0 || open->ended) {
      // Not copied: its views are valid until the next batch is asked for, and
      // that is after this one has been sent.
      open->first.raw = std::move(batch.raw);
      open->first.content_events = batch.content_events;
      begun = true;
      continue;
    }
    for (std::string_view bytes : batch.raw) open->held_bytes.append(bytes);
    if (held_bytes + open->held_bytes.size() > held_bytes_limit) {
      co_return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                          absl::StrCat("more than ", held_bytes_limit,
                                       " bytes of stream without content"));
    }
  }
  open->first.events = std::move(held.events);
  if (!open->held_bytes.empty()) {
    open->first.raw.insert(open->first.raw.begin(), open->held_bytes);
  }
  co_return absl::OkStatus();
}

// Returns whether the attempt failed by what its provider said, over a
// connection that did its part.
bool HasAnsweredWithAnError(const AttemptProgress& attempt) {
  return attempt.http_status != 0 && attempt.http_status != 200;
}

// Decides, after a failed attempt, whether, when and where another follows.
class NextAttempt {
 public:
  explicit NextAttempt(const PlannedCall& call)
      : call_(call), target_(call.planned.first), state_(&StateOf(target_)) {}

  // What is known of the target.
  TargetState& state() const { return *state_; }

  // The right to ask the target; nothing while it rests, or is disabled.
  std::optional<CircuitBreaker::Permit> AskBreaker() const {
    if (state_->availability.disabled()) return std::nullopt;
    return state_->breaker.TryAcquire(call_.loop.Now());
  }

  // Goes on to another target, since this one is not to be asked. How the call
  // ends, if there is none: by what a provider has said, if one was asked; or
  // else that one rests, which passes; or else that all are disabled.
  Task<absl::Status> AfterRest() {
    const bool disabled = state_->availability.disabled();
    if (last_failure_.ok() ||
        (!disabled &&
         FaultReason(last_failure_) == v1::ERROR_REASON_MODEL_DISABLED)) {
      last_failure_ = disabled ? ModelDisabled() : CircuitOpen();
    }
    return GoElsewhere();
  }

  // Where, why and how the next attempt is to be made; before any failure, the
  // first.
  const PlannedTarget& target() const { return target_; }
  v1::Attempt::Kind kind() const { return kind_; }
  // It must not use a connection that has served before, since the last attempt
  // may have failed for its connection.
  bool fresh_connection() const { return fresh_connection_; }

  // OK once another attempt may begin; if there must be none, how the call
  // ends.
  Task<absl::Status> After(const Attempt& failed) {
    const absl::Status& failure = failed.status;
    if (call_.cancel.cancelled()) co_return failure;
    const AttemptProgress& last = failed.progress;
    if (last.http.not_processed && !reconnected_) {
      // The provider had given the connection up before it saw the request, so
      // that asking again repeats nothing, and does not count as an attempt.
      reconnected_ = true;
      fresh_connection_ = true;
      kind_ = v1::Attempt::KIND_RECONNECT;
      co_return absl::OkStatus();
    }
    ++asked_;
    const bool abandoned = last.http.abandoned();
    const std::optional<absl::Duration> delay =
        call_.runtime->retry().DelayAfter(asked_, failure, abandoned,
                                          *call_.runtime->ports().random);
    last_failure_ = failure;
    const bool rests = state_->availability.disabled() ||
                       !state_->breaker.IsAskable(call_.loop.Now());
    if (delay.has_value() && !rests && TakeExtra()) {
      fresh_connection_ = !HasAnsweredWithAnError(last);
      kind_ = v1::Attempt::KIND_RETRY;
      co_return co_await Sleep(call_.loop, *delay, call_.cancel);
    }
    if (call_.planned.next == nullptr || !MayGoElsewhere(failure, abandoned) ||
        !TakeExtra()) {
      co_return failure;
    }
    co_return co_await GoElsewhere();
  }

 private:
  TargetState& StateOf(const PlannedTarget& target) const {
    return call_.runtime->resilience().targets.Find(target.provider->name,
                                                    target.upstream_model);
  }

  // Takes a place in the budget of retries, for the next attempt; false if
  // there is none. The one of the attempt before is given back.
  bool TakeExtra() {
    extra_.reset();
    extra_ = call_.runtime->resilience().retry_budget.TryAcquire();
    return extra_.has_value();
  }

  // Whether another target might do what this one has not done.
  static bool MayGoElsewhere(const absl::Status& failure, bool abandoned) {
    switch (FaultReason(failure)) {
      case v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED:
      case v1::ERROR_REASON_CONTENT_POLICY:
        return true;
      default:
        return ComesFromUpstream(ClassifyFailure(failure, abandoned));
    }
  }

  // OK once there is another target; the last failure if there is none.
  Task<absl::Status> GoElsewhere() {
    TargetWalk* const walk = call_.planned.next;
    if (walk == nullptr) co_return last_failure_;
    absl::StatusOr<PlannedTarget> next;
    // To know whether a target can serve it, a request may have to be read.
    co_await OffLoop(call_.facts.request_bytes, [&] {
      next = walk->Next(last_failure_);
      return true;
    });
    GATEWAY_CO_RETURN_IF_ERROR(next.status());
    target_ = *next;
    state_ = &StateOf(target_);
    asked_ = 0;
    fresh_connection_ = false;
    kind_ = v1::Attempt::KIND_FALLBACK;
    co_return absl::OkStatus();
  }

  // What the caller hears of a target that is not to be asked, unless another
  // answers.
  absl::Status NotAsked(v1::ErrorReason reason, std::string_view why) const {
    absl::Status fault = MakeFault(
        reason, absl::StrCat("provider '", target_.provider->name,
                             "', model '", ToAbsl(target_.upstream_model),
                             "', ", ToAbsl(why)));
    AddFaultMetadata(fault, "provider", target_.provider->name);
    AddFaultMetadata(fault, "model", target_.upstream_model);
    return fault;
  }

  absl::Status ModelDisabled() const {
    return NotAsked(v1::ERROR_REASON_MODEL_DISABLED, "is disabled");
  }

  absl::Status CircuitOpen() const {
    absl::Status fault = NotAsked(v1::ERROR_REASON_CIRCUIT_OPEN,
                                  "rests after it has failed repeatedly");
    const std::optional<absl::Duration> wait =
        state_->breaker.RetryAfter(call_.loop.Now());
    if (wait.has_value()) SetRetryDelay(fault, *wait);
    return fault;
  }

  const PlannedCall& call_;
  PlannedTarget target_;
  TargetState* state_;
  // How the last attempt ended or, before the first, that its target rests.
  absl::Status last_failure_;
  // The place of the present attempt, if it is not the first.
  std::optional<RetryBudget::Permit> extra_;
  int asked_ = 0;  // How often that has been, but for reconnects.
  bool reconnected_ = false;
  bool fresh_connection_ = false;
  v1::Attempt::Kind kind_ = v1::Attempt::KIND_FIRST;
};

// An attempt under way: what its provider is handed.
class LiveAttempt {
 public:
  LiveAttempt(PlannedCall& call, const NextAttempt& next,
              CircuitBreaker::Permit permit, Attempt& attempt)
      : call_(call), target_(next.target()), attempt_(attempt) {
    attempt_.permit = std::move(permit);
    attempt_.use = TargetUse(next.state(), target_.member);
    attempt_.kind = next.kind();
    attempt_.began = call.loop.Now();
    attempt_.provider = target_.provider->name;
    attempt_.priced_as = PricedAs(*target_.provider);
    attempt_.model = target_.upstream_model;
    attempt_.forwards = target_.forwards;
    attempt_.start_time = call.runtime->clock().WallTime();
    attempt_.follows_call.emplace(call.cancel, [&call, attempt = &attempt_] {
      attempt->cancel.Cancel(call.cancel.status());
    });
    if (call.provider_health != nullptr) {
      attempt_.inflight = call.provider_health->StartAttempt(attempt_.provider);
    }
    FillRequest(next.fresh_connection());
    LogAttempt(call, attempt_);
  }

  // Takes the request in the form that is planned. False if it has to be read
  // first.
  bool TakeRequest() {
    request_.embed = call_.embed;
    if (call_.embed != nullptr || call_.stored_query != nullptr) return true;
    if (!attempt_.forwards) return TakeParsed();
    request_.raw = call_.raw;
    if (call_.facts.counts) request_.raw_count = &attempt_.reply;
    return true;
  }

  // Reads it, off the loop where that takes long.
  Task<absl::Status> ReadRequest() {
    GATEWAY_CO_RETURN_IF_ERROR(co_await OffLoop(
        call_.facts.request_bytes,
        [this] { return call_.ParsedRequest().status(); },
        WorkerPool::Stage::kBegins));
    GATEWAY_CO_RETURN_IF_ERROR(co_await OffLoop(
        call_.bytes_to_expect(), [this] { return call_.ExpectOutput(); }));
    TakeParsed();
    co_return absl::OkStatus();
  }

  // Has the provider do what is asked.
  Task<absl::Status> Send(OpenStream* open) {
    if (call_.embed != nullptr) return Embed();
    if (call_.stored_query != nullptr) {
      return provider().AskStored(request_, *call_.stored_query,
                                  &attempt_.reply);
    }
    if (call_.facts.counts) return Count();
    if (open != nullptr) return Open(open);
    if (!attempt_.forwards) {
      attempt_.answer.response =
          google::protobuf::Arena::CreateMessage<v1::GenerateResponse>(
              &call_.arena);
    }
    return provider().Generate(request_, &attempt_.answer);
  }

  // Keeps how it went, and returns that.
  absl::Status End(absl::Status outcome) {
    // A cancelled attempt fails with what its closed socket says; why it was
    // cancelled is what the caller should hear.
    if (!outcome.ok() && attempt_.cancel.cancelled()) {
      outcome = attempt_.cancel.status();
    }
    attempt_.End(outcome, call_.loop.Now() - attempt_.began);
    attempt_.answered = outcome.ok();
    // A stream goes on; but who waits for a probe wants to know.
    const bool goes_on = outcome.ok() && call_.facts.stream;
    if (!goes_on || attempt_.permit->is_probe()) {
      attempt_.TellBreaker(call_.loop.Now());
    }
    // An attempt that succeeded stays in flight until the call ends: its
    // stream goes on.
    if (!outcome.ok()) attempt_.inflight.End();
    return outcome;
  }

 private:
  const Provider& provider() const { return *target_.provider->provider; }

  void FillRequest(bool fresh_connection) {
    request_.loop = &call_.loop;
    request_.http = &call_.http;
    request_.cancel = &attempt_.cancel;
    request_.clock = call_.runtime->ports().clock;
    request_.request_id = call_.facts.request_id;
    request_.request_bytes = RequestBytes(call_);
    request_.caller_credential = call_.facts.provider_credential;
    if (target_.speaks_dialect) {
      request_.forwarded_fields = call_.facts.forwarded_fields;
    }
    request_.model = attempt_.model;
    request_.fresh_connection = fresh_connection;
    if (call_.planned.stored_at != nullptr) {
      request_.credential = call_.planned.stored_at->credential;
    }
    request_.progress = &attempt_.progress;
    request_.warnings = &attempt_.warnings;
  }

  // False if the request has not been read.
  bool TakeParsed() {
    request_.request = call_.request;
    if (request_.request == nullptr) return false;
    request_.is_kept_here = IsKeptHere(call_);
    if (!request_.request->has_max_output_tokens()) {
      request_.output_tokens_limit = target_.facts.output_tokens_limit;
    }
    request_.lacks_schema =
        call_.output.asked() && target_.facts.Lacks(kAbilityStrictSchema);
    return true;
  }

  // Opens the stream, and returns once its first content has come.
  Task<absl::Status> Open(OpenStream* open) {
    *open = OpenStream();
    absl::StatusOr<std::unique_ptr<ProviderStream>> stream =
        co_await provider().Stream(request_);
    if (!stream.ok()) co_return stream.status();
    open->stream = *std::move(stream);
    const auto limit = static_cast<size_t>(
        call_.runtime->config().limits().hold_back_bytes_limit());
    co_return co_await HoldBack(open,
                                limit + kEchoesMax * request_.request_bytes);
  }

  Task<absl::Status> Count() {
    const absl::StatusOr<int64_t> tokens =
        co_await provider().CountTokens(request_);
    if (tokens.ok()) attempt_.input_tokens = *tokens;
    co_return tokens.status();
  }

  Task<absl::Status> Embed() {
    v1::EmbedResponse* const response = call_.embeddings;
    response->Clear();
    GATEWAY_CO_RETURN_IF_ERROR(co_await provider().Embed(request_, response));
    const int asked = call_.embed->inputs_size();
    if (response->embeddings_size() != asked) {
      co_return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                          absl::StrCat(ToAbsl(provider().name()), ": answered ",
                                       response->embeddings_size(),
                                       " vectors to ", asked, " inputs"));
    }
    attempt_.answer.facts.usage = response->usage();
    attempt_.answer.facts.has_usage = true;
    co_return absl::OkStatus();
  }

  PlannedCall& call_;
  const PlannedTarget& target_;
  Attempt& attempt_;
  ProviderCall request_;
};

}  // namespace

Task<absl::Status> AskTargets(PlannedCall& call, AttemptList& attempts,
                              OpenStream* open) {
  NextAttempt next(call);
  for (;;) {
    std::optional<CircuitBreaker::Permit> permit = next.AskBreaker();
    if (!permit.has_value()) {
      GATEWAY_CO_RETURN_IF_ERROR(co_await next.AfterRest());
      continue;
    }
    Attempt& attempt = attempts.Add();
    LiveAttempt live(call, next, *std::move(permit), attempt);
    absl::Status outcome;
    if (!live.TakeRequest()) outcome = co_await live.ReadRequest();
    if (outcome.ok()) outcome = co_await live.Send(open);
    if (!outcome.ok() && open != nullptr) open->stream.reset();
    outcome = live.End(std::move(outcome));
    if (outcome.ok()) co_return outcome;
    GATEWAY_CO_RETURN_IF_ERROR(co_await next.After(attempt));
  }
}

}  // namespace gateway
