// TestHttp2Server serves HTTP/2 on the test's own loop with the house's own
// session, and lets a test say what happens to each request. By default it
// answers 200 with what the request's body was.
//
//   TestHttp2Server server;
//   server.on_end = [](TestHttp2Server::Request& request) {
//     request.stream->Reset(Http2Error::kRefusedStream);
//   };
//   ... call 127.0.0.1:server.port() ...
//   co_await server.Close();
//
// With TLS, a connection on which HTTP/1.1 was chosen is answered too: each
// request without a body with `one`.
//
// Thread contract: one event loop.

#ifndef TESTS_TESTING_TEST_HTTP2_SERVER_H_
#define TESTS_TESTING_TEST_HTTP2_SERVER_H_

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_session.h"
#include "base/http/http2_stream.h"
#include "base/net/listener.h"
#include "base/net/stream.h"
#include "base/net/tls_context.h"

namespace gateway {

class TestHttp2Server {
 public:
  class Connection;

  struct Request final : Http2StreamEvents {
    explicit Request(TestHttp2Server& server) : server(server) {}

    void OnData(Http2Stream& stream, std::string_view bytes) override {
      body += bytes;
      if (consumes) stream.Consume(bytes.size());
      server.changed.Set();
    }
    void OnEnd(Http2Stream&) override {
      ended = true;
      if (server.on_end) server.on_end(*this);
      server.changed.Set();
    }
    void OnClosed(Http2Stream&, Http2Error with,
                  const absl::Status&) override {
      stream = nullptr;
      closed = true;
      error = with;
      server.changed.Set();
    }

    void Head(std::string_view status = "200") {
      const HttpField head[] = {{":status", status}, {"x-mark", "here"}};
      stream->SendHead(head);
    }
    void Answer(std::string_view text, std::string_view status = "200") {
      Head(status);
      stream->Send(text);
      stream->End();
    }

    TestHttp2Server& server;
    Connection* connection = nullptr;
    Http2Stream* stream = nullptr;  // Null when it is over.
    std::string fields;             // `name=value;` each.
    std::string body;
    bool consumes = true;
    bool ended = false;
    bool closed = false;
    Http2Error error = Http2Error::kNoError;
  };

  class Connection final : public Http2Session::Owner {
   public:
    Connection(TestHttp2Server& server, std::unique_ptr<Stream> stream)
        : session(Http2Session::Role::kServer, std::move(stream),
                  server.limits, *this),
          server_(server) {
      session.Start();
    }
    ~Connection() = default;

    void OnRequest(Http2Stream& stream, absl::Span<const HttpField> fields,
                   bool) override {
      auto request = std::make_unique<Request>(server_);
      request->connection = this;
      request->stream = &stream;
      for (const HttpField& field : fields) {
        absl::StrAppend(&request->fields, std::string(field.name), "=",
                        std::string(field.value), ";");
      }
      stream.SetEvents(request.get());
      server_.requests.push_back(std::move(request));
      if (server_.on_head) server_.on_head(*server_.requests.back());
      server_.changed.Set();
    }
    void OnEnded(const absl::Status&) override {
      server_.Forget(this);  // Destroys this.
    }

    Http2Session session;

   private:
    TestHttp2Server& server_;
  };

  explicit TestHttp2Server(std::shared_ptr<TlsContext> tls = nullptr)
      : tls(std::move(tls)) {
    listener_ = *Listener::Open(
        address_, [this](std::unique_ptr<Stream> stream) {
          ++accepted;
          Spawn(Serve(std::move(stream)));
        });
  }

  uint16_t port() const { return address_.port(); }

  Task<void> AwaitRequests(size_t count) {
    while (requests.size() < count) co_await changed.Wait();
  }
  Task<void> AwaitClosed(const Request& request) {
    while (!request.closed) co_await changed.Wait();
  }

  // Waits until the client has closed all connections.
  Task<void> AwaitGone() {
    while (open_ > 0) co_await changed.Wait();
  }

  // Before the end of the loop.
  Task<void> Close() {
    listener_.reset();
    for (const auto& connection : connections) {
      connection->session.Close(absl::OkStatus());
    }
    for (Stream* stream : http1_) stream->Close();
    co_await AwaitGone();
  }

  // For connections and requests to come.
  std::shared_ptr<TlsContext> tls;
  Http2Limits limits;
  std::function<void(Request&)> on_head;  // Null for nothing.
  std::function<void(Request&)> on_end = [](Request& request) {
    request.Answer(request.body);
  };

  size_t accepted = 0;
  size_t http1_requests = 0;
  std::vector<std::unique_ptr<Connection>> connections;  // Those open.
  std::vector<std::unique_ptr<Request>> requests;        // All of them.
  WakeUp changed;

 private:
  Task<void> Serve(std::unique_ptr<Stream> stream) {
    ++open_;
    absl::Status ready;
    // Held until the handshake is over, since the test may replace it.
    const std::shared_ptr<TlsContext> own_tls = tls;
    if (own_tls != nullptr) ready = co_await stream->StartTls(*own_tls, "");
    const bool http1 = own_tls != nullptr && stream->alpn() != "h2";
    if (!ready.ok()) {
      --open_;
    } else if (http1) {
      co_await ServeHttp1(*stream);
      --open_;
    } else {
      connections.push_back(
          std::make_unique<Connection>(*this, std::move(stream)));
    }
    changed.Set();
  }

  Task<void> ServeHttp1(Stream& stream) {
    http1_.push_back(&stream);
    std::string head;
    for (;;) {
      char bytes[4096];
      const IoResult got = stream.TryRead(bytes, sizeof(bytes));
      if (got.would_block()) {
        co_await stream.Readable();
        continue;
      }
      if (got.kind != IoResult::Kind::kBytes) break;
      head.append(bytes, got.bytes);
      if (head.find("\r\n\r\n") == head.npos) continue;
      head.clear();
      ++http1_requests;
      std::string answer = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none";
      iovec piece{answer.data(), answer.size()};
      const absl::Status written = co_await stream.Write(&piece, 1);
      if (!written.ok()) break;
    }
    http1_.erase(std::find(http1_.begin(), http1_.end(), &stream));
  }

  void Forget(Connection* connection) {
    connections.erase(std::find_if(
        connections.begin(), connections.end(),
        [connection](const auto& one) { return one.get() == connection; }));
    --open_;
    changed.Set();
  }

  const ListenAddress address_ = *BindAddress("127.0.0.1:0");
  std::unique_ptr<Listener> listener_;
  std::vector<Stream*> http1_;
  size_t open_ = 0;
};

}  // namespace gateway

#endif  // TESTS_TESTING_TEST_HTTP2_SERVER_H_
