#include "base/http/http1_client.h"

#include <sys/uio.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "base/http/http1_body_writer.h"
#include "base/http/http1_codec.h"
#include "base/http/http1_pool.h"
#include "base/http/http_dial.h"
#include "base/http/http_timeout.h"
#include "base/http/input_buffer.h"
#include "base/memory/byte_budget.h"
#include "base/net/stream.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// How long, and by how many bytes, an answer may go on after
// FinishInBackground; then its connection is closed.
constexpr absl::Duration kDrainTimeout = absl::Seconds(1);
constexpr size_t kDrainBytesMax = 64 * 1024;

}  // namespace

class Http1Client::Exchange final : public HttpExchange,
                                    public Http1BodySink,
                                    private Stream::Observer {
 public:
  Exchange(Http1Client& client, Http1Pool& pool, const HttpCall& call)
      : client_(client),
        pool_(pool),
        destination_(*call.head->destination()),
        progress_(call.progress != nullptr ? *call.progress : own_progress_),
        first_byte_limit_(call.first_byte_timeout > absl::ZeroDuration()
                              ? HttpTimeLimit::kCallFirstByte
                              : HttpTimeLimit::kFirstByte),
        first_byte_timeout_(call.first_byte_timeout > absl::ZeroDuration()
                                ? call.first_byte_timeout
                                : destination_.timeouts.first_byte),
        due_(client.loop_.Now() + destination_.timeouts.total),
        timer_([this] { OnTimeout(); }),
        on_cancel_(*call.cancel,
                   [this, cancel = call.cancel] { Fail(cancel->status()); }) {
    ++client_.stats_.active;
  }
  ~Exchange() override {
    client_.EndExchange();
    if (connection_ == nullptr) return;
    const Http1Parser& parser = connection_->parser;
    if (failure_.ok() && !cut_short_ && parser.done() && parser.keep_alive()) {
      pool_.GiveBack(std::move(connection_));
    }
  }

  // Returns `self`, which is this exchange, once the answer's head is there.
  Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> Begin(
      std::unique_ptr<HttpExchange> self, const HttpCall& call);

  int status() const override { return connection_->parser.status(); }
  std::string_view Find(std::string_view lower_name) const override {
    return connection_->parser.Find(lower_name);
  }
  absl::Span<const HttpField> Fields(FieldViews&) const override {
    return connection_->parser.fields();
  }
  Task<absl::StatusOr<absl::Span<const std::string_view>>> Read() override;
  Task<absl::StatusOr<std::string_view>> ReadAll() override;
  std::string_view came() const override { return body_.bytes(); }
  void DropBody() override { body_.Clear(); }
  bool Keep(size_t bytes) override { return body_charge_.Resize(bytes); }
  void FinishInBackground() override;

  void OnBody(std::string_view piece) override;

 private:
  // Reads the rest of an answer and gives the connection back; the connection
  // is owned by this coroutine alone by then.
  static Task<void> DrainThenGiveBack(
      Http1Client& client, Http1Pool& pool,
      std::unique_ptr<Http1Pool::Connection> connection);

  Task<absl::Status> Connect();
  Task<absl::Status> Write(const HttpCall& call);
  // Goes on with what was not written at once, or is still to be taken of the
  // source (null if there is none), until the server has it or answers.
  Task<absl::Status> WriteOn(Http1BodyWriter& writer, BodySource* source);
  // As WriteOn: whenever source or stream have more to say.
  Task<absl::Status> WriteAsItComes(Http1BodyWriter& writer, bool has_source);
  Task<absl::Status> ReadHead();
  // Reads what has come of the head, without waiting. Returns true once the
  // head is whole.
  absl::StatusOr<bool> TryReadHead();
  // Parses what the input has of the head. Returns true once the head is whole.
  absl::StatusOr<bool> ParseHead();
  // Waits for input and reads it. Returns OK without any only where the body
  // ends with the connection.
  Task<absl::Status> ReadIntoInput(bool in_place);
  // Reads without waiting. Returns false if there is nothing to read now.
  absl::StatusOr<bool> TryReadIntoInput(bool in_place);

  // Called while WriteOn waits: stream and answer are looked at again.
  void OnUnawaited(bool) override { wake_up_.Set(); }
  void OnWritable() override { wake_up_.Set(); }

  void OnTimeout();
  void Fail(absl::Status why);
  void Await(HttpTimeLimit limit, absl::Duration timeout,
             std::string_view what) {
    limit_ = limit;
    timeout_ = timeout;
    awaited_ = what;
    client_.loop_.timers().Arm(
        timer_, std::min(client_.loop_.Now() + timeout, due_));
  }
  // Returns our own reason to give up, if there is one, in place of the
  // socket's error, which follows from it.
  absl::Status Explain(const absl::Status& status) const {
    return failure_.ok() ? status : failure_;
  }

  Http1Client& client_;
  Http1Pool& pool_;
  const HttpDestination& destination_;
  HttpProgress own_progress_;
  HttpProgress& progress_;
  const HttpTimeLimit first_byte_limit_;
  const absl::Duration first_byte_timeout_;
  // Steady time by which the whole exchange must be over.
  const absl::Duration due_;
  std::unique_ptr<Http1Pool::Connection> connection_;
  HttpDial* dial_ = nullptr;  // Set while the connection is being opened.
  absl::Status failure_;
  std::string_view awaited_;
  HttpTimeLimit limit_ = HttpTimeLimit::kTotal;
  absl::Duration timeout_;  // What that is.
  WakeUp wake_up_;
  Timer timer_;
  // Declared behind all that failing touches, since it may fire at once.
  CancelListener on_cancel_;
  absl::InlinedVector<std::string_view, 4> pieces_;
  bool head_request_ = false;
  bool source_begun_ = false;
  // The server answered, rightly or not, before the request was sent whole.
  bool cut_short_ = false;
  int interim_answers_ = 0;
  InputBuffer head_memory_{client_.loop_.blocks()};
  BodyAssembler body_;
  ByteBudget::Share kept_{client_.loop_.answer_bytes()};
  ByteBudget::Charge body_charge_{kept_};
};

Task<absl::StatusOr<std::unique_ptr<HttpExchange>>>
Http1Client::Exchange::Begin(std::unique_ptr<HttpExchange> self,
                             const HttpCall& call) {
  GATEWAY_CO_RETURN_IF_ERROR(failure_);
  connection_ = pool_.Take();
  // A new one takes the place of the one that it would have had: calls that
  // fail again and again leave no more behind than others.
  if (call.fresh_connection) connection_.reset();
  if (connection_ == nullptr) {
    GATEWAY_CO_RETURN_IF_ERROR(co_await Connect());
  }
  progress_.reused_connection = connection_->reused;
  const absl::Duration begun = client_.loop_.Now();
  Await(first_byte_limit_, first_byte_timeout_,
        "the server to take the request");
  head_request_ = call.head->method() == "HEAD";
  if (head_request_) connection_->parser.SkipBody();
  const absl::Status written = co_await Write(call);
  progress_.sent = written.ok() && !cut_short_;
  if (call.body_memory != nullptr) std::string().swap(*call.body_memory);
  if (failure_.ok()) {
    Await(first_byte_limit_, first_byte_timeout_, "a first byte of the answer");
  }
  // The answer is read even if writing failed: a server may answer, and close,
  // before it has read all of the request.
  absl::Status read = written;
  if (!cut_short_) read = co_await ReadHead();
  timer_.Disarm();
  if (read.ok()) co_return std::move(self);
  const bool broken = absl::IsUnavailable(read) || absl::IsCancelled(read);
  progress_.not_processed =
      connection_->reused && !progress_.answered && broken && failure_.ok() &&
      !source_begun_ &&
      client_.loop_.Now() - begun < destination_.stale_break_max;
  co_return Explain(written.ok() ? read : written);
}

Task<absl::Status> Http1Client::Exchange::Connect() {
  Await(HttpTimeLimit::kConnect, destination_.timeouts.connect, "a connection");
  HttpDial dial(client_.names_, destination_);
  dial_ = &dial;
  absl::StatusOr<std::unique_ptr<Stream>> stream = co_await dial.Connect();
  dial_ = nullptr;
  timer_.Disarm();
  GATEWAY_CO_RETURN_IF_ERROR(stream.status());
  if ((*stream)->alpn() == "h2") {
    if (client_.on_http2_ == nullptr) {
      co_return absl::UnavailableError("the server speaks HTTP/2 only");
    }
    client_.on_http2_(pool_.destination(), *std::move(stream));
    co_return absl::FailedPreconditionError("the server chose HTTP/2");
  }
  connection_ = pool_.NewConnection(*std::move(stream));
  co_return absl::OkStatus();
}

Task<absl::Status> Http1Client::Exchange::Write(const HttpCall& call) {
  size_t length = 0;
  for (std::string_view piece : call.body) length += piece.size();
  std::string& fields = connection_->text;
  fields.clear();
  AppendFields(call.extra_fields, &fields);
  if (call.source != nullptr) {
    AppendBodyFraming(call.source->length(), &fields);
  } else if (length > 0 || call.head->method() != "GET") {
    AppendBodyFraming(length, &fields);
  }
  fields += "\r\n";
  absl::InlinedVector<iovec, 8> pieces;
  std::string line;
  if (call.path.empty()) {
    pieces.push_back(ToIovec(call.head->RevealHttp1()));
  } else {
    line = absl::StrCat(ToAbsl(call.head->method()), " ", ToAbsl(call.path),
                        " HTTP/1.1\r\n");
    pieces.push_back(ToIovec(line));
    pieces.push_back(ToIovec(call.head->RevealHttp1Fields()));
  }
  pieces.push_back(ToIovec(fields));
  for (std::string_view piece : call.body) pieces.push_back(ToIovec(piece));
  Http1BodyWriter writer(*connection_->stream, absl::MakeSpan(pieces),
                         call.source);
  if (call.source == nullptr) {
    // Most requests are taken at once.
    GATEWAY_CO_ASSIGN_OR_RETURN(const Http1BodyWriter::State state,
                                writer.Advance());
    if (state == Http1BodyWriter::State::kSent) co_return absl::OkStatus();
  }
  co_return co_await WriteOn(writer, call.source);
}

Task<absl::Status> Http1Client::Exchange::WriteOn(Http1BodyWriter& writer,
                                                  BodySource* source) {
  if (source != nullptr) source->SetWakeUp(&wake_up_);
  connection_->stream->SetObserver(this);
  absl::Status written = co_await WriteAsItComes(writer, source != nullptr);
  connection_->stream->SetObserver(nullptr);
  if (source != nullptr) source->SetWakeUp(nullptr);
  source_begun_ = writer.begun();
  if (!writer.source_failed()) co_return written;
  // A FAILED_PRECONDITION of the source would make NegotiatingHttpClient send
  // the request again.
  if (absl::IsFailedPrecondition(written)) {
    written = absl::InternalError(written.message());
  }
  Fail(written);
  co_return written;
}

Task<absl::Status> Http1Client::Exchange::WriteAsItComes(
    Http1BodyWriter& writer, bool has_source) {
  std::optional<Http1BodyWriter::State> before;
  uint64_t written_before = 0;
  for (;;) {
    GATEWAY_CO_RETURN_IF_ERROR(failure_);
    const absl::StatusOr<bool> answered = TryReadHead();
    cut_short_ = !answered.ok() || *answered;
    if (cut_short_) co_return answered.status();
    GATEWAY_CO_ASSIGN_OR_RETURN(const Http1BodyWriter::State state,
                                writer.Advance());
    if (state == Http1BodyWriter::State::kSent) co_return absl::OkStatus();
    const uint64_t written = connection_->stream->bytes_written();
    if (state == Http1BodyWriter::State::kAwaitsSource) {
      Await(HttpTimeLimit::kTotal, absl::InfiniteDuration(),
            "the rest of the request");
    } else if (has_source && (before != state || written != written_before)) {
      Await(first_byte_limit_, first_byte_timeout_,
            "the server to take the request");
    }
    before = state;
    written_before = written;
    co_await wake_up_.Wait();
  }
}

Task<absl::Status> Http1Client::Exchange::ReadHead() {
  for (;;) {
    GATEWAY_CO_ASSIGN_OR_RETURN(const bool whole, ParseHead());
    if (whole) co_return absl::OkStatus();
    GATEWAY_CO_RETURN_IF_ERROR(co_await ReadIntoInput(/*in_place=*/false));
    progress_.answered = true;
  }
}

absl::StatusOr<bool> Http1Client::Exchange::TryReadHead() {
  while (connection_->stream->readable()) {
    GATEWAY_ASSIGN_OR_RETURN(const bool read,
                             TryReadIntoInput(/*in_place=*/false));
    if (!read) break;
    progress_.answered = true;
    GATEWAY_ASSIGN_OR_RETURN(const bool whole, ParseHead());
    if (whole) return true;
  }
  connection_->input.Release();
  return false;
}

absl::StatusOr<bool> Http1Client::Exchange::ParseHead() {
  Http1Parser& parser = connection_->parser;
  InputBuffer& input = connection_->input;
  // The answer came before the request's end.
  if (parser.head_done()) return true;
  while (!input.bytes().empty()) {
    const absl::StatusOr<size_t> used = parser.Put(input.bytes(), *this);
    if (!used.ok()) return ExplainBadAnswer(used.status());
    input.Consume(*used);
    if (!parser.head_done()) {
      if (input.bytes().size() == input.capacity()) {
        input.Grow(
            std::min(2 * input.capacity(), Http1Pool::kHeadBytesMax + 1));
      }
      return false;
    }
    if (parser.status() >= 200) return true;
    if (parser.status() == 101) {
      return absl::InternalError("the server switched protocols");
    }
    if (++interim_answers_ > kInterimAnswersMax) {
      return absl::InternalError(
          "the server sends interim answers without end");
    }
    parser.Next();
    if (head_request_) parser.SkipBody();
  }
  return false;
}

Task<absl::Status> Http1Client::Exchange::ReadIntoInput(bool in_place) {
  for (;;) {
    // While it waits, the connection holds no block if it can be avoided.
    if (!in_place) connection_->input.Release();
    co_await connection_->stream->Readable();
    GATEWAY_CO_RETURN_IF_ERROR(failure_);
    GATEWAY_CO_ASSIGN_OR_RETURN(const bool read, TryReadIntoInput(in_place));
    if (read) co_return absl::OkStatus();
  }
}

absl::StatusOr<bool> Http1Client::Exchange::TryReadIntoInput(bool in_place) {
  InputBuffer& input = connection_->input;
  Stream& stream = *connection_->stream;
  const absl::Span<char> space =
      in_place ? input.SpaceInPlace() : input.Space();
  if (space.empty()) {
    return absl::InternalError("a chunk's head is too long");
  }
  const IoResult got = stream.TryRead(space.data(), space.size());
  switch (got.kind) {
    case IoResult::Kind::kBytes:
      input.Commit(got.bytes);
      return true;
    case IoResult::Kind::kError:
      return stream.error();
    case IoResult::Kind::kEnd:
      if (!connection_->parser.head_done()) {
        return absl::UnavailableError(
            "the server closed the connection without an answer");
      }
      GATEWAY_RETURN_IF_ERROR(connection_->parser.PutEnd());
      return true;
    case IoResult::Kind::kWouldBlock:
      break;
  }
  return false;
}

Task<absl::StatusOr<absl::Span<const std::string_view>>>
Http1Client::Exchange::Read() {
  Http1Parser& parser = connection_->parser;
  InputBuffer& input = connection_->input;
  pieces_.clear();
  GATEWAY_CO_RETURN_IF_ERROR(failure_);
  for (;;) {
    if (!input.bytes().empty() && !parser.done()) {
      const absl::StatusOr<size_t> used = parser.Put(input.bytes(), *this);
      if (used.ok()) {
        input.Consume(*used);
      } else {
        // What came before what is no HTTP is handed on first.
        Fail(ExplainBadAnswer(used.status()));
        if (pieces_.empty()) co_return failure_;
      }
    }
    if (!pieces_.empty() || parser.done()) {
      timer_.Disarm();
      co_return absl::Span<const std::string_view>(pieces_);
    }
    parser.DropFields();
    Await(HttpTimeLimit::kIdle, destination_.timeouts.idle,
          "more of the answer");
    GATEWAY_CO_RETURN_IF_ERROR(
        Explain(co_await ReadIntoInput(/*in_place=*/false)));
  }
}

Task<absl::StatusOr<std::string_view>> Http1Client::Exchange::ReadAll() {
  Http1Parser& parser = connection_->parser;
  InputBuffer& input = connection_->input;
  const std::optional<uint64_t> length = parser.content_length();
  const bool fits =
      length.has_value() &&
      *length <= input.bytes().size() + input.SpaceInPlace().size();
  GATEWAY_CO_RETURN_IF_ERROR(failure_);
  if (!fits && !parser.done()) {
    head_memory_ = input.Detach();
    body_.ReserveClaimed(length.value_or(0));
  }
  while (!parser.done()) {
    if (!input.bytes().empty()) {
      const absl::StatusOr<size_t> used = parser.Put(input.bytes(), body_);
      if (!used.ok()) co_return ExplainBadAnswer(used.status());
      input.Consume(*used);
      progress_.body_bytes = body_.bytes().size();
      if (!body_charge_.Resize(body_.held_bytes())) {
        co_return NoRoomForAnswer();
      }
      if (parser.done()) break;
    }
    Await(HttpTimeLimit::kIdle, destination_.timeouts.idle,
          "more of the answer");
    GATEWAY_CO_RETURN_IF_ERROR(
        Explain(co_await ReadIntoInput(/*in_place=*/fits)));
  }
  timer_.Disarm();
  co_return body_.bytes();
}

void Http1Client::Exchange::OnBody(std::string_view piece) {
  progress_.body_bytes += piece.size();
  if (pieces_.empty()) {
    pieces_.push_back(piece);
    return;
  }
  // Moves the next piece down over the framing between two chunks, which has
  // been read: so what one read brought is one piece, and leaves in one. The
  // bytes are ours, and those still to be read lie behind.
  std::string_view& text = pieces_.back();
  char* const end = const_cast<char*>(text.data()) + text.size();
  std::memmove(end, piece.data(), piece.size());
  text = {text.data(), text.size() + piece.size()};
}

void Http1Client::Exchange::FinishInBackground() {
  if (connection_ == nullptr || !failure_.ok() || cut_short_) return;
  Http1Parser& parser = connection_->parser;
  if (parser.done() || parser.ends_with_connection()) return;
  connection_->stream->SetObserver(nullptr);
  Spawn(DrainThenGiveBack(client_, pool_, std::move(connection_)));
}

Task<void> Http1Client::Exchange::DrainThenGiveBack(
    Http1Client& client, Http1Pool& pool,
    std::unique_ptr<Http1Pool::Connection> connection) {
  struct Ignore final : Http1BodySink {
    void OnBody(std::string_view) override {}
  };
  ++client.stats_.active;
  Stream& stream = *connection->stream;
  Timer too_slow([&stream] { stream.Close(/*reset=*/true); });
  client.loop_.ArmTimer(too_slow, kDrainTimeout);
  Ignore ignore;
  size_t drained = 0;
  while (drained <= kDrainBytesMax) {
    const absl::StatusOr<size_t> used =
        connection->parser.Put(connection->input.bytes(), ignore);
    if (!used.ok()) break;
    connection->input.Consume(*used);
    if (connection->parser.done()) break;
    const absl::Span<char> space = connection->input.Space();
    const IoResult got = stream.TryRead(space.data(), space.size());
    if (got.would_block()) {
      connection->input.Release();
      co_await stream.Readable();
    } else if (got.kind == IoResult::Kind::kBytes) {
      connection->input.Commit(got.bytes);
      drained += got.bytes;
    } else {
      break;
    }
  }
  client.EndExchange();
  if (connection->parser.done() && connection->parser.keep_alive()) {
    pool.GiveBack(std::move(connection));
  }
}

void Http1Client::Exchange::OnTimeout() {
  progress_.timed_out = true;
  const bool in_total = client_.loop_.Now() >= due_;
  Fail(in_total ? WaitedTooLong(HttpTimeLimit::kTotal,
                                destination_.timeouts.total, awaited_)
                : WaitedTooLong(limit_, timeout_, awaited_));
}

void Http1Client::Exchange::Fail(absl::Status why) {
  if (!failure_.ok()) return;
  failure_ = std::move(why);
  if (dial_ != nullptr) dial_->Abandon(failure_);
  if (connection_ != nullptr) connection_->stream->Close(/*reset=*/true);
  wake_up_.Set();
}

Http1Client::Http1Client(Resolver& resolver, OnHttp2 on_http2)
    : loop_(*EventLoop::Current()),
      names_(resolver),
      on_http2_(std::move(on_http2)) {}

void Http1Client::EndExchange() {
  if (--stats_.active == 0) idle_.Set();
}

Task<void> Http1Client::AwaitIdle() {
  while (stats_.active > 0) co_await idle_.Wait();
}

Http1Client::~Http1Client() { assert(stats_.active == 0); }

Http1Pool& Http1Client::PoolOf(
    const std::shared_ptr<const HttpDestination>& destination) {
  const auto known = pools_.find(destination.get());
  if (known != pools_.end()) return *known->second;
  // Destinations that are made for a few requests would pile up otherwise.
  CloseUnused();
  auto pool = std::make_unique<Http1Pool>(loop_, stats_, destination);
  return *pools_.emplace(destination.get(), std::move(pool)).first->second;
}

bool Http1Client::CloseUnused() {
  bool busy = false;
  absl::erase_if(pools_, [&busy](const auto& entry) {
    const Http1Pool& pool = *entry.second;
    if (!pool.destination()->unused->load()) return false;
    busy = busy || pool.busy();
    return !pool.busy();
  });
  return busy;
}

void Http1Client::Adopt(
    const std::shared_ptr<const HttpDestination>& destination,
    std::unique_ptr<Stream> stream) {
  Http1Pool& pool = PoolOf(destination);
  pool.GiveBack(pool.NewConnection(std::move(stream)));
}

Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> Http1Client::Send(
    const HttpCall& call) {
  auto exchange = std::make_unique<Exchange>(
      *this, PoolOf(call.head->destination()), call);
  Exchange& begun = *exchange;
  return begun.Begin(std::move(exchange), call);
}

}  // namespace gateway
