#include "providers/http_provider.h"

#include <bitset>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/sse_parser.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {
namespace {

using Pieces = absl::InlinedVector<std::string_view, 8>;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kEventStream = "text/event-stream";

// The body with its edits, as pieces of the original and of the edits.
Pieces Splice(std::string_view body, absl::Span<const Edit> edits) {
  Pieces pieces;
  size_t at = 0;
  for (const Edit& edit : edits) {
    if (edit.span.offset > at) {
      pieces.push_back(body.substr(at, edit.span.offset - at));
    }
    if (!edit.replacement.empty()) pieces.push_back(edit.replacement);
    at = edit.span.offset + edit.span.length;
  }
  if (at < body.size()) pieces.push_back(body.substr(at));
  return pieces;
}

bool HasMediaType(std::string_view content_type, std::string_view media_type) {
  const absl::string_view type = absl::StripAsciiWhitespace(
      ToAbsl(content_type.substr(0, content_type.find(';'))));
  return absl::EqualsIgnoreCase(type, ToAbsl(media_type));
}

// Puts asterisks in the place of `secret`, wherever it stands. The length
// stays, so that serialized details remain what they are.
std::string BlotOut(std::string_view secret, std::string text) {
  if (secret.empty()) return text;
  for (size_t at = text.find(secret); at != std::string::npos;
       at = text.find(secret, at)) {
    text.replace(at, secret.size(), secret.size(), '*');
  }
  return text;
}

absl::Status BlotOut(std::string_view secret, const absl::Status& status) {
  absl::Status clean(status.code(),
                     BlotOut(secret, std::string(status.message())));
  status.ForEachPayload(
      [&](absl::string_view type_url, const absl::Cord& payload) {
        clean.SetPayload(type_url,
                         absl::Cord(BlotOut(secret, std::string(payload))));
      });
  return clean;
}

}  // namespace

HttpProvider::HttpProvider(Options options) : options_(std::move(options)) {}

Task<absl::Status> HttpProvider::Generate(ProviderCall& call,
                                          ProviderAnswer* answer) const {
  GATEWAY_CO_ASSIGN_OR_RETURN(answer->exchange,
                              co_await Dispatch(call, /*stream=*/false));
  HttpExchange& exchange = *answer->exchange;
  const absl::StatusOr<std::string_view> body = co_await exchange.ReadAll();
  if (!body.ok()) co_return TransportFault(body.status(), *call.progress);
  if (!HasMediaType(exchange.Find("content-type"), kJson)) {
    co_return BadResponse("the answer is not JSON");
  }
  absl::Status read;
  if (call.raw != nullptr) {
    answer->raw = *body;
    read = options_.dialect->ScanResponse(*body, &answer->facts);
  } else {
    read = options_.dialect->ReadResponse(*body, answer->response);
    answer->facts.usage = answer->response->usage();
    answer->facts.has_usage = answer->response->has_usage();
  }
  co_return Blame(read);
}

Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> HttpProvider::Dispatch(
    ProviderCall& call, bool stream) const {
  EditPlan plan;
  std::string written;
  Pieces pieces;
  if (call.raw != nullptr) {
    options_.dialect->PlanEdits(call.raw->scan, call.model, &plan);
    pieces = Splice(call.raw->body, plan.edits);
  } else {
    const WriteRequestOptions options{.model = call.model, .stream = stream};
    GATEWAY_CO_RETURN_IF_ERROR(options_.dialect->WriteRequest(
        *call.request, options, &written, call.warnings));
    pieces.push_back(written);
  }
  co_return co_await Send(call, *options_.generate, pieces, &written);
}

Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> HttpProvider::Send(
    ProviderCall& call, const HttpRequestHead& head,
    absl::Span<const std::string_view> body, std::string* body_memory) const {
  TryProgress& progress = *call.progress;
  const HttpField fields[] = {{"x-request-id", call.request_id}};
  HttpCall http_call;
  http_call.head = &head;
  http_call.extra_fields = fields;
  http_call.body = body;
  http_call.body_memory = body_memory;
  http_call.fresh_connection = call.fresh_connection;
  http_call.cancel = call.cancel;
  http_call.progress = &progress.http;
  progress.dispatched = call.loop->Now();
  absl::StatusOr<std::unique_ptr<HttpExchange>> exchange =
      co_await call.http->Send(http_call);
  if (!exchange.ok()) {
    co_return TransportFault(exchange.status(), progress);
  }
  progress.first_byte = call.loop->Now();
  progress.http_status = (*exchange)->status();
  if (progress.http_status != 200) {
    co_return co_await ReadFailure(**exchange);
  }
  co_return exchange;
}

Task<absl::Status> HttpProvider::ReadFailure(HttpExchange& exchange) const {
  // A body that breaks off still tells more than none.
  const absl::StatusOr<std::string_view> body = co_await exchange.ReadAll();
  HttpFailure failure;
  failure.status = exchange.status();
  failure.body = body.value_or("");
  failure.content_type = exchange.Find("content-type");
  failure.retry_after = exchange.Find("retry-after");
  failure.retry_after_ms = exchange.Find("retry-after-ms");
  co_return Blame(options_.dialect->ReadError(failure));
}

absl::Status HttpProvider::TransportFault(const absl::Status& status,
                                          const TryProgress& progress) const {
  v1::ErrorReason reason = v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
  if (progress.http.timed_out) {
    reason = v1::ERROR_REASON_PROVIDER_TIMEOUT;
  } else if (absl::IsCancelled(status) || absl::IsDeadlineExceeded(status)) {
    return status;  // The caller went away, or its deadline passed.
  } else if (progress.http.answered && !absl::IsUnavailable(status)) {
    reason = v1::ERROR_REASON_PROVIDER_BAD_RESPONSE;
  }
  return Blame(MakeFault(reason, ToStd(status.message())));
}

absl::Status HttpProvider::Blame(const absl::Status& status) const {
  if (status.ok()) return status;
  absl::Status fault = BlotOut(options_.credential.Reveal(),
                               AtPlace(options_.name, status));
  AddFaultMetadata(fault, "provider", options_.name);
  return fault;
}

absl::Status HttpProvider::BadResponse(std::string_view why) const {
  return Blame(MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, why));
}

// Forwards events as they are, and reads along.
class HttpProvider::RawStream final : public ProviderStream {
 public:
  RawStream(const HttpProvider& provider, TryProgress& progress,
            bool stream_usage, std::unique_ptr<HttpExchange> exchange)
      : provider_(provider),
        progress_(progress),
        stream_usage_(stream_usage),
        exchange_(std::move(exchange)),
        parser_(provider.options_.event_bytes_limit),
        tap_(provider.options_.dialect->NewStreamTap()) {}

  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override;
  const ResponseFacts& facts() const override { return tap_->facts(); }

 private:
  absl::Status Take(std::string_view piece, StreamBatch* batch);
  absl::Status Judge(const SseEvent& event, StreamBatch* batch);

  const HttpProvider& provider_;
  TryProgress& progress_;
  const bool stream_usage_;
  std::unique_ptr<HttpExchange> exchange_;
  SseParser parser_;
  std::unique_ptr<StreamTap> tap_;
  absl::Span<const std::string_view> pieces_;
  absl::Status failure_;
  bool ended_ = false;
};

Task<absl::StatusOr<bool>> HttpProvider::RawStream::Next(StreamBatch* batch) {
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
        co_return provider_.TransportFault(read.status(), progress_);
      }
      pieces_ = *read;
      if (pieces_.empty()) {
        co_return provider_.TransportFault(
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

absl::Status HttpProvider::RawStream::Take(std::string_view piece,
                                           StreamBatch* batch) {
  const absl::Status fed = parser_.Feed(piece);
  SseEvent event;
  while (!ended_ && parser_.Next(&event)) {
    GATEWAY_RETURN_IF_ERROR(Judge(event, batch));
  }
  if (!fed.ok()) return provider_.BadResponse(ToStd(fed.message()));
  return absl::OkStatus();
}

absl::Status HttpProvider::RawStream::Judge(const SseEvent& event,
                                            StreamBatch* batch) {
  EventKind kind = EventKind::kIgnorable;
  if (!event.comment) {
    const absl::StatusOr<EventKind> judged =
        tap_->OnEvent(event.name, event.data);
    if (!judged.ok()) return provider_.Blame(judged.status());
    kind = *judged;
  }
  switch (kind) {
    case EventKind::kContent:
      ++batch->content_events;
      break;
    case EventKind::kIgnorable:
      break;
    case EventKind::kUsage:
      if (!stream_usage_) return absl::OkStatus();
      break;
    case EventKind::kError:
      return provider_.Blame(tap_->error());
    case EventKind::kTerminal:
      if (!tap_->finished()) {
        return provider_.BadResponse("the stream ended without a reason");
      }
      ended_ = true;
      break;
  }
  // Neighbours in memory leave as one piece.
  if (!batch->raw.empty()) {
    std::string_view& last = batch->raw.back();
    if (last.data() + last.size() == event.raw.data()) {
      last = {last.data(), last.size() + event.raw.size()};
      return absl::OkStatus();
    }
  }
  batch->raw.push_back(event.raw);
  return absl::OkStatus();
}

// Reads events into neutral ones.
class HttpProvider::ParsedStream final : public ProviderStream {
 public:
  ParsedStream(const HttpProvider& provider, TryProgress& progress,
               std::unique_ptr<HttpExchange> exchange)
      : provider_(provider),
        progress_(progress),
        exchange_(std::move(exchange)),
        parser_(provider.options_.event_bytes_limit),
        reader_(provider.options_.dialect->NewEventReader()) {}

  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override;
  const ResponseFacts& facts() const override { return facts_; }

 private:
  // More choices are not to be believed.
  static constexpr size_t kChoicesMax = 128;

  absl::Status Take(std::string_view piece, StreamBatch* batch);
  // Takes note of what an event says of the answer as a whole.
  void Note(const v1::GenerateEvent& event, StreamBatch* batch);
  // Every choice that began has said why it ended.
  bool Finished() const { return begun_.any() && (begun_ & ~ended_).none(); }

  const HttpProvider& provider_;
  TryProgress& progress_;
  std::unique_ptr<HttpExchange> exchange_;
  SseParser parser_;
  std::unique_ptr<EventReader> reader_;
  ResponseFacts facts_;
  std::bitset<kChoicesMax> begun_;
  std::bitset<kChoicesMax> ended_;
  absl::Status failure_;
};

Task<absl::StatusOr<bool>> HttpProvider::ParsedStream::Next(
    StreamBatch* batch) {
  batch->Clear();
  while (batch->events.empty()) {
    if (!failure_.ok()) co_return failure_;
    if (reader_->done()) {
      if (!Finished()) {
        co_return provider_.BadResponse("the stream ended without a reason");
      }
      exchange_->FinishInBackground();
      co_return false;
    }
    const absl::StatusOr<absl::Span<const std::string_view>> pieces =
        co_await exchange_->Read();
    if (!pieces.ok()) {
      co_return provider_.TransportFault(pieces.status(), progress_);
    }
    if (pieces->empty()) {
      co_return provider_.TransportFault(
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

absl::Status HttpProvider::ParsedStream::Take(std::string_view piece,
                                              StreamBatch* batch) {
  const absl::Status fed = parser_.Feed(piece);
  SseEvent event;
  while (!reader_->done() && parser_.Next(&event)) {
    if (event.comment) continue;
    const size_t before = batch->events.size();
    const absl::Status read =
        reader_->Read(event.name, event.data, &batch->events);
    if (!read.ok()) return provider_.Blame(read);
    for (size_t i = before; i < batch->events.size(); ++i) {
      Note(batch->events[i], batch);
    }
  }
  if (!fed.ok()) return provider_.BadResponse(ToStd(fed.message()));
  return absl::OkStatus();
}

void HttpProvider::ParsedStream::Note(const v1::GenerateEvent& event,
                                      StreamBatch* batch) {
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

Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> HttpProvider::Stream(
    ProviderCall& call) const {
  GATEWAY_CO_ASSIGN_OR_RETURN(std::unique_ptr<HttpExchange> exchange,
                              co_await Dispatch(call, /*stream=*/true));
  if (!HasMediaType(exchange->Find("content-type"), kEventStream)) {
    co_return BadResponse("the answer is not an event stream");
  }
  std::unique_ptr<ProviderStream> stream;
  if (call.raw != nullptr) {
    stream = std::make_unique<RawStream>(*this, *call.progress,
                                         call.raw->scan.stream_usage,
                                         std::move(exchange));
  } else {
    stream = std::make_unique<ParsedStream>(*this, *call.progress,
                                            std::move(exchange));
  }
  co_return stream;
}

Task<absl::StatusOr<int64_t>> HttpProvider::CountTokens(
    ProviderCall& call) const {
  if (options_.count_tokens == nullptr) {
    co_return MakeFault(
        v1::ERROR_REASON_UNIMPLEMENTED,
        absl::StrCat(options_.name, ": this provider does not count tokens"));
  }
  GATEWAY_CO_ASSIGN_OR_RETURN(const std::string request,
                              WriteCountRequest(call));
  const std::string_view pieces[] = {request};
  GATEWAY_CO_ASSIGN_OR_RETURN(
      const std::unique_ptr<HttpExchange> exchange,
      co_await Send(call, *options_.count_tokens, pieces, nullptr));
  const absl::StatusOr<std::string_view> body = co_await exchange->ReadAll();
  if (!body.ok()) co_return TransportFault(body.status(), *call.progress);
  const absl::StatusOr<int64_t> count = ReadCount(*body);
  if (!count.ok()) co_return Blame(count.status());
  co_return *count;
}

absl::StatusOr<std::string> HttpProvider::WriteCountRequest(
    const ProviderCall&) const {
  return absl::UnimplementedError("the vendor does not count tokens");
}

absl::StatusOr<int64_t> HttpProvider::ReadCount(std::string_view) const {
  return absl::UnimplementedError("the vendor does not count tokens");
}

}  // namespace gateway
