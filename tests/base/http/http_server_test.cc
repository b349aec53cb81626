// What an HttpServer does whichever version its clients speak. HTTP/1.1 alone:
// tests/base/http/http1_requests_test.cc; HTTP/2 alone:
// tests/base/http/http2_responder_test.cc.

#include "base/http/http_server.h"

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/async/task.h"
#include "base/http/http2_stream.h"
#include "base/http/http_handler.h"
#include "base/net/stream.h"
#include "base/net/tls_context.h"
#include "base/string_view.h"
#include "gtest/gtest.h"
#include "tests/testing/http2_test_client.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/path_handler.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/stream_pair.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_http_server.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

constexpr std::string_view kGetHello = "GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";

// What every HTTP/2 client says first, and settings without a word.
constexpr std::string_view kPrefaceAndSettings(
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);

// Whether the bytes begin with a frame of settings.
bool IsSettings(std::string_view bytes) {
  return bytes.size() == 9 && bytes[3] == 4;
}

class HttpServerTest : public testing::Test {
 protected:
  static void AwaitDrained(TestHttpServer& server) {
    server.Await([&server]() -> Task<void> {
      while (server.server().connections() > 0) {
        co_await server.server().drained().Wait();
      }
    });
  }

  // A connection whose client has seen its end is let go of a turn of the loop
  // later, or a few; each look takes a turn.
  static void AwaitConnections(TestHttpServer& server, size_t count) {
    while (server.connections() != count) {
    }
  }

  PathHandler handler_;
};

TEST_F(HttpServerTest, SpeaksBothVersionsOnOnePort) {
  TestHttpServer server(handler_);
  RawClient one = RawClient::Connect(server.port());
  Http2TestClient two(server.port());
  for (int i = 0; i < 3; ++i) {
    one.Send(kGetHello);
    EXPECT_EQ(one.ReceiveAnswer().body, "GET /hello? x-a=");
    EXPECT_EQ(two.Ask({.path = "/hello"}).body, "GET /hello? x-a=");
  }
  EXPECT_EQ(server.connections(), 2u);
}

TEST_F(HttpServerTest, ThePrefaceMayArriveInPieces) {
  TestHttpServer server(handler_);
  for (size_t at = 1; at < kPrefaceAndSettings.size(); ++at) {
    RawClient client = RawClient::Connect(server.port());
    client.Send(kPrefaceAndSettings.substr(0, at));
    server.Do([] {});
    client.Send(kPrefaceAndSettings.substr(at));
    EXPECT_TRUE(IsSettings(client.ReceiveExactly(9))) << at;
  }
}

TEST_F(HttpServerTest, ARequestMayBeginLikeThePreface) {
  TestHttpServer server(handler_);
  for (const std::string_view method : {"P", "PR", "PRI", "PRIME"}) {
    RawClient client = RawClient::Connect(server.port());
    client.Send(absl::StrCat(ToAbsl(method), " / HTTP/1.1\r\nhost: x\r\n\r\n"));
    EXPECT_EQ(client.ReceiveAnswer().body,
              absl::StrCat(ToAbsl(method), " /? x-a="));
  }
}

TEST_F(HttpServerTest, ThePrefaceOpensAConnectionAndNothingElse) {
  TestHttpServer server(handler_);
  RawClient client = RawClient::Connect(server.port());
  client.Send(absl::StrCat(ToAbsl(kGetHello), ToAbsl(kPrefaceAndSettings)));
  EXPECT_EQ(client.ReceiveAnswer().status, 200);
  EXPECT_EQ(client.ReceiveAnswer().status, 400);
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpServerTest, UnderTlsTheVersionIsAgreedOnByAlpn) {
  const TestCertificates certificates;
  TestHttpServer server(handler_, {},
                        ServerTls(certificates.good(), {"h2", "http/1.1"}));
  Http2TestClient two(server.port(),
                      ClientTls(certificates, {"http/1.1", "h2"}));
  EXPECT_EQ(two.alpn(), "h2");
  EXPECT_EQ(two.Ask({.path = "/hello"}).body, "GET /hello? x-a=");

  LoopRunner runner;
  runner.Run([](TestHttpServer* server,
                std::shared_ptr<TlsContext> tls) -> Task<void> {
    const std::unique_ptr<Stream> stream = BeginConnectTo(server->port());
    const std::string name = "localhost";
    EXPECT_TRUE((co_await stream->Connected()).ok());
    EXPECT_TRUE((co_await stream->StartTls(*tls, name)).ok());
    EXPECT_EQ(stream->alpn(), "http/1.1");
    iovec request = {const_cast<char*>(kGetHello.data()), kGetHello.size()};
    EXPECT_TRUE((co_await stream->Write(&request, 1)).ok());
    char answer[1024];
    IoResult got = stream->TryRead(answer, sizeof(answer));
    while (got.would_block()) {
      co_await stream->Readable();
      got = stream->TryRead(answer, sizeof(answer));
    }
    EXPECT_EQ(std::string_view(answer, got.bytes).substr(0, 15),
              "HTTP/1.1 200 OK");
  }(&server, ClientTls(certificates, {"http/1.1"})));
}

TEST_F(HttpServerTest, BeyondTheLimitTheOldestThatIsIdleMakesRoom) {
  TestHttpServer server(handler_, {.connections = 2});
  RawClient one = RawClient::Connect(server.port());
  one.Send(kGetHello);
  EXPECT_EQ(one.ReceiveAnswer().status, 200);
  Http2TestClient two(server.port());
  EXPECT_EQ(two.Ask({}).status(), "200");
  RawClient three = RawClient::Connect(server.port());
  three.Send(kGetHello);
  EXPECT_EQ(three.ReceiveAnswer().status, 200);
  EXPECT_TRUE(one.AtEnd());
  EXPECT_EQ(two.Ask({}).status(), "200");
}

TEST_F(HttpServerTest, WhereAllAreBusyOneMoreIsClosed) {
  TestHttpServer server(handler_, {.connections = 2});
  Http2TestClient busy(server.port());
  Http2TestCall& waiting = busy.Begin({.path = "/wait_started"});
  EXPECT_EQ(busy.AwaitBody(waiting, 5), "begun");
  Http2TestClient too(server.port());
  Http2TestCall& waiting_too = too.Begin({.path = "/wait_started"});
  EXPECT_EQ(too.AwaitBody(waiting_too, 5), "begun");
  EXPECT_TRUE(RawClient::Connect(server.port()).AtEnd());
}

TEST_F(HttpServerTest, DrainLetsWhatHasBegunFinish) {
  TestHttpServer server(handler_);
  Http2TestClient idle(server.port());
  EXPECT_EQ(idle.Ask({}).status(), "200");
  Http2TestClient busy(server.port());
  Http2TestCall& half =
      busy.Begin({.method = "POST", .path = "/echo", .body = "01",
                  .whole = false});
  Http2TestCall& waiting = busy.Begin({.path = "/wait_started"});
  EXPECT_EQ(busy.AwaitBody(waiting, 5), "begun");

  server.Do([&] { server.server().Drain(); });
  idle.AwaitEnd();
  busy.AwaitGoaway();
  busy.Send(half, "23", /*end=*/true);
  EXPECT_EQ(busy.AwaitClosed(half).body, "0123");
  EXPECT_TRUE(RawClient::Connect(server.port()).AtEnd());
  AwaitConnections(server, 1);
  busy.Reset(waiting);
  EXPECT_TRUE(handler_.gone.Wait());
  busy.AwaitEnd();
  AwaitDrained(server);
}

TEST_F(HttpServerTest, CancelAllLetsHandlersHaveTheirLastWord) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  Http2TestCall& waiting = client.Begin({.path = "/wait"});
  ASSERT_TRUE(handler_.waiting.Wait());
  Http2TestCall& half = client.Begin({.method = "POST", .whole = false});
  server.Do([&] {
    server.server().CancelAll(absl::CancelledError("the grace is over"));
  });
  EXPECT_EQ(client.AwaitClosed(waiting).status(), "500");
  EXPECT_EQ(client.AwaitClosed(half).error, Http2Error::kRefusedStream);
  client.AwaitEnd();
  AwaitDrained(server);
}

TEST_F(HttpServerTest, CancelAllDoesNotWaitForAClientThatDoesNotRead) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  Http2TestCall& flood = client.Begin({.path = "/flood"});
  client.Do([&] { flood.consumes = false; });
  EXPECT_NE(client.AwaitBody(flood, 1), "");
  server.Do([&] {
    server.server().CancelAll(absl::CancelledError("the grace is over"));
  });
  EXPECT_TRUE(handler_.flooded.Wait());
  AwaitDrained(server);
}

TEST_F(HttpServerTest, CloseAllWaitsForNobody) {
  TestHttpServer server(handler_);
  RawClient one = RawClient::Connect(server.port());
  one.Send(kGetHello);
  EXPECT_EQ(one.ReceiveAnswer().status, 200);
  Http2TestClient two(server.port());
  Http2TestCall& waiting = two.Begin({.path = "/wait_started"});
  EXPECT_EQ(two.AwaitBody(waiting, 5), "begun");
  server.Do([&] { server.server().CloseAll(); });
  EXPECT_TRUE(handler_.gone.Wait());
  EXPECT_TRUE(one.AtEnd());
  two.AwaitEnd();
  AwaitDrained(server);
}

// Repeats what it was told of the request that is refused.
class Repeating final : public HttpHandler {
 public:
  Task<void> Handle(const HttpRequest&, HttpResponder&) override { co_return; }

  Refusal RefuseRequest(int, const HttpRequest& request, std::string_view,
                        std::string_view) override {
    return {"text/plain",
            absl::StrCat(ToAbsl(request.method), " ", ToAbsl(request.path)),
            {{"x-one", std::string(request.Find("origin"))},
             {"x-two", "2"}}};
  }
};

TEST_F(HttpServerTest, WhoRefusesKnowsTheHeadOfTheRequest) {
  Repeating handler;
  TestHttpServer server(handler, {.body_bytes = 10});
  for (const std::string_view body :
       {"content-length: 11\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n00b\r\n",
        "content-length: 0\r\n\r\n"}) {  // For want of an answer.
    RawClient one = RawClient::Connect(server.port());
    one.Send(absl::StrCat("POST /v1?q HTTP/1.1\r\nhost: x\r\n"
                          "origin: https://a\r\n",
                          ToAbsl(body)));
    const RawAnswer answer = one.ReceiveAnswer();
    EXPECT_EQ(answer.body, "POST /v1");
    EXPECT_EQ(answer.Find("x-one"), "https://a");
    EXPECT_EQ(answer.Find("x-two"), "2");
  }
  Http2TestClient two(server.port());
  for (const std::string body : {"more than ten bytes", "ten bytes"}) {
    const Http2Answer answer = two.Ask({.method = "POST",
                                        .path = "/v1?q",
                                        .fields = {{"origin", "https://a"}},
                                        .body = body});
    EXPECT_EQ(answer.status(), body.size() > 10 ? "413" : "500");
    EXPECT_EQ(answer.body, "POST /v1");
    EXPECT_EQ(answer.Find("x-one"), "https://a");
    EXPECT_EQ(answer.Find("x-two"), "2");
  }
}

TEST_F(HttpServerTest, OfAHeadThatIsRefusedNothingIsKnown) {
  Repeating handler;
  TestHttpServer server(handler);
  RawClient client = RawClient::Connect(server.port());
  client.Send("GET / HTTP/1.1\r\norigin: https://a\r\nno colon\r\n\r\n");
  const RawAnswer answer = client.ReceiveAnswer();
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body, " ");
}

TEST_F(HttpServerTest, LimitsThatNoConnectionCanKeepAreRefused) {
  EXPECT_TRUE(HttpServer::CheckLimits({}).ok());
  EXPECT_TRUE(HttpServer::CheckLimits({.concurrent_streams = 32'767}).ok());
  for (const uint32_t streams : {0, 32'768}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        HttpServer::CheckLimits({.concurrent_streams = streams})))
        << streams;
  }
}

}  // namespace
}  // namespace gateway
