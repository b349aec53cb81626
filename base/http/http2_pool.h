// Http2Pool keeps the HTTP/2 connections to one destination and spreads
// requests over them: the first that takes another stream gets the next
// request. Where none does, another connection is opened, up to a limit, and
// requests wait in the order they came.
//
//   class Fetch final : public Http2Pool::Request {
//     void Begin(Http2Pool::Link& link) override {
//       stream_ = link.Start(fields, /*end=*/true, *this);
//     }
//     void OnUnreachable(const absl::Status& why) override { ... }
//   };
//   pool.Add(fetch);     // Begins now or later,
//   pool.Remove(fetch);  // unless it has been called off.
//
// No request is sent before the server's settings are there: by then it has
// shown that it speaks HTTP/2, and said how many streams it takes.
//
// Thread contract: one event loop.

#ifndef BASE_HTTP_HTTP2_POOL_H_
#define BASE_HTTP_HTTP2_POOL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_session.h"
#include "base/http/http2_stream.h"
#include "base/http/http_client.h"
#include "base/http/http_client_stats.h"
#include "base/http/http_dial.h"
#include "base/net/resolver.h"
#include "base/net/stream.h"

namespace gateway {

class Http2Pool {
 public:
  // One connection of the pool.
  class Link final : private Http2Session::Owner {
   public:
    ~Link() = default;

    // Begins the request's stream. REQUIRES: called by Request::Begin, once.
    Http2Stream* Start(absl::Span<const HttpField> fields, bool end,
                       Http2StreamEvents& events);

    // True if the connection has carried a request before.
    bool reused() const { return reused_; }

    // Rest() is called when a request stayed without an answer: no other
    // follows it here until something has been answered.
    void Rest();
    void OnAnswer();

   private:
    friend class Http2Pool;
    Link(Http2Pool& pool, std::unique_ptr<Stream> stream, uint64_t number);

    // True if a request can begin now.
    bool Accepts() const {
      return ready_ && !resting_ && session_.accepting();
    }
    bool MayAccept() const { return !resting_ && !session_.retiring(); }

    void OnCapacity() override;
    void OnEnded(const absl::Status& why) override;
    void CountStreams();

    Http2Pool& pool_;
    const uint64_t number_;  // Counted up: older links have smaller numbers.
    Http2Session session_;
    bool ready_ = false;  // The server's settings have come.
    bool had_room_ = false;  // Has shown that it takes requests.
    bool reused_ = false;
    bool resting_ = false;
    bool roomy_ = false;  // The link is in `roomy_`.
    bool busy_ = false;   // The link is counted as active.
  };

  // A request that waits for a stream.
  class Request {
   public:
    // Called when `link` has a free stream; may run inside Add().
    virtual void Begin(Link& link) = 0;

    // Called when no connection could be made; the request waits no longer.
    virtual void OnUnreachable(const absl::Status& why) = 0;

   protected:
    virtual ~Request() = default;

   private:
    friend class Http2Pool;
    bool waiting_ = false;
    Request* previous_ = nullptr;
    Request* next_ = nullptr;
  };

  // Is given a connection on which the server chose HTTP/1.1, where the version
  // may be chosen; requests that wait get FAILED_PRECONDITION. If null, such a
  // server cannot be reached.
  using OnHttp1 = std::function<void(
      const std::shared_ptr<const HttpDestination>&, std::unique_ptr<Stream>)>;

  // Borrows everything that is passed by reference.
  Http2Pool(LoopResolver& names, HttpClientStats& stats,
            const OnHttp1& on_http1,
            std::shared_ptr<const HttpDestination> destination);

  // REQUIRES: Close has returned.
  ~Http2Pool();

  Http2Pool(const Http2Pool&) = delete;
  Http2Pool& operator=(const Http2Pool&) = delete;

  void Add(Request& request);

  // Takes a request out of the queue. Does nothing if it does not wait.
  void Remove(Request& request);

  // Takes over a connection that somebody else has opened.
  void Adopt(std::unique_ptr<Stream> stream);

  // Closes all connections. REQUIRES: no request waits or is under way.
  Task<void> Close();

  // True while a request waits or is under way.
  bool busy() const;

  const std::shared_ptr<const HttpDestination>& destination() const {
    return destination_;
  }

  // Value of `:authority` for all requests.
  const std::string& authority() const { return authority_; }

 private:
  void Append(Request& request);
  void Unlink(Request& request);
  void FailAll(const absl::Status& why);

  // Opens as many connections as the waiting requests need.
  void OpenAsNeeded();
  size_t ConnectionsNeeded();
  Task<void> Open();

  void AbandonDials(const absl::Status& why);

  // Called when a connection could not be opened. Waiting requests fail unless
  // another connection can still serve them.
  void OnOpenFailed(const absl::Status& why);

  // Returns the oldest link that has a free stream, or null.
  Link* FindRoom();
  // Called when `link` may have a free stream.
  void OnRoom(Link& link);

  void OnCapacity(Link& link);
  // `why` is a copy, since the link's own is destroyed with it.
  void OnEnded(Link& link, absl::Status why);

  // Constant after construction.
  EventLoop& loop_;
  LoopResolver& names_;
  HttpClientStats& stats_;
  const OnHttp1& on_http1_;
  const std::shared_ptr<const HttpDestination> destination_;
  const std::string authority_;
  const Http2Limits limits_;

  std::vector<std::unique_ptr<Link>> links_;
  uint64_t links_made_ = 0;
  // All links that have a free stream, and perhaps some that no longer have;
  // the oldest last.
  std::vector<Link*> roomy_;
  // Each runs in a coroutine of its own.
  std::vector<HttpDial*> dials_;
  size_t abandoned_dials_ = 0;  // No longer among `dials_`.
  // How many streams one connection carries; 0 while that is not known.
  size_t streams_each_ = 0;

  Request* first_ = nullptr;
  Request* last_ = nullptr;
  size_t waiting_ = 0;

  WakeUp emptied_;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_POOL_H_
