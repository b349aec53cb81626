// TestHttpServer serves HTTP/1.1 with the house's own server on a loop and a
// thread of its own, for tests that stand outside with a socket or a client.
//
//   TestHttpServer server(handler, {.head_timeout = absl::Milliseconds(50)});
//   RawClient client = RawClient::Connect(server.port());
//
// The handler runs on the server's thread. Destruction cancels what still runs
// and waits for its end.
//
// Thread contract: one thread, which is not the server's.

#ifndef TESTS_TESTING_TEST_HTTP_SERVER_H_
#define TESTS_TESTING_TEST_HTTP_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "base/http/http_server.h"
#include "base/memory/block_pool.h"
#include "base/net/listener.h"
#include "base/net/stream.h"
#include "base/net/tls_context.h"
#include "tests/testing/loop_thread.h"

namespace gateway {

class TestHttpServer {
 public:
  explicit TestHttpServer(HttpHandler& handler,
                          const HttpServerLimits& limits = {},
                          std::shared_ptr<TlsContext> tls = nullptr) {
    Do([&] {
      absl::StatusOr<ListenAddress> address = BindAddress("127.0.0.1:0");
      port_ = address->port();
      server_ = std::make_unique<HttpServer>(handler, limits, std::move(tls));
      auto listener =
          Listener::Open(*address, [this](std::unique_ptr<Stream> stream) {
            server_->Accept(std::move(stream));
          });
      listener_ = *std::move(listener);
    });
  }

  ~TestHttpServer() {
    Await([this]() -> Task<void> {
      listener_.reset();
      server_->CancelAll(absl::CancelledError("the test is over"));
      while (server_->connections() > 0) co_await server_->drained().Wait();
      server_.reset();
    });
  }

  uint16_t port() const { return port_; }
  EventLoop& loop() { return thread_.loop(); }

  // Of the server's thread.
  HttpServer& server() { return *server_; }

  // Runs `work` on the server's thread.
  void Do(const std::function<void()>& work) {
    if (!thread_.Run(work)) std::abort();
  }
  void Await(const std::function<Task<void>()>& task) {
    if (!thread_.RunTask(task)) std::abort();
  }

  size_t connections() {
    size_t count = 0;
    Do([&] { count = server_->connections(); });
    return count;
  }

  // Blocks of input that are in use.
  size_t blocks_lent() {
    size_t count = 0;
    Do([&] { count = loop().blocks().lent(); });
    return count;
  }

 private:
  LoopThread thread_;
  uint16_t port_ = 0;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace gateway

#endif  // TESTS_TESTING_TEST_HTTP_SERVER_H_
