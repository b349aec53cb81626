#include "tests/simulation/simulated_provider.h"

#include <climits>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/async/sleep.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "llmgateway/v1/gateway.pb.h"
#include "tests/testing/head_only.h"

namespace gateway {
namespace {

// How a fault is told of by HTTP.
struct Failure {
  v1::ErrorReason reason;
  int http_status = 0;
};

Failure FailureOf(Conduct conduct) {
  switch (conduct) {
    case Conduct::kFails:
      return {v1::ERROR_REASON_PROVIDER_UNAVAILABLE, 502};
    case Conduct::kOverloaded:
      return {v1::ERROR_REASON_PROVIDER_UNAVAILABLE, 529};
    case Conduct::kSilent:
      return {v1::ERROR_REASON_PROVIDER_TIMEOUT};
    case Conduct::kLimits:
      return {v1::ERROR_REASON_PROVIDER_RATE_LIMITED, 429};
    case Conduct::kRefusesCredential:
      return {v1::ERROR_REASON_PROVIDER_AUTH_FAILED, 401};
    case Conduct::kHasNoMoney:
      return {v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED, 402};
    case Conduct::kTooLong:
      return {v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED, 400};
    case Conduct::kRefusesContent:
      return {v1::ERROR_REASON_CONTENT_POLICY, 400};
    case Conduct::kTalksNonsense:
      return {v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, 200};
    default:
      return {v1::ERROR_REASON_PROVIDER_UNAVAILABLE};
  }
}

bool BreaksOff(Conduct conduct) {
  return conduct == Conduct::kBreaksBeforeContent ||
         conduct == Conduct::kBreaksAfterContent;
}

size_t CallOf(std::string_view request_id) {
  size_t call = 0;
  if (!absl::SimpleAtoi(ToAbsl(request_id), &call)) std::abort();
  return call;
}

}  // namespace

SimulatedProvider::Fate SimulatedProvider::Decide(
    const ProviderCall& call) const {
  const absl::Duration now = call.clock->SteadyTime();
  const Phase* phase = &script_.phases.front();
  for (const Phase& each : script_.phases) {
    if (each.from <= now - begin_) phase = &each;
  }
  Fate fate{.conduct = phase->conduct,
            .retry_after = phase->retry_after,
            .limit_resets_in = phase->limit_resets_in};
  const int credential = CredentialOf(call);
  const bool concerns =
      phase->credential < 0 || phase->credential == credential;
  if (random_.Below(100) >= static_cast<uint64_t>(phase->percent) ||
      !concerns) {
    fate.conduct = Conduct::kWell;
  }
  const auto millis =
      static_cast<uint64_t>(absl::ToInt64Milliseconds(phase->latency));
  fate.latency = absl::Milliseconds(millis + random_.Below(millis + 1));
  call.progress->dispatched = now;
  call.progress->http.sent = fate.conduct != Conduct::kRefusesConnections;
  return fate;
}

SimulatedProvider::Fate SimulatedProvider::Take(
    const ProviderCall& call) const {
  Fate fate = Decide(call);
  fate.ask = rules_.IsAsked(CallOf(call.request_id), name(), call.model,
                            CredentialOf(call), call.clock->SteadyTime());
  rules_.IsGivenTime(fate.ask, call.first_byte_timeout);
  if (rules_.money() != nullptr) {
    fate.telling = static_cast<UsageTelling>(random_.Below(4));
    fate.input = static_cast<int64_t>(1 + random_.Below(2000));
    fate.output = static_cast<int64_t>(1 + random_.Below(400));
    if (!call.progress->http.sent) rules_.money()->IsNotSent(fate.ask);
  }
  const absl::Duration limit = call.first_byte_timeout;
  if (limit > absl::ZeroDuration() && fate.latency > limit) {
    // As the client for HTTP does.
    fate.latency = limit;
    fate.conduct = Conduct::kSilent;
  }
  return fate;
}

int SimulatedProvider::CredentialOf(const ProviderCall& call) const {
  if (script_.credentials == 0) return -1;
  for (int i = 0; i < script_.credentials; ++i) {
    if (call.credential == CredentialName(i)) return i;
  }
  return 0;  // The only one is not named.
}

void SimulatedProvider::TellLimits(ProviderCall& call, const Fate& fate) const {
  if (fate.limit_resets_in < absl::ZeroDuration()) return;
  const std::string resets = absl::FormatDuration(fate.limit_resets_in);
  call.progress->upstream.Take(
      HeadOnly({{"x-ratelimit-remaining-requests", "0"},
                {"x-ratelimit-reset-requests", resets}}));
  rules_.TellsLimit(fate.ask, fate.limit_resets_in, call.clock->SteadyTime());
}

Task<absl::Status> SimulatedProvider::Begin(ProviderCall& call,
                                            Fate fate) const {
  const absl::Status waited =
      co_await Sleep(*call.loop, fate.latency, *call.cancel);
  const absl::Duration now = call.clock->SteadyTime();
  if (!waited.ok()) {
    rules_.IsGivenUp(fate.ask, waited, now);
    co_return waited;
  }
  if (fate.conduct == Conduct::kWell || BreaksOff(fate.conduct)) {
    call.progress->first_byte = now;
    call.progress->http_status = 200;
    TellLimits(call, fate);
    co_return absl::OkStatus();
  }
  if (FailureOf(fate.conduct).http_status != 0) {
    call.progress->first_byte = now;
    TellLimits(call, fate);
  }
  const absl::Status fault = FaultOf(fate, call.progress);
  Fail(fate, fault, call.progress->http, call.cancel->cancelled(), now);
  co_return fault;
}

void SimulatedProvider::Fail(const Fate& fate, const absl::Status& fault,
                             const HttpProgress& http, bool cancelled,
                             absl::Duration now) const {
  if (rules_.money() != nullptr) {
    rules_.money()->Fails(fate.ask, http.abandoned(), cancelled);
  }
  rules_.Fails(fate.ask, fault, http.not_processed, now);
}

void SimulatedProvider::TellUsage(const Fate& fate, int64_t input,
                                  int64_t output, ResponseFacts* facts) const {
  facts->has_usage = true;
  facts->usage.set_input_tokens(input);
  facts->usage.set_output_tokens(output);
  if (rules_.money() != nullptr) {
    rules_.money()->Tells(fate.ask, input, output);
  }
}

absl::Status SimulatedProvider::FaultOf(const Fate& fate,
                                        AttemptProgress* progress) const {
  const Failure failure = FailureOf(fate.conduct);
  absl::Status fault = MakeFault(
      failure.reason,
      absl::StrCat(script_.name, ": ", ToAbsl(ConductName(fate.conduct))));
  AddFaultMetadata(fault, "provider", script_.name);
  progress->http_status = failure.http_status;
  if (failure.http_status != 0) {
    AddFaultMetadata(fault, kHttpStatusKey,
                     std::to_string(failure.http_status));
  }
  if (fate.conduct == Conduct::kLimits &&
      fate.retry_after >= absl::ZeroDuration()) {
    SetRetryDelay(fault, fate.retry_after);
  }
  progress->http.timed_out = fate.conduct == Conduct::kSilent;
  progress->http.not_processed = fate.conduct == Conduct::kHadHungUp;
  return fault;
}

Task<absl::Status> SimulatedProvider::Generate(ProviderCall& call,
                                               ProviderAnswer* answer) const {
  // As a client of HTTP, which sends nothing then.
  if (call.cancel->cancelled()) co_return call.cancel->status();
  if (call.departure != nullptr) {
    GATEWAY_CO_RETURN_IF_ERROR(co_await call.departure->Depart());
  }
  const Fate fate = Take(call);
  GATEWAY_CO_RETURN_IF_ERROR(co_await Begin(call, fate));
  const absl::Duration now = call.clock->SteadyTime();
  if (BreaksOff(fate.conduct)) {
    const absl::Status fault = FaultOf(fate, call.progress);
    Fail(fate, fault, call.progress->http, call.cancel->cancelled(), now);
    co_return fault;
  }
  v1::Message* const message =
      answer->response->add_choices()->mutable_message();
  message->set_role(v1::ROLE_ASSISTANT);
  const std::string text = PieceOf(fate.ask, 1, 1, rules_.piece_bytes());
  message->add_parts()->set_text(text);
  if (fate.telling != UsageTelling::kNever) {
    TellUsage(fate, fate.input, fate.output, &answer->facts);
    *answer->response->mutable_usage() = answer->facts.usage;
  }
  if (rules_.money() != nullptr)
    rules_.money()->Finishes(fate.ask, text.size());
  rules_.Finishes(fate.ask, now);
  co_return absl::OkStatus();
}

// Says that it has begun, then its pieces, each after a while.
class SimulatedProvider::AnswerStream final : public ProviderStream {
 public:
  AnswerStream(const SimulatedProvider& provider, ProviderCall& call,
               const Fate& fate)
      : provider_(provider),
        rules_(provider.rules_),
        fate_(fate),
        loop_(*call.loop),
        clock_(*call.clock),
        cancel_(*call.cancel),
        progress_(call.progress),
        pieces_(1 + static_cast<int>(provider.random_.Below(4))),
        pause_(absl::Milliseconds(provider.random_.Below(300))) {
    // Without money the usage is not looked at.
    if (rules_.money() == nullptr) TellAtBegin(1);
  }
  ~AnswerStream() override {
    if (!over_) {
      rules_.IsGivenUp(fate_.ask, cancel_.status(), clock_.SteadyTime());
    }
  }

  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override {
    batch->Clear();
    if (!std::exchange(started_, true)) {
      if (fate_.telling == UsageTelling::kAsItGoes) TellAtBegin(1);
      if (fate_.telling == UsageTelling::kInputFirst) TellAtBegin(0);
      batch->events.emplace_back().mutable_started()->set_id("simulated");
      co_return true;
    }
    const absl::Status waited = co_await Sleep(loop_, pause_, cancel_);
    const absl::Duration now = clock_.SteadyTime();
    if (!waited.ok()) {
      over_ = true;
      rules_.IsGivenUp(fate_.ask, waited, now);
      co_return waited;
    }
    const int breaks_after = fate_.conduct == Conduct::kBreaksBeforeContent ? 0
                             : fate_.conduct == Conduct::kBreaksAfterContent
                                 ? 1
                                 : INT_MAX;
    if (said_ >= breaks_after) {
      over_ = true;
      const absl::Status fault = provider_.FaultOf(fate_, progress_);
      provider_.Fail(fate_, fault, progress_->http, cancel_.cancelled(), now);
      co_return fault;
    }
    if (said_ == pieces_) {
      over_ = true;
      if (rules_.money() != nullptr) {
        if (fate_.telling != UsageTelling::kNever) {
          provider_.TellUsage(fate_, fate_.input, fate_.output, &facts_);
          facts_.usage_is_final = true;
        }
        rules_.money()->Finishes(fate_.ask, 0);
      }
      rules_.Finishes(fate_.ask, now);
      co_return false;
    }
    ++said_;
    const std::string text =
        PieceOf(fate_.ask, said_, pieces_, rules_.piece_bytes());
    batch->events.emplace_back().mutable_delta()->set_text(text);
    batch->content_events = 1;
    if (rules_.money() != nullptr) {
      if (fate_.telling == UsageTelling::kAsItGoes) {
        provider_.TellUsage(fate_, fate_.input, 1 + 7 * said_, &facts_);
      }
      rules_.money()->Says(fate_.ask, text.size());
    }
    rules_.Speaks(fate_.ask, now);
    co_return true;
  }

  const ResponseFacts& facts() const override { return facts_; }

 private:
  void TellAtBegin(int64_t output) {
    provider_.TellUsage(fate_, fate_.input, output, &facts_);
  }

  const SimulatedProvider& provider_;
  CallRules& rules_;
  const Fate fate_;
  EventLoop& loop_;
  Clock& clock_;
  CancelSignal& cancel_;
  AttemptProgress* const progress_;
  const int pieces_;
  const absl::Duration pause_;
  ResponseFacts facts_;
  bool started_ = false;
  bool over_ = false;
  int said_ = 0;
};

Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> SimulatedProvider::Stream(
    ProviderCall& call) const {
  if (call.cancel->cancelled()) co_return call.cancel->status();
  if (call.departure != nullptr) {
    GATEWAY_CO_RETURN_IF_ERROR(co_await call.departure->Depart());
  }
  const Fate fate = Take(call);
  GATEWAY_CO_RETURN_IF_ERROR(co_await Begin(call, fate));
  std::unique_ptr<ProviderStream> stream =
      std::make_unique<AnswerStream>(*this, call, fate);
  co_return stream;
}

Task<absl::StatusOr<std::vector<v1::Model>>> SimulatedProvider::ListModels(
    ProviderCall& call) const {
  const Fate fate = Decide(call);
  rules_.ProbeBegins(name(), call.clock->SteadyTime());
  const absl::Status waited =
      co_await Sleep(*call.loop, fate.latency, *call.cancel);
  const absl::Duration now = call.clock->SteadyTime();
  if (!waited.ok()) {
    rules_.ProbeIsCut(name(), now);
    co_return waited;
  }
  // There is no prompt that could be wrong.
  const bool is_well = fate.conduct == Conduct::kWell ||
                       fate.conduct == Conduct::kTooLong ||
                       fate.conduct == Conduct::kRefusesContent;
  if (is_well) {
    rules_.ProbeEnds(name(), ProbeModel::Outcome::kThere, now);
    co_return std::vector<v1::Model>();
  }
  const absl::Status fault = FaultOf(fate, call.progress);
  // Who limits or refuses the credential is there.
  rules_.ProbeEnds(name(),
                   fate.conduct == Conduct::kHadHungUp
                       ? ProbeModel::Outcome::kNeverSeen
                   : CountsAgainstTarget(fault) ? ProbeModel::Outcome::kFailed
                                                : ProbeModel::Outcome::kThere,
                   now);
  co_return fault;
}

Task<absl::StatusOr<int64_t>> SimulatedProvider::CountTokens(
    ProviderCall&) const {
  co_return absl::UnimplementedError("nobody counts here");
}

}  // namespace gateway
