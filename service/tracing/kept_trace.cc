#include "service/tracing/kept_trace.h"

#include <utility>

#include "base/text/utf8.h"

namespace gateway {

KeptTrace::KeptTrace(const TracedCall& call, const CallSpanOptions& options,
                     Random& random)
    : trace(call.trace.trace()),
      span(call.trace.span()),
      start_time(call.record.start_time),
      duration(call.record.duration),
      failed(call.record.status_code != absl::StatusCode::kOk),
      error_reason(call.record.error_reason) {
  const CallRecord& record = call.record;
  const std::pair<std::string_view*, std::string_view> texts[] = {
      {&request_id, record.request_id},
      {&operation, record.operation},
      {&node, call.node},
      {&caller, record.caller},
      {&model, record.model_asked},
      {&provider, record.provider},
      {&model_served, record.model_served}};
  size_t bytes = 0;
  for (const auto& [to, text] : texts) {
    bytes += CutText(text, kTextBytesMax).size();
  }
  texts_.reserve(bytes);  // Views of it are taken.
  for (const auto& [to, text] : texts) {
    const size_t begin = texts_.size();
    texts_ += CutText(text, kTextBytesMax);
    *to = std::string_view(texts_).substr(begin);
  }
  span_count = WriteCallSpans(call, options, random, &spans);
  spans.shrink_to_fit();
}

}  // namespace gateway
