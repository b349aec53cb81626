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
#include "errors/fault.h"
#include "errors/foreign_words.h"
#include "providers/bounded_messages.h"
#include "providers/http_faults.h"
#include "providers/parsed_http_stream.h"
#include "providers/provider.h"
#include "providers/unasked_answer.h"

namespace gateway {
namespace {

constexpr std::string_view kEventStreamType = "text/event-stream";
constexpr std::string_view kJsonLinesType = "application/x-ndjson";

// More than any model says at once.
constexpr size_t kSaidBytesMax = 512 * 1024;

// Of what is refused its beginning may be shown.
constexpr size_t kBeginBytes = 1024;

// How pages begin.
constexpr std::string_view kPageBegins[] = {"<!doctype", "<html", "<head",
                                            "<body", "<?xml"};

// What a body turns out to be.
enum class BodyForm {
  kPage,    // For people.
  kWhole,   // An answer in JSON.
  kList,    // The events of a stream, in a list.
  kEvents,  // The events of a stream.
  kText,    // Anything else.
};

BodyForm FormOf(const Dialect& dialect, std::string_view body) {
  const size_t begin = body.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return BodyForm::kText;
  const std::string_view text = body.substr(begin);
  for (const std::string_view page : kPageBegins) {
    if (absl::StartsWithIgnoreCase(ToAbsl(text), ToAbsl(page))) {
      return BodyForm::kPage;
    }
  }
  switch (text.front()) {
    case '[':
      return BodyForm::kList;
    case '{': {
      // With another object behind it.
      const bool has_lines = dialect.framing() == Framing::kJsonLines &&
                             text.find("}\n{") != std::string_view::npos;
      return has_lines ? BodyForm::kEvents : BodyForm::kWhole;
    }
    default:
      return text.starts_with("data:") || text.starts_with("event:")
                 ? BodyForm::kEvents
                 : BodyForm::kText;
  }
}

// Returns the elements of a list, as far as it is one, as the dialect's streams
// have them.
std::string EventsOf(const Dialect& dialect, std::string_view list) {
  const bool are_lines = dialect.framing() == Framing::kJsonLines;
  std::string events;
  const auto add = [&](JsonValue& element) -> absl::Status {
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

// An answer whose body has come.
class HeldBody final : public HttpExchange {
 public:
  // `body` is the exchange's, or was made of it.
  HeldBody(std::unique_ptr<HttpExchange> exchange, std::string_view body)
      : exchange_(std::move(exchange)), body_(body), left_(body) {}

  int status() const override { return exchange_->status(); }
  std::string_view Find(std::string_view lower_name) const override {
    return exchange_->Find(lower_name);
  }
  absl::Span<const HttpField> Fields(FieldViews& views) const override {
    return exchange_->Fields(views);
  }
  Task<absl::StatusOr<absl::Span<const std::string_view>>> Read() override {
    // Others have their turn between pieces.
    co_await YieldToLoop();
    piece_ = left_.substr(0, kPieceBytes);
    left_.remove_prefix(piece_.size());
    co_return absl::MakeConstSpan(&piece_, piece_.empty() ? 0 : 1);
  }
  Task<absl::StatusOr<std::string_view>> ReadAll() override { co_return body_; }
  void DropBody() override {}
  bool Keep(size_t bytes) override {
    return exchange_->Keep(body_.size() + bytes);
  }
  void FinishInBackground() override {}

 private:
  static constexpr size_t kPieceBytes = 64 * 1024;

  const std::unique_ptr<HttpExchange> exchange_;
  const std::string_view body_;
  std::string_view left_;
  std::string_view piece_;
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
  absl::Status read = co_await ReadUnasked(*stream, options.event_bytes_limit,
                                           progress.unasked.get());
  if (TellsMoreThanForm(read, progress)) co_return read;
  co_return absl::OkStatus();
}

// The same of a whole answer.
Task<absl::Status> ReadWhole(const HttpStreamOptions& options,
                             std::string_view body) {
  const HttpFaults& faults = *options.faults;
  AttemptProgress& progress = *options.progress;
  progress.unasked = std::make_unique<UnaskedAnswer>();
  UnaskedAnswer& unasked = *progress.unasked;
  const absl::Status read = co_await OffLoop(body.size(), [&] {
    return ReadBoundedResponse(*options.dialect, body, &unasked.response);
  });
  unasked.usage_is_final = read.ok();
  const std::string_view own = options.caller_credential.Reveal();
  if (FindForeignWords(read, ForeignWords::kOfProvider).has_value()) {
    co_return faults.WrapFault(read, own);
  }
  if (read.ok() && IsGivenUp(unasked.response)) {
    co_return faults.GaveUp(GivenUpWord(unasked.response), own);
  }
  co_return absl::OkStatus();
}

// The same of a body that has come, whatever it is. One that is said to be a
// page is one unless it is an answer.
Task<absl::Status> ReadBody(const HttpStreamOptions& options,
                            std::string_view body, bool is_page,
                            std::unique_ptr<HttpExchange> exchange) {
  const Dialect& dialect = *options.dialect;
  AttemptProgress& progress = *options.progress;
  switch (FormOf(dialect, body)) {
    case BodyForm::kPage:
      progress.answer = AttemptProgress::Answer::kNone;
      break;
    case BodyForm::kWhole:
      progress.answer = AttemptProgress::Answer::kWhole;
      co_return co_await ReadWhole(options, body);
    case BodyForm::kList: {
      const std::string events = co_await OffLoop(
          body.size(), [&] { return EventsOf(dialect, body); });
      exchange = std::make_unique<HeldBody>(std::move(exchange), events);
      co_return co_await ReadEvents(options, std::move(exchange));
    }
    case BodyForm::kEvents:
      exchange = std::make_unique<HeldBody>(std::move(exchange), body);
      co_return co_await ReadEvents(options, std::move(exchange));
    case BodyForm::kText: {
      if (is_page) break;
      const std::string_view said = body.substr(0, kSaidBytesMax);
      if (!IsUtf8(said)) break;
      progress.unasked = std::make_unique<UnaskedAnswer>();
      progress.unasked->response.add_choices()
          ->mutable_message()
          ->add_parts()
          ->set_text(std::string(said));
      break;
    }
  }
  co_return absl::OkStatus();
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
    read = co_await ReadEvents(options, std::move(exchange));
    size = absl::StrCat(progress.http.body_bytes);
  } else {
    // Some servers call all of what they say a page.
    const bool is_page = IsPageType(type);
    if (!is_page) progress.answer = AttemptProgress::Answer::kWhole;
    const absl::StatusOr<std::string_view> body = co_await exchange->ReadAll();
    if (!body.ok()) co_return faults.OfTransport(body.status(), progress);
    begin = std::string(body->substr(0, kBeginBytes));
    size = absl::StrCat(body->size());
    read = co_await ReadBody(options, *body, is_page, std::move(exchange));
  }
  if (!read.ok()) co_return read;
  co_return faults.NotTheAnswer(wanted, type, begin, size,
                                options.caller_credential.Reveal());
}

}  // namespace gateway
