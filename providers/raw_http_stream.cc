#include "providers/raw_http_stream.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/async/task.h"
#include "base/async/worker_pool.h"
#include "providers/dialects/event_text.h"
#include "providers/said_output.h"

namespace gateway {
namespace {

class RawHttpStream final : public HttpStream {
 public:
  RawHttpStream(const HttpStreamOptions& options, bool stream_usage,
                std::unique_ptr<HttpExchange> exchange)
      : HttpStream(options, std::move(exchange)),
        stream_usage_(stream_usage),
        tap_(options.dialect->NewStreamTap()) {}

  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override;
  const ResponseFacts& facts() const override { return tap_->facts(); }
  int64_t SaidTokens() const override {
    return counted_.TokensOf(spoken_.characters());
  }

 private:
  absl::Status Take(const StreamEvent& event, StreamBatch* batch) override;
  bool ended() const override { return ended_; }
  void AddCut(const std::string& json) override { spoken_.AddUnlike(json); }
  void CountSaid(const StreamEvent& event);
  static void Forward(std::string_view bytes, StreamBatch* batch);
  // What is forwarded from here on is the stream's end.
  static void BeginEnd(StreamBatch* batch) {
    batch->end_at = batch->raw.size();
  }

  const bool stream_usage_;
  std::unique_ptr<StreamTap> tap_;
  std::string told_;  // The event in which the vendor tells of the failure.
  absl::Span<const std::string_view> pieces_;
  SpokenCounter spoken_;
  RunningCount counted_;
  bool ended_ = false;
};

Task<absl::StatusOr<bool>> RawHttpStream::Next(StreamBatch* batch) {
  batch->Clear();
  while (batch->raw.empty()) {
    if (!failure_.ok()) co_return failure_;
    if (ended_) {
      exchange_->FinishInBackground();
      co_return false;
    }
    if (pieces_.empty()) {
      absl::StatusOr<absl::Span<const std::string_view>> read =
          co_await exchange_->Read();
      if (read.ok()) {
        pieces_ = *read;
        if (IsOtherForm(pieces_)) co_return co_await Refuse(pieces_);
      } else if (EndedWith(read.status(), tap_->CompleteAtClose())) {
        closed_ = true;
      } else {
        co_await AddWhatIsLeft();
        co_return OfTransport(read.status());
      }
      if (pieces_.empty() && !closed_) {
        closed_ = true;
        co_await OffLoop(bytes_left(), [&] {
          TakeLast(batch);
          return true;
        });
        continue;
      }
      if (pieces_.empty() && tap_->CompleteAtClose()) {
        ended_ = true;
        if (tap_->MissingEnd().empty()) co_return false;
        BeginEnd(batch);
        Forward(tap_->MissingEnd(), batch);
        co_return true;
      }
      if (pieces_.empty()) co_return BrokenOff();
    }
    // One piece makes one batch: bytes held over between pieces are the
    // cutter's until it is fed again.
    BeginPiece(pieces_.front());
    pieces_.remove_prefix(1);
    while (const size_t bytes = TakeSmall(batch)) {
      co_await OffLoop(bytes / kScansPerReading, [&] {
        TakeLarge(batch);
        return true;
      });
    }
    EndPiece();
  }
  co_return true;
}

absl::Status RawHttpStream::Take(const StreamEvent& event, StreamBatch* batch) {
  EventKind kind = EventKind::kIgnorable;
  if (event.has_data) {
    const absl::StatusOr<EventKind> tapped =
        tap_->OnEvent(event.name, event.data);
    if (!tapped.ok()) {
      // Its caller does not get it, and the model has said it.
      spoken_.AddUnlike(event.data);
      return WrapFault(tapped.status());
    }
    kind = *tapped;
    if (kind == EventKind::kContent) CountSaid(event);
    counted_.Take(tap_->facts().usage.output_tokens(), spoken_.characters());
  }
  switch (kind) {
    case EventKind::kContent:
      if (tap_->facts().finish_reason == v1::FINISH_REASON_ERROR) {
        // The tap does not read the word, so the event is read in full.
        EventList events;
        options_.dialect->NewEventReader()
            ->Read(event.name, event.data, &events)
            .IgnoreError();
        return GaveUp(FindGivenUp(events, 0));
      }
      ++batch->content_events;
      break;
    case EventKind::kIgnorable: {
      const absl::Status told =
          event.has_data ? FailureToldBy(event) : absl::OkStatus();
      if (!told.ok()) return told;
      break;
    }
    case EventKind::kUsage:
      if (!stream_usage_) return absl::OkStatus();
      break;
    case EventKind::kError:
      if (tap_->facts().failure_told) {
        told_ = faults_.WithoutCredentials(event.raw,
                                           options_.caller_credential.Reveal());
        BeginEnd(batch);
        Forward(told_, batch);
      }
      return WrapFault(tap_->error());
    case EventKind::kTerminal:
      if (!tap_->finished()) {
        return faults_.BadResponse("the stream ended without a reason");
      }
      ended_ = true;
      BeginEnd(batch);
      break;
  }
  Forward(event.raw, batch);
  // The event ended with CR LF CR, and the last LF came late: it is forwarded,
  // for callers that wait for it.
  if (ended_ && event.raw.ends_with("\n\r")) Forward("\n", batch);
  return absl::OkStatus();
}

void RawHttpStream::CountSaid(const StreamEvent& event) {
  const std::string_view name = event.name;
  if (!BringsOutput(name)) return;
  if (name.empty()) return spoken_.Add(event.data);
  if (!name.ends_with("delta")) return spoken_.AddUnlike(event.data);
  const bool is_sound = name.starts_with("response.") &&
                        name.find("audio") != std::string_view::npos;
  is_sound ? spoken_.AddSound() : spoken_.Add(event.data);
}

void RawHttpStream::Forward(std::string_view bytes, StreamBatch* batch) {
  // Joined, since neighbours in memory leave as one piece.
  if (!batch->raw.empty() && batch->raw.size() != batch->end_at) {
    std::string_view& last = batch->raw.back();
    if (last.data() + last.size() == bytes.data()) {
      last = {last.data(), last.size() + bytes.size()};
      return;
    }
  }
  batch->raw.push_back(bytes);
}

}  // namespace

std::unique_ptr<ProviderStream> NewRawHttpStream(
    const HttpStreamOptions& options, bool stream_usage,
    std::unique_ptr<HttpExchange> exchange) {
  return std::make_unique<RawHttpStream>(options, stream_usage,
                                         std::move(exchange));
}

}  // namespace gateway
