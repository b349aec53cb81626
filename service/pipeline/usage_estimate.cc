#include "service/pipeline/usage_estimate.h"

#include <algorithm>
#include <string_view>

#include "base/async/worker_pool.h"
#include "errors/fault.h"
#include "errors/foreign_words.h"
#include "google/protobuf/arena.h"
#include "service/budgets/budget_rules.h"
#include "service/pipeline/call.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

// Of longer requests what is not text matters little.
constexpr size_t kKeptBytesMax = 4096;

// As EstimateOutputTokens has it.
constexpr int64_t kBytesOfToken = 4;

// No more came of an answer that is estimated by its bytes, whatever they were.
constexpr int64_t kOutputTokensMax = 128 * 1024;

// Whether the provider says itself that it failed.
bool IsToldFailure(const absl::Status& outcome) {
  return FindForeignWords(outcome, ForeignWords::kOfProvider).has_value();
}

// Whether an answer had begun that did not come to its end, or cannot be read,
// and of which the provider does not say itself that it failed. One in the
// background has begun with its status.
bool IsBroken(const IncomingCall& call, const Attempt& attempt) {
  return attempt.progress.answer != AttemptProgress::Answer::kNone &&
         (attempt.progress.http.body_bytes > 0 || call.facts.background) &&
         !attempt.status.ok() && !IsToldFailure(attempt.status);
}

// What an answer has about its text, in JSON: names, ids, usage.
constexpr int64_t kFrameBytes = 400;

// The output that came of an answer that was not delivered. What is told of a
// whole one stands. Otherwise it is what HttpProvider has read of it: of one
// that broke off, or is a bad one, the text as far as that came, and of one in
// another form than was asked for. Of a stream, which failed before its first
// content was sent, it is what was said with what could not be read. Where
// nothing can be read it is the bytes that came, as far as the request and the
// model let it be.
int64_t OutputThatCame(const IncomingCall& call, const Attempt& attempt) {
  const AttemptProgress::Answer form = attempt.progress.answer;
  const bool is_whole = form == AttemptProgress::Answer::kWhole;
  if (is_whole && attempt.answer.facts.usage.output_tokens() > 0) return 0;
  const UnaskedAnswer* const unasked = attempt.progress.unasked.get();
  if (unasked != nullptr) return unasked->output_tokens;
  if (form == AttemptProgress::Answer::kStream) {
    return attempt.unsent_output_tokens;
  }
  if (!is_whole) return 0;
  const int64_t tokens =
      std::max<int64_t>(
          static_cast<int64_t>(attempt.progress.http.body_bytes) - kFrameBytes,
          0) /
      kBytesOfToken;
  const int64_t of_model = attempt.output_tokens_limit > 0
                               ? attempt.output_tokens_limit
                               : kOutputTokensMax;
  return std::min(tokens, call.ExpectedOutputTokens(of_model));
}

// What an answer in the background is taken to have consumed, as budgets
// reserve it, and no less than came of it.
void EstimateBegun(const IncomingCall& call, const InputMeasure& input,
                   int64_t output_tokens, v1::Usage* usage) {
  const BudgetRules* const budgets = call.runtime->budgets();
  const int64_t expected = budgets == nullptr
                               ? kOutputTokensNobodyTells
                               : int64_t{budgets->expected_output_tokens()};
  EstimateUsage(call, input,
                std::max(output_tokens, call.ExpectedOutputTokens(expected)),
                usage);
}

// What is told in an answer that came in the other form than was asked for.
void TakeUnasked(Attempt* attempt) {
  const UnaskedAnswer* const unasked = attempt->progress.unasked.get();
  if (unasked == nullptr) return;
  ResponseFacts& facts = attempt->answer.facts;
  facts.usage = unasked->response.usage();
  facts.usage_is_final = unasked->usage_is_final;
  facts.service_tier = unasked->response.service_tier();
}

}  // namespace

InputMeasure::InputMeasure(const IncomingCall& call) {
  if (call.raw == nullptr) {
    if (call.request != nullptr) guess_ = GuessInputTokens(*call.request);
  } else if (call.request == nullptr) {
    Keep(call);
  }
}

int64_t InputMeasure::Tokens(const IncomingCall& call) const {
  if (call.request == nullptr) {
    return kept_.dialect == nullptr ? guess_ : EstimateInputTokens(kept_);
  }
  return call.facts.request_bytes > kInPlaceBytesMax
             ? GuessInputTokens(*call.request)
             : EstimateInputTokens(*call.request);
}

void InputMeasure::Keep(const IncomingCall& call) {
  const std::string_view body = call.raw->body;
  if (body.size() > kKeptBytesMax) {
    guess_ = GuessedInputTokens(call);
    return;
  }
  char* const copy =
      google::protobuf::Arena::CreateArray<char>(&call.arena, body.size());
  std::copy(body.begin(), body.end(), copy);
  kept_.dialect = call.raw->dialect;
  kept_.body = std::string_view(copy, body.size());
}

int64_t GuessedInputTokens(const IncomingCall& call) {
  if (call.guessed_input_tokens.has_value()) return *call.guessed_input_tokens;
  if (call.embed != nullptr) return EstimateInputTokens(*call.embed);
  if (call.request != nullptr) return GuessInputTokens(*call.request);
  return call.raw == nullptr ? 0 : GuessInputTokens(*call.raw);
}

void KeepGuessedInput(Call& call) {
  if (call.facts.request_bytes <= kKeptBytesMax) return;
  const RuntimeSnapshot& runtime = *call.runtime;
  const bool is_asked_for =
      call.facts.stream || call.ledger != nullptr ||
      runtime.budgets() != nullptr || !runtime.limits().empty() ||
      !call.caller->limits.empty() ||
      runtime.config().resilience().hedging().cost_limit_usd_nanos() != 0;
  if (is_asked_for) call.guessed_input_tokens = GuessedInputTokens(call);
}

bool IsTold(const v1::Usage& usage) {
  return usage.input_tokens() != 0 || usage.output_tokens() != 0;
}

bool IsWhole(const v1::Usage& usage) {
  return usage.input_tokens() != 0 && usage.output_tokens() != 0;
}

void EstimateMissing(const IncomingCall& call, const InputMeasure& input,
                     int64_t output_tokens, v1::Usage* usage) {
  if (usage->output_tokens() != 0) output_tokens = usage->output_tokens();
  const bool is_nothing =
      usage->input_tokens() != 0 && output_tokens == usage->output_tokens();
  if (!is_nothing) EstimateUsage(call, input, output_tokens, usage);
}

void EstimateUsage(const IncomingCall& call, const InputMeasure& input,
                   int64_t output_tokens, v1::Usage* usage) {
  if (usage->input_tokens() == 0) {
    usage->set_input_tokens(input.Tokens(call));
  }
  usage->set_output_tokens(std::max(usage->output_tokens(), output_tokens));
  usage->set_estimated(true);
}

void CompleteUsage(const absl::Status& outcome, const IncomingCall& call,
                   const InputMeasure& input, const DeliveredTokens& delivered,
                   const ProviderStream& stream, ResponseFacts* facts) {
  const int64_t output_tokens = delivered.Estimate(stream);
  const bool goes_on = call.facts.background && !outcome.ok() &&
                       !facts->failure_told && !IsToldFailure(outcome);
  if (facts->usage_is_final) {
    EstimateMissing(call, input, output_tokens, &facts->usage);
  } else if (goes_on) {
    EstimateBegun(call, input, output_tokens, &facts->usage);
  } else {
    EstimateUsage(call, input, output_tokens, &facts->usage);
  }
}

void EstimateWholeUsage(const IncomingCall& call, Attempt* attempt) {
  v1::GenerateResponse* const response = attempt->answer.response;
  v1::Usage* const usage = &attempt->answer.facts.usage;
  const int64_t output_tokens =
      usage->output_tokens() != 0 ? usage->output_tokens()
      : response != nullptr
          ? EstimateOutputTokens(*response)
          : EstimateOutputTokens(*call.raw->dialect, attempt->answer.raw);
  EstimateMissing(call, InputMeasure(call), output_tokens, usage);
  if (response != nullptr) *response->mutable_usage() = *usage;
}

bool IsOnlyBegun(const IncomingCall& call, const Attempt& attempt) {
  if (!call.facts.background) return false;
  const v1::GenerateResponse* const response = attempt.answer.response;
  if (response == nullptr) {
    return attempt.answer.facts.finish_reason == v1::FINISH_REASON_UNSPECIFIED;
  }
  return response->choices().empty() ||
         response->choices(0).finish_reason() == v1::FINISH_REASON_UNSPECIFIED;
}

void EstimateBackgroundUsage(const IncomingCall& call, Attempt* attempt) {
  EstimateBegun(call, InputMeasure(call), /*output_tokens=*/0,
                &attempt->answer.facts.usage);
}

void EstimateUnanswered(const IncomingCall& call, Attempt* attempt) {
  const HttpProgress& http = attempt->progress.http;
  // By the call, or since another attempt was first to answer.
  const auto ended_by = [attempt](const CancelSignal& cancel) {
    return cancel.cancelled() && attempt->status == cancel.status();
  };
  const bool ended_by_us = ended_by(call.cancel) || ended_by(attempt->cancel);
  const bool left_at_work = http.abandoned() || (http.sent && ended_by_us);
  // It has answered, and there was no room to hold that.
  const bool not_held =
      attempt->progress.http_status == 200 &&
      FaultReason(attempt->status) == v1::ERROR_REASON_OVERLOADED;
  if ((!left_at_work && !not_held && !IsBroken(call, *attempt)) ||
      call.facts.counts || call.stored_query != nullptr) {
    return;
  }
  v1::Usage* const usage = &attempt->answer.facts.usage;
  if (call.embed != nullptr) {
    if (attempt->embed_begin == attempt->embed_end) return;
    usage->set_input_tokens(usage->input_tokens() +
                            EstimateInputTokens(*call.embed,
                                                attempt->embed_begin,
                                                attempt->embed_end));
    usage->set_estimated(true);
    return;
  }
  TakeUnasked(attempt);
  const InputMeasure input(call);
  const int64_t output_tokens = OutputThatCame(call, *attempt);
  if (attempt->answer.facts.usage_is_final) {
    EstimateMissing(call, input, output_tokens, usage);
  } else if (call.facts.background) {
    EstimateBegun(call, input, output_tokens, usage);
  } else {
    EstimateUsage(call, input, output_tokens, usage);
  }
}

size_t BytesToEstimate(const Attempt& attempt) {
  return attempt.answer.response != nullptr
             ? attempt.answer.response->ByteSizeLong()
             : attempt.answer.raw.size();
}

}  // namespace gateway
