#include "providers/dialects/told_usage.h"

namespace gateway {

namespace {

using ::llmgateway::v1::Usage;

void TakeInput(const Usage& from, Usage* to) {
  to->set_input_tokens(from.input_tokens());
  to->set_cached_input_tokens(from.cached_input_tokens());
  to->set_cache_write_tokens(from.cache_write_tokens());
  to->set_cache_write_1h_tokens(from.cache_write_1h_tokens());
  to->set_audio_input_tokens(from.audio_input_tokens());
  to->set_image_input_tokens(from.image_input_tokens());
}

void TakeOutput(const Usage& from, Usage* to) {
  to->set_output_tokens(from.output_tokens());
  to->set_reasoning_tokens(from.reasoning_tokens());
  to->set_audio_output_tokens(from.audio_output_tokens());
  to->set_image_output_tokens(from.image_output_tokens());
  to->set_accepted_prediction_tokens(from.accepted_prediction_tokens());
  to->set_rejected_prediction_tokens(from.rejected_prediction_tokens());
}

}  // namespace

bool ReplaceUsage(const Usage& told, Usage* usage) {
  const bool tells_output =
      usage->output_tokens() == 0 || told.output_tokens() > 0;
  if (usage->input_tokens() == 0 || told.input_tokens() > 0) {
    TakeInput(told, usage);
  }
  if (tells_output) TakeOutput(told, usage);
  if (told.has_provider_cost_usd_nanos()) {
    usage->set_provider_cost_usd_nanos(told.provider_cost_usd_nanos());
  }
  if (told.estimated()) usage->set_estimated(true);
  return tells_output;
}

}  // namespace gateway
