#include "base/http1_client.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "base/http1_codec.h"
#include "base/input_buffer.h"
#include "base/status_macros.h"
#include "base/stream.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr size_t kResponseHeadBytesMax = 64 * 1024;

// How long, and how much, a stream may go on after the end of what matters.
constexpr absl::Duration kDrainTimeout = absl::Seconds(1);
constexpr size_t kDrainBytesMax = 64 * 1024;

// A body of known length up to this size gets its memory at once.
constexpr uint64_t kReservedBodyBytesMax = 1024 * 1024;

iovec ToIovec(std::string_view bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

// What the codec says of an answer, in the client's terms.
absl::Status BadAnswer(const absl::Status& status) {
  if (absl::IsResourceExhausted(status) || absl::IsOutOfRange(status)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the server's answer is too large: ", status.message()));
  }
  if (absl::IsInvalidArgument(status)) {
    return absl::InternalError(
        absl::StrCat("the server's answer is not HTTP: ", status.message()));
  }
  return status;
}

absl::StatusOr<std::unique_ptr<Stream>> BeginConnect(IpAddress address,
                                                     uint16_t port) {
  sockaddr* const generic = reinterpret_cast<sockaddr*>(&address.storage);
  if (generic->sa_family == AF_INET) {
    reinterpret_cast<sockaddr_in*>(generic)->sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6*>(generic)->sin6_port = htons(port);
  }
  const int fd = socket(generic->sa_family,
                        SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "socket");
  if (connect(fd, generic, address.size) != 0 && errno != EINPROGRESS) {
    const int error = errno;
    close(fd);
    return absl::UnavailableError(
        absl::StrCat("connect: ", std::strerror(error)));
  }
  return Stream::Adopt(fd);
}

}  // namespace

// A connected stream with what is needed to read answers from it.
class Http1Client::Connection final : public Stream::Observer,
                                      public Recycled {
 public:
  Connection(Pool& pool, EventLoop& loop, std::unique_ptr<Stream> stream,
             const HttpDestination& destination)
      : pool(pool),
        stream(std::move(stream)),
        parser(Http1Parser::Kind::kResponses,
               {.head_bytes = kResponseHeadBytesMax,
                .body_bytes = destination.response_bytes_limit}),
        input(loop.blocks()),
        born(loop.Now()),
        idle_timer([this] { Drop(); }) {}

  // The server closed an idle connection, or spoke out of turn.
  void OnUnawaited(bool) override { Drop(); }

  Pool& pool;
  const std::unique_ptr<Stream> stream;
  Http1Parser parser;
  InputBuffer input;
  const absl::Duration born;
  Timer idle_timer;
  bool reused = false;

  // The pool's list.
  Connection* previous = nullptr;
  Connection* next = nullptr;

 private:
  void Drop();
};

// The idle connections to one destination, the last used first.
class Http1Client::Pool {
 public:
  Pool(EventLoop& loop, Stats& stats,
       std::shared_ptr<const HttpDestination> destination)
      : loop_(loop), stats_(stats), destination_(std::move(destination)) {}
  ~Pool() {
    while (first_ != nullptr) delete Unlink(first_);
  }

  // Null if none is idle.
  std::unique_ptr<Connection> Take() {
    if (first_ == nullptr) return nullptr;
    std::unique_ptr<Connection> connection(Unlink(first_));
    connection->idle_timer.Disarm();
    connection->stream->SetObserver(nullptr);
    connection->reused = true;
    return connection;
  }

  // REQUIRES: the connection has carried its answer to the end. One on which
  // more has come is dropped: it would be taken for the next answer.
  void GiveBack(std::unique_ptr<Connection> connection) {
    const bool usable = !connection->stream->hung_up() &&
                        connection->input.bytes().empty() &&
                        connection->stream->KnownDrained() &&
                        count_ < destination_->idle_connections_max &&
                        loop_.Now() - connection->born <
                            destination_->connection_age_max;
    if (!usable) return;
    connection->parser.Next();
    connection->input.Release();
    Connection* const idle = connection.release();
    idle->previous = nullptr;
    idle->next = first_;
    if (first_ != nullptr) first_->previous = idle;
    first_ = idle;
    ++count_;
    ++stats_.idle;
    idle->stream->SetObserver(idle);
    loop_.ArmTimer(idle->idle_timer, destination_->idle_connection_timeout);
  }

  Connection* Unlink(Connection* connection) {
    if (connection->previous != nullptr) {
      connection->previous->next = connection->next;
    } else {
      first_ = connection->next;
    }
    if (connection->next != nullptr) {
      connection->next->previous = connection->previous;
    }
    connection->previous = connection->next = nullptr;
    --count_;
    --stats_.idle;
    return connection;
  }

 private:
  EventLoop& loop_;
  Stats& stats_;
  const std::shared_ptr<const HttpDestination> destination_;
  Connection* first_ = nullptr;
  size_t count_ = 0;
};

void Http1Client::Connection::Drop() { delete pool.Unlink(this); }

class Http1Client::Exchange final : public HttpExchange,
                                    public Http1BodySink {
 public:
  Exchange(Http1Client& client, Pool& pool, const HttpCall& call)
      : client_(client),
        pool_(pool),
        destination_(*call.head->destination()),
        progress_(call.progress != nullptr ? *call.progress : own_progress_),
        due_(client.loop_.Now() + destination_.timeouts.total),
        timer_([this] { OnTimeout(); }),
        on_cancel_(*call.cancel, [this, cancel = call.cancel] {
          Fail(cancel->status());
        }) {
    ++client_.stats_.active;
  }
  ~Exchange() override {
    client_.EndExchange();
    if (connection_ == nullptr) return;
    const Http1Parser& parser = connection_->parser;
    if (failure_.ok() && parser.done() && parser.keep_alive()) {
      pool_.GiveBack(std::move(connection_));
    }
  }

  Task<absl::Status> Begin(const HttpCall& call);

  int status() const override { return connection_->parser.status(); }
  std::string_view Find(std::string_view lower_name) const override {
    return connection_->parser.Find(lower_name);
  }
  Task<absl::StatusOr<absl::Span<const std::string_view>>> Read() override;
  Task<absl::StatusOr<std::string_view>> ReadAll() override;
  void FinishInBackground() override;

  void OnBody(std::string_view piece) override;

 private:
  // Reads what is left, which is the connection's whole world by then.
  static Task<void> DrainThenGiveBack(Http1Client& client, Pool& pool,
                                      std::unique_ptr<Connection> connection);

  Task<absl::Status> Connect();
  Task<absl::StatusOr<std::unique_ptr<Stream>>> ConnectTo(HostPort where);
  Task<absl::Status> OpenTunnel(Stream& stream);
  Task<absl::Status> Write(const HttpCall& call);
  Task<absl::Status> ReadHead();
  // Reads nothing only where the connection's end is the body's.
  Task<absl::Status> ReadIntoInput(bool in_place);

  void OnTimeout();
  void Fail(absl::Status why);
  void Await(absl::Duration timeout, std::string_view what) {
    awaited_ = what;
    client_.loop_.timers().Arm(
        timer_, std::min(client_.loop_.Now() + timeout, due_));
  }
  // Our own reason to give up explains the socket's error.
  absl::Status Explain(const absl::Status& status) const {
    return failure_.ok() ? status : failure_;
  }

  Http1Client& client_;
  Pool& pool_;
  const HttpDestination& destination_;
  HttpProgress own_progress_;
  HttpProgress& progress_;
  const absl::Duration due_;  // When all of it must be over.
  std::unique_ptr<Connection> connection_;
  Stream* connecting_ = nullptr;
  WakeUp interrupt_;
  absl::Status failure_;
  std::string_view awaited_;
  Timer timer_;
  CancelListener on_cancel_;
  absl::InlinedVector<std::string_view, 4> pieces_;
  std::string fields_;
  bool head_request_ = false;
  bool kept_fields_ = false;
  InputBuffer head_memory_{client_.loop_.blocks()};
  BodyAssembler body_;
};

Task<absl::Status> Http1Client::Exchange::Begin(const HttpCall& call) {
  GATEWAY_CO_RETURN_IF_ERROR(failure_);
  if (!call.fresh_connection) connection_ = pool_.Take();
  if (connection_ == nullptr) {
    GATEWAY_CO_RETURN_IF_ERROR(co_await Connect());
  }
  progress_.reused_connection = connection_->reused;
  Await(destination_.timeouts.first_byte, "the server to take the request");
  const absl::Status written = co_await Write(call);
  progress_.sent = written.ok();
  if (failure_.ok()) {
    Await(destination_.timeouts.first_byte, "a first byte of the answer");
  }
  // A server may answer, and close, before it has read all of the request.
  head_request_ = call.head->method() == "HEAD";
  absl::Status read = co_await ReadHead();
  timer_.Disarm();
  if (read.ok()) co_return read;
  const bool broken = absl::IsUnavailable(read) || absl::IsCancelled(read);
  progress_.reused_connection_was_stale = connection_->reused &&
                                          !progress_.answered && broken &&
                                          failure_.ok();
  co_return Explain(written.ok() ? read : written);
}

Task<absl::Status> Http1Client::Exchange::Connect() {
  Await(destination_.timeouts.connect, "a connection");
  HostPort where{destination_.host, destination_.port};
  if (destination_.proxy.has_value()) where = *destination_.proxy;
  absl::StatusOr<std::unique_ptr<Stream>> stream =
      co_await ConnectTo(std::move(where));
  if (!stream.ok()) co_return Explain(stream.status());
  connecting_ = stream->get();
  absl::Status ready = absl::OkStatus();
  if (destination_.proxy.has_value()) ready = co_await OpenTunnel(**stream);
  if (ready.ok() && destination_.tls != nullptr) {
    ready = co_await (*stream)->StartTls(*destination_.tls, destination_.host);
  }
  connecting_ = nullptr;
  timer_.Disarm();
  GATEWAY_CO_RETURN_IF_ERROR(Explain(ready));
  connection_ = std::make_unique<Connection>(pool_, client_.loop_,
                                             *std::move(stream), destination_);
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::unique_ptr<Stream>>>
Http1Client::Exchange::ConnectTo(HostPort where) {
  absl::StatusOr<IpAddresses> addresses =
      co_await client_.names_.Resolve(where.host, interrupt_);
  GATEWAY_CO_RETURN_IF_ERROR(failure_);
  GATEWAY_CO_RETURN_IF_ERROR(addresses.status());
  absl::Status last = absl::UnavailableError("no address");
  for (const IpAddress& address : *addresses) {
    absl::StatusOr<std::unique_ptr<Stream>> stream =
        BeginConnect(address, where.port);
    if (!stream.ok()) {
      last = stream.status();
      continue;
    }
    connecting_ = stream->get();
    const absl::Status connected = co_await (*stream)->Connected();
    connecting_ = nullptr;
    if (connected.ok()) co_return stream;
    GATEWAY_CO_RETURN_IF_ERROR(failure_);
    last = absl::UnavailableError(
        absl::StrCat("connect: ", connected.message()));
  }
  co_return last;
}

Task<absl::Status> Http1Client::Exchange::OpenTunnel(Stream& stream) {
  const std::string target =
      JoinHostPort(destination_.host, absl::StrCat(destination_.port));
  const std::string request = absl::StrCat("CONNECT ", target,
                                           " HTTP/1.1\r\nhost: ", target,
                                           "\r\n\r\n");
  iovec piece = ToIovec(request);
  GATEWAY_CO_RETURN_IF_ERROR(co_await stream.Write(&piece, 1));
  Http1Parser parser(Http1Parser::Kind::kResponses,
                     {.head_bytes = kBlockBytes});
  parser.SkipBody();
  // Byte by byte past the head would be TLS already; the proxy sends nothing
  // of its own behind it.
  InputBuffer input(client_.loop_.blocks());
  while (!parser.head_done()) {
    const absl::Span<char> space = input.Space();
    const IoResult got = stream.TryRead(space.data(), space.size());
    if (got.would_block()) {
      co_await stream.Readable();
      continue;
    }
    if (got.kind != IoResult::Kind::kBytes) {
      co_return absl::UnavailableError("the proxy closed the connection");
    }
    input.Commit(got.bytes);
    const absl::StatusOr<size_t> used = parser.Put(input.bytes(), *this);
    if (!used.ok()) co_return BadAnswer(used.status());
    input.Consume(*used);
  }
  if (parser.status() / 100 != 2) {
    co_return absl::UnavailableError(absl::StrCat(
        "the proxy refused CONNECT ", target, " with ", parser.status()));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Http1Client::Exchange::Write(const HttpCall& call) {
  size_t length = 0;
  for (std::string_view piece : call.body) length += piece.size();
  std::string fields;
  for (const HttpField& field : call.extra_fields) {
    AppendField(field.name, field.value, &fields);
  }
  if (length > 0 || call.head->method() != "GET") {
    absl::StrAppend(&fields, "content-length: ", length, "\r\n");
  }
  fields += "\r\n";
  absl::InlinedVector<iovec, 8> pieces;
  pieces.push_back(ToIovec(call.head->RevealHttp1()));
  pieces.push_back(ToIovec(fields));
  for (std::string_view piece : call.body) pieces.push_back(ToIovec(piece));
  co_return co_await connection_->stream->Write(pieces.data(), pieces.size());
}

Task<absl::Status> Http1Client::Exchange::ReadHead() {
  Http1Parser& parser = connection_->parser;
  InputBuffer& input = connection_->input;
  if (head_request_) parser.SkipBody();
  for (;;) {
    if (!input.bytes().empty()) {
      const absl::StatusOr<size_t> used = parser.Put(input.bytes(), *this);
      if (!used.ok()) co_return BadAnswer(used.status());
      input.Consume(*used);
      if (parser.head_done()) {
        if (parser.status() >= 200) co_return absl::OkStatus();
        if (parser.status() == 101) {
          co_return absl::InternalError("the server switched protocols");
        }
        parser.Next();  // An interim answer.
        if (head_request_) parser.SkipBody();
        continue;
      }
      if (input.bytes().size() == input.capacity()) {
        input.Grow(std::min(2 * input.capacity(), kResponseHeadBytesMax + 1));
      }
    }
    GATEWAY_CO_RETURN_IF_ERROR(co_await ReadIntoInput(/*in_place=*/false));
    progress_.answered = true;
  }
}

Task<absl::Status> Http1Client::Exchange::ReadIntoInput(bool in_place) {
  InputBuffer& input = connection_->input;
  Stream& stream = *connection_->stream;
  for (;;) {
    // Whoever waits holds no block if it can be helped.
    if (!in_place) input.Release();
    co_await stream.Readable();
    GATEWAY_CO_RETURN_IF_ERROR(failure_);
    const absl::Span<char> space =
        in_place ? input.SpaceInPlace() : input.Space();
    if (space.empty()) {
      co_return absl::InternalError("a chunk's head is too long");
    }
    const IoResult got = stream.TryRead(space.data(), space.size());
    switch (got.kind) {
      case IoResult::Kind::kBytes:
        input.Commit(got.bytes);
        co_return absl::OkStatus();
      case IoResult::Kind::kError:
        co_return stream.error();
      case IoResult::Kind::kEnd:
        if (!connection_->parser.head_done()) {
          co_return absl::UnavailableError(
              "the server closed the connection without an answer");
        }
        co_return connection_->parser.PutEnd();
      case IoResult::Kind::kWouldBlock:
        break;
    }
  }
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
      if (!used.ok()) co_return BadAnswer(used.status());
      input.Consume(*used);
    }
    if (!pieces_.empty() || parser.done()) {
      timer_.Disarm();
      co_return absl::Span<const std::string_view>(pieces_);
    }
    if (!kept_fields_) {
      parser.KeepFields(fields_);
      kept_fields_ = true;
    }
    Await(destination_.timeouts.idle, "more of the answer");
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
    body_.Reserve(std::min(length.value_or(0), kReservedBodyBytesMax));
  }
  while (!parser.done()) {
    if (!input.bytes().empty()) {
      const absl::StatusOr<size_t> used = parser.Put(input.bytes(), body_);
      if (!used.ok()) co_return BadAnswer(used.status());
      input.Consume(*used);
      if (parser.done()) break;
    }
    Await(destination_.timeouts.idle, "more of the answer");
    GATEWAY_CO_RETURN_IF_ERROR(
        Explain(co_await ReadIntoInput(/*in_place=*/fits)));
  }
  timer_.Disarm();
  co_return body_.bytes();
}

void Http1Client::Exchange::OnBody(std::string_view piece) {
  if (pieces_.empty()) {
    pieces_.push_back(piece);
    return;
  }
  // Closes up the framing between two chunks, which has been read: what one
  // read brought is one text, and leaves in one piece. The bytes are ours, and
  // those that are still to be read lie behind.
  std::string_view& text = pieces_.back();
  char* const end = const_cast<char*>(text.data()) + text.size();
  std::memmove(end, piece.data(), piece.size());
  text = {text.data(), text.size() + piece.size()};
}

void Http1Client::Exchange::FinishInBackground() {
  if (connection_ == nullptr || !failure_.ok()) return;
  Http1Parser& parser = connection_->parser;
  if (parser.done() || parser.ends_with_connection()) return;
  connection_->stream->SetObserver(nullptr);
  Spawn(DrainThenGiveBack(client_, pool_, std::move(connection_)));
}

Task<void> Http1Client::Exchange::DrainThenGiveBack(
    Http1Client& client, Pool& pool, std::unique_ptr<Connection> connection) {
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
  Fail(absl::DeadlineExceededError(
      absl::StrCat("waited too long for ", ToAbsl(awaited_))));
}

void Http1Client::Exchange::Fail(absl::Status why) {
  if (!failure_.ok()) return;
  failure_ = std::move(why);
  interrupt_.Set();
  if (connecting_ != nullptr) connecting_->Close(/*reset=*/true);
  if (connection_ != nullptr) connection_->stream->Close(/*reset=*/true);
}

Http1Client::Http1Client(Resolver& resolver)
    : loop_(*EventLoop::Current()), names_(resolver) {}

void Http1Client::EndExchange() {
  if (--stats_.active == 0) idle_.Set();
}

Task<void> Http1Client::AwaitIdle() {
  while (stats_.active > 0) co_await idle_.Wait();
}

Http1Client::~Http1Client() { assert(stats_.active == 0); }

Http1Client::Pool& Http1Client::PoolOf(
    const std::shared_ptr<const HttpDestination>& destination) {
  std::unique_ptr<Pool>& pool = pools_[destination.get()];
  if (pool == nullptr) {
    pool = std::make_unique<Pool>(loop_, stats_, destination);
  }
  return *pool;
}

Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> Http1Client::Send(
    const HttpCall& call) {
  auto exchange = std::make_unique<Exchange>(
      *this, PoolOf(call.head->destination()), call);
  const absl::Status begun = co_await exchange->Begin(call);
  if (!begun.ok()) co_return begun;
  co_return std::unique_ptr<HttpExchange>(std::move(exchange));
}

}  // namespace gateway
