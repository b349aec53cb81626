#include "service/pipeline/pipeline.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/timer_wheel.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "proto/proto_time.h"
#include "service/pipeline/admission.h"
#include "service/pipeline/attempts.h"
#include "service/pipeline/call_log.h"
#include "service/pipeline/conversation.h"
#include "service/pipeline/capability_check.h"
#include "service/pipeline/token_estimate.h"

namespace gateway {
namespace {

// Cancels a call that takes longer than calls may, whatever its caller allows.
class CallDeadline {
 public:
  explicit CallDeadline(Call& call)
      : call_(call), timer_([this] { OnExpiry(); }) {
    call.loop.ArmTimer(timer_, Timeout());
  }

 private:
  absl::Duration Timeout() const {
    return ToAbsl(call_.runtime->config().resilience().call_timeout());
  }

  void OnExpiry() {
    call_.cancel.Cancel(MakeFault(
        v1::ERROR_REASON_DEADLINE_EXCEEDED,
        absl::StrCat("the call took longer than ",
                     absl::FormatDuration(Timeout()),
                     ", as long as resilience.call_timeout lets it")));
  }

  Call& call_;
  Timer timer_;
};

// May run off the loop: whoever is asked here is shared by all.
absl::Status AdmitAndPlan(Call& call) {
  GATEWAY_RETURN_IF_ERROR(Admit(call));
  LogPrompt(call);
  GATEWAY_RETURN_IF_ERROR(ContinueConversation(call));
  GATEWAY_ASSIGN_OR_RETURN(call.plan, call.runtime->router().Plan(
                                          {.model = call.facts.model,
                                           .provider = call.facts.provider}));
  LogRoute(call);
  GATEWAY_RETURN_IF_ERROR(CheckContinued(call));
  return CheckCapabilities(call);
}

// The same, for OffLoop. A raw request may be read for it.
size_t BytesToAdmit(const Call& call) {
  return call.refusal.ok() ? call.facts.request_bytes : 0;
}
WorkerPool::Stage StageOf(const Call& call) {
  return call.request == nullptr && call.embed == nullptr
             ? WorkerPool::Stage::kBegins
             : WorkerPool::Stage::kGoesOn;
}

// The call is let through, unless it has ended meanwhile.
absl::Status Started(const Call& call, Recorder& recorder) {
  if (call.cancel.cancelled()) return call.cancel.status();
  recorder.TellStarted(call);
  return absl::OkStatus();
}

// A failure after the caller has seen output is an interruption, whatever it
// was to the provider.
absl::Status Interrupted(const Call& call, const absl::Status& failure) {
  if (call.cancel.cancelled()) return call.cancel.status();
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_STREAM_INTERRUPTED,
      absl::StrCat("the stream broke off: ", failure.message()));
  AddFaultMetadata(fault, "provider", call.attempts.back().provider);
  AddFaultMetadata(fault, "cause", ReasonName(FaultReason(failure)));
  // What the provider called it, in case the caller knows its words.
  for (const std::string_view key :
       {"http_status", "provider_code", "provider_error_type",
        "provider_param", "provider_error_form"}) {
    const std::string said = FaultMetadata(failure, key);
    if (!said.empty()) AddFaultMetadata(fault, key, said);
  }
  AddFaultMetadata(fault, "events_delivered",
                   absl::StrCat(call.content_events));
  return fault;
}

// What the input of a call is estimated by, once nobody else will tell how many
// tokens it has. To be made before the answer begins, since the request is let
// go of then: by gRPC the message, by HTTP the bytes.
class InputMeasure {
 public:
  explicit InputMeasure(const Call& call) {
    if (call.raw == nullptr) {
      if (call.request != nullptr) guess_ = GuessInputTokens(*call.request);
    } else if (call.request == nullptr) {
      Keep(call);
    }
  }

  int64_t Tokens(const Call& call) const {
    if (call.request == nullptr) {
      return kept_.dialect == nullptr ? guess_ : EstimateInputTokens(kept_);
    }
    return call.facts.request_bytes > kInPlaceBytesMax
               ? GuessInputTokens(*call.request)
               : EstimateInputTokens(*call.request);
  }

 private:
  // Of longer requests what is not text matters little.
  static constexpr size_t kKeptBytesMax = 4096;

  void Keep(const Call& call) {
    const std::string_view body = call.raw->body;
    if (body.size() > kKeptBytesMax) {
      guess_ = GuessInputTokens(body);
      return;
    }
    char* const copy = google::protobuf::Arena::CreateArray<char>(
        &call.arena, body.size() + kJsonPaddingBytes);
    std::copy(body.begin(), body.end(), copy);
    std::fill_n(copy + body.size(), kJsonPaddingBytes, ' ');
    kept_.dialect = call.raw->dialect;
    kept_.body = std::string_view(copy, body.size());
  }

  int64_t guess_ = 0;
  RawRequest kept_;  // On the call's arena; no dialect if there is none.
};

bool IsTold(const v1::Usage& usage) {
  return usage.input_tokens() != 0 || usage.output_tokens() != 0;
}

// What the provider has not told of the usage is estimated: what it has cost
// nobody will say, and it is not nothing. So is what it told before the end, if
// more than that was said since.
void EstimateUsage(const Call& call, const InputMeasure& input,
                   int64_t output_tokens, v1::Usage* usage) {
  if (usage->input_tokens() == 0) {
    usage->set_input_tokens(input.Tokens(call));
  }
  usage->set_output_tokens(std::max(usage->output_tokens(), output_tokens));
  usage->set_estimated(true);
}

// Of a stream that has ended. What was told of all of the answer stands, even
// if the caller did not get all of it.
void CompleteUsage(bool finished, const InputMeasure& input,
                   const DeliveredTokens& delivered,
                   const ProviderStream& stream, Call* call) {
  ResponseFacts& facts = call->answer_facts;
  if (IsTold(facts.usage) && (finished || facts.usage_is_final)) return;
  EstimateUsage(*call, input, delivered.Estimate(stream), &facts.usage);
}

// Of a whole answer whose provider told none.
void EstimateWholeUsage(Call& call) {
  v1::GenerateResponse* const response = call.answer.response;
  v1::Usage* const usage = &call.answer_facts.usage;
  EstimateUsage(call, InputMeasure(call),
                response != nullptr
                    ? EstimateOutputTokens(*response)
                    : EstimateOutputTokens(*call.raw->dialect, call.answer.raw),
                usage);
  if (response != nullptr) *response->mutable_usage() = *usage;
}

// One that is only begun has cost nothing yet.
bool LacksUsage(const Call& call) {
  return !IsTold(call.answer_facts.usage) && !call.facts.background;
}

Task<bool> EstimateOffLoop(Call& call) {
  const v1::GenerateResponse* const response = call.answer.response;
  const size_t bytes = response != nullptr ? response->ByteSizeLong()
                                           : call.answer.raw.size();
  co_return co_await OffLoop(bytes, [&call] {
    EstimateWholeUsage(call);
    return true;
  });
}

Task<bool> ValidateOffLoop(Call& call) {
  // However small, it has been found to take long.
  co_return co_await OffLoop(kInPlaceBytesMax + 1, [&call] {
    call.output.Validate();
    return true;
  });
}

// `recorder` is null if the answer is not to be remembered.
Task<absl::Status> Relay(Call& call, AnswerSink& sink, OpenStream& open,
                         ConversationRecorder* recorder,
                         DeliveredTokens* delivered) {
  StreamBatch batch = std::move(open.first);
  for (;;) {
    call.content_events += batch.content_events;
    delivered->Add(batch);
    for (v1::GenerateEvent& event : batch.events) {
      call.output.Add(event);
      if (recorder != nullptr) recorder->Add(&event);
    }
    GATEWAY_CO_RETURN_IF_ERROR(co_await sink.SendBatch(call, batch));
    if (open.ended) co_return absl::OkStatus();
    absl::StatusOr<bool> more = co_await open.stream->Next(&batch);
    if (!more.ok()) co_return Interrupted(call, more.status());
    if (!*more) co_return absl::OkStatus();
  }
}

Task<absl::Status> RunStream(Call& call, AnswerSink& sink, Recorder& recorder,
                             absl::Status outcome) {
  OpenStream open;
  if (outcome.ok()) outcome = co_await AttemptStream(call, &open);
  if (outcome.ok()) {
    call.first_content = call.loop.Now();
    Attempt& noted = call.attempts.back();
    noted.first_content = call.first_content;
    recorder.TellFirstToken(call);
    const absl::Duration opened = noted.duration;
    // Now, since the request is let go of once there is an answer.
    const std::unique_ptr<ConversationRecorder> recorder =
        ConversationRecorder::Begin(call);
    RememberForwarded(call, open.stream->facts().kept_id);
    const InputMeasure input(call);
    DeliveredTokens delivered;
    outcome = co_await Relay(call, sink, open, recorder.get(), &delivered);
    call.answer_facts = open.stream->facts();
    CompleteUsage(outcome.ok(), input, delivered, *open.stream, &call);
    // The provider is let go before the caller has taken the end.
    open.stream.reset();
    if (!outcome.ok() && call.cancel.cancelled()) {
      outcome = call.cancel.status();
    }
    noted.duration = opened + (call.loop.Now() - call.first_content);
    noted.status = outcome;
    // The try has succeeded even if its answer is not what was asked for.
    if (outcome.ok() && !call.answers_raw) {
      if (!call.output.ValidateBriefly()) co_await ValidateOffLoop(call);
      outcome = call.output.Verdict();
    }
    // Before the caller is told the end, and may go on.
    if (outcome.ok() && recorder != nullptr) recorder->Finish();
  } else if (call.cancel.cancelled() && !call.attempts.empty() &&
             call.attempts.back().progress.http.sent) {
    // The provider has begun to read the prompt, at least.
    EstimateUsage(call, InputMeasure(call), 0, &call.answer_facts.usage);
  }
  const absl::Status sent = co_await sink.SendEnd(call, outcome);
  co_return outcome.ok() ? sent : outcome;
}

void RememberAnswer(Call& call) {
  RememberForwarded(call, call.answer_facts.kept_id);
  const std::unique_ptr<ConversationRecorder> recorder =
      ConversationRecorder::Begin(call);
  if (recorder != nullptr) recorder->Keep(call.answer.response);
}

Task<absl::Status> RunUnary(Call& call, AnswerSink& sink,
                            absl::Status outcome) {
  if (outcome.ok()) outcome = co_await AttemptAnswer(call);
  if (outcome.ok() && LacksUsage(call)) co_await EstimateOffLoop(call);
  if (outcome.ok() && call.answer.response != nullptr) {
    call.output.Add(*call.answer.response);
    if (!call.output.ValidateBriefly()) co_await ValidateOffLoop(call);
    outcome = call.output.Verdict();
    call.Describe(call.answer.response);
  }
  if (outcome.ok()) {
    co_await OffLoop(call.answers_raw ? 0 : call.facts.request_bytes, [&call] {
      RememberAnswer(call);
      return true;
    });
  }
  if (outcome.ok()) co_return co_await sink.SendAnswer(call);
  // Nothing to do about a caller who does not even take the error.
  (co_await sink.SendEnd(call, outcome)).IgnoreError();
  co_return outcome;
}

// The stages before the first attempt, off the loop where that takes long.
Task<absl::Status> BeginCall(Call& call, Recorder& recorder) {
  absl::Status outcome = call.cancel.status();
  if (outcome.ok()) {
    outcome = co_await OffLoop(BytesToAdmit(call),
                               [&call] { return AdmitAndPlan(call); },
                               StageOf(call));
  }
  if (outcome.ok()) {
    outcome = co_await OffLoop(call.bytes_to_expect(),
                               [&call] { return call.ExpectOutput(); });
  }
  if (outcome.ok()) outcome = Started(call, recorder);
  co_return outcome;
}

absl::Status EstimateCount(Call& call, TokenCount* count) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::GenerateRequest* const request,
                           call.ParsedRequest());
  count->estimated = true;
  count->tokens = EstimateInputTokens(*request);
  return absl::OkStatus();
}

// Google tells neither which model answered nor what it has cost.
void CompleteVectors(Call& call, v1::EmbedResponse* response) {
  if (response->model().empty()) {
    response->set_model(std::string(call.attempts.back().model));
  }
  if (response->usage().input_tokens() != 0) return;
  v1::Usage& usage = *response->mutable_usage();
  usage.set_input_tokens(EstimateInputTokens(*call.embed));
  usage.set_estimated(true);
  call.answer_facts.usage = usage;
}

}  // namespace

Task<absl::Status> RunCall(Call& call, AnswerSink& sink, Recorder& recorder) {
  const InflightCall inflight = recorder.Begin(call);
  const CallDeadline deadline(call);
  absl::Status outcome = co_await BeginCall(call, recorder);
  // Not awaited within the choice: GCC 12 would free the status twice.
  Task<absl::Status> run =
      call.facts.stream
          ? RunStream(call, sink, recorder, std::move(outcome))
          : RunUnary(call, sink, std::move(outcome));
  outcome = co_await std::move(run);
  recorder.Record(call, outcome);
  co_return outcome;
}

Task<absl::StatusOr<TokenCount>> RunCount(Call& call, Recorder& recorder,
                                          const TellCount* tell) {
  const InflightCall inflight = recorder.Begin(call);
  const CallDeadline deadline(call);
  absl::Status outcome = co_await BeginCall(call, recorder);
  TokenCount count;
  if (outcome.ok()) {
    const absl::StatusOr<int64_t> counted =
        co_await AttemptCount(call, &count.raw);
    outcome = counted.status();
    if (counted.ok()) {
      count.tokens = *counted;
    } else if (FaultReason(outcome) == v1::ERROR_REASON_UNIMPLEMENTED) {
      outcome = co_await OffLoop(call.facts.request_bytes, [&] {
        return EstimateCount(call, &count);
      });
      call.attempts.clear();
    }
  }
  absl::StatusOr<TokenCount> result = count;
  if (!outcome.ok()) result = outcome;
  if (tell != nullptr) {
    const absl::Status told = co_await (*tell)(result);
    if (outcome.ok()) outcome = told;
  }
  recorder.Record(call, outcome);
  co_return result;
}

Task<absl::Status> RunKept(Call& call, Recorder& recorder,
                           const KeptAnswer& asked, std::string* reply,
                           const TellOutcome* tell) {
  const InflightCall inflight = recorder.Begin(call);
  const CallDeadline deadline(call);
  absl::Status outcome = Admit(call);
  if (outcome.ok()) outcome = PlanKept(call, asked.id);
  if (outcome.ok()) outcome = co_await AttemptKept(call, asked, reply);
  if (outcome.ok() && asked.action == KeptAnswer::Action::kDelete) {
    call.responses->Remove(call.caller, asked.id);
  }
  if (tell != nullptr) {
    const absl::Status told = co_await (*tell)(outcome);
    if (outcome.ok()) outcome = told;
  }
  recorder.Record(call, outcome);
  co_return outcome;
}

Task<absl::Status> RunEmbed(Call& call, Recorder& recorder,
                            v1::EmbedResponse* response,
                            const TellOutcome* tell) {
  const InflightCall inflight = recorder.Begin(call);
  const CallDeadline deadline(call);
  absl::Status outcome = co_await BeginCall(call, recorder);
  if (outcome.ok()) outcome = co_await AttemptEmbed(call, response);
  if (outcome.ok()) {
    CompleteVectors(call, response);
    response->set_request_id(std::string(call.facts.request_id));
    call.FillRoute(response->mutable_route());
    for (const v1::Warning& warning : call.warnings) {
      *response->add_warnings() = warning;
    }
  }
  if (tell != nullptr) {
    const absl::Status told = co_await (*tell)(outcome);
    if (outcome.ok()) outcome = told;
  }
  recorder.Record(call, outcome);
  co_return outcome;
}

}  // namespace gateway
