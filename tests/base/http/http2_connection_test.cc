// What becomes of many requests on one connection over HTTP/2.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http2_session.h"
#include "base/http/http2_stream.h"
#include "base/http/http_handler.h"
#include "gtest/gtest.h"
#include "tests/testing/http2_test_client.h"
#include "tests/testing/path_handler.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

constexpr absl::Duration kHttp2Timeout = absl::Milliseconds(60);

class Http2ConnectionTest : public testing::Test {
 protected:
  PathHandler handler_;
};

TEST_F(Http2ConnectionTest, AnswersManyRequestsAtOnce) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  EXPECT_EQ(client.Ask({}).status(), "200");
  for (int round = 0; round < 3; ++round) {
    std::vector<Http2TestCall*> calls;
    for (int i = 0; i < 250; ++i) {
      calls.push_back(&client.Begin(
          {.method = "POST", .path = i % 2 == 0 ? "/echo" : "/stream",
           .body = absl::StrCat("body ", i)}));
    }
    for (int i = 0; i < 250; ++i) {
      EXPECT_EQ(client.AwaitClosed(*calls[i]).body,
                i % 2 == 0 ? absl::StrCat("body ", i) : "one two three");
    }
  }
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_EQ(server.blocks_lent(), 0u);
}

TEST_F(Http2ConnectionTest, NoneWaitsForAnother) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  Http2TestCall& waiting = client.Begin({.path = "/wait_started"});
  Http2TestCall& half =
      client.Begin({.method = "POST", .path = "/echo", .whole = false});
  EXPECT_EQ(client.AwaitBody(waiting, 5), "begun");
  EXPECT_EQ(client.Ask({.path = "/hello"}).body, "GET /hello? x-a=");
  client.Send(half, "late", /*end=*/true);
  EXPECT_EQ(client.AwaitClosed(half).body, "late");
  client.Reset(waiting);
  EXPECT_TRUE(handler_.gone.Wait());
}

TEST_F(Http2ConnectionTest, LetsNoMoreStreamsInThanAllowed) {
  TestHttpServer server(handler_, {.concurrent_streams = 2});
  Http2TestClient client(server.port());
  EXPECT_EQ(client.Ask({}).status(), "200");
  Http2TestCall& first = client.Begin({.path = "/wait_started"});
  Http2TestCall& second = client.Begin({.path = "/wait_started"});
  EXPECT_EQ(client.AwaitBody(first, 5), "begun");
  EXPECT_EQ(client.AwaitBody(second, 5), "begun");
  client.Do([&] { EXPECT_FALSE(client.accepting()); });
  client.Reset(first);
  EXPECT_EQ(client.AwaitClosed(first).error, Http2Error::kCancel);
  EXPECT_EQ(client.Ask({}).status(), "200");
}

// Works on when its client has gone, until it is told to stop.
class StubbornHandler final : public HttpHandler {
 public:
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    if (request.path == "/stop") {
      stopped = true;
      for (WakeUp* stop : std::exchange(stops, {})) stop->Set();
    } else {
      WakeUp stop;
      stops.push_back(&stop);
      if (!stopped) co_await stop.Wait();
    }
    const std::string_view body[] = {"stubborn"};
    static_cast<void>(co_await responder.Send({200, {}}, body));
  }

  bool stopped = false;
  std::vector<WakeUp*> stops;
};

TEST_F(Http2ConnectionTest, ResettingStreamsPutsNoMoreHandlersToWork) {
  StubbornHandler handler;
  TestHttpServer server(handler, {.concurrent_streams = 3});
  Http2TestClient client(server.port());
  const auto begin = [&](size_t at_work) -> Http2TestCall& {
    Http2TestCall& call = client.Begin({.path = "/stubborn"});
    for (size_t now = 0; now < at_work;) {
      server.Do([&] { now = handler.stops.size(); });
    }
    return call;
  };
  for (size_t i = 1; i <= 5; ++i) client.Reset(begin(i));
  Http2TestCall& sixth = begin(6);
  EXPECT_EQ(client.Ask({.path = "/stop"}).error, Http2Error::kRefusedStream);
  Http2TestClient other(server.port());
  EXPECT_EQ(other.Ask({.path = "/stop"}).body, "stubborn");
  EXPECT_EQ(client.AwaitClosed(sixth).body, "stubborn");
  EXPECT_EQ(client.Ask({.path = "/stop"}).body, "stubborn");
}

TEST_F(Http2ConnectionTest, OutlivesItsClientUntilTheLastHandlerReturns) {
  StubbornHandler handler;
  TestHttpServer server(handler);
  {
    Http2TestClient client(server.port());
    client.Begin({.path = "/stubborn"});
    Http2TestClient other(server.port());
    other.Begin({.path = "/stubborn"});
    for (size_t at_work = 0; at_work < 2;) {
      server.Do([&] { at_work = handler.stops.size(); });
    }
  }
  EXPECT_EQ(server.connections(), 2u);
  Http2TestClient client(server.port());
  EXPECT_EQ(client.Ask({.path = "/stop"}).body, "stubborn");
  while (server.connections() > 1) {
  }
}

TEST_F(Http2ConnectionTest, ClosesIdleConnectionsInPeace) {
  TestHttpServer server(handler_, {.idle_timeout = kHttp2Timeout});
  Http2TestClient fresh(server.port());
  Http2TestClient used(server.port());
  EXPECT_EQ(used.Ask({}).status(), "200");
  fresh.AwaitEnd();
  used.AwaitEnd();
}

TEST_F(Http2ConnectionTest, TellsAllHandlersThatTheClientLeft) {
  TestHttpServer server(handler_);
  {
    Http2TestClient client(server.port());
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(client.AwaitBody(client.Begin({.path = "/wait_started"}), 5),
                "begun");
    }
    EXPECT_FALSE(handler_.gone.IsSet());
    client.Close();
  }
  EXPECT_TRUE(handler_.gone.Wait());
  while (server.connections() > 0) {
  }
}

}  // namespace
}  // namespace gateway
