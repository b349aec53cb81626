#include "base/http/http_server.h"

#include <cassert>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/http/http1_connection.h"
#include "base/http/http2_connection.h"
#include "base/os/logging.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr std::string_view kDateName = "date: ";
constexpr std::string_view kLineEnd = "\r\n";

// The log says at most this often that connections are closed to make room.
constexpr absl::Duration kGivenUpLogInterval = absl::Minutes(1);

Http2Limits Http2LimitsOf(const HttpServerLimits& limits) {
  Http2Limits http2;
  http2.concurrent_streams = limits.concurrent_streams;
  http2.header_list_bytes = limits.head_bytes;
  http2.handshake_timeout = limits.head_timeout;
  http2.idle_timeout = limits.idle_timeout;
  http2.write_stall_timeout = limits.write_timeout;
  return http2;
}

}  // namespace

HttpServer::HttpServer(HttpHandler& handler, const HttpServerLimits& limits,
                       std::shared_ptr<TlsContext> tls)
    : loop_(*EventLoop::Current()),
      handler_(handler),
      limits_(limits),
      http2_limits_(Http2LimitsOf(limits)),
      tls_(std::move(tls)) {}

HttpServer::~HttpServer() { assert(count_ == 0); }

absl::Status HttpServer::CheckLimits(const HttpServerLimits& limits) {
  return CheckHttp2Limits(Http2LimitsOf(limits));
}

void HttpServer::Accept(std::unique_ptr<Stream> stream) {
  if (draining_) return;
  if (count_ >= limits_.connections && !GiveUpOldest()) return;
  Spawn(Serve(std::make_unique<Http1Connection>(*this, std::move(stream))));
}

Task<void> HttpServer::Serve(std::unique_ptr<Http1Connection> connection) {
  Add(connection.get());
  co_await connection->Run();
  if (connection->speaks_http2() && !draining_) {
    Spawn(ServeHttp2(std::move(connection)));
  } else {
    Remove(connection.get());
  }
}

Task<void> HttpServer::ServeHttp2(std::unique_ptr<Http1Connection> begun) {
  Http2Connection connection(*this, begun->TakeStream());
  Add(&connection);
  Remove(begun.get());
  connection.Start(begun->unread());
  begun.reset();
  co_await connection.Ended();
  Remove(&connection);
}

void HttpServer::Add(HttpConnection* connection) {
  connection->next_ = first_;
  if (first_ != nullptr) first_->previous_ = connection;
  if (last_ == nullptr) last_ = connection;
  first_ = connection;
  ++count_;
}

// Closes the oldest connection that is not busy: silent clients must not keep
// others out, and a server may close an idle connection at any time (RFC 9112
// §9.5).
bool HttpServer::GiveUpOldest() {
  for (HttpConnection* at = last_; at != nullptr; at = at->previous_) {
    if (at->busy() || at->given_up_) continue;
    GiveUp(*at);
    return true;
  }
  return false;
}

// Closes connections that hold memory, going round the list. A connection that
// has released some since its last turn is passed over; so each step is paid
// for by what was done since.
void HttpServer::MakeRoom() {
  while (held_bytes_ > kHeldBytesMax) {
    HttpConnection* const at = clock_hand_ != nullptr ? clock_hand_ : first_;
    clock_hand_ = at->next_;
    if (std::exchange(at->lets_go_, false) || at->held_bytes_ == 0) continue;
    GiveUp(*at);
    LogGivenUp();
  }
}

// Closes a connection in favour of others. What it holds counts no more.
void HttpServer::GiveUp(HttpConnection& connection) {
  held_bytes_ -= std::exchange(connection.held_bytes_, 0);
  connection.given_up_ = true;
  connection.CloseNow();
}

void HttpServer::LogGivenUp() {
  if (loop_.Now() - given_up_told_ < kGivenUpLogInterval) return;
  given_up_told_ = loop_.Now();
  Log(LogLevel::kWarn, "net",
      "connections are closed: clients make a listener hold too many heads "
      "that do not end, or answers that they do not take",
      {{"bytes", kHeldBytesMax}});
}

void HttpServer::Remove(HttpConnection* connection) {
  held_bytes_ -= connection->held_bytes_;
  if (clock_hand_ == connection) clock_hand_ = connection->next_;
  if (connection->previous_ != nullptr) {
    connection->previous_->next_ = connection->next_;
  } else {
    first_ = connection->next_;
  }
  if (connection->next_ != nullptr) {
    connection->next_->previous_ = connection->previous_;
  } else {
    last_ = connection->previous_;
  }
  if (--count_ == 0 && draining_) drained_.Set();
}

void HttpServer::Drain() {
  draining_ = true;
  if (count_ == 0) drained_.Set();
  for (HttpConnection* connection = first_; connection != nullptr;
       connection = connection->next_) {
    connection->Drain();
  }
}

void HttpServer::CancelAll(const absl::Status& why) {
  cancelled_ = true;
  Drain();
  // Cancelling runs no handler at once, so the list does not change meanwhile.
  for (HttpConnection* connection = first_; connection != nullptr;
       connection = connection->next_) {
    connection->Cancel(why);
  }
}

void HttpServer::CloseAll() {
  Drain();
  const absl::Status why = absl::CancelledError("the server is closing");
  for (HttpConnection* connection = first_; connection != nullptr;
       connection = connection->next_) {
    connection->Cancel(why);
    connection->CloseNow();
  }
}

std::string_view HttpServer::Date() {
  std::string_view date = DateField();
  date.remove_prefix(kDateName.size());
  date.remove_suffix(kLineEnd.size());
  return date;
}

std::string_view HttpServer::DateField() {
  const absl::Duration now = loop_.Now();
  if (now >= date_until_) {
    date_field_ = absl::StrCat(
        ToAbsl(kDateName),
        absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::Now(),
                         absl::UTCTimeZone()),
        ToAbsl(kLineEnd));
    date_until_ = now + absl::Seconds(1);
  }
  return date_field_;
}

}  // namespace gateway
