#include "service/pipeline/kept_stream.h"

#include <string_view>

#include "base/status_macros.h"
#include "errors/fault.h"

namespace gateway {

Task<absl::StatusOr<bool>> KeptStream::Next(StreamBatch* batch) {
  batch->Clear();
  if (next_ == kept_->event_ends.size()) co_return false;
  const size_t first = next_ == 0 ? 0 : kept_->event_ends[next_ - 1];
  size_t begin = first;
  while (next_ < kept_->event_ends.size()) {
    const size_t end = kept_->event_ends[next_];
    if (begin > first && end - first > kBatchBytes) break;
    if (kept_->is_message) {
      GATEWAY_CO_RETURN_IF_ERROR(AddEvent(begin, end, batch));
    }
    begin = end;
    ++next_;
    ++batch->content_events;
  }
  if (!kept_->is_message) {
    batch->raw.push_back(
        std::string_view(kept_->body).substr(first, begin - first));
  }
  co_return true;
}

absl::Status KeptStream::AddEvent(size_t begin, size_t end,
                                  StreamBatch* batch) const {
  v1::GenerateEvent& event = batch->events.emplace_back();
  if (!event.ParseFromArray(kept_->body.data() + begin,
                            static_cast<int>(end - begin))) {
    return MakeFault(v1::ERROR_REASON_INTERNAL,
                     "an event of a kept stream could not be read");
  }
  return absl::OkStatus();
}

}  // namespace gateway
