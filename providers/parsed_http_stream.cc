#include "providers/parsed_http_stream.h"

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/async/task.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "providers/dialects/bounded_reading.h"
#include "providers/dialects/told_usage.h"
#include "providers/said_output.h"

namespace gateway {
namespace {

// Whether a model has made output for it: more than a signature, or a place
// where text begins.
bool SaysMore(const v1::Delta& delta) {
  switch (delta.piece_case()) {
    case v1::Delta::kText:
      return !delta.text().empty();
    case v1::Delta::kRefusal:
      return !delta.refusal().empty();
    case v1::Delta::kReasoning:
      return !delta.reasoning().empty();
    case v1::Delta::kToolCall:
      return !delta.tool_call().name().empty() ||
             !delta.tool_call().arguments().empty();
    case v1::Delta::kAudio:
      return !delta.audio().data().empty() ||
             !delta.audio().transcript().empty();
    case v1::Delta::kRedactedReasoning:
    case v1::Delta::kOpaque:
    case v1::Delta::kImage:
      return true;
    case v1::Delta::kReasoningSignature:
    case v1::Delta::PIECE_NOT_SET:
      break;
  }
  return false;
}

class ParsedHttpStream final : public HttpStream {
 public:
  ParsedHttpStream(const HttpStreamOptions& options,
                   std::unique_ptr<HttpExchange> exchange)
      : HttpStream(options, std::move(exchange)),
        reader_(options.dialect->NewEventReader()) {}

  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override;
  const ResponseFacts& facts() const override { return facts_; }
  int64_t SaidTokens() const override {
    return with_cut_.has_value() ? with_cut_->Tokens() - said_.Tokens() : 0;
  }

 private:
  // An answer of more choices is refused.
  static constexpr size_t kChoicesMax = 128;

  absl::Status Take(const StreamEvent& event, StreamBatch* batch) override;
  bool ended() const override { return reader_->done(); }
  void AddCut(const std::string& json) override;
  // Removes from the batch `end` and what follows it; the first `observed`
  // events have been observed already.
  void KeepThoseBefore(const v1::ChoiceEnd& end, size_t observed,
                       StreamBatch* batch);
  // Records what the events from `first` on say of the answer as a whole.
  void ObserveFrom(size_t first, StreamBatch* batch);
  void Observe(const v1::GenerateEvent& event, StreamBatch* batch);
  // Takes what the reader says of the cost of the answer so far.
  void TakeCost() {
    facts_.usage = reader_->usage();
    facts_.service_tier = reader_->service_tier();
  }
  // True if every choice that began has said why it ended.
  bool Finished() const { return begun_.any() && (begun_ & ~ended_).none(); }

  std::unique_ptr<EventReader> reader_;
  ResponseFacts facts_;
  ToldOutput told_;
  SaidOutput said_;  // By the events that were read.
  // With what is cut off; of all that is said a part of a token counts once.
  std::optional<SaidOutput> with_cut_;
  std::bitset<kChoicesMax> begun_;
  std::bitset<kChoicesMax> ended_;
};

Task<absl::StatusOr<bool>> ParsedHttpStream::Next(StreamBatch* batch) {
  batch->Clear();
  size_t silent_bytes = 0;
  while (batch->events.empty()) {
    if (!failure_.ok()) co_return failure_;
    // Bytes of an event that has not come whole do not count: it may yet say
    // something.
    if (silent_bytes > options_.silent_bytes_limit + cutter_.held_bytes()) {
      co_return faults_.BadResponse(
          absl::StrCat("more than ", options_.silent_bytes_limit,
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
      if (EndedWith(pieces.status(), reader_->CompleteAtClose())) {
        co_return false;
      }
      co_await AddWhatIsLeft();
      co_return OfTransport(pieces.status());
    }
    if (IsOtherForm(*pieces)) co_return co_await Refuse(*pieces);
    if (pieces->empty() && !closed_) {
      closed_ = true;
      const size_t left = bytes_left();
      co_await OffLoop(left, [&] {
        TakeLast(batch);
        if (left > kInPlaceBytesMax) {
          batch->held_bytes = batch->events.held_bytes();
        }
        return true;
      });
      TakeCost();
      continue;
    }
    if (pieces->empty() && reader_->CompleteAtClose()) co_return false;
    if (pieces->empty()) co_return BrokenOff();
    for (const std::string_view piece : *pieces) {
      silent_bytes += piece.size();
      BeginPiece(piece);
      while (const size_t bytes = TakeSmall(batch)) {
        co_await OffLoop(bytes, [&] {
          TakeLarge(batch);
          // What was made of it is all that is needed.
          cutter_.GiveBack();
          batch->held_bytes = batch->events.held_bytes();
          return true;
        });
      }
      EndPiece();
      if (!failure_.ok() || reader_->done()) break;
    }
    TakeCost();
  }
  co_return true;
}

absl::Status ParsedHttpStream::Take(const StreamEvent& event,
                                    StreamBatch* batch) {
  if (!event.has_data) return absl::OkStatus();
  const size_t before = batch->events.size();
  const absl::Status read = ReadBounded(
      event.data.size(), [&] { return batch->events.memory_bytes(); },
      [&] { return reader_->Read(event.name, event.data, &batch->events); },
      AnswerTakesTooMuch);
  if (!read.ok()) {
    // What came before what cannot be read stands.
    ObserveFrom(before, batch);
    return WrapFault(read);
  }
  bool says_nothing = true;
  for (size_t i = before; i < batch->events.size(); ++i) {
    says_nothing = says_nothing && batch->events[i].has_started();
  }
  if (says_nothing) GATEWAY_RETURN_IF_ERROR(FailureToldBy(event));
  if (const v1::ChoiceEnd* const end = FindGivenUp(batch->events, before)) {
    const absl::Status fault = GaveUp(end);
    facts_.finish_reason = v1::FINISH_REASON_ERROR;
    KeepThoseBefore(*end, before, batch);
    return fault;
  }
  ObserveFrom(before, batch);
  return absl::OkStatus();
}

void ParsedHttpStream::ObserveFrom(size_t first, StreamBatch* batch) {
  bool has_output = false;
  for (size_t i = first; i < batch->events.size(); ++i) {
    Observe(batch->events[i], batch);
    has_output = has_output || SaysMore(batch->events[i].delta());
  }
  told_.Take({.has_output = has_output,
              .is_told = reader_->told_output(),
              .has_ended = Finished()});
  facts_.usage_is_final =
      reader_->usage_is_final() || (told_.counts_all() && Finished());
}

void ParsedHttpStream::KeepThoseBefore(const v1::ChoiceEnd& end,
                                       size_t observed, StreamBatch* batch) {
  EventList kept;
  for (const v1::GenerateEvent& event : batch->events) {
    if (event.has_choice_end() && &event.choice_end() == &end) break;
    kept.push_back(event);
    if (kept.size() > observed) Observe(event, batch);
  }
  batch->events = std::move(kept);
}

void ParsedHttpStream::AddCut(const std::string& json) {
  if (!with_cut_.has_value()) with_cut_ = said_;
  v1::GenerateEvent event;
  event.mutable_delta()->mutable_opaque()->set_json(json);
  with_cut_->Add(event);
}

void ParsedHttpStream::Observe(const v1::GenerateEvent& event,
                               StreamBatch* batch) {
  said_.Add(event);
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

std::unique_ptr<ProviderStream> NewParsedHttpStream(
    const HttpStreamOptions& options, std::unique_ptr<HttpExchange> exchange) {
  return std::make_unique<ParsedHttpStream>(options, std::move(exchange));
}

}  // namespace gateway
