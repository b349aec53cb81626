#include "base/http/http1_connection.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/http/http1_upload.h"
#include "base/http/http_server.h"
#include "base/memory/block_pool.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// Requests of at most so many bytes are copied out of the block that they were
// read into (KeepSmallRequest).
constexpr size_t kKeptRequestBytesMax = 6 * 1024;

// The preface of a client that knows beforehand that the server speaks HTTP/2.
// No request of HTTP/1.1 begins so (RFC 9113 §3.4).
constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\n";

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Returns whether the first line, well-formed or not, says that it is a request
// of HTTP/1.x.
bool SaysHttp1(std::string_view bytes) {
  while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  const std::string_view line = bytes.substr(0, bytes.find('\n'));
  return IsFieldName(line.substr(0, 1)) &&
         line.find(" HTTP/1.") != std::string_view::npos;
}

}  // namespace

// No coroutine: every answer and chunk would take one frame more.
class Http1Connection::WriteOut {
 public:
  WriteOut(Http1Connection& self, iovec* pieces, size_t count)
      : self_(self), writing_(self.stream_->Write(pieces, count)) {
    self_.SetPhase(Phase::kWriting);
    self_.written_before_ = self_.stream_->bytes_written();
  }
  WriteOut(const WriteOut&) = delete;
  WriteOut& operator=(const WriteOut&) = delete;

  bool await_ready() { return writing_.await_ready(); }
  void await_suspend(std::coroutine_handle<> handle) {
    writing_.await_suspend(handle);
  }
  absl::Status await_resume() {
    absl::Status written = writing_.await_resume();
    self_.out_.clear();
    const bool awaits_body =
        self_.upload_ != nullptr && self_.upload_->waiting();
    self_.SetPhase(awaits_body ? Phase::kBody : Phase::kHandling);
    if (written.ok()) return written;
    self_.keep_alive_ = false;
    // Whatever the socket says of it.
    return absl::CancelledError("the client is gone");
  }

 private:
  Http1Connection& self_;
  decltype(std::declval<Stream&>().Write(nullptr, 0)) writing_;
};

Http1Connection::Http1Connection(HttpServer& server,
                                 std::unique_ptr<Stream> stream)
    : server_(server),
      stream_(std::move(stream)),
      peer_(stream_->PeerAddress()),
      parser_(Http1Parser::Kind::kRequests,
              {.head_bytes = server.limits_.head_bytes,
               .body_bytes = server.limits_.body_bytes}),
      timer_([this] { OnTimeout(); }),
      input_(server.loop_.blocks()),
      head_memory_(server.loop_.blocks()),
      kept_(server.loop_.request_bytes()) {}

Http1Connection::~Http1Connection() = default;

Task<void> Http1Connection::Run() {
  stream_->SetObserver(this);
  bool more = true;
  if (server_.tls_ != nullptr) more = co_await StartTls();
  for (int in_a_row = 1; more && !server_.draining_; ++in_a_row) {
    more = co_await ServeOne();
    if (input_.bytes().empty()) in_a_row = 0;
    if (in_a_row < HttpServer::kRequestsAtOnce) continue;
    co_await server_.begin_queue_.Pass();
    if (stream_->closed()) break;
  }
  stream_->SetObserver(nullptr);
  if (!speaks_http2_) stream_->Close();
}

void Http1Connection::Cancel(const absl::Status& why) {
  if (!gone_.has_value()) {
    stream_->Close();  // No handler has the request.
    return;
  }
  gone_->Cancel(why);
  if (upload_ != nullptr) upload_->Fail(why);
  // The time to write is now shorter.
  if (phase_ == Phase::kWriting) SetPhase(phase_);
}

Task<bool> Http1Connection::StartTls() {
  SetPhase(Phase::kHead);
  const std::string nobody;
  // Held until the handshake is over, since the server may get another.
  const std::shared_ptr<TlsContext> tls = server_.tls_;
  const absl::Status secured = co_await stream_->StartTls(*tls, nobody);
  if (!secured.ok() && !server_.draining_) {
    server_.handler_.HandshakeFailed(peer_, secured);
  }
  speaks_http2_ = secured.ok() && stream_->alpn() == "h2";
  co_return secured.ok() && !speaks_http2_;
}

Task<bool> Http1Connection::ServeOne() {
  SetPhase(input_.bytes().empty() ? Phase::kIdle : Phase::kHead);
  absl::Status read = co_await ReadHead();
  if (head_held_bytes_ > 0) HoldHead(0);
  if (read.ok() && !speaks_http2_) read = TakeBodyAtHand();
  if (read.ok() && !speaks_http2_ && !parser_.done()) {
    read = co_await ReadBody();
  }
  if (speaks_http2_) co_return false;
  if (!read.ok()) {
    const bool asked = !parser_.idle() && !stream_->hung_up();
    if (asked && !SpeaksSomethingElse(read)) co_await Refuse(read);
    co_return false;
  }
  co_await HandleRequest();
  if (answer_ == Answer::kDone && !parser_.done() && !stream_->closed()) {
    co_await Linger();
    co_return false;
  }
  if (answer_ != Answer::kDone || !keep_alive_ || stream_->closed()) {
    co_return false;
  }
  upload_.reset();
  ReleaseRequest();
  parser_.Next();
  answer_ = Answer::kNone;
  first_ = false;
  co_return true;
}

// Returns whether the refused client has never spoken HTTP/1.x, such as one
// that fails at the preface of HTTP/2 (RFC 9113 §3.4) or that wants TLS: an
// answer would be of no use to it.
bool Http1Connection::SpeaksSomethingElse(const absl::Status& refusal) const {
  return first_ && !parser_.head_done() && absl::IsInvalidArgument(refusal) &&
         !SaysHttp1(input_.bytes());
}

Task<absl::Status> Http1Connection::ReadHead() {
  for (;;) {
    if (!input_.bytes().empty()) {
      if (first_ && input_.bytes().starts_with(kHttp2Preface)) {
        speaks_http2_ = true;
        co_return absl::OkStatus();
      }
      GATEWAY_CO_ASSIGN_OR_RETURN(const size_t used,
                                  parser_.Put(input_.bytes(), body_));
      input_.Consume(used);
      if (parser_.head_done()) co_return absl::OkStatus();
      if (phase_ == Phase::kIdle && !parser_.idle()) SetPhase(Phase::kHead);
      if (input_.bytes().size() == input_.capacity()) {
        input_.Grow(std::min(2 * input_.capacity(),
                             server_.limits_.head_bytes + 1));
      }
      if (!parser_.idle()) {
        input_.Release();  // It holds a few bytes at most.
        HoldHead(input_.capacity());
      }
    }
    GATEWAY_CO_RETURN_IF_ERROR(co_await ReadIntoInput(/*in_place=*/false));
  }
}

void Http1Connection::HoldHead(size_t bytes) {
  server_.Hold(*this, std::exchange(head_held_bytes_, bytes), bytes);
}

absl::Status Http1Connection::TakeBodyAtHand() {
  head_done_ = server_.loop_.Now();
  admitted_ = true;
  const uint64_t length = parser_.content_length().value_or(0);
  if (length == 0 || length > input_.bytes().size()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const size_t used,
                           parser_.Put(input_.bytes(), body_));
  input_.Consume(used);
  return absl::OkStatus();
}

Task<absl::Status> Http1Connection::ReadBody() {
  const std::optional<uint64_t> length = parser_.content_length();
  if (!length.has_value() || *length > input_.bytes().size()) {
    GATEWAY_CO_RETURN_IF_ERROR(co_await AskAdmission());
    if (!admitted_) co_return absl::OkStatus();
    if (parser_.expects_continue() && input_.bytes().empty()) {
      iovec piece = ToIovec(kContinue);
      GATEWAY_CO_RETURN_IF_ERROR(co_await WriteOut(*this, &piece, 1));
    }
  }
  if (upload_ != nullptr) {
    head_memory_ = input_.Detach();
    co_return absl::OkStatus();
  }
  const bool fits = length.has_value() &&
                    *length <= input_.bytes().size() +
                                   input_.SpaceInPlace().size();
  if (!fits) {
    // The head's memory is kept, since its views must outlive what is read from
    // here on.
    head_memory_ = input_.Detach();
    body_.ReserveClaimed(length.value_or(0));
  }
  body_begun_ = server_.loop_.Now();
  for (;;) {
    GATEWAY_CO_ASSIGN_OR_RETURN(const size_t used,
                                parser_.Put(input_.bytes(), body_));
    input_.Consume(used);
    GATEWAY_CO_RETURN_IF_ERROR(ChargeBody());
    if (parser_.done()) co_return absl::OkStatus();
    SetPhase(Phase::kBody);
    if (length.has_value() && !fits) {
      GATEWAY_CO_RETURN_IF_ERROR(co_await ReadStraightIntoBody(*length));
    } else {
      GATEWAY_CO_RETURN_IF_ERROR(co_await ReadIntoInput(/*in_place=*/fits));
    }
  }
}

Task<absl::Status> Http1Connection::AskAdmission() {
  const HttpRequest request = HeadOfRequest();
  gone_.emplace();
  HttpAdmission said = server_.handler_.Admit(request, *this);
  if (!said.pending()) {
    Decide(said);
    gone_.reset();
    co_return absl::OkStatus();
  }
  SetPhase(Phase::kHandling);
  if (stream_->hung_up()) {
    gone_->Cancel(absl::CancelledError("the client closed the connection"));
  }
  HttpAdmission admission = co_await said.TakeLater();
  Decide(admission);
  const absl::Status left = gone_->status();
  gone_.reset();
  // The client is gone: there is nobody to answer.
  if (!left.ok()) stream_->Close();
  co_return left;
}

void Http1Connection::Decide(HttpAdmission& said) {
  admitted_ = said.admitted();
  caller_ = said.TakeCaller();
  if (said.as_it_comes()) upload_ = std::make_unique<Upload>(*this);
}

HttpRequest Http1Connection::HeadOfRequest() const {
  HttpRequest request;
  request.method = parser_.method();
  request.SetTarget(parser_.target());
  request.fields = parser_.fields();
  request.arrival = head_done_;
  return request;
}

absl::Status Http1Connection::ChargeBody() {
  if (body_charge_.Resize(body_.held_bytes())) return absl::OkStatus();
  return absl::AbortedError(
      "the gateway holds too much of other requests; try again soon");
}

Task<absl::Status> Http1Connection::ReadStraightIntoBody(uint64_t length) {
  const uint64_t missing = length - body_.bytes().size();
  absl::Span<char> space =
      body_.Space(std::min<uint64_t>(missing, kBlockBytes));
  space = space.subspan(0, std::min<uint64_t>(missing, space.size()));
  size_t bytes = 0;
  while (bytes == 0) {
    co_await stream_->Readable();
    GATEWAY_CO_RETURN_IF_ERROR(CheckTime());
    GATEWAY_CO_ASSIGN_OR_RETURN(bytes, TryRead(space));
  }
  co_return parser_.Put({space.data(), bytes}, body_).status();
}

Task<absl::Status> Http1Connection::ReadIntoInput(bool in_place) {
  size_t bytes = 0;
  while (bytes == 0) {
    // While it waits, the connection holds no block if it can be avoided.
    if (!in_place) input_.Release();
    co_await stream_->Readable();
    GATEWAY_CO_RETURN_IF_ERROR(CheckTime());
    const absl::Span<char> space =
        in_place ? input_.SpaceInPlace() : input_.Space();
    if (space.empty()) {
      co_return absl::InvalidArgumentError("a chunk's head is too long");
    }
    GATEWAY_CO_ASSIGN_OR_RETURN(bytes, TryRead(space));
  }
  input_.Commit(bytes);
  co_return absl::OkStatus();
}

absl::Status Http1Connection::CheckTime() const {
  if (!timed_out_) return absl::OkStatus();
  return absl::DeadlineExceededError("the request did not arrive in time");
}

absl::StatusOr<size_t> Http1Connection::TryRead(absl::Span<char> space) {
  const IoResult got = stream_->TryRead(space.data(), space.size());
  switch (got.kind) {
    case IoResult::Kind::kEnd:
      return absl::CancelledError("the client closed the connection");
    case IoResult::Kind::kError:
      return stream_->error();
    default:
      return got.bytes;
  }
}

Task<void> Http1Connection::HandleRequest() {
  SetPhase(Phase::kHandling);
  if (admitted_ && upload_ == nullptr) KeepSmallRequest();
  keep_alive_ = admitted_ && parser_.keep_alive();
  head_request_ = parser_.method() == "HEAD";
  gone_.emplace();
  HttpRequest request = HeadOfRequest();
  request.admitted = admitted_;
  request.caller = std::exchange(caller_, {});
  request.body = body_.bytes();
  request.source = upload_.get();
  if (stream_->hung_up()) {
    gone_->Cancel(absl::CancelledError("the client closed the connection"));
  }
  co_await server_.handler_.Handle(request, *this);
  if (upload_ != nullptr) upload_->Leave();
  if (answer_ == Answer::kNone && !stream_->closed()) {
    keep_alive_ = false;
    absl::Status why = absl::InternalError("the request was not answered");
    if (upload_ != nullptr && !upload_->error().ok()) why = upload_->error();
    co_await Refuse(why);
  }
  // Aborted, since half an answer must not look like a whole one that ends by
  // closing.
  if (answer_ == Answer::kStreaming) Abort();
  gone_.reset();
}

Task<void> Http1Connection::Refuse(const absl::Status& why) {
  const int status = StatusOfRefusal(why);
  HttpRequest request;
  // The head counts as read, too, if it announces too large a body.
  if (parser_.head_done() || absl::IsOutOfRange(why)) request = HeadOfRequest();
  const HttpHandler::Refusal refusal = server_.handler_.RefuseRequest(
      status, request, peer_, ToStd(why.message()));
  absl::InlinedVector<HttpField, 8> fields = {
      {"content-type", refusal.content_type}};
  for (const HttpHandler::Refusal::Field& field : refusal.fields) {
    fields.push_back({field.name, field.value});
  }
  const std::string_view body[] = {refusal.body};
  body_.Clear();
  body_charge_.Resize(0);
  timed_out_ = false;
  keep_alive_ = false;
  head_request_ = parser_.head_done() && parser_.method() == "HEAD";
  const absl::Status sent =
      co_await Send({refusal.StatusFor(status), fields}, body);
  if (sent.ok() && !parser_.done()) co_await Linger();
}

// Reads on before closing: to close with bytes unread makes the kernel reset
// the connection, and the client might never see why it was refused.
Task<void> Http1Connection::Linger() {
  if (std::exchange(lingered_, true)) co_return;
  stream_->ShutdownWrite();
  server_.loop_.ArmTimer(timer_, kRefusedLingerTimeout);
  input_.Clear();
  size_t drained = 0;
  while (drained < kRefusedLingerBytesMax && !timed_out_) {
    const absl::Span<char> space = input_.Space();
    const IoResult got = stream_->TryRead(space.data(), space.size());
    if (got.would_block()) {
      co_await stream_->Readable();
    } else if (got.kind == IoResult::Kind::kBytes) {
      drained += got.bytes;
    } else {
      break;
    }
  }
  input_.Clear();
}

Task<absl::Status> Http1Connection::Send(
    HttpAnswerHead head, absl::Span<const std::string_view> body) {
  assert(answer_ == Answer::kNone);
  size_t length = 0;
  for (std::string_view piece : body) length += piece.size();
  if (!parser_.done()) keep_alive_ = false;
  AppendHead(head);
  if (StatusHasBody(head.status)) {
    AppendContentLength(length, &out_);
  }
  out_ += "\r\n";
  absl::InlinedVector<iovec, 8> pieces;
  pieces.push_back(ToIovec(out_));
  if (StatusHasBody(head.status) && !head_request_) {
    for (std::string_view piece : body) pieces.push_back(ToIovec(piece));
  }
  answer_ = Answer::kDone;
  absl::Status written = co_await WriteOut(*this, pieces.data(), pieces.size());
  OnAnswered();
  co_return written;
}

void Http1Connection::Start(HttpAnswerHead head) {
  assert(answer_ == Answer::kNone);
  bodiless_answer_ = head_request_ || !StatusHasBody(head.status);
  chunked_answer_ = parser_.is_http11() && !bodiless_answer_;
  if (!parser_.is_http11()) keep_alive_ = false;
  AppendHead(head);
  if (chunked_answer_) out_ += "transfer-encoding: chunked\r\n";
  out_ += "\r\n";
  answer_ = Answer::kStreaming;
  ReleaseRequest();
}

Task<absl::Status> Http1Connection::Write(
    absl::Span<const std::string_view> body) {
  assert(answer_ == Answer::kStreaming);
  size_t length = 0;
  for (std::string_view piece : body) length += piece.size();
  if (length == 0) co_return absl::OkStatus();
  absl::InlinedVector<iovec, 8> pieces;
  if (chunked_answer_) {
    absl::StrAppend(&out_, absl::Hex(length), "\r\n");
  }
  if (!out_.empty()) pieces.push_back(ToIovec(out_));
  if (!bodiless_answer_) {
    for (std::string_view piece : body) pieces.push_back(ToIovec(piece));
  }
  if (chunked_answer_) pieces.push_back(ToIovec("\r\n"));
  co_return co_await WriteOut(*this, pieces.data(), pieces.size());
}

Task<absl::Status> Http1Connection::Finish() {
  assert(answer_ == Answer::kStreaming);
  if (chunked_answer_) out_ += kLastChunk;
  answer_ = Answer::kDone;
  absl::Status written;
  if (!out_.empty()) {
    iovec piece = ToIovec(out_);
    written = co_await WriteOut(*this, &piece, 1);
  }
  OnAnswered();
  co_return written;
}

void Http1Connection::OnAnswered() {
  // The client sees now that it is to ask elsewhere, and not when the handler
  // is done.
  if (goes_on_) stream_->ShutdownWrite();
}

void Http1Connection::AppendHead(const HttpAnswerHead& head) {
  AppendStatusLine(head.status, &out_);
  AppendFields(head.fields, &out_);
  out_ += server_.DateField();
  if (server_.draining_) keep_alive_ = false;
  if (!keep_alive_) {
    out_ += "connection: close\r\n";
  } else if (!parser_.is_http11()) {
    out_ += "connection: keep-alive\r\n";
  }
}

void Http1Connection::KeepSmallRequest() {
  if (!body_.in_place() || !input_.bytes().empty()) return;
  const char* const begin = parser_.method().data();
  const char* end = parser_.target().data() + parser_.target().size();
  if (!parser_.fields().empty()) {
    const HttpField& last = parser_.fields().back();
    end = std::max(last.name.data() + last.name.size(),
                   last.value.data() + last.value.size());
  }
  if (!body_.bytes().empty()) {
    end = body_.bytes().data() + body_.bytes().size();
  }
  const size_t size = end - begin;
  if (size > kKeptRequestBytesMax) return;
  const ptrdiff_t offset = request_memory_.Keep({begin, size}) - begin;
  parser_.MoveHead(offset);
  body_.Move(offset);
  input_.Release();
}

void Http1Connection::ReleaseRequest() {
  request_memory_.Clear();
  head_memory_.Clear();
  if (upload_ != nullptr) return;  // A piece of the body may be in use.
  body_.Clear();
  body_charge_.Resize(0);
  input_.Release();
}

void Http1Connection::OnUnawaited(bool hung_up) {
  if (upload_ != nullptr) upload_->Notify();
  // Not gone if only bytes came: those of the next request wait in the socket.
  if (!hung_up || !gone_.has_value()) return;
  gone_->Cancel(absl::CancelledError("the client closed the connection"));
}

void Http1Connection::OnTimeout() {
  if (phase_ == Phase::kWriting &&
      stream_->bytes_written() != written_before_) {
    written_before_ = stream_->bytes_written();
    // The client reads, if slowly: its time begins anew.
    SetPhase(Phase::kWriting);
    return;
  }
  timed_out_ = true;
  if (phase_ == Phase::kWriting || parser_.idle()) {
    if (gone_.has_value()) {
      gone_->Cancel(absl::CancelledError("the client does not read"));
    }
    stream_->Close(/*reset=*/phase_ == Phase::kWriting);
  } else {
    stream_->InterruptRead();
    if (upload_ != nullptr) upload_->Notify();
  }
}

void Http1Connection::SetPhase(Phase phase) {
  phase_ = phase;
  const HttpServerLimits& limits = server_.limits_;
  switch (phase) {
    case Phase::kIdle:
      // Before its first request a connection gets the shorter time: it has not
      // earned a place for long.
      server_.loop_.ArmTimer(
          timer_, first_ ? std::min(limits.head_timeout, limits.idle_timeout)
                         : limits.idle_timeout);
      break;
    case Phase::kHead:
      server_.loop_.ArmTimer(timer_, limits.head_timeout);
      break;
    case Phase::kBody:
      server_.loop_.ArmTimer(
          timer_, upload_ != nullptr
                      ? upload_->Patience()
                      : limits.BodyPatience(server_.loop_.Now() - body_begun_,
                                            body_.bytes().size()));
      break;
    case Phase::kWriting:
      server_.loop_.ArmTimer(timer_, server_.cancelled_
                                         ? std::min(limits.write_timeout,
                                                    kLastWordTimeout)
                                         : limits.write_timeout);
      break;
    case Phase::kHandling:
      timer_.Disarm();
      break;
  }
}

}  // namespace gateway
