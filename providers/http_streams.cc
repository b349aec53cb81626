#include "providers/http_streams.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/async/task.h"
#include "base/async/worker_pool.h"
#include "base/secret.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/json_lines.h"
#include "base/text/sse_parser.h"
#include "providers/dialects/bounded_reading.h"
#include "providers/dialects/event_text.h"

namespace gateway {
namespace {

// Fed at the end of a stream whose server closes without the last blank line.
constexpr std::string_view kMissingBlankLine = "\n\n";

// How much a stream may hold of an event that arrives in pieces before it
// counts among the answers of its loop; a stream costs about as much anyway.
constexpr size_t kUncountedBytesMax = 256 * 1024;

// Charges what a stream's parser holds: events may hold pictures, and there may
// be many streams.
class HeldEvent {
 public:
  explicit HeldEvent(HttpExchange& exchange) : exchange_(exchange) {}

  absl::Status Count(size_t held_bytes) {
    const size_t bytes = held_bytes > kUncountedBytesMax ? held_bytes : 0;
    if (bytes == counted_bytes_) return absl::OkStatus();
    if (!exchange_.Keep(bytes)) {
      return absl::ResourceExhaustedError(ToAbsl(kAnswersTooLarge));
    }
    counted_bytes_ = bytes;
    return absl::OkStatus();
  }

 private:
  HttpExchange& exchange_;
  size_t counted_bytes_ = 0;
};

// The bytes around an event's text are taken to be so many, where they cannot
// be told.
constexpr size_t kFrameBytes = 256;

// Longer events are not copied for a comparison: what stands around their text
// does not matter.
constexpr size_t kSampleBytesMax = 4096;
// Samples of at most so many bytes need no memory of their own.
constexpr size_t kSampleBytesUsual = 512;

// Returns whether an event without its blank line is otherwise whole: a JSON
// text that was cut off is no JSON text.
bool IsWhole(std::string_view data) {
  return data == "[DONE]" || CheckJson(data).ok();
}

// Returns the JSON of an error that comes bare, on lines of its own without
// `data:` and perhaps in a list, as Google ends a stream that fails; empty if
// the block is anything else without data, such as a comment.
std::string_view BareErrorOf(const SseEvent& block) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::string_view text = block.raw;
  const auto skip = [&text](std::string_view chars) {
    text.remove_prefix(std::min(text.find_first_not_of(chars), text.size()));
  };
  if (!block.comment) return {};
  skip(kSpace);
  if (text.starts_with('[')) text.remove_prefix(1);
  skip(kSpace);
  const std::string_view object = text.substr(0, text.rfind('}') + 1);
  if (!object.starts_with('{')) return {};
  text.remove_prefix(1);
  skip(kSpace);
  return text.starts_with("\"error\"") ? object : std::string_view();
}

// Returns the first of the events, from the one at `begin` on, by which the
// provider says that it failed while it answered; null if there is none.
const v1::ChoiceEnd* FindGivenUp(const EventList& events, size_t begin) {
  const auto found = std::find_if(
      events.begin() + static_cast<ptrdiff_t>(begin), events.end(),
      [](const v1::GenerateEvent& event) {
        return event.has_choice_end() &&
               event.choice_end().finish_reason() == v1::FINISH_REASON_ERROR;
      });
  return found != events.end() ? &found->choice_end() : nullptr;
}

// A stream whose events are forwarded as they are, and read along.
class RawStream final : public ProviderStream {
 public:
  RawStream(const HttpStreamOptions& options, bool stream_usage,
            std::unique_ptr<HttpExchange> exchange)
      : faults_(*options.faults),
        caller_credential_(options.caller_credential),
        dialect_(*options.dialect),
        progress_(*options.progress),
        stream_usage_(stream_usage),
        exchange_(std::move(exchange)),
        held_(*exchange_),
        parser_(options.event_bytes_limit),
        tap_(options.dialect->NewStreamTap()) {}

  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override;
  const ResponseFacts& facts() const override { return tap_->facts(); }
  int64_t SpokenBytes() const override;

 private:
  // Reads the events that have come, up to one that is `large`. Returns true if
  // there is one, which is left to be read off the loop.
  bool TakeSmall(StreamBatch* batch, SseEvent* large);
  // Ends a piece whose whole events have been read. `fed` is what the parser
  // said of it.
  absl::Status Taken(const absl::Status& fed);
  // Called at the end of the bytes: takes an event that lacks only its blank
  // line.
  absl::Status TakeLast(StreamBatch* batch);
  absl::Status Tap(const SseEvent& event, StreamBatch* batch);
  // Makes the fault for an event that says that the provider failed while it
  // answered.
  absl::Status GaveUp(std::string_view name, std::string_view data) const;
  void RecordSize(const SseEvent& event);
  static void Forward(std::string_view bytes, StreamBatch* batch);
  absl::Status WrapFault(const absl::Status& status) const {
    return faults_.WrapFault(status, caller_credential_.Reveal());
  }

  const HttpFaults& faults_;
  const Secret caller_credential_;
  const Dialect& dialect_;
  AttemptProgress& progress_;
  const bool stream_usage_;
  std::unique_ptr<HttpExchange> exchange_;
  HeldEvent held_;
  SseParser parser_;
  std::unique_ptr<StreamTap> tap_;
  std::string told_;  // The event in which the vendor tells of the failure.
  absl::Span<const std::string_view> pieces_;
  // Statistics of the events that carry pieces: how many, the bytes of their
  // data, and the first two of them, the very first of which may have more
  // around its text.
  size_t sized_events_ = 0;
  size_t sized_bytes_ = 0;
  std::array<absl::InlinedVector<char, kSampleBytesUsual>, 2> samples_;
  absl::Status failure_;
  bool closed_ = false;  // Set when no more bytes come.
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
    // One piece makes one batch: bytes held over between pieces are the
    // parser's until it is fed again.
    const std::string_view piece = pieces_.front();
    pieces_.remove_prefix(1);
    const absl::Status fed = parser_.Feed(piece);
    SseEvent large;
    while (TakeSmall(batch, &large)) {
      failure_ = co_await OffLoop(large.data.size() / kScansPerReading,
                                  [&] { return Tap(large, batch); });
    }
    if (failure_.ok()) failure_ = Taken(fed);
  }
  co_return true;
}

bool RawStream::TakeSmall(StreamBatch* batch, SseEvent* large) {
  while (failure_.ok() && !ended_ && parser_.Next(large)) {
    if (large->data.size() > kInPlaceBytesMax) return true;
    failure_ = Tap(*large, batch);
  }
  return false;
}

absl::Status RawStream::Taken(const absl::Status& fed) {
  if (!fed.ok()) return faults_.BadResponse(ToStd(fed.message()));
  const absl::Status counted = held_.Count(parser_.held_bytes());
  return counted.ok() ? counted : faults_.OfTransport(counted, progress_);
}

absl::Status RawStream::TakeLast(StreamBatch* batch) {
  // An event that is too long is not whole: it is dropped.
  if (!parser_.Feed(kMissingBlankLine).ok()) return absl::OkStatus();
  SseEvent event;
  while (!ended_ && parser_.Next(&event)) {
    const std::string_view data =
        event.comment ? BareErrorOf(event) : event.data;
    if (!data.empty() && IsWhole(data)) {
      GATEWAY_RETURN_IF_ERROR(Tap(event, batch));
    }
  }
  return absl::OkStatus();
}

absl::Status RawStream::Tap(const SseEvent& event, StreamBatch* batch) {
  EventKind kind = EventKind::kIgnorable;
  const std::string_view data =
      event.comment ? BareErrorOf(event) : event.data;
  if (!event.comment || !data.empty()) {
    const absl::StatusOr<EventKind> tapped = tap_->OnEvent(event.name, data);
    if (!tapped.ok()) return WrapFault(tapped.status());
    kind = *tapped;
  }
  switch (kind) {
    case EventKind::kContent:
      if (tap_->facts().finish_reason == v1::FINISH_REASON_ERROR) {
        return GaveUp(event.name, data);
      }
      ++batch->content_events;
      RecordSize(event);
      break;
    case EventKind::kIgnorable:
      break;
    case EventKind::kUsage:
      if (!stream_usage_) return absl::OkStatus();
      break;
    case EventKind::kError:
      if (tap_->facts().failure_told) {
        told_ = faults_.WithoutCredentials(event.raw,
                                           caller_credential_.Reveal());
        Forward(told_, batch);
      }
      return WrapFault(tap_->error());
    case EventKind::kTerminal:
      if (!tap_->finished()) {
        return faults_.BadResponse("the stream ended without a reason");
      }
      ended_ = true;
      break;
  }
  Forward(event.raw, batch);
  // The event ended with CR LF CR, and the last LF came late: it is forwarded,
  // for callers that wait for it.
  if (ended_ && event.raw.ends_with("\n\r")) Forward("\n", batch);
  return absl::OkStatus();
}

absl::Status RawStream::GaveUp(std::string_view name,
                               std::string_view data) const {
  // The tap does not read the word, so the event is read in full.
  EventList events;
  dialect_.NewEventReader()->Read(name, data, &events).IgnoreError();
  const v1::ChoiceEnd* const end = FindGivenUp(events, 0);
  return faults_.GaveUp(
      end == nullptr ? std::string_view() : end->provider_finish_reason(),
      caller_credential_.Reveal());
}

void RawStream::RecordSize(const SseEvent& event) {
  // Where events have names, those that begin or end a part carry no text.
  if (!event.name.empty() && !event.name.ends_with("delta")) return;
  if (sized_events_ < samples_.size() &&
      event.data.size() <= kSampleBytesMax) {
    samples_[sized_events_].assign(event.data.begin(), event.data.end());
  }
  ++sized_events_;
  sized_bytes_ += event.data.size();
}

int64_t RawStream::SpokenBytes() const {
  size_t frame = SIZE_MAX;
  for (const auto& sample : samples_) {
    const auto spoken = static_cast<size_t>(
        gateway::SpokenBytes(std::string_view(sample.data(), sample.size())));
    if (spoken > 0) frame = std::min(frame, sample.size() - spoken);
  }
  if (frame == SIZE_MAX) frame = kFrameBytes;
  const size_t around = sized_events_ * frame;
  return static_cast<int64_t>(sized_bytes_ - std::min(around, sized_bytes_));
}

void RawStream::Forward(std::string_view bytes, StreamBatch* batch) {
  // Joined, since neighbours in memory leave as one piece.
  if (!batch->raw.empty()) {
    std::string_view& last = batch->raw.back();
    if (last.data() + last.size() == bytes.data()) {
      last = {last.data(), last.size() + bytes.size()};
      return;
    }
  }
  batch->raw.push_back(bytes);
}

// Cuts a stream into events, by its vendor's framing. (Raw streams come as
// server-sent events only: a format that frames otherwise has no API.)
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

  // Moves to the next event that has data. Returns false when more bytes are
  // needed.
  bool Next(std::string_view* name, std::string_view* data) {
    if (framing_ == Framing::kJsonLines) {
      *name = {};
      return lines_.Next(data);
    }
    SseEvent event;
    do {
      if (!events_.Next(&event)) return false;
      *data = event.comment ? BareErrorOf(event) : event.data;
    } while (event.comment && data->empty());
    *name = event.name;
    return true;
  }

  size_t held_bytes() const {
    return events_.held_bytes() + lines_.held_bytes();
  }

 private:
  const Framing framing_;
  SseParser events_;
  JsonLines lines_;
};

// Its views are valid until the cutter moves on.
struct NamedEvent {
  std::string_view name;
  std::string_view data;
};

// A stream whose events are read into neutral ones.
class ParsedStream final : public ProviderStream {
 public:
  ParsedStream(const HttpStreamOptions& options,
               std::unique_ptr<HttpExchange> exchange)
      : faults_(*options.faults),
        caller_credential_(options.caller_credential),
        progress_(*options.progress),
        exchange_(std::move(exchange)),
        held_(*exchange_),
        cutter_(options.dialect->framing(), options.event_bytes_limit),
        silent_bytes_limit_(options.silent_bytes_limit),
        reader_(options.dialect->NewEventReader()) {}

  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override;
  const ResponseFacts& facts() const override { return facts_; }

 private:
  // An answer of more choices is refused.
  static constexpr size_t kChoicesMax = 128;

  // As in RawStream.
  bool TakeSmall(StreamBatch* batch, NamedEvent* large);
  // Ends a piece whose whole events have been read.
  absl::Status Taken(const absl::Status& fed);
  // Called at the end of the bytes: takes an event that lacks only its last
  // line feed or its blank line.
  absl::Status TakeLast(StreamBatch* batch);
  absl::Status Read(std::string_view name, std::string_view data,
                    StreamBatch* batch);
  // Removes from the batch `end` and what follows it; the first `noted` events
  // have been observed already.
  void KeepThoseBefore(const v1::ChoiceEnd& end, size_t noted,
                       StreamBatch* batch);
  // Records what an event says of the answer as a whole.
  void Observe(const v1::GenerateEvent& event, StreamBatch* batch);
  absl::Status WrapFault(const absl::Status& status) const {
    return faults_.WrapFault(status, caller_credential_.Reveal());
  }
  // True if every choice that began has said why it ended.
  bool Finished() const { return begun_.any() && (begun_ & ~ended_).none(); }

  const HttpFaults& faults_;
  const Secret caller_credential_;
  AttemptProgress& progress_;
  std::unique_ptr<HttpExchange> exchange_;
  HeldEvent held_;
  EventCutter cutter_;
  const size_t silent_bytes_limit_;
  std::unique_ptr<EventReader> reader_;
  ResponseFacts facts_;
  std::bitset<kChoicesMax> begun_;
  std::bitset<kChoicesMax> ended_;
  absl::Status failure_;
  bool closed_ = false;  // Set when no more bytes come.
};

Task<absl::StatusOr<bool>> ParsedStream::Next(StreamBatch* batch) {
  batch->Clear();
  size_t silent_bytes = 0;
  while (batch->events.empty()) {
    if (!failure_.ok()) co_return failure_;
    // Bytes of an event that has not come whole do not count: it may yet say
    // something.
    if (silent_bytes > silent_bytes_limit_ + cutter_.held_bytes()) {
      co_return faults_.BadResponse(
          absl::StrCat("more than ", silent_bytes_limit_,
                       " bytes of stream without content"));
    }
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
      silent_bytes += piece.size();
      const absl::Status fed = cutter_.Feed(piece);
      NamedEvent large;
      while (TakeSmall(batch, &large)) {
        failure_ = co_await OffLoop(large.data.size(), [&] {
          return Read(large.name, large.data, batch);
        });
      }
      if (failure_.ok()) failure_ = Taken(fed);
      if (!failure_.ok() || reader_->done()) break;
    }
    facts_.usage = reader_->usage();
  }
  co_return true;
}

bool ParsedStream::TakeSmall(StreamBatch* batch, NamedEvent* large) {
  while (failure_.ok() && !reader_->done() &&
         cutter_.Next(&large->name, &large->data)) {
    if (large->data.size() > kInPlaceBytesMax) return true;
    failure_ = Read(large->name, large->data, batch);
  }
  return false;
}

absl::Status ParsedStream::Taken(const absl::Status& fed) {
  if (!fed.ok()) return faults_.BadResponse(ToStd(fed.message()));
  const absl::Status counted = held_.Count(cutter_.held_bytes());
  return counted.ok() ? counted : faults_.OfTransport(counted, progress_);
}

absl::Status ParsedStream::TakeLast(StreamBatch* batch) {
  // An event that is too long is not whole: it is dropped.
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
  const absl::Status read = ReadBounded(
      data.size(), [&] { return batch->events.memory_bytes(); },
      [&] { return reader_->Read(name, data, &batch->events); },
      AnswerTakesTooMuch);
  if (!read.ok()) return WrapFault(read);
  if (const v1::ChoiceEnd* const end = FindGivenUp(batch->events, before)) {
    const absl::Status fault = faults_.GaveUp(end->provider_finish_reason(),
                                              caller_credential_.Reveal());
    KeepThoseBefore(*end, before, batch);
    return fault;
  }
  bool has_usage = false;
  for (size_t i = before; i < batch->events.size(); ++i) {
    Observe(batch->events[i], batch);
    has_usage = has_usage || batch->events[i].has_usage();
  }
  if (has_usage) facts_.usage_is_final = Finished();
  return absl::OkStatus();
}

void ParsedStream::KeepThoseBefore(const v1::ChoiceEnd& end, size_t noted,
                                   StreamBatch* batch) {
  EventList kept;
  for (const v1::GenerateEvent& event : batch->events) {
    if (event.has_choice_end() && &event.choice_end() == &end) break;
    kept.push_back(event);
    if (kept.size() > noted) Observe(event, batch);
  }
  batch->events = std::move(kept);
}

void ParsedStream::Observe(const v1::GenerateEvent& event, StreamBatch* batch) {
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
