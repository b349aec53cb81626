#include "service/pipeline/usage_estimate.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/async/worker_pool.h"
#include "errors/fault.h"
#include "errors/foreign_words.h"
#include "google/protobuf/arena.h"
#include "service/budgets/budget_rules.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

// Of longer requests what is not text matters little.
constexpr size_t kKeptBytesMax = 4096;

// As EstimateOutputTokens has it.
constexpr int64_t kBytesOfToken = 4;

// No more came of an answer that is estimated by its bytes, whatever they were.
constexpr int64_t kOutputTokensMax = 128 * 1024;

// Whether an answer had begun that did not come to its end, or cannot be read,
// and of which the provider does not say itself that it failed.
bool IsBroken(const Attempt& attempt) {
  return attempt.progress.answer != AttemptProgress::Answer::kNone &&
         attempt.progress.http.body_bytes > 0 && !attempt.status.ok() &&
         !FindForeignWords(attempt.status, ForeignWords::kOfProvider)
              .has_value();
}

// What an answer has about its text, in JSON: names, ids, usage.
constexpr int64_t kFrameBytes = 400;

// The output that came of an answer that was not delivered: of a whole one, by
// the bytes that came, as far as the request and the model let it be; of a
// stream, which failed before its first content, none. What the provider told
// stands.
int64_t OutputThatCame(const IncomingCall& call, const Attempt& attempt) {
  if (attempt.progress.answer != AttemptProgress::Answer::kWhole) return 0;
  if (attempt.answer.facts.usage.output_tokens() > 0) return 0;
  const std::string_view body = attempt.answer.raw;
  int64_t tokens =
      body.empty()
          ? std::max<int64_t>(
                static_cast<int64_t>(attempt.progress.http.body_bytes) -
                    kFrameBytes,
                0) /
                kBytesOfToken
          : GuessInputTokens(body);
  if (const std::optional<int64_t> limit = call.OutputTokensLimit()) {
    tokens = std::min(tokens, *limit);
  }
  return std::min(tokens, attempt.output_tokens_limit > 0
                              ? attempt.output_tokens_limit
                              : kOutputTokensMax);
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
    guess_ = GuessInputTokens(body);
    return;
  }
  char* const copy =
      google::protobuf::Arena::CreateArray<char>(&call.arena, body.size());
  std::copy(body.begin(), body.end(), copy);
  kept_.dialect = call.raw->dialect;
  kept_.body = std::string_view(copy, body.size());
}

int64_t GuessedInputTokens(const IncomingCall& call) {
  if (call.embed != nullptr) return EstimateInputTokens(*call.embed);
  if (call.request != nullptr) return GuessInputTokens(*call.request);
  return call.raw == nullptr ? 0 : GuessInputTokens(call.raw->body);
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

void CompleteUsage(bool finished, const IncomingCall& call,
                   const InputMeasure& input, const DeliveredTokens& delivered,
                   const ProviderStream& stream, ResponseFacts* facts) {
  const int64_t output_tokens = delivered.Estimate(stream);
  if (finished || facts->usage_is_final) {
    EstimateMissing(call, input, output_tokens, &facts->usage);
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

void EstimateBackgroundUsage(const IncomingCall& call, Attempt* attempt) {
  // As budgets reserve it.
  const BudgetRules* const budgets = call.runtime->budgets();
  const int64_t expected = budgets == nullptr
                               ? kOutputTokensNobodyTells
                               : int64_t{budgets->expected_output_tokens()};
  EstimateUsage(call, InputMeasure(call),
                std::min(call.OutputTokensLimit().value_or(expected), expected),
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
  if ((!left_at_work && !not_held && !IsBroken(*attempt)) ||
      call.facts.counts || call.facts.background ||
      call.stored_query != nullptr) {
    return;
  }
  v1::Usage* const usage = &attempt->answer.facts.usage;
  if (call.embed == nullptr) {
    EstimateUsage(call, InputMeasure(call), OutputThatCame(call, *attempt),
                  usage);
  } else {
    usage->set_input_tokens(EstimateInputTokens(*call.embed));
    usage->set_estimated(true);
  }
}

size_t BytesToEstimate(const Attempt& attempt) {
  return attempt.answer.response != nullptr
             ? attempt.answer.response->ByteSizeLong()
             : attempt.answer.raw.size();
}

}  // namespace gateway
