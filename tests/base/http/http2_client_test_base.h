// What the tests of HTTP/2 clients share: a client and a server on the loop of
// the test's thread, so that a test sees and says all that happens at both
// ends.
//
//   TEST_F(Http2ClientTest, DoesSomething) {
//     Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
//       const Reply reply = co_await Call(client, Plain(To(server.port())));
//       ...
//
// Thread contract: one thread.

#ifndef TESTS_BASE_HTTP_HTTP2_CLIENT_TEST_BASE_H_
#define TESTS_BASE_HTTP_HTTP2_CLIENT_TEST_BASE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http2_client.h"
#include "base/http/http_client.h"
#include "base/net/resolver.h"
#include "gtest/gtest.h"
#include "tests/base/http/http1_client_test_base.h"
#include "tests/testing/test_http2_server.h"

namespace gateway {

class Http2ClientTestBase : public Http1ClientTestBase {
 protected:
  using Http1ClientTestBase::Http1ClientTestBase;
  using Story = std::function<Task<void>(Http2Client&, TestHttp2Server&)>;

  // The client closes its connections in peace before the server goes.
  void Run(Story story) { runner_.Run(Tell(&resolver_, std::move(story))); }

  // Without a server of ours.
  void RunClient(std::function<Task<void>(Http2Client&)> story) {
    Run([&](Http2Client& client, TestHttp2Server&) -> Task<void> {
      co_await story(client);
    });
  }

  // Calls that run beside each other.
  class Calls {
   public:
    explicit Calls(HttpClient& client) : client_(client) {}

    void Add(Ask ask) {
      replies_.push_back(std::make_unique<Reply>());
      ++open_;
      Spawn(Run(std::move(ask), replies_.back().get()));
    }
    Task<void> AwaitAll() {
      while (open_ > 0) co_await done_.Wait();
    }
    Task<void> AwaitLeft(size_t count) {
      while (open_ > count) co_await done_.Wait();
    }
    const Reply& operator[](size_t index) const { return *replies_[index]; }
    size_t open() const { return open_; }

   private:
    Task<void> Run(Ask ask, Reply* reply) {
      *reply = co_await Call(client_, std::move(ask));
      --open_;
      done_.Set();
    }

    HttpClient& client_;
    std::vector<std::unique_ptr<Reply>> replies_;
    size_t open_ = 0;
    WakeUp done_;
  };

  // Sends a request and returns what Send did. Borrows all of it.
  struct Sent {
    Sent(std::shared_ptr<const HttpDestination> to, std::string body_text = "")
        : head(std::move(to), "POST", "/v1", {}), body(std::move(body_text)) {}

    Task<absl::Status> Send(HttpClient& client) {
      const std::string_view pieces[] = {body};
      HttpCall call;
      call.head = &head;
      if (!body.empty()) call.body = pieces;
      call.cancel = &cancel;
      call.progress = &progress;
      absl::StatusOr<std::unique_ptr<HttpExchange>> sent =
          co_await client.Send(call);
      if (sent.ok()) exchange = *std::move(sent);
      co_return sent.status();
    }

    const HttpRequestHead head;
    std::string body;
    CancelSignal cancel;
    HttpProgress progress;
    std::unique_ptr<HttpExchange> exchange;  // Null if it failed.
  };

 private:
  static Task<void> Tell(Resolver* resolver, Story story) {
    Http2Client client(*resolver);
    TestHttp2Server server;
    co_await story(client, server);
    co_await client.Close();
    EXPECT_EQ(client.stats().active, 0u);
    EXPECT_EQ(client.stats().idle, 0u);
    EXPECT_EQ(client.stats().streams, 0u);
    co_await server.Close();
  }
};

}  // namespace gateway

#endif  // TESTS_BASE_HTTP_HTTP2_CLIENT_TEST_BASE_H_
