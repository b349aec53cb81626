// What a connection does to clients that are too slow, too large, malformed or
// too many. What it does for the others:
// tests/base/http/http1_requests_test.cc.

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/http/http_handler.h"
#include "base/memory/block_pool.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/event.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kHttp1Timeout = absl::Milliseconds(60);
constexpr std::string_view kGetRoot = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

// Echoes; floods whoever asks for /flood; goes on after its answer until it may
// end where /whole or /stream is asked for; refuses in words of its own.
class EchoHandler final : public HttpHandler {
 public:
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    ++calls;
    since_arrival = EventLoop::Current()->Now() - request.arrival;
    if (request.path == "/flood") {
      co_await Flood(responder);
    } else if (request.path == "/whole" || request.path == "/stream") {
      co_await GoOn(request.path == "/stream", responder);
    } else {
      const std::string_view body[] = {request.body};
      static_cast<void>(co_await responder.Send({200, {}}, body));
    }
  }

  Refusal Refuse(int status, std::string_view path,
                 std::string_view message) override {
    return {"application/json",
            absl::StrCat("{\"refused\": ", status, ", \"path\": \"",
                         ToAbsl(path), "\", \"why\": \"", ToAbsl(message),
                         "\"}")};
  }

  int calls = 0;
  absl::Duration since_arrival;  // Of the last request, when it was handled.
  Event flooded;
  bool gone = false;
  WakeUp may_end;

 private:
  Task<void> GoOn(bool stream, HttpResponder& responder) {
    const std::string_view pieces[] = {"answer"};
    if (stream) {
      responder.Start({200, {}});
      static_cast<void>(co_await responder.Write(pieces));
    }
    responder.GoOnAfterAnswer();
    if (stream) {
      static_cast<void>(co_await responder.Finish());
    } else {
      static_cast<void>(co_await responder.Send({200, {}}, pieces));
    }
    co_await may_end.Wait();
  }
  Task<void> Flood(HttpResponder& responder) {
    const std::string block(64 * 1024, 'x');
    responder.Start({200, {}});
    absl::Status written;
    while (written.ok()) {
      const std::string_view pieces[] = {block};
      written = co_await responder.Write(pieces);
    }
    gone = responder.gone().cancelled();
    flooded.Set();
  }
};

class Http1ConnectionTest : public testing::Test {
 protected:
  // Sends the bytes and expects a refusal, read to the end.
  static void ExpectRefusal(RawClient& client, int status) {
    const RawAnswer answer = client.ReceiveAnswer();
    EXPECT_EQ(answer.status, status) << answer.head;
    EXPECT_EQ(answer.Find("content-type"), "application/json");
    EXPECT_EQ(answer.Find("connection"), "close");
    EXPECT_TRUE(answer.complete);
    EXPECT_THAT(answer.body, HasSubstr(absl::StrCat("\"refused\": ", status)));
    EXPECT_TRUE(client.AtEnd());
    EXPECT_FALSE(client.reset());
  }

  static void Pause(TestHttpServer& server, absl::Duration duration) {
    server.Await([&]() -> Task<void> {
      WakeUp later;
      Timer timer([&] { later.Set(); });
      server.loop().ArmTimer(timer, duration);
      co_await later.Wait();
    });
  }

  EchoHandler handler_;
};

TEST_F(Http1ConnectionTest, RefusesMalformedRequestsInItsOwnWords) {
  TestHttpServer server(handler_);
  for (const std::string_view bytes :
       {"\x16\x03\x01\x02", "GET / HTTP/1.1\n\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\nno colon\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n"
        "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nxx"
        "\r\n"}) {
    RawClient client = RawClient::Connect(server.port());
    client.Send(kGetRoot);
    EXPECT_EQ(client.ReceiveAnswer().status, 200);
    client.Send(bytes);
    ExpectRefusal(client, 400);
  }
  EXPECT_EQ(handler_.calls, 6);
}

TEST_F(Http1ConnectionTest, WhoNeverSpokeHttp1GetsNoAnswerInIt) {
  TestHttpServer server(handler_);
  for (const std::string_view bytes :
       {"INVALID CONNECTION PREFACE\r\n\r\n",
        "PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n", "GET\r\n\r\n",
        "\r\nGET /\r\n\r\n", "GET / HTTP/9.9\r\nhost: x\r\n\r\n",
        "nonsense\r\nx: HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02",
        "\x16\x03 HTTP/1.1\r\n\r\n"}) {
    RawClient client = RawClient::Connect(server.port());
    client.Send(bytes);
    EXPECT_TRUE(client.AtEnd()) << bytes;
    EXPECT_FALSE(client.timed_out()) << bytes;
  }
  for (const std::string_view bytes :
       {"GET / HTTP/1.1 x\r\n\r\n", "\r\nGET  / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.\r\n\r\n", "GET / HTTP/1.1\r\nnonsense\r\n\r\n",
        "GET / HTTP/1.1\n\n"}) {
    RawClient client = RawClient::Connect(server.port());
    client.Send(bytes);
    ExpectRefusal(client, 400);
  }
  EXPECT_EQ(handler_.calls, 0);
}

TEST_F(Http1ConnectionTest, AnswersWhatCameBeforeTheMalformedRequest) {
  TestHttpServer server(handler_);
  RawClient client = RawClient::Connect(server.port());
  client.Send(absl::StrCat(ToAbsl(kGetRoot), "smuggled nonsense\r\n\r\n",
                           ToAbsl(kGetRoot)));
  EXPECT_EQ(client.ReceiveAnswer().status, 200);
  ExpectRefusal(client, 400);
  EXPECT_EQ(handler_.calls, 1);
}

TEST_F(Http1ConnectionTest, RefusesHeadsThatAreTooLarge) {
  for (const size_t limit : {size_t{1000}, kBlockBytes, 3 * kBlockBytes}) {
    TestHttpServer server(handler_, {.head_bytes = limit});
    const std::string frame = "GET / HTTP/1.1\r\nhost: x\r\nx: \r\n\r\n";
    for (const size_t over : {0, 1, 1000, 100'000}) {
      const std::string value(limit - frame.size() + over, 'v');
      RawClient client = RawClient::Connect(server.port());
      client.Send(absl::StrCat("GET / HTTP/1.1\r\nhost: x\r\nx: ", value,
                               "\r\n\r\n"));
      if (over == 0) {
        EXPECT_EQ(client.ReceiveAnswer().status, 200) << limit;
      } else {
        ExpectRefusal(client, 431);
      }
    }
  }
}

TEST_F(Http1ConnectionTest, RefusesTooManyFields) {
  TestHttpServer server(handler_);
  std::string head = "GET / HTTP/1.1\r\nhost: x\r\n";
  for (int i = 0; i < 128; ++i) head += "a: b\r\n";
  RawClient client = RawClient::Connect(server.port());
  client.Send(head + "\r\n");
  ExpectRefusal(client, 431);
}

TEST_F(Http1ConnectionTest, RefusesDeclaredBodiesBeforeTheyCome) {
  TestHttpServer server(handler_);
  for (const std::string_view length : {"2147483648", "33554433"}) {
    RawClient client = RawClient::Connect(server.port());
    client.Send(absl::StrCat("POST /v1?q HTTP/1.1\r\nhost: x\r\n"
                             "expect: 100-continue\r\ncontent-length: ",
                             ToAbsl(length), "\r\n\r\n"));
    ExpectRefusal(client, 413);
  }
  EXPECT_EQ(handler_.calls, 0);
}

TEST_F(Http1ConnectionTest, ARefusedClientMaySendAllOfItsBodyFirst) {
  TestHttpServer server(handler_);
  const std::string body(33 << 20, 'x');
  RawClient client = RawClient::Connect(server.port());
  EXPECT_TRUE(client.Send(absl::StrCat(
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ", body.size(),
      "\r\n\r\n")));
  EXPECT_TRUE(client.Send(body));
  client.HalfClose();
  ExpectRefusal(client, 413);
}

TEST_F(Http1ConnectionTest, RefusesChunksBeyondTheLimit) {
  TestHttpServer server(handler_, {.body_bytes = 10});
  const std::string head =
      "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
  RawClient fine = RawClient::Connect(server.port());
  fine.Send(head + "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n");
  EXPECT_EQ(fine.ReceiveAnswer().body, "0123456789");
  RawClient over = RawClient::Connect(server.port());
  over.Send(head + "5\r\n01234\r\n6\r\n56789x\r\n0\r\n\r\n");
  ExpectRefusal(over, 413);
}

TEST_F(Http1ConnectionTest, RefusesAChunksHeadThatDoesNotEnd) {
  TestHttpServer server(handler_);
  RawClient client = RawClient::Connect(server.port());
  client.Send(absl::StrCat("POST / HTTP/1.1\r\nhost: x\r\n"
                           "transfer-encoding: chunked\r\n\r\n1;",
                           std::string(2 * kBlockBytes, 'e')));
  ExpectRefusal(client, 400);
}

TEST_F(Http1ConnectionTest, RefusesSlowHeads) {
  TestHttpServer server(handler_, {.head_timeout = kHttp1Timeout});
  RawClient client = RawClient::Connect(server.port());
  client.Send("GET / HTTP/1.1\r\nhost:");
  ExpectRefusal(client, 408);
  // Also behind a request that was answered.
  RawClient second = RawClient::Connect(server.port());
  second.Send(absl::StrCat(ToAbsl(kGetRoot), "G"));
  EXPECT_EQ(second.ReceiveAnswer().status, 200);
  ExpectRefusal(second, 408);
}

TEST_F(Http1ConnectionTest, RefusesSlowBodies) {
  TestHttpServer server(handler_, {.body_timeout = kHttp1Timeout});
  for (const std::string_view fields :
       {"content-length: 10\r\n\r\n12345", "content-length: 100000\r\n\r\nx",
        "transfer-encoding: chunked\r\n\r\n5\r\n12345\r\n",
        "expect: 100-continue\r\ncontent-length: 10\r\n\r\n"}) {
    RawClient client = RawClient::Connect(server.port());
    client.Send(
        absl::StrCat("POST / HTTP/1.1\r\nhost: x\r\n", ToAbsl(fields)));
    if (fields.substr(0, 6) == "expect") {
      EXPECT_EQ(client.ReceiveAnswer().status, 100);
    }
    ExpectRefusal(client, 408);
  }
}

TEST_F(Http1ConnectionTest, RefusesBodiesThatDrip) {
  TestHttpServer server(handler_, {.body_timeout = absl::Milliseconds(100)});
  const std::string large(100'000, 'x');
  for (const std::string& body :
       {std::string("content-length: 15\r\n\r\n123456789012345"),
        absl::StrCat("content-length: ", large.size(), "\r\n\r\n", large),
        std::string("transfer-encoding: chunked\r\n\r\n"
                    "f\r\n123456789012345\r\n0\r\n\r\n")}) {
    RawClient client = RawClient::Connect(server.port());
    const size_t first = body.find("\r\n\r\n") + 4;
    client.Send(absl::StrCat("POST / HTTP/1.1\r\nhost: x\r\n",
                             body.substr(0, first)));
    // Each byte comes in time, and in the end there is no more to wait for.
    for (size_t i = 0; i < 14; ++i) {
      client.Send(body.substr(first + i, 1));
      Pause(server, absl::Milliseconds(20));
    }
    client.Send(body.substr(first + 14));
    ExpectRefusal(client, 408);
  }
}

TEST_F(Http1ConnectionTest, BearsWithABodyThatComesSlowly) {
  TestHttpServer server(handler_, {.body_timeout = absl::Milliseconds(1500)});
  const std::string piece(5000, 'x');
  RawClient client = RawClient::Connect(server.port());
  client.Send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 50000\r\n\r\n");
  for (int i = 0; i < 10; ++i) {
    Pause(server, absl::Milliseconds(300));  // In all twice the timeout.
    client.Send(piece);
  }
  EXPECT_EQ(client.ReceiveAnswer().body.size(), 50'000u);
}

// As over HTTP/2 and by gRPC: what is measured from it includes the body.
TEST_F(Http1ConnectionTest, ARequestHasArrivedWithItsHead) {
  TestHttpServer server(handler_);
  RawClient client = RawClient::Connect(server.port());
  client.Send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n"
              "expect: 100-continue\r\n\r\n");
  // The head has been read, since the body is asked for.
  client.ReceiveUntil("100 Continue\r\n\r\n");
  Pause(server, kHttp1Timeout);
  client.Send("late");
  EXPECT_EQ(client.ReceiveAnswer().body, "late");
  EXPECT_GE(handler_.since_arrival, kHttp1Timeout);
}

TEST_F(Http1ConnectionTest, ClosesIdleConnectionsWithoutAWord) {
  TestHttpServer server(handler_, {.idle_timeout = kHttp1Timeout});
  RawClient fresh = RawClient::Connect(server.port());
  RawClient used = RawClient::Connect(server.port());
  used.Send(kGetRoot);
  EXPECT_EQ(used.ReceiveAnswer().status, 200);
  RawClient empty_lines = RawClient::Connect(server.port());
  empty_lines.Send("\r\n\r\n");
  for (RawClient* client : {&fresh, &used, &empty_lines}) {
    EXPECT_TRUE(client->AtEnd());
    EXPECT_FALSE(client->reset());
  }
}

TEST_F(Http1ConnectionTest, NobodyWaitsForAHandlerThatGoesOn) {
  TestHttpServer server(handler_);
  for (const std::string_view path : {"/whole", "/stream"}) {
    RawClient client = RawClient::Connect(server.port());
    client.Send(absl::StrCat("GET ", ToAbsl(path),
                             " HTTP/1.1\r\nhost: x\r\n\r\n"));
    const RawAnswer answer = client.ReceiveAnswer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "answer");
    EXPECT_TRUE(answer.complete);
    // Of a stream it is known too late.
    EXPECT_EQ(answer.Find("connection"), path == "/whole" ? "close" : "");
    EXPECT_TRUE(client.AtEnd());
    EXPECT_FALSE(client.reset());
    server.Await([&]() -> Task<void> {
      handler_.may_end.Set();
      co_return;
    });
  }
}

TEST_F(Http1ConnectionTest, ClosesOnAClientThatDoesNotRead) {
  TestHttpServer server(handler_, {.write_timeout = kHttp1Timeout});
  RawClient client = RawClient::Connect(server.port());
  client.Send("GET /flood HTTP/1.1\r\nhost: x\r\n\r\n");
  ASSERT_TRUE(handler_.flooded.Wait());
  EXPECT_TRUE(handler_.gone);
  client.ReceiveAll();
  EXPECT_TRUE(client.reset());
}

TEST_F(Http1ConnectionTest, BearsWithAClientThatReadsSlowly) {
  // The timeout passes several times, but never without progress.
  TestHttpServer server(handler_, {.write_timeout = absl::Seconds(1)});
  RawClient client = RawClient::Connect(server.port());
  const std::string body(30'000'000, 'x');
  ASSERT_TRUE(client.Send(absl::StrCat(
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ", body.size(),
      "\r\n\r\n", body)));
  client.ReceiveUntil("\r\n\r\n");
  size_t received = 0;
  while (received < body.size()) {
    const size_t bytes = client.ReceiveExactly(2'000'000).size();
    ASSERT_GT(bytes, 0u) << received;
    received += bytes;
    Pause(server, absl::Milliseconds(250));
  }
}

TEST_F(Http1ConnectionTest, SilentConnectionsMakeRoomForOthers) {
  TestHttpServer server(handler_, {.connections = 2});
  RawClient first = RawClient::Connect(server.port());
  RawClient second = RawClient::Connect(server.port());
  second.Send("GET / HT");  // No more is known of it than of the first.
  while (server.connections() < 2) {
  }
  RawClient third = RawClient::Connect(server.port());
  third.Send(kGetRoot);
  EXPECT_EQ(third.ReceiveAnswer().status, 200);
  EXPECT_TRUE(first.AtEnd());
}

size_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  size_t total = 0;
  size_t resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

TEST_F(Http1ConnectionTest, AClaimAloneReservesNoMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(GATEWAY_TSAN)
  GTEST_SKIP() << "a sanitizer's memory is not ours";
#endif
  TestHttpServer server(handler_);
  constexpr size_t kConnections = 1000;
  std::vector<RawClient> clients;
  const size_t before = ResidentBytes();
  for (size_t i = 0; i < kConnections; ++i) {
    clients.push_back(RawClient::Connect(server.port()));
    clients.back().Send(
        "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
        "content-length: 31457280\r\n\r\n");
  }
  for (RawClient& client : clients) {
    ASSERT_EQ(client.ReceiveAnswer().status, 100);
    client.Send("a few bytes");
  }
  EXPECT_EQ(server.connections(), kConnections);
  EXPECT_LT(ResidentBytes() - before, 64u << 20);
}

}  // namespace
}  // namespace gateway
