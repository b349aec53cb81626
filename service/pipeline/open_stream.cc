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
  StreamBatch held;
  size_t held_bytes = 0;
  bool begun = false;
  while (!begun) {
    StreamBatch batch;
    absl::StatusOr<bool> more = co_await open->stream->Next(&batch);
    if (!more.ok()) co_return more.status();
    open->ended = !*more;
    for (const v1::GenerateEvent& event : batch.events) {
      held_bytes += event.ByteSizeLong();
    }
    held.events.Append(std::move(batch.events));
    if (batch.content_events > 0 || open->ended) {
      // Not copied: its views are valid until the next batch is asked for, and
      // that is after this one has been sent.
      open->first.raw = std::move(batch.raw);
      open->first.content_events = batch.content_events;
      begun = true;
      continue;
    }
    for (std::string_view bytes : batch.raw) open->held_bytes.append(bytes);
    if (held_bytes + open->held_bytes.size() > held_bytes_limit) {
      co_return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                          absl::StrCat("more than ", held_bytes_limit,
                                       " bytes of stream without content"));
    }
  }
  open->first.events = std::move(held.events);
  if (!open->held_bytes.empty()) {
    open->first.raw.insert(open->first.raw.begin(), open->held_bytes);
  }
  co_return absl::OkStatus();
}

}  // namespace gateway
