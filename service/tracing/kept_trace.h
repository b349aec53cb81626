// A KeptTrace is the trace of one call that has ended: what lists say of it,
// and its spans as they are sent. The store keeps it and the exporter sends it,
// both the same one.
//
// Immutable, so thread-safe.

#ifndef SERVICE_TRACING_KEPT_TRACE_H_
#define SERVICE_TRACING_KEPT_TRACE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "llmgateway/v1/errors.pb.h"
#include "service/tracing/call_spans.h"
#include "service/tracing/trace_context.h"

namespace gateway {

class KeptTrace {
 public:
  // Texts are cut to this.
  static constexpr size_t kTextBytesMax = 256;

  // REQUIRES: call.trace.records().
  KeptTrace(const TracedCall& call, const CallSpanOptions& options,
            Random& random);

  KeptTrace(const KeptTrace&) = delete;
  KeptTrace& operator=(const KeptTrace&) = delete;

  TraceId trace;
  SpanId span = 0;
  absl::Time start_time;
  absl::Duration duration;
  bool failed = false;
  llmgateway::v1::ErrorReason error_reason =
      llmgateway::v1::ERROR_REASON_UNSPECIFIED;
  // As in CallRecord and TracedCall. In a memory of their own.
  std::string_view request_id;
  std::string_view operation;
  std::string_view node;
  std::string_view caller;
  std::string_view model;
  std::string_view provider;
  std::string_view model_served;
  // As SpanWriter writes them.
  std::string spans;
  int span_count = 0;

  absl::Time end_time() const { return start_time + duration; }
  // What it takes in memory.
  size_t bytes() const {
    return sizeof(*this) + texts_.capacity() + spans.capacity();
  }

 private:
  std::string texts_;
};

using KeptTraceRef = std::shared_ptr<const KeptTrace>;

}  // namespace gateway

#endif  // SERVICE_TRACING_KEPT_TRACE_H_
