#include "providers/http_streams.h"

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/async/task.h"
#include "base/secret.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/json_lines.h"
#include "base/text/sse_parser.h"

namespace gateway {
namespace {

// Ends the last event of a stream whose server closes without the blank line.
constexpr std::string_view kMissingBlankLine = "\n\n";

// Whether an event that no blank line ended lacks nothing else: what was cut
// off is no JSON text any more.
bool IsWhole(std::string_view data) {
  return data == "[DONE]" || CheckJson(data).ok();
}

// Forwards events as they are, and reads along.
class RawStream final : public ProviderStream {
 public:
  RawStream(const HttpStreamOptions& options, bool stream_usage,
            std::unique_ptr<HttpExchange> exchange)
      : faults_(*options.faults),
        caller_credential_(options.caller_credential),
        progress_(*options.progress),
        stream_usage_(stream_usage),
        exchange_(std::move(exchange)),
        parser_(options.event_bytes_limit),
        tap_(options.dialect->NewStreamTap()) {}

  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override;
  const ResponseFacts& facts() const override { return tap_->facts(); }

 private:
  absl::Status Take(std::string_view piece, StreamBatch* batch);
  // At the end of the bytes: takes an event that lacks only its blank line.
  absl::Status TakeLast(StreamBatch* batch);
  absl::Status Judge(const SseEvent& event, StreamBatch* batch);
  static void NoteSize(const SseEvent& event, StreamBatch* batch);
  static void Forward(std::string_view bytes, StreamBatch* batch);
  absl::Status Blame(const absl::Status& status) const {
    return faults_.Blame(status, caller_credential_.Reveal());
  }

  const HttpFaults& faults_;
  const Secret caller_credential_;
  TryProgress& progress_;
  const bool stream_usage_;
  std::unique_ptr<HttpExchange> exchange_;
  SseParser parser_;
  std::unique_ptr<StreamTap> tap_;
  absl::Span<const std::string_view> pieces_;
  absl::Status failure_;
  bool closed_ = false;  // No more bytes come.
  bool ended_ = false;
};

Task<absl::StatusOr<bool>> RawStream::Next(StreamBatch* batch) {
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
      if (!read.ok()) {
        co_return faults_.OfTransport(read.status(), progress_);
      }
      pieces_ = *read;
      if (pieces_.empty() && !closed_) {
        closed_ = true;
        failure_ = TakeLast(batch);
        continue;
      }
      if (pieces_.empty() && tap_->CompleteAtClose()) {
        ended_ = true;
        if (tap_->MissingEnd().empty()) co_return false;
        Forward(tap_->MissingEnd(), batch);
        co_return true;
      }
      if (pieces_.empty()) {
        co_return faults_.OfTransport(
            absl::UnavailableError("the stream ended before the answer did"),
            progress_);
      }
    }
    // Bytes held over between pieces are the parser's until it is fed again,
    // so each piece makes a batch of its own.
    const std::string_view piece = pieces_.front();
    pieces_.remove_prefix(1);
    failure_ = Take(piece, batch);
  }
  co_return true;
}

absl::Status RawStream::Take(std::string_view piece, StreamBatch* batch) {
  const absl::Status fed = parser_.Feed(piece);
  SseEvent event;
  while (!ended_ && parser_.Next(&event)) {
    GATEWAY_RETURN_IF_ERROR(Judge(event, batch));
  }
  if (!fed.ok()) return faults_.BadResponse(ToStd(fed.message()));
  return absl::OkStatus();
}

absl::Status RawStream::TakeLast(StreamBatch* batch) {
  // Too long an event is no whole one.
  if (!parser_.Feed(kMissingBlankLine).ok()) return absl::OkStatus();
  SseEvent event;
  while (!ended_ && parser_.Next(&event)) {
    if (!event.comment && IsWhole(event.data)) {
      GATEWAY_RETURN_IF_ERROR(Judge(event, batch));
    }
  }
  return absl::OkStatus();
}

absl::Status RawStream::Judge(const SseEvent& event, StreamBatch* batch) {
  EventKind kind = EventKind::kIgnorable;
  if (!event.comment) {
    const absl::StatusOr<EventKind> judged =
        tap_->OnEvent(event.name, event.data);
    if (!judged.ok()) return Blame(judged.status());
    kind = *judged;
  }
  switch (kind) {
    case EventKind::kContent:
      ++batch->content_events;
      NoteSize(event, batch);
      break;
    case EventKind::kIgnorable:
      break;
    case EventKind::kUsage:
      if (!stream_usage_) return absl::OkStatus();
      break;
    case EventKind::kError:
      return Blame(tap_->error());
    case EventKind::kTerminal:
      if (!tap_->finished()) {
        return faults_.BadResponse("the stream ended without a reason");
      }
      ended_ = true;
      break;
  }
  Forward(event.raw, batch);
  // The last line feed may come late; whoever waits for it shall have it.
  if (ended_ && event.raw.ends_with("\n\r")) Forward("\n", batch);
  return absl::OkStatus();
}

void RawStream::NoteSize(const SseEvent& event, StreamBatch* batch) {
  // Where events have names, those that begin or end a part say nothing.
  if (!event.name.empty() && !event.name.ends_with("delta")) return;
  const auto bytes = static_cast<int64_t>(event.data.size());
  ++batch->sized_events;
  batch->sized_bytes += bytes;
  batch->smallest_bytes = std::min(batch->smallest_bytes, bytes);
}

void RawStream::Forward(std::string_view bytes, StreamBatch* batch) {
  // Neighbours in memory leave as one piece.
  if (!batch->raw.empty()) {
    std::string_view& last = batch->raw.back();
    if (last.data() + last.size() == bytes.data()) {
      last = {last.data(), last.size() + bytes.size()};
      return;
    }
  }
  batch->raw.push_back(bytes);
}

// Cuts a stream into events, however its vendor frames them. (Raw streams come
// as server-sent events: whoever frames otherwise has no door.)
class EventCutter {
 public:
  EventCutter(Framing framing, size_t event_bytes_limit)
      : framing_(framing),
        events_(event_bytes_limit),
        lines_(event_bytes_limit) {}

  // As SseParser::Feed.
  absl::Status Feed(std::string_view bytes) {
    return framing_ == Framing::kJsonLines ? lines_.Feed(bytes)
                                           : events_.Feed(bytes);
  }

  // Moves to the next event that says something; false when more bytes are
  // needed.
  bool Next(std::string_view* name, std::string_view* data) {
    if (framing_ == Framing::kJsonLines) {
      *name = {};
      return lines_.Next(data);
    }
    SseEvent event;
    do {
      if (!events_.Next(&event)) return false;
    } while (event.comment);
    *name = event.name;
    *data = event.data;
    return true;
  }

 private:
  const Framing framing_;
  SseParser events_;
  JsonLines lines_;
};

// Reads events into neutral ones.
class ParsedStream final : public ProviderStream {
 public:
  ParsedStream(const HttpStreamOptions& options,
               std::unique_ptr<HttpExchange> exchange)
      : faults_(*options.faults),
        caller_credential_(options.caller_credential),
        progress_(*options.progress),
        exchange_(std::move(exchange)),
        cutter_(options.dialect->framing(), options.event_bytes_limit),
        reader_(options.dialect->NewEventReader()) {}

  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override;
  const ResponseFacts& facts() const override { return facts_; }

 private:
  // More choices are not to be believed.
  static constexpr size_t kChoicesMax = 128;

  absl::Status Take(std::string_view piece, StreamBatch* batch);
  // At the end of the bytes: takes an event that lacks only its last line feed
  // or its blank line.
  absl::Status TakeLast(StreamBatch* batch);
  absl::Status Read(std::string_view name, std::string_view data,
                    StreamBatch* batch);
  // Takes note of what an event says of the answer as a whole.
  void Note(const v1::GenerateEvent& event, StreamBatch* batch);
  absl::Status Blame(const absl::Status& status) const {
    return faults_.Blame(status, caller_credential_.Reveal());
  }
  // Every choice that began has said why it ended.
  bool Finished() const { return begun_.any() && (begun_ & ~ended_).none(); }

  const HttpFaults& faults_;
  const Secret caller_credential_;
  TryProgress& progress_;
  std::unique_ptr<HttpExchange> exchange_;
  EventCutter cutter_;
  std::unique_ptr<EventReader> reader_;
  ResponseFacts facts_;
  std::bitset<kChoicesMax> begun_;
  std::bitset<kChoicesMax> ended_;
  absl::Status failure_;
  bool closed_ = false;  // No more bytes come.
};

Task<absl::StatusOr<bool>> ParsedStream::Next(StreamBatch* batch) {
  batch->Clear();
  while (batch->events.empty()) {
    if (!failure_.ok()) co_return failure_;
    if (reader_->done()) {
      if (!Finished()) {
        co_return faults_.BadResponse("the stream ended without a reason");
      }
      exchange_->FinishInBackground();
      co_return false;
    }
    const absl::StatusOr<absl::Span<const std::string_view>> pieces =
        co_await exchange_->Read();
    if (!pieces.ok()) {
      co_return faults_.OfTransport(pieces.status(), progress_);
    }
    if (pieces->empty() && !closed_) {
      closed_ = true;
      failure_ = TakeLast(batch);
      facts_.usage = reader_->usage();
      continue;
    }
    if (pieces->empty() && reader_->CompleteAtClose()) co_return false;
    if (pieces->empty()) {
      co_return faults_.OfTransport(
          absl::UnavailableError("the stream ended before the answer did"),
          progress_);
    }
    for (std::string_view piece : *pieces) {
      failure_ = Take(piece, batch);
      if (!failure_.ok() || reader_->done()) break;
    }
    facts_.usage = reader_->usage();
  }
  co_return true;
}

absl::Status ParsedStream::Take(std::string_view piece, StreamBatch* batch) {
  const absl::Status fed = cutter_.Feed(piece);
  std::string_view name;
  std::string_view data;
  while (!reader_->done() && cutter_.Next(&name, &data)) {
    GATEWAY_RETURN_IF_ERROR(Read(name, data, batch));
  }
  if (!fed.ok()) return faults_.BadResponse(ToStd(fed.message()));
  return absl::OkStatus();
}

absl::Status ParsedStream::TakeLast(StreamBatch* batch) {
  // Too long an event is no whole one.
  if (!cutter_.Feed(kMissingBlankLine).ok()) return absl::OkStatus();
  std::string_view name;
  std::string_view data;
  while (!reader_->done() && cutter_.Next(&name, &data)) {
    if (!IsWhole(data)) break;
    GATEWAY_RETURN_IF_ERROR(Read(name, data, batch));
  }
  return absl::OkStatus();
}

absl::Status ParsedStream::Read(std::string_view name, std::string_view data,
                                StreamBatch* batch) {
  const size_t before = batch->events.size();
  const absl::Status read = reader_->Read(name, data, &batch->events);
  if (!read.ok()) return Blame(read);
  bool has_usage = false;
  for (size_t i = before; i < batch->events.size(); ++i) {
    Note(batch->events[i], batch);
    has_usage = has_usage || batch->events[i].has_usage();
  }
  if (has_usage) facts_.usage_is_final = Finished();
  return absl::OkStatus();
}

void ParsedStream::Note(const v1::GenerateEvent& event, StreamBatch* batch) {
  if (event.has_usage()) {
    facts_.has_usage = true;
  } else if (event.has_delta()) {
    ++batch->content_events;
    begun_.set(event.delta().choice_index() % kChoicesMax);
  } else if (event.has_choice_end()) {
    ++batch->content_events;
    const size_t choice = event.choice_end().choice_index() % kChoicesMax;
    begun_.set(choice);
    ended_.set(choice);
    if (choice == 0) facts_.finish_reason = event.choice_end().finish_reason();
  }
}

}  // namespace

std::unique_ptr<ProviderStream> NewRawHttpStream(
    const HttpStreamOptions& options, bool stream_usage,
    std::unique_ptr<HttpExchange> exchange) {
  return std::make_unique<RawStream>(options, stream_usage,
                                     std::move(exchange));
}

std::unique_ptr<ProviderStream> NewParsedHttpStream(
    const HttpStreamOptions& options, std::unique_ptr<HttpExchange> exchange) {
  return std::make_unique<ParsedStream>(options, std::move(exchange));
}

}  // namespace gateway
