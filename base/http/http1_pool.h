// Http1Pool keeps the connections to one destination that wait for their next
// request, the last used first. One that the server closes while it waits
// leaves the pool at once.
//
//   std::unique_ptr<Http1Pool::Connection> connection = pool.Take();
//   if (connection == nullptr) connection = pool.NewConnection(...);
//   ... one request and its whole answer ...
//   pool.GiveBack(std::move(connection));
//
// Thread contract: one event loop. Must outlive its connections.

#ifndef BASE_HTTP_HTTP1_POOL_H_
#define BASE_HTTP_HTTP1_POOL_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"
#include "base/http/http1_codec.h"
#include "base/http/http_client.h"
#include "base/http/http_client_stats.h"
#include "base/http/input_buffer.h"
#include "base/memory/recycler.h"
#include "base/net/stream.h"

namespace gateway {

class Http1Pool {
 public:
  static constexpr size_t kHeadBytesMax = 64 * 1024;
  // How much of `text`'s memory a connection keeps while it waits in the pool.
  static constexpr size_t kKeptTextBytesMax = 1024;

  // A connected stream with what is needed to read answers from it.
  class Connection final : public Stream::Observer, public Recycled {
   public:
    Connection(Http1Pool& pool, std::unique_ptr<Stream> stream)
        : pool(pool),
          stream(std::move(stream)),
          parser(Http1Parser::Kind::kResponses,
                 {.head_bytes = kHeadBytesMax,
                  .body_bytes = pool.destination_->response_bytes_limit}),
          input(pool.loop_.blocks()),
          born(pool.loop_.Now()),
          idle_timer([this] { Drop(); }) {
      ++pool.connections_;
    }
    ~Connection() { --pool.connections_; }

    // Called while the connection is idle: drops it if the server closed it, or
    // spoke out of turn. What TLS says by itself, such as a session ticket, is
    // neither.
    void OnUnawaited(bool hung_up) override {
      if (hung_up || !stream->KnownDrained()) Drop();
    }

    Http1Pool& pool;
    const std::unique_ptr<Stream> stream;
    Http1Parser parser;
    InputBuffer input;
    // Holds the fields of a request while it is written, then those of its
    // answer once their block is gone.
    std::string text;
    const absl::Duration born;
    Timer idle_timer;
    bool reused = false;
    bool brought_error = false;  // The last answer was one.

    // Links of the pool's list.
    Connection* previous = nullptr;
    Connection* next = nullptr;

   private:
    void Drop() { delete pool.Unlink(this); }
  };

  Http1Pool(EventLoop& loop, HttpClientStats& stats,
            std::shared_ptr<const HttpDestination> destination)
      : loop_(loop), stats_(stats), destination_(std::move(destination)) {}
  ~Http1Pool() {
    while (first_ != nullptr) delete Unlink(first_);
  }

  Http1Pool(const Http1Pool&) = delete;
  Http1Pool& operator=(const Http1Pool&) = delete;

  std::unique_ptr<Connection> NewConnection(std::unique_ptr<Stream> stream) {
    return std::make_unique<Connection>(*this, std::move(stream));
  }

  const std::shared_ptr<const HttpDestination>& destination() const {
    return destination_;
  }

  // True while a connection carries a request.
  bool busy() const { return connections_ > count_; }

  // Takes the connection that was used last; null if none is idle. One that
  // brought an error is dropped if more has come on it since, also in this turn
  // of the loop, so that nobody was told: a retry follows an error at once, and
  // would take it for its answer.
  std::unique_ptr<Connection> Take() {
    while (first_ != nullptr) {
      std::unique_ptr<Connection> connection(Unlink(first_));
      if (connection->brought_error) {
        char byte;
        if (!connection->stream->TryRead(&byte, 1).would_block()) continue;
      }
      connection->idle_timer.Disarm();
      connection->stream->SetObserver(nullptr);
      connection->reused = true;
      return connection;
    }
    return nullptr;
  }

  // REQUIRES: the connection has carried its answer to the end, or nothing yet.
  // One on which more has come is dropped: it would be taken for the next
  // answer.
  void GiveBack(std::unique_ptr<Connection> connection) {
    const bool usable = !connection->stream->hung_up() &&
                        connection->input.bytes().empty() &&
                        connection->stream->KnownDrained() &&
                        count_ < destination_->idle_connections_max &&
                        loop_.Now() - connection->born <
                            destination_->connection_age_max;
    if (!usable) return;
    const Http1Parser& parser = connection->parser;
    connection->brought_error = parser.head_done() && parser.status() >= 300;
    connection->parser.Next();
    connection->input.Release();
    if (connection->text.capacity() > kKeptTextBytesMax) {
      connection->text = std::string();
    }
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

 private:
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

  EventLoop& loop_;
  HttpClientStats& stats_;
  const std::shared_ptr<const HttpDestination> destination_;
  Connection* first_ = nullptr;
  size_t count_ = 0;        // Those that are idle.
  size_t connections_ = 0;  // All.
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP1_POOL_H_
