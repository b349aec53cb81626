// Http2EchoServer serves HTTP/2 on a loop of its own: each request is answered
// with 200 and its own body, after `hello` if it is a GET, and its trailers.
// What became of the connections can be asked for.
//
//   Http2EchoServer server(limits);
//   RawClient client = RawClient::Connect(server.port());
//   ...
//   EXPECT_THAT(server.AwaitEnd().message(), HasSubstr("carry nothing"));
//
// Thread contract: one thread, which is not the loop's.

#ifndef TESTS_TESTING_HTTP2_ECHO_SERVER_H_
#define TESTS_TESTING_HTTP2_ECHO_SERVER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_session.h"
#include "base/http/http2_stream.h"
#include "base/net/listener.h"
#include "base/net/stream.h"
#include "base/os/mutex.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_thread.h"

namespace gateway {

class Http2EchoServer {
 public:
  explicit Http2EchoServer(const Http2Limits& limits = {},
                           std::string hello = "hello")
      : limits_(limits),
        hello_(std::move(hello)),
        address_(*BindAddress("127.0.0.1:0")) {
    Run([this] {
      listener_ = *Listener::Open(
          address_, [this](std::unique_ptr<Stream> stream) {
            connections_.emplace_back(*this, std::move(stream));
            connections_.back().Start();
          });
    });
  }

  ~Http2EchoServer() {
    Run([this] {
      listener_.reset();
      for (Connection& connection : connections_) connection.Close();
    });
    while (open() > 0) Run([] {});
  }

  uint16_t port() const { return address_.port(); }

  // Why a connection has ended: each is told once, in order. Waits for the
  // next; UNKNOWN, as no session says, if none ends.
  absl::Status AwaitEnd() {
    MutexLock lock(mu_);
    while (ends_.empty()) {
      if (!ended_.WaitFor(lock, absl::Seconds(20))) {
        return absl::UnknownError("no connection has ended");
      }
    }
    absl::Status why = std::move(ends_.front());
    ends_.pop_front();
    return why;
  }

  // Has every connection take no more requests.
  void Drain() {
    Run([this] {
      for (Connection& connection : connections_) connection.Drain();
    });
  }

  // How many requests the sessions have told of, and how many in one turn of
  // the loop at most.
  int requests() {
    int count = 0;
    Run([this, &count] { count = requests_; });
    return count;
  }
  int most_requests_of_a_turn() {
    int most = 0;
    Run([this, &most] { most = most_of_turn_; });
    return most;
  }

  // What `work` sends lies there at once when the loop looks.
  void WhileTheLoopSleeps(const std::function<void()>& work) {
    Event asleep;
    Event awake;
    thread_.loop().Post([&] {
      asleep.Set();
      if (!awake.Wait()) std::abort();
    });
    if (!asleep.Wait()) std::abort();
    work();
    awake.Set();
    Run([] {});  // The events outlive the sleep.
  }

  // Connections that are open now.
  size_t open() {
    size_t count = 0;
    Run([this, &count] { count = connections_.size(); });
    return count;
  }

 private:
  class Exchange final : public Http2StreamEvents {
   public:
    void OnData(Http2Stream& stream, std::string_view bytes) override {
      stream.Send(bytes);
      unconsumed_ += bytes.size();
    }
    void OnTrailers(Http2Stream&,
                    absl::Span<const HttpField> fields) override {
      for (const HttpField& field : fields) {
        trailers_.emplace_back(std::string(field.name),
                               std::string(field.value));
      }
    }
    void OnEnd(Http2Stream& stream) override {
      std::vector<HttpField> fields;
      for (const auto& [name, value] : trailers_) {
        fields.push_back({name, value});
      }
      stream.End(fields);
    }
    // The peer may send what it takes back.
    void OnSent(Http2Stream& stream) override {
      stream.Consume(std::exchange(unconsumed_, 0));
    }
    void OnClosed(Http2Stream&, Http2Error, const absl::Status&) override {
      delete this;
    }

   private:
    size_t unconsumed_ = 0;
    std::vector<std::pair<std::string, std::string>> trailers_;
  };

  class Connection final : public Http2Session::Owner {
   public:
    Connection(Http2EchoServer& server, std::unique_ptr<Stream> stream)
        : server_(server),
          session_(Http2Session::Role::kServer, std::move(stream),
                   server.limits_, *this) {}

    void Start() { session_.Start(); }
    void Drain() { session_.Drain(); }
    void Close() { session_.Close(absl::CancelledError("the test is over")); }

    void OnRequest(Http2Stream& stream, absl::Span<const HttpField> fields,
                   bool) override {
      server_.CountRequest();
      const HttpField head[] = {{":status", "200"},
                                {"content-type", "text/plain"}};
      stream.SetEvents(new Exchange);
      stream.SendHead(head);
      for (const HttpField& field : fields) {
        if (field.name == ":method" && field.value == "GET") {
          stream.Send(server_.hello_);
        }
      }
    }

    void OnEnded(const absl::Status& why) override { server_.Drop(this, why); }

   private:
    Http2EchoServer& server_;
    Http2Session session_;
  };

  void CountRequest() {
    ++requests_;
    const uint64_t turn = EventLoop::Current()->turn();
    if (std::exchange(turn_, turn) != turn) of_turn_ = 0;
    most_of_turn_ = std::max(most_of_turn_, ++of_turn_);
  }

  void Drop(Connection* connection, const absl::Status& why) {
    {
      MutexLock lock(mu_);
      // A copy that shares nothing: its count of owners is kept in a library
      // which ThreadSanitizer cannot look into.
      ends_.emplace_back(why.code(), why.message());
      ended_.NotifyAll();
    }
    connections_.remove_if(
        [connection](const Connection& one) { return &one == connection; });
  }

  void Run(const std::function<void()>& work) {
    if (!thread_.Run(work)) std::abort();
  }

  const Http2Limits limits_;
  const std::string hello_;
  const ListenAddress address_;
  Mutex mu_;
  CondVar ended_;
  std::list<absl::Status> ends_ GUARDED_BY(mu_);
  // Of the loop.
  std::list<Connection> connections_;
  int requests_ = 0;
  uint64_t turn_ = 0;
  int of_turn_ = 0;
  int most_of_turn_ = 0;
  std::unique_ptr<Listener> listener_;
  LoopThread thread_;
};

}  // namespace gateway

#endif  // TESTS_TESTING_HTTP2_ECHO_SERVER_H_
