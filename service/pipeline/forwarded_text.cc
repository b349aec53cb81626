#include "service/pipeline/forwarded_text.h"

#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/status_macros.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/bounded_messages.h"
#include "service/pipeline/prompt_text.h"

namespace gateway {
namespace {

// Events have been held to the provider's own limit before.
constexpr size_t kEventBytesMax = std::numeric_limits<uint32_t>::max();

}  // namespace

ForwardedText::ForwardedText(const Dialect& dialect)
    : cutter_(dialect.framing(), kEventBytesMax),
      reader_(dialect.NewEventReader()) {}

void ForwardedText::Add(const StreamBatch& batch, AnswerFolding* answer) {
  for (const std::string_view piece : batch.raw) {
    if (failed_) return;
    failed_ = !Read(piece, answer).ok();
  }
}

absl::Status ForwardedText::Read(std::string_view bytes,
                                 AnswerFolding* answer) {
  GATEWAY_RETURN_IF_ERROR(cutter_.Feed(bytes));
  StreamEvent event;
  while (cutter_.Next(&event)) {
    if (!event.has_data || reader_->done()) continue;
    EventList events;
    GATEWAY_RETURN_IF_ERROR(reader_->Read(event.name, event.data, &events));
    for (const v1::GenerateEvent& read : events) {
      if (read.has_delta()) answer->Add(read);
    }
  }
  return absl::OkStatus();
}

std::string TextOfForwarded(const Dialect& dialect, std::string_view body) {
  v1::GenerateResponse answer;
  if (!ReadBoundedResponse(dialect, body, &answer).ok()) return {};
  return AnswerText(answer);
}

}  // namespace gateway
