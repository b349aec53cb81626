#include "base/http_server.h"

#include <cassert>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/http1_connection.h"
#include "base/task.h"

namespace gateway {

HttpServer::HttpServer(HttpHandler& handler, const HttpServerLimits& limits,
                         std::shared_ptr<TlsContext> tls)
    : loop_(*EventLoop::Current()),
      handler_(handler),
      limits_(limits),
      tls_(std::move(tls)) {}

HttpServer::~HttpServer() { assert(count_ == 0); }

namespace {

// Keeps a connection alive while it runs.
Task<void> RunToEnd(std::unique_ptr<Http1Connection> connection,
                    std::function<void(Http1Connection*)> remove) {
  co_await connection->Run();
  remove(connection.get());
}

}  // namespace

void HttpServer::Accept(std::unique_ptr<Stream> stream) {
  if (draining_ || count_ >= limits_.connections) return;
  auto connection =
      std::make_unique<Http1Connection>(*this, std::move(stream));
  connection->next_ = first_;
  if (first_ != nullptr) first_->previous_ = connection.get();
  first_ = connection.get();
  ++count_;
  Spawn(RunToEnd(std::move(connection),
                 [this](Http1Connection* done) { Remove(done); }));
}

void HttpServer::Remove(Http1Connection* connection) {
  if (connection->previous_ != nullptr) {
    connection->previous_->next_ = connection->next_;
  } else {
    first_ = connection->next_;
  }
  if (connection->next_ != nullptr) {
    connection->next_->previous_ = connection->previous_;
  }
  if (--count_ == 0 && draining_) drained_.Set();
}

void HttpServer::Drain() {
  draining_ = true;
  if (count_ == 0) drained_.Set();
  for (Http1Connection* connection = first_; connection != nullptr;
       connection = connection->next_) {
    if (connection->idle()) connection->CloseNow();
  }
}

void HttpServer::CancelAll(const absl::Status& why) {
  cancelled_ = true;
  Drain();
  // Cancelling runs no handler at once, so the list stands still.
  for (Http1Connection* connection = first_; connection != nullptr;
       connection = connection->next_) {
    connection->Cancel(why);
  }
}

void HttpServer::CloseAll() {
  Drain();
  const absl::Status why = absl::CancelledError("the server is closing");
  for (Http1Connection* connection = first_; connection != nullptr;
       connection = connection->next_) {
    connection->Cancel(why);
    connection->CloseNow();
  }
}

std::string_view HttpServer::DateField() {
  const absl::Duration now = loop_.Now();
  if (now >= date_until_) {
    const absl::Time time = absl::Now();
    date_field_ = absl::StrCat(
        "date: ",
        absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", time,
                         absl::UTCTimeZone()),
        "\r\n");
    date_until_ = now + absl::Seconds(1);
  }
  return date_field_;
}

}  // namespace gateway
