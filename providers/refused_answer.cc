#include "providers/refused_answer.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/async/worker_pool.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/utf8.h"
#include "errors/fault.h"
#include "errors/foreign_words.h"
#include "providers/body_form.h"
#include "providers/bounded_messages.h"
#include "providers/dialects/error_body.h"
#include "providers/dialects/error_reason.h"
#include "providers/dialects/event_text.h"
#include "providers/dialects/json_progress.h"
#include "providers/http_faults.h"
#include "providers/parsed_http_stream.h"
#include "providers/provider.h"
#include "providers/said_output.h"
#include "providers/unasked_answer.h"

namespace gateway {
namespace {

constexpr std::string_view kEventStreamType = "text/event-stream";
constexpr std::string_view kJsonLinesType = "application/x-ndjson";

// More than any model says at once.
constexpr size_t kSaidBytesMax = 512 * 1024;

// Of what is refused its beginning may be shown.
constexpr size_t kBeginBytes = 1024;

// Returns the elements of a list, as far as it is one, as the dialect's streams
// have them.
std::string EventsOf(const Dialect& dialect, std::string_view list) {
  const bool are_lines = dialect.framing() == Framing::kJsonLines;
  std::string events;
  const auto add = [&](JsonValue& element) -> absl::Status {
    if (!element.IsObject()) return absl::OkStatus();
    const absl::StatusOr<std::string_view> raw = element.RawUnchecked();
    if (!raw.ok()) return raw.status();
    if (!are_lines) events += "data: ";
    const size_t begin = events.size();
    events += *raw;
    // Between tokens, and nowhere else.
    std::replace_if(
        events.begin() + static_cast<ptrdiff_t>(begin), events.end(),
        [](char c) { return c == '\n' || c == '\r'; }, ' ');
    events += are_lines ? "\n" : "\n\n";
    return absl::OkStatus();
  };
  ReadJson(list, [&](JsonValue& root) {
    return root.EachElement(add);
  }).IgnoreError();
  return events;
}

// Returns the element of a list that has one alone; empty otherwise.
std::string_view OnlyElementOf(std::string_view list) {
  std::string_view only;
  int elements = 0;
  const auto add = [&](JsonValue& element) -> absl::Status {
    const absl::StatusOr<std::string_view> raw = element.RawUnchecked();
    if (!raw.ok()) return raw.status();
    only = *raw;
    ++elements;
    return absl::OkStatus();
  };
  const absl::Status read =
      ReadJson(list, [&](JsonValue& root) { return root.EachElement(add); });
  // A list in it is no answer, and is not read as one.
  const bool is_answer = elements == 1 && absl::StartsWith(ToAbsl(only), "{");
  return read.ok() && is_answer ? only : std::string_view();
}

// An answer that is read another way than its exchange reads it, whose head it
// has.
class RereadAnswer : public HttpExchange {
 public:
  int status() const override { return exchange_->status(); }
  std::string_view Find(std::string_view lower_name) const override {
    return exchange_->Find(lower_name);
  }
  absl::Span<const HttpField> Fields(FieldViews& views) const override {
    return exchange_->Fields(views);
  }
  void DropBody() override {}

 protected:
  explicit RereadAnswer(std::unique_ptr<HttpExchange> exchange)
      : exchange_(std::move(exchange)) {}

  HttpExchange& exchange() { return *exchange_; }

 private:
  const std::unique_ptr<HttpExchange> exchange_;
};

// An answer whose body has come.
class HeldBody final : public RereadAnswer {
 public:
  // `body` is the exchange's, or was made of it.
  HeldBody(std::unique_ptr<HttpExchange> exchange, std::string_view body)
      : RereadAnswer(std::move(exchange)), body_(body), left_(body) {}

  Task<absl::StatusOr<absl::Span<const std::string_view>>> Read() override {
    // Others have their turn between pieces.
    co_await YieldToLoop();
    piece_ = left_.substr(0, kPieceBytes);
    left_.remove_prefix(piece_.size());
    co_return absl::MakeConstSpan(&piece_, piece_.empty() ? 0 : 1);
  }
  Task<absl::StatusOr<std::string_view>> ReadAll() override { co_return body_; }
  bool Keep(size_t bytes) override {
    return exchange().Keep(body_.size() + bytes);
  }
  void FinishInBackground() override {}

 private:
  static constexpr size_t kPieceBytes = 64 * 1024;

  const std::string_view body_;
  std::string_view left_;
  std::string_view piece_;
};

// An answer of which pieces have been read.
class BegunBody final : public RereadAnswer {
 public:
  // `pieces` are what was read last. Of the body no more than `bytes_limit` is
  // read as a whole, about.
  BegunBody(std::unique_ptr<HttpExchange> exchange,
            absl::Span<const std::string_view> pieces, size_t bytes_limit)
      : RereadAnswer(std::move(exchange)),
        pieces_(pieces),
        bytes_limit_(bytes_limit) {}

  Task<absl::StatusOr<absl::Span<const std::string_view>>> Read() override {
    const absl::Span<const std::string_view> begun =
        std::exchange(pieces_, absl::Span<const std::string_view>());
    if (!begun.empty()) co_return begun;
    co_return co_await exchange().Read();
  }
  Task<absl::StatusOr<std::string_view>> ReadAll() override {
    while (body_.size() < bytes_limit_) {
      const absl::StatusOr<absl::Span<const std::string_view>> pieces =
          co_await Read();
      if (!pieces.ok()) co_return pieces.status();
      if (pieces->empty()) break;
      for (const std::string_view piece : *pieces) body_ += piece;
      if (!exchange().Keep(body_.size())) co_return NoRoomForAnswer();
    }
    co_return body_;
  }
  std::string_view came() const override { return body_; }
  bool Keep(size_t bytes) override {
    return exchange().Keep(body_.size() + bytes);
  }
  void FinishInBackground() override { exchange().FinishInBackground(); }

 private:
  absl::Span<const std::string_view> pieces_;
  const size_t bytes_limit_;
  std::string body_;
};

// Says more than that it is not what was asked for: the provider's own word of
// a failure, or what ended the call.
bool TellsMoreThanForm(const absl::Status& read,
                       const AttemptProgress& progress) {
  return FindForeignWords(read, ForeignWords::kOfProvider).has_value() ||
         progress.http.timed_out || absl::IsCancelled(read) ||
         absl::IsDeadlineExceeded(read) ||
         FaultReason(read) == v1::ERROR_REASON_OVERLOADED;
}

// Reads a stream to its end. Returns a failure that says more than its form.
Task<absl::Status> ReadEvents(const HttpStreamOptions& options,
                              std::unique_ptr<HttpExchange> exchange) {
  AttemptProgress& progress = *options.progress;
  progress.answer = AttemptProgress::Answer::kStream;
  progress.unasked = std::make_unique<UnaskedAnswer>();
  const std::unique_ptr<ProviderStream> stream =
      NewParsedHttpStream(options, std::move(exchange));
  absl::Status read = co_await ReadUnasked(
      *stream, static_cast<int64_t>(options.event_bytes_limit),
      progress.unasked.get());
  if (TellsMoreThanForm(read, progress)) co_return read;
  co_return absl::OkStatus();
}

// Of one tier or another a model costs more or less: half a name is none.
constexpr std::string_view kTierKey = "service_tier";

// Reads of a whole answer what it says of its cost, as far as it came and can
// be read. Returns why it is none; OK if it is one.
absl::Status ReadForCost(const Dialect& dialect, std::string_view body,
                         UnaskedAnswer* unasked) {
  const absl::Status read =
      ReadBoundedResponse(dialect, body, &unasked->response);
  SaidOutput said;
  if (read.ok()) {
    said.Add(unasked->response);
    unasked->output_tokens = said.Tokens();
    unasked->usage_is_final = true;
    return read;
  }
  if (FindForeignWords(read, ForeignWords::kOfProvider).has_value()) {
    return read;
  }
  const JsonPrefix prefix = CompleteJson(body);
  const absl::Status begun =
      ReadBoundedResponse(dialect, prefix.json, &unasked->response);
  if (prefix.cut_key == kTierKey) unasked->response.clear_service_tier();
  said.Add(unasked->response);
  // Where it lacks what its dialect has in each answer, whatever looks like
  // text is.
  const Said told = begun.ok() ? Said() : SaidIn(prefix.json);
  unasked->output_tokens = TokensOfCharacters(
      std::max(said.characters(),
               told.characters + (told.has_sound ? kCharactersOfMedium : 0)));
  if (FindForeignWords(begun, ForeignWords::kOfProvider).has_value()) {
    return begun;
  }
  // A proxy before the provider, or who speaks its dialect beside another, may
  // tell of a failure in a form of its own.
  const ErrorBody error = ReadErrorBody(prefix.json);
  return NameOfForm(error.form).empty() ? read : FaultOfReport(error);
}

// The same of a whole answer.
Task<absl::Status> ReadWhole(const HttpStreamOptions& options,
                             std::string_view body) {
  const HttpFaults& faults = *options.faults;
  AttemptProgress& progress = *options.progress;
  progress.unasked = std::make_unique<UnaskedAnswer>();
  UnaskedAnswer& unasked = *progress.unasked;
  const absl::Status read = co_await OffLoop(body.size(), [&] {
    return ReadForCost(*options.dialect, body, &unasked);
  });
  const std::string_view own = options.caller_credential.Reveal();
  if (FindForeignWords(read, ForeignWords::kOfProvider).has_value()) {
    co_return faults.WrapFault(read, own);
  }
  if (read.ok() && IsGivenUp(unasked.response)) {
    co_return faults.GaveUp(GivenUpWord(unasked.response), own);
  }
  co_return absl::OkStatus();
}

// Nothing could be read of a stream.
bool IsNothing(const UnaskedAnswer& unasked) {
  const v1::Usage& usage = unasked.response.usage();
  return unasked.output_tokens == 0 && usage.input_tokens() == 0 &&
         usage.output_tokens() == 0;
}

// The same of a list: an answer may stand in it as one, or as its events.
Task<absl::Status> ReadList(const HttpStreamOptions& options,
                            std::string_view body,
                            std::unique_ptr<HttpExchange> exchange) {
  const Dialect& dialect = *options.dialect;
  AttemptProgress& progress = *options.progress;
  const std::string_view element =
      co_await OffLoop(body.size(), [&] { return OnlyElementOf(body); });
  if (!element.empty()) {
    progress.answer = AttemptProgress::Answer::kWhole;
    const absl::Status read = co_await ReadWhole(options, element);
    if (!read.ok() || progress.unasked->usage_is_final) co_return read;
  }
  const std::string events = co_await OffLoop(
      body.size(), [&] { return EventsOf(dialect, CompleteJson(body).json); });
  exchange = std::make_unique<HeldBody>(std::move(exchange), events);
  const absl::Status read = co_await ReadEvents(options, std::move(exchange));
  if (IsNothing(*progress.unasked)) {
    progress.answer = AttemptProgress::Answer::kWhole;
    progress.unasked.reset();
  }
  co_return read;
}

// The same of a body that has come, whatever it is. One that is said to be a
// page is one unless it is an answer.
Task<absl::Status> ReadBody(const HttpStreamOptions& options,
                            std::string_view body, bool is_page,
                            std::unique_ptr<HttpExchange> exchange) {
  AttemptProgress& progress = *options.progress;
  switch (FormOf(options.dialect->framing(), body)) {
    case BodyForm::kPage:
      progress.answer = AttemptProgress::Answer::kNone;
      break;
    case BodyForm::kObject:
      progress.answer = AttemptProgress::Answer::kWhole;
      co_return co_await ReadWhole(options, body);
    case BodyForm::kList:
      co_return co_await ReadList(options, body, std::move(exchange));
    case BodyForm::kEvents:
      exchange = std::make_unique<HeldBody>(std::move(exchange), body);
      co_return co_await ReadEvents(options, std::move(exchange));
    case BodyForm::kBlank:
    case BodyForm::kText: {
      if (is_page) break;
      const std::string_view said = body.substr(0, kSaidBytesMax);
      if (!IsUtf8(said)) break;
      progress.unasked = std::make_unique<UnaskedAnswer>();
      progress.unasked->output_tokens =
          TokensOfCharacters(CountCharacters(said));
      break;
    }
  }
  co_return absl::OkStatus();
}

// The same of what is called a stream of the dialect, and may be none.
Task<absl::Status> ReadSoCalledStream(const HttpStreamOptions& options,
                                      std::unique_ptr<HttpExchange> exchange) {
  AttemptProgress& progress = *options.progress;
  progress.answer = AttemptProgress::Answer::kStream;
  const Framing framing = options.dialect->framing();
  const std::string_view* begin = nullptr;
  absl::StatusOr<absl::Span<const std::string_view>> pieces;
  while (begin == nullptr) {
    pieces = co_await exchange->Read();
    if (!pieces.ok() || pieces->empty()) break;
    const auto* const found = std::find_if(
        pieces->begin(), pieces->end(), [framing](std::string_view piece) {
          return FormOf(framing, piece) != BodyForm::kBlank;
        });
    if (found != pieces->end()) begin = found;
  }
  if (begin == nullptr) {
    const absl::Status fault =
        options.faults->OfTransport(pieces.status(), progress);
    co_return TellsMoreThanForm(fault, progress) ? fault : absl::OkStatus();
  }
  const bool is_no_stream = IsNoStream(framing, *begin);
  exchange = std::make_unique<BegunBody>(std::move(exchange), *pieces,
                                         options.event_bytes_limit);
  if (!is_no_stream)
    co_return co_await ReadEvents(options, std::move(exchange));
  progress.answer = AttemptProgress::Answer::kWhole;
  const absl::StatusOr<std::string_view> body = co_await exchange->ReadAll();
  if (!body.ok()) {
    co_return co_await RefuseCut(options, body.status(), /*is_page=*/false,
                                 std::move(exchange));
  }
  co_return co_await ReadBody(options, *body, /*is_page=*/false,
                              std::move(exchange));
}

}  // namespace

std::string_view StreamTypeOf(const Dialect& dialect) {
  return dialect.framing() == Framing::kJsonLines ? kJsonLinesType
                                                  : kEventStreamType;
}

bool HasMediaType(std::string_view content_type, std::string_view media_type) {
  const absl::string_view type = absl::StripAsciiWhitespace(
      ToAbsl(content_type.substr(0, content_type.find(';'))));
  return absl::EqualsIgnoreCase(type, ToAbsl(media_type));
}

bool IsPageType(std::string_view content_type) {
  return HasMediaType(content_type, "text/html") ||
         HasMediaType(content_type, "application/xhtml+xml");
}

bool IsGivenUp(const v1::GenerateResponse& response) {
  return std::any_of(response.choices().begin(), response.choices().end(),
                     [](const v1::Choice& choice) {
                       return choice.finish_reason() == v1::FINISH_REASON_ERROR;
                     });
}

std::string_view GivenUpWord(const v1::GenerateResponse& response) {
  for (const v1::Choice& choice : response.choices()) {
    if (choice.finish_reason() == v1::FINISH_REASON_ERROR) {
      return choice.provider_finish_reason();
    }
  }
  return {};
}

std::string_view WantedStream(const Dialect& dialect) {
  return dialect.framing() == Framing::kJsonLines ? "a stream of JSON"
                                                  : "an event stream";
}

Task<absl::Status> RefuseAnswer(HttpStreamOptions options,
                                std::string_view wanted,
                                std::unique_ptr<HttpExchange> exchange) {
  const HttpFaults& faults = *options.faults;
  AttemptProgress& progress = *options.progress;
  // Fields go with the body.
  const std::string type(exchange->Find("content-type"));
  std::string size;
  std::string begin;
  absl::Status read;
  if (HasMediaType(type, StreamTypeOf(*options.dialect))) {
    read = co_await ReadSoCalledStream(options, std::move(exchange));
    size = absl::StrCat(progress.http.body_bytes);
  } else {
    // Some servers call all of what they say a page.
    const bool is_page = IsPageType(type);
    if (!is_page) progress.answer = AttemptProgress::Answer::kWhole;
    const absl::StatusOr<std::string_view> body = co_await exchange->ReadAll();
    if (!body.ok()) {
      co_return co_await RefuseCut(std::move(options), body.status(), is_page,
                                   std::move(exchange));
    }
    begin = std::string(body->substr(0, kBeginBytes));
    size = absl::StrCat(body->size());
    read = co_await ReadBody(options, *body, is_page, std::move(exchange));
  }
  if (!read.ok()) co_return read;
  co_return faults.NotTheAnswer(wanted, type, begin, size,
                                options.caller_credential.Reveal());
}

Task<absl::Status> RefuseBody(HttpStreamOptions options,
                              std::string_view wanted,
                              std::string_view content_type,
                              std::string_view body,
                              std::unique_ptr<HttpExchange> exchange) {
  const BodyForm form = FormOf(options.dialect->framing(), body);
  const std::string came =
      absl::StrCat(ToAbsl(BodyFormName(form)), " under ", ToAbsl(content_type));
  const std::string size = absl::StrCat(body.size());
  const absl::Status read =
      co_await ReadBody(options, body, /*is_page=*/false, std::move(exchange));
  if (!read.ok()) co_return read;
  co_return options.faults->NotTheAnswer(wanted, came, /*body=*/"", size,
                                         options.caller_credential.Reveal());
}

Task<absl::Status> RefuseUnread(HttpStreamOptions options, absl::Status why,
                                std::string_view body,
                                std::unique_ptr<HttpExchange> exchange) {
  const absl::Status read =
      co_await ReadBody(options, body, /*is_page=*/false, std::move(exchange));
  co_return read.ok()
      ? options.faults->WrapFault(why, options.caller_credential.Reveal())
      : read;
}

Task<absl::Status> RefuseCut(HttpStreamOptions options, absl::Status why,
                             bool is_page,
                             std::unique_ptr<HttpExchange> exchange) {
  const AttemptProgress& progress = *options.progress;
  const absl::Status fault = options.faults->OfTransport(why, progress);
  const std::string_view came = exchange->came();
  // What is read of it takes as much again.
  if (came.empty() || !exchange->Keep(2 * came.size())) co_return fault;
  const absl::Status read =
      co_await ReadBody(options, came, is_page, std::move(exchange));
  co_return TellsMoreThanForm(fault, progress) || read.ok() ? fault : read;
}

Task<absl::Status> RefuseStream(HttpStreamOptions options,
                                absl::Span<const std::string_view> pieces,
                                std::unique_ptr<HttpExchange> exchange) {
  AttemptProgress& progress = *options.progress;
  progress.answer = AttemptProgress::Answer::kWhole;
  exchange = std::make_unique<BegunBody>(std::move(exchange), pieces,
                                         options.event_bytes_limit);
  const absl::StatusOr<std::string_view> body = co_await exchange->ReadAll();
  if (!body.ok()) {
    co_return co_await RefuseCut(std::move(options), body.status(),
                                 /*is_page=*/false, std::move(exchange));
  }
  const std::string_view wanted = WantedStream(*options.dialect);
  const std::string_view type = StreamTypeOf(*options.dialect);
  co_return co_await RefuseBody(std::move(options), wanted, type, *body,
                                std::move(exchange));
}

}  // namespace gateway
