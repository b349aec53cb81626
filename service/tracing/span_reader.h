// Reads spans that SpanWriter has written, to be shown.
//
//   for (const ReadSpan& span : ReadSpans(bytes)) Show(span.name);
//
// Thread-safe: plain functions.

#ifndef SERVICE_TRACING_SPAN_READER_H_
#define SERVICE_TRACING_SPAN_READER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "service/tracing/span_writer.h"
#include "service/tracing/trace_context.h"

namespace gateway {

// A list is its texts with commas between them.
using AttributeValue = std::variant<std::string, int64_t, double, bool>;

struct ReadSpan {
  TraceId trace;
  SpanId span = 0;
  SpanId parent = 0;
  std::string state;
  std::string name;
  SpanKind kind = SpanKind::kInternal;
  absl::Time start_time;
  absl::Time end_time;
  uint32_t flags = 0;
  bool failed = false;
  std::string failure_message;
  // In the order in which they were written.
  std::vector<std::pair<std::string, AttributeValue>> attributes;
};

// Returns the spans in the order in which they were written; those before what
// is no span, if the bytes are others.
std::vector<ReadSpan> ReadSpans(std::string_view bytes);

}  // namespace gateway

#endif  // SERVICE_TRACING_SPAN_READER_H_
