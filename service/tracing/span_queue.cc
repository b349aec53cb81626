#include "service/tracing/span_queue.h"

#include <utility>

namespace gateway {

void SpanQueue::Add(KeptTraceRef trace) {
  const auto spans = static_cast<size_t>(trace->span_count);
  const MutexLock lock(mu_);
  if (spans_ + spans > limits_.spans_max) {
    dropped_ += static_cast<int64_t>(spans);
    return;
  }
  spans_ += spans;
  traces_.push_back(std::move(trace));
  if (spans_ < limits_.batch_spans || woken_ || wake_up_ == nullptr) return;
  woken_ = true;
  wake_up_();
}

void SpanQueue::SetWakeUp(std::function<void()> wake_up) {
  const MutexLock lock(mu_);
  wake_up_ = std::move(wake_up);
}

std::vector<KeptTraceRef> SpanQueue::Take() {
  std::vector<KeptTraceRef> batch;
  size_t spans = 0;
  size_t bytes = 0;
  const MutexLock lock(mu_);
  woken_ = false;
  while (!traces_.empty()) {
    const KeptTrace& next = *traces_.front();
    const auto next_spans = static_cast<size_t>(next.span_count);
    if (!batch.empty() && (spans + next_spans > limits_.batch_spans ||
                           bytes + next.spans.size() > kBatchBytesMax)) {
      break;
    }
    spans += next_spans;
    bytes += next.spans.size();
    batch.push_back(std::move(traces_.front()));
    traces_.pop_front();
  }
  spans_ -= spans;
  return batch;
}

bool SpanQueue::has_batch() const {
  const MutexLock lock(mu_);
  return spans_ >= limits_.batch_spans;
}

size_t SpanQueue::waiting() const {
  const MutexLock lock(mu_);
  return spans_;
}

int64_t SpanQueue::dropped() const {
  const MutexLock lock(mu_);
  return dropped_;
}

}  // namespace gateway
