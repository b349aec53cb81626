#include "service/observability/consumed_usage.h"

#include "service/observability/charged_cost.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// Adds the parts of one attempt's cost to those of others.
void AddBreakdownTo(const v1::CostBreakdown& of, v1::CostBreakdown* sum) {
  sum->set_input_nanos(AddCharges(sum->input_nanos(), of.input_nanos()));
  sum->set_output_nanos(AddCharges(sum->output_nanos(), of.output_nanos()));
  sum->set_cached_input_nanos(
      AddCharges(sum->cached_input_nanos(), of.cached_input_nanos()));
  sum->set_cache_write_nanos(
      AddCharges(sum->cache_write_nanos(), of.cache_write_nanos()));
  sum->set_cache_write_1h_nanos(
      AddCharges(sum->cache_write_1h_nanos(), of.cache_write_1h_nanos()));
  sum->set_reasoning_nanos(
      AddCharges(sum->reasoning_nanos(), of.reasoning_nanos()));
  sum->set_audio_input_nanos(
      AddCharges(sum->audio_input_nanos(), of.audio_input_nanos()));
  sum->set_audio_output_nanos(
      AddCharges(sum->audio_output_nanos(), of.audio_output_nanos()));
  sum->set_image_input_nanos(
      AddCharges(sum->image_input_nanos(), of.image_input_nanos()));
  sum->set_image_output_nanos(
      AddCharges(sum->image_output_nanos(), of.image_output_nanos()));
}

// Adds the figures of one attempt to those of others.
void AddUsageTo(const v1::Usage& usage, v1::Usage* sum) {
  sum->set_input_tokens(sum->input_tokens() + usage.input_tokens());
  sum->set_output_tokens(sum->output_tokens() + usage.output_tokens());
  sum->set_cached_input_tokens(sum->cached_input_tokens() +
                               usage.cached_input_tokens());
  sum->set_cache_write_tokens(sum->cache_write_tokens() +
                              usage.cache_write_tokens());
  sum->set_cache_write_1h_tokens(sum->cache_write_1h_tokens() +
                                 usage.cache_write_1h_tokens());
  sum->set_reasoning_tokens(sum->reasoning_tokens() + usage.reasoning_tokens());
  sum->set_audio_input_tokens(sum->audio_input_tokens() +
                              usage.audio_input_tokens());
  sum->set_audio_output_tokens(sum->audio_output_tokens() +
                               usage.audio_output_tokens());
  sum->set_image_input_tokens(sum->image_input_tokens() +
                              usage.image_input_tokens());
  sum->set_image_output_tokens(sum->image_output_tokens() +
                               usage.image_output_tokens());
  sum->set_accepted_prediction_tokens(sum->accepted_prediction_tokens() +
                                      usage.accepted_prediction_tokens());
  sum->set_rejected_prediction_tokens(sum->rejected_prediction_tokens() +
                                      usage.rejected_prediction_tokens());
  sum->set_cost_usd_nanos(AddCharges(sum->cost_usd_nanos(),
                                     ChargedNanos(usage).value_or(0)));
  if (usage.has_cost_breakdown()) {
    AddBreakdownTo(usage.cost_breakdown(), sum->mutable_cost_breakdown());
  }
  if (usage.has_provider_cost_usd_nanos()) {
    sum->set_provider_cost_usd_nanos(
        AddCharges(sum->provider_cost_usd_nanos(),
                   usage.provider_cost_usd_nanos()));
  }
  sum->set_cost_known(sum->cost_known() && usage.cost_known());
  sum->set_estimated(sum->estimated() || usage.estimated());
}

}  // namespace

bool ConsumedAnything(const v1::Usage& usage) {
  return usage.input_tokens() > 0 || usage.output_tokens() > 0 ||
         usage.cost_usd_nanos() > 0;
}

const v1::Usage* UsageBeyondAnswer(const CallRecord& call,
                                   const CallAttempt& attempt) {
  const v1::Usage* const usage = attempt.usage;
  const bool is_other = usage != nullptr && usage != call.usage;
  // What was replaced, its provider never saw.
  if (!is_other || attempt.replaced || !ConsumedAnything(*usage)) {
    return nullptr;
  }
  return usage;
}

void FillConsumed(CallRecord* call, v1::Usage* sum) {
  const bool is_one = call->attempts.size() <= 1 && call->answer_of.empty();
  if (is_one) return;
  call->consumed = sum;
  if (!call->answer_of.empty()) {
    sum->set_cost_known(true);
  } else if (ConsumedAnything(*call->usage)) {
    *sum = *call->usage;
  }
  for (const CallAttempt* const attempt : call->attempts) {
    const v1::Usage* const usage = UsageBeyondAnswer(*call, *attempt);
    if (usage == nullptr) continue;
    // The price of nothing is known.
    if (!ConsumedAnything(*sum)) sum->set_cost_known(true);
    AddUsageTo(*usage, sum);
  }
}

}  // namespace gateway
