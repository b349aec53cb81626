// SpanQueue holds traces that are to be exported. Loops add to it and never
// wait: what does not fit is dropped and counted.
//
//   SpanQueue queue({.spans_max = 8192, .batch_spans = 512});
//   queue.Add(trace);                    // On any loop.
//   ...
//   queue.SetWakeUp([&] { ... });        // The exporter's.
//   std::vector<KeptTraceRef> batch = queue.Take();
//
// Thread-safe.

#ifndef SERVICE_TRACING_SPAN_QUEUE_H_
#define SERVICE_TRACING_SPAN_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "base/os/mutex.h"
#include "service/tracing/kept_trace.h"

namespace gateway {

class SpanQueue {
 public:
  // A batch is not larger than this, but for one trace that is.
  static constexpr size_t kBatchBytesMax = size_t{2} << 20;

  struct Limits {
    size_t spans_max = 0;
    size_t batch_spans = 1;
  };

  explicit SpanQueue(const Limits& limits) : limits_(limits) {}

  SpanQueue(const SpanQueue&) = delete;
  SpanQueue& operator=(const SpanQueue&) = delete;

  void Add(KeptTraceRef trace) LOCKS_EXCLUDED(mu_);

  // Called once a batch is there, from whatever loop has filled it, and not
  // again before Take; null for nobody.
  void SetWakeUp(std::function<void()> wake_up) LOCKS_EXCLUDED(mu_);

  // Takes the oldest traces, at most a batch; none if there are none.
  std::vector<KeptTraceRef> Take() LOCKS_EXCLUDED(mu_);

  bool has_batch() const LOCKS_EXCLUDED(mu_);

  // Spans that wait, and that were dropped so far.
  size_t waiting() const LOCKS_EXCLUDED(mu_);
  int64_t dropped() const LOCKS_EXCLUDED(mu_);

 private:
  const Limits limits_;
  mutable Mutex mu_;
  std::deque<KeptTraceRef> traces_ GUARDED_BY(mu_);
  size_t spans_ GUARDED_BY(mu_) = 0;
  int64_t dropped_ GUARDED_BY(mu_) = 0;
  std::function<void()> wake_up_ GUARDED_BY(mu_);
  bool woken_ GUARDED_BY(mu_) = false;
};

}  // namespace gateway

#endif  // SERVICE_TRACING_SPAN_QUEUE_H_
