#include "service/pipeline/open_stream.h"

#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

void OpenStream::MoveTo(OpenStream* other) {
  *other = std::exchange(*this, OpenStream());
  // A short text has moved with the string that holds it.
  if (!other->held_bytes.empty()) other->first.raw.front() = other->held_bytes;
}

Task<absl::Status> HoldBack(OpenStream* open, size_t held_bytes_limit) {
  EventList held;
  size_t held_bytes = 0;
  for (;;) {
    StreamBatch batch;
    absl::StatusOr<bool> more = co_await open->stream->Next(&batch);
    if (!more.ok()) co_return more.status();
    open->ended = !*more;
    if (batch.content_events > 0 || open->ended) {
      // Not copied, since it may be large. Its views are valid until the next
      // batch is asked for, and that is after this one has been sent.
      open->first = std::move(batch);
      open->first.events.Prepend(std::move(held));
      break;
    }
    for (const v1::GenerateEvent& event : batch.events) {
      held_bytes += event.ByteSizeLong();
    }
    for (std::string_view bytes : batch.raw) held_bytes += bytes.size();
    if (held_bytes > held_bytes_limit) {
      co_return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                          absl::StrCat("more than ", held_bytes_limit,
                                       " bytes of stream without content"));
    }
    held.Append(std::move(batch.events));
    for (std::string_view bytes : batch.raw) open->held_bytes.append(bytes);
  }
  if (!open->held_bytes.empty()) {
    open->first.raw.insert(open->first.raw.begin(), open->held_bytes);
  }
  co_return absl::OkStatus();
}

}  // namespace gateway
