// What the tests of Http1Client share: a client on a loop in the test's
// thread, and one call told by what it asks and what came of it.
//
// Thread contract: one thread.

#ifndef TESTS_BASE_HTTP_HTTP1_CLIENT_TEST_BASE_H_
#define TESTS_BASE_HTTP_HTTP1_CLIENT_TEST_BASE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/http/http1_client.h"
#include "base/http/http_client.h"
#include "base/net/resolver.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/pattern.h"
#include "tests/testing/raw_client.h"

namespace gateway {

inline constexpr std::string_view kOk =
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

// Reads one request with a body of two bytes.
inline std::string ReceiveRequest(RawClient& client) {
  const std::string head = client.ReceiveUntil("\r\n\r\n");
  return head.empty() ? head : head + client.ReceiveExactly(2);
}

struct Ask {
  std::shared_ptr<const HttpDestination> to;
  std::string method = "POST";
  std::string path = "/v1";
  std::string body = "{}";
  bool fresh_connection = false;
  bool read_all = true;  // By ReadAll; otherwise by Read, bit by bit.
  CancelSignal* cancel = nullptr;
};

// For coroutines, where GCC 12 cannot take a braced Ask as an argument.
inline Ask Plain(std::shared_ptr<const HttpDestination> to) {
  Ask ask;
  ask.to = std::move(to);
  return ask;
}

struct Reply {
  absl::Status status;  // Of Send, or of the reading after it.
  bool began = false;   // Send succeeded.
  int code = 0;
  std::string body;
  std::string came;  // What had come when ReadAll failed.
  std::string mark;  // The field `x-mark`, looked at behind the body.
  HttpProgress progress;
};

class Http1ClientTestBase : public testing::Test {
 protected:
  Http1ClientTestBase() = default;
  explicit Http1ClientTestBase(Resolver::LookUp look_up)
      : resolver_(std::move(look_up)) {}

  static std::shared_ptr<HttpDestination> To(uint16_t port) {
    auto to = std::make_shared<HttpDestination>();
    to->host = "127.0.0.1";
    to->port = port;
    return to;
  }

  // Runs `body` with a client, which is gone afterwards.
  void WithClient(std::function<Task<void>(Http1Client&)> body) {
    runner_.Run(WithClient(&resolver_, std::move(body)));
  }

  // One call by a client of its own.
  Reply CallOnce(Ask ask) {
    Reply reply;
    WithClient([&](Http1Client& client) -> Task<void> {
      reply = co_await Call(client, ask);
    });
    return reply;
  }

  static Task<Reply> Call(HttpClient& client, Ask ask) {
    Reply reply;
    CancelSignal never;
    const HttpRequestHead head(ask.to, ask.method, ask.path, {});
    const std::string_view pieces[] = {ask.body};
    HttpCall call;
    call.head = &head;
    if (!ask.body.empty()) call.body = pieces;
    call.fresh_connection = ask.fresh_connection;
    call.cancel = ask.cancel != nullptr ? ask.cancel : &never;
    call.progress = &reply.progress;
    absl::StatusOr<std::unique_ptr<HttpExchange>> exchange =
        co_await client.Send(call);
    reply.status = exchange.status();
    if (!exchange.ok()) co_return reply;
    reply.began = true;
    reply.code = (*exchange)->status();
    if (ask.read_all) {
      absl::StatusOr<std::string_view> body = co_await (*exchange)->ReadAll();
      reply.status = body.status();
      if (body.ok()) {
        reply.body = std::string(*body);
      } else {
        reply.came = std::string((*exchange)->came());
      }
      reply.mark = std::string((*exchange)->Find("x-mark"));
    } else {
      reply.mark = std::string((*exchange)->Find("x-mark"));
      reply.status = co_await ReadBits(**exchange, &reply.body);
    }
    co_return reply;
  }

  static Task<absl::Status> ReadBits(HttpExchange& exchange,
                                     std::string* body) {
    for (;;) {
      absl::StatusOr<absl::Span<const std::string_view>> pieces =
          co_await exchange.Read();
      if (!pieces.ok()) co_return pieces.status();
      if (pieces->empty()) co_return absl::OkStatus();
      for (std::string_view piece : *pieces) *body += piece;
    }
  }

  LoopRunner runner_;
  Resolver resolver_;

 private:
  static Task<void> WithClient(Resolver* resolver,
                               std::function<Task<void>(Http1Client&)> body) {
    Http1Client client(*resolver);
    co_await body(client);
    co_await client.AwaitIdle();
  }
};

}  // namespace gateway

#endif  // TESTS_BASE_HTTP_HTTP1_CLIENT_TEST_BASE_H_
