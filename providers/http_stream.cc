#include "providers/http_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/worker_pool.h"
#include "providers/body_form.h"
#include "providers/dialects/error_body.h"
#include "providers/dialects/error_reason.h"
#include "providers/dialects/json_progress.h"
#include "providers/refused_answer.h"

namespace gateway {
namespace {

// How much a stream may hold of an event that arrives in pieces before it
// counts among the answers of its loop; a stream costs about as much anyway.
constexpr size_t kUncountedBytesMax = 64 * 1024;

}  // namespace

const v1::ChoiceEnd* FindGivenUp(const EventList& events, size_t begin) {
  const auto found = std::find_if(
      events.begin() + static_cast<ptrdiff_t>(begin), events.end(),
      [](const v1::GenerateEvent& event) {
        return event.has_choice_end() &&
               event.choice_end().finish_reason() == v1::FINISH_REASON_ERROR;
      });
  return found != events.end() ? &found->choice_end() : nullptr;
}

HttpStream::HttpStream(const HttpStreamOptions& options,
                       std::unique_ptr<HttpExchange> exchange)
    : options_(options),
      faults_(*options_.faults),
      progress_(*options_.progress),
      exchange_(std::move(exchange)),
      cutter_(options_.dialect->framing(), options_.event_bytes_limit) {}

bool HttpStream::IsOtherForm(absl::Span<const std::string_view> pieces) {
  const Framing framing = options_.dialect->framing();
  for (const std::string_view piece : pieces) {
    if (has_begun_) return false;
    has_begun_ = FormOf(framing, piece) != BodyForm::kBlank;
    if (has_begun_ && IsNoStream(framing, piece)) return true;
  }
  return false;
}

Task<absl::Status> HttpStream::Refuse(
    absl::Span<const std::string_view> pieces) {
  failure_ = co_await RefuseStream(options_, pieces, std::move(exchange_));
  co_return failure_;
}

size_t HttpStream::TakeSmall(StreamBatch* batch) {
  // What has come in many pieces takes long to be cut, too.
  const size_t to_cut = cutter_.BytesToCut(kInPlaceBytesMax);
  if (to_cut > 0 && failure_.ok() && !ended()) {
    large_ = StreamEvent();
    return to_cut;
  }
  while (failure_.ok() && !ended() && cutter_.Next(&large_)) {
    if (large_.data.size() > kInPlaceBytesMax) return large_.data.size();
    failure_ = Take(large_, batch);
  }
  return 0;
}

void HttpStream::TakeLarge(StreamBatch* batch) {
  if (large_.data.empty() && !cutter_.Next(&large_)) return;
  failure_ = Take(large_, batch);
}

void HttpStream::EndPiece() {
  if (!failure_.ok()) return;
  if (!fed_.ok()) {
    failure_ = faults_.BadResponse(
        absl::StrCat(fed_.message(), " (limits.sse_event_bytes_limit)"));
    return;
  }
  const absl::Status counted = CountHeld();
  if (!counted.ok()) failure_ = OfTransport(counted);
}

void HttpStream::TakeLast(StreamBatch* batch) {
  // An event that is too long is not whole: it is dropped.
  if (!cutter_.FeedEnd().ok()) return;
  StreamEvent event;
  bool is_whole = false;
  while (failure_.ok() && !ended() && cutter_.NextAtEnd(&event, &is_whole)) {
    if (is_whole && batch != nullptr) {
      failure_ = Take(event, batch);
    } else if (BringsOutput(event.name)) {
      AddCut(CompleteJson(event.data).json);
    }
  }
}

Task<void> HttpStream::AddWhatIsLeft() {
  const auto add = [this] {
    TakeLast(nullptr);
    return true;
  };
  co_await OffLoop(bytes_left(), add);
}

absl::Status HttpStream::FailureToldBy(const StreamEvent& event) const {
  const auto has = [&event](std::string_view key) {
    return event.data.find(key) != std::string_view::npos;
  };
  if (!event.name.empty() || (!has("\"error\"") && !has("\"statusCode\""))) {
    return absl::OkStatus();
  }
  const ErrorBody error = ReadErrorBody(event.data);
  return NameOfForm(error.form).empty() ? absl::OkStatus()
                                        : WrapFault(FaultOfReport(error));
}

bool HttpStream::BringsOutput(std::string_view name) {
  return name.empty() || name.ends_with("delta") ||
         name == "content_block_start" || name.ends_with("item.added");
}

bool HttpStream::EndedWith(const absl::Status& broken,
                           bool complete_at_close) const {
  const bool by_caller =
      absl::IsCancelled(broken) || absl::IsDeadlineExceeded(broken);
  return complete_at_close && (progress_.http.timed_out || !by_caller);
}

absl::Status HttpStream::BrokenOff() const {
  return OfTransport(
      absl::UnavailableError("the stream ended before the answer did"));
}

absl::Status HttpStream::GaveUp(const v1::ChoiceEnd* end) const {
  return faults_.GaveUp(
      end == nullptr ? std::string_view() : end->provider_finish_reason(),
      options_.caller_credential.Reveal());
}

// Events may hold pictures, and there may be many streams.
absl::Status HttpStream::CountHeld() {
  const size_t held = cutter_.held_bytes();
  const size_t bytes = held > kUncountedBytesMax ? held : 0;
  if (bytes == counted_bytes_) return absl::OkStatus();
  if (!exchange_->Keep(bytes)) {
    return NoRoomForAnswer();
  }
  counted_bytes_ = bytes;
  return absl::OkStatus();
}

}  // namespace gateway
