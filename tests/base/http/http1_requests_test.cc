// What an HttpServer does for well-behaved clients that speak HTTP/1.1. What it
// does to the others: tests/base/http/http1_connection_test.cc.

#include "base/http/http_server.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/async/task.h"
#include "base/memory/block_pool.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/path_handler.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kHello =
    "GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";

std::string Get(std::string_view target, std::string_view fields = "") {
  return absl::StrCat("GET ", ToAbsl(target), " HTTP/1.1\r\nhost: x\r\n",
                      ToAbsl(fields), "\r\n");
}

std::string PostEcho(std::string_view body, std::string_view fields = "") {
  return absl::StrCat("POST /echo HTTP/1.1\r\nhost: x\r\n", ToAbsl(fields),
                      "content-length: ", body.size(), "\r\n\r\n",
                      ToAbsl(body));
}

std::string Chunked(const std::vector<std::string>& chunks) {
  std::string text =
      "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
  for (const std::string& chunk : chunks) {
    absl::StrAppend(&text, absl::Hex(chunk.size()), "\r\n", chunk, "\r\n");
  }
  return text + "0\r\n\r\n";
}

class Http1RequestsTest : public testing::Test {
 protected:
  RawClient Connect() { return RawClient::Connect(server_.port()); }

  PathHandler handler_;
  TestHttpServer server_{handler_};
};

TEST_F(Http1RequestsTest, AnswersWithItsOwnFields) {
  RawClient client = Connect();
  client.Send(Get("/hello?a=b%20c", "X-A: 1\r\n"));
  const RawAnswer answer = client.ReceiveAnswer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(answer.body, "GET /hello?a=b%20c x-a=1");
  EXPECT_EQ(answer.Find("content-type"), "text/plain");
  EXPECT_EQ(answer.Find("content-length"), "24");
  EXPECT_THAT(answer.Find("date"), HasSubstr(" GMT"));
  EXPECT_EQ(answer.Find("connection"), "");
}

TEST_F(Http1RequestsTest, AnswersManyRequestsOnOneConnection) {
  RawClient client = Connect();
  for (int i = 0; i < 100; ++i) {
    client.Send(Get(absl::StrCat("/", i)));
    ASSERT_EQ(client.ReceiveAnswer().body, absl::StrCat("GET /", i, "? x-a="));
  }
  EXPECT_EQ(server_.connections(), 1u);
}

TEST_F(Http1RequestsTest, AnswersPipelinedRequestsInOrder) {
  constexpr int kRequests = 1000;
  std::string all;
  for (int i = 0; i < kRequests; ++i) {
    all += i % 3 == 0 ? Get(absl::StrCat("/", i))
                      : PostEcho(absl::StrCat("body ", i));
  }
  RawClient client = Connect();
  client.Send(all);
  for (int i = 0; i < kRequests; ++i) {
    const RawAnswer answer = client.ReceiveAnswer();
    ASSERT_EQ(answer.body, i % 3 == 0 ? absl::StrCat("GET /", i, "? x-a=")
                                      : absl::StrCat("body ", i));
  }
}

TEST_F(Http1RequestsTest, AHeadMayArriveInTwoReads) {
  const std::string request =
      Get("/a/rather/long/path?with=query", "x-a: value\r\n");
  RawClient client = Connect();
  for (size_t at = 1; at < request.size(); ++at) {
    client.Send(request.substr(0, at));
    // The answer to this shows that the server has seen the above.
    server_.Do([] {});
    client.Send(request.substr(at));
    ASSERT_EQ(client.ReceiveAnswer().body,
              "GET /a/rather/long/path?with=query x-a=value")
        << at;
  }
}

TEST_F(Http1RequestsTest, TakesBodiesOfEverySize) {
  RawClient client = Connect();
  for (const size_t size :
       {size_t{0}, size_t{1}, kBlockBytes - 200, kBlockBytes - 1, kBlockBytes,
        kBlockBytes + 1, size_t{512 * 1024}, size_t{5 * 1024 * 1024}}) {
    const std::string body = Pattern(size);
    ASSERT_TRUE(client.Send(PostEcho(body, "x-a: before\r\n")));
    const RawAnswer answer = client.ReceiveAnswer();
    ASSERT_EQ(answer.status, 200) << size;
    ASSERT_TRUE(answer.body == body) << size;
    EXPECT_EQ(answer.Find("x-a"), "before");
    EXPECT_EQ(answer.Find("x-path"), "/echo");
  }
}

// Around the size at which a body no longer fits behind its head.
TEST_F(Http1RequestsTest, TakesBodiesThatJustFitTheirBlock) {
  RawClient client = Connect();
  const size_t head = PostEcho(std::string(10'000, 'x')).size() - 10'000;
  for (size_t size = kBlockBytes - head - 3; size < kBlockBytes - head + 3;
       ++size) {
    const std::string body = Pattern(size);
    client.Send(PostEcho(body).substr(0, head + 5));
    server_.Do([] {});
    client.Send(body.substr(5));
    client.Send(kHello);
    ASSERT_TRUE(client.ReceiveAnswer().body == body) << size;
    ASSERT_EQ(client.ReceiveAnswer().status, 200);
  }
}

TEST_F(Http1RequestsTest, TakesChunksSplitAnywhere) {
  const std::string request = Chunked({"a", "bc", "0123456789abcdefg"});
  RawClient client = Connect();
  for (size_t at = 1; at < request.size(); ++at) {
    client.Send(request.substr(0, at));
    server_.Do([] {});
    client.Send(request.substr(at));
    ASSERT_EQ(client.ReceiveAnswer().body, "abc0123456789abcdefg") << at;
  }
}

TEST_F(Http1RequestsTest, TakesLargeChunks) {
  const std::string body = Pattern(3'000'000);
  std::vector<std::string> chunks;
  for (size_t at = 0, size = 1; at < body.size(); at += size, size *= 3) {
    chunks.push_back(body.substr(at, size));
  }
  RawClient client = Connect();
  client.Send(Chunked(chunks));
  client.Send(kHello);
  EXPECT_TRUE(client.ReceiveAnswer().body == body);
  EXPECT_EQ(client.ReceiveAnswer().status, 200);
}

TEST_F(Http1RequestsTest, TakesHeadsLargerThanABlock) {
  RawClient client = Connect();
  for (const size_t size : {kBlockBytes - 60, kBlockBytes, 3 * kBlockBytes}) {
    const std::string value = Pattern(size);
    ASSERT_TRUE(client.Send(Get("/x", absl::StrCat("x-a: ", value, "\r\n"))));
    EXPECT_EQ(client.ReceiveAnswer().body,
              absl::StrCat("GET /x? x-a=", value));
    const std::string body = Pattern(100'000);
    client.Send(PostEcho(body, absl::StrCat("x-b: ", value, "\r\nx-a: v\r\n")));
    const RawAnswer echo = client.ReceiveAnswer();
    EXPECT_TRUE(echo.body == body);
    EXPECT_EQ(echo.Find("x-a"), "v");
  }
}

TEST_F(Http1RequestsTest, SaysContinueToThoseWhoWait) {
  RawClient client = Connect();
  client.Send(
      "POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
      "content-length: 4\r\n\r\n");
  EXPECT_EQ(client.ReceiveAnswer().status, 100);
  client.Send("body");
  EXPECT_EQ(client.ReceiveAnswer().body, "body");
  // Not to one that does not wait, nor where no body comes.
  client.Send(PostEcho("more", "expect: 100-continue\r\n"));
  EXPECT_EQ(client.ReceiveAnswer().body, "more");
  client.Send(Get("/", "expect: 100-continue\r\n"));
  EXPECT_EQ(client.ReceiveAnswer().status, 200);
}

TEST_F(Http1RequestsTest, AnswersHeadWithoutABody) {
  RawClient client = Connect();
  client.Send("HEAD /hello HTTP/1.1\r\nhost: x\r\n\r\n");
  const RawAnswer answer = client.ReceiveAnswer(/*to_head=*/true);
  EXPECT_EQ(answer.Find("content-length"), "17");
  client.Send("HEAD /stream HTTP/1.1\r\nhost: x\r\n\r\n");
  const RawAnswer streamed = client.ReceiveAnswer(/*to_head=*/true);
  EXPECT_EQ(streamed.status, 200);
  EXPECT_EQ(streamed.Find("transfer-encoding"), "");
  client.Send(kHello);
  EXPECT_EQ(client.ReceiveAnswer().body, "GET /hello? x-a=");
}

TEST_F(Http1RequestsTest, SendsNoBodyWithAStatusThatHasNone) {
  RawClient client = Connect();
  for (const int status : {204, 304}) {
    client.Send(Get(absl::StrCat("/empty?", status)));
    const RawAnswer answer = client.ReceiveAnswer();
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.Find("content-length"), "");
  }
  client.Send(kHello);
  EXPECT_EQ(client.ReceiveAnswer().status, 200);
}

TEST_F(Http1RequestsTest, Http10ClosesUnlessToldOtherwise) {
  RawClient client = Connect();
  client.Send("GET /hello HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
  const RawAnswer kept = client.ReceiveAnswer();
  EXPECT_EQ(kept.body, "GET /hello? x-a=");
  EXPECT_EQ(kept.Find("connection"), "keep-alive");
  client.Send("GET /hello HTTP/1.0\r\n\r\n");
  const RawAnswer last = client.ReceiveAnswer();
  EXPECT_EQ(last.Find("connection"), "close");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(Http1RequestsTest, ClosesWhenAskedTo) {
  RawClient client = Connect();
  client.Send(Get("/", "connection: close\r\n"));
  const RawAnswer answer = client.ReceiveAnswer();
  EXPECT_EQ(answer.Find("connection"), "close");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(Http1RequestsTest, TakesTheTargetInEveryForm) {
  const std::map<std::string, std::string> forms = {
      {"http://h/p?q=1", "/p?q=1"},     {"HTTP://h:80/p", "/p?"},
      {"http://h", "/?"},               {"http://h?u=/a", "/?u=/a"},
      {"/p?u=http://other/x", "/p?u=http://other/x"},
      {"*", "*?"},                      {"/?", "/?"},
      {"//p", "//p?"},                  {"/p?a?b", "/p?a?b"}};
  RawClient client = Connect();
  for (const auto& [target, seen] : forms) {
    client.Send(Get(target));
    EXPECT_EQ(client.ReceiveAnswer().body,
              absl::StrCat("GET ", seen, " x-a="))
        << target;
  }
}

TEST_F(Http1RequestsTest, StreamsInChunks) {
  RawClient client = Connect();
  for (int i = 0; i < 3; ++i) {
    client.Send(Get("/stream"));
    const RawAnswer answer = client.ReceiveAnswer();
    EXPECT_EQ(answer.Find("transfer-encoding"), "chunked");
    EXPECT_EQ(answer.Find("content-length"), "");
    EXPECT_TRUE(answer.complete);
    EXPECT_EQ(answer.body, "one two three");
  }
}

TEST_F(Http1RequestsTest, StreamsToHttp10UntilItCloses) {
  RawClient client = Connect();
  client.Send("GET /stream HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
  const RawAnswer answer = client.ReceiveAnswer();
  EXPECT_EQ(answer.Find("transfer-encoding"), "");
  EXPECT_EQ(answer.Find("connection"), "close");
  EXPECT_EQ(answer.body, "one two three");
  EXPECT_TRUE(answer.complete);
}

TEST_F(Http1RequestsTest, AnAbortedStreamIsSeenToBeCut) {
  for (const std::string_view path : {"/abort", "/half"}) {
    for (const std::string_view version : {"1.1", "1.0"}) {
      RawClient client = Connect();
      client.Send(absl::StrCat("GET ", ToAbsl(path), " HTTP/", ToAbsl(version),
                               "\r\nhost: x\r\n\r\n"));
      EXPECT_FALSE(client.ReceiveAnswer().complete) << path << version;
      client.AtEnd();
      EXPECT_TRUE(client.reset()) << path << version;
    }
  }
}

TEST_F(Http1RequestsTest, SaysThatAHandlerDidNotAnswer) {
  RawClient client = Connect();
  client.Send(Get("/mute"));
  const RawAnswer answer = client.ReceiveAnswer();
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.Find("connection"), "close");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(Http1RequestsTest, TellsAtOnceThatTheClientLeft) {
  for (const bool reset : {false, true}) {
    for (const std::string_view path : {"/wait", "/wait_started"}) {
      PathHandler handler;
      TestHttpServer server(handler);
      RawClient client = RawClient::Connect(server.port());
      client.Send(Get(path));
      ASSERT_TRUE(handler.waiting.Wait());
      if (reset) {
        client.Reset();
      } else {
        client.Close();
      }
      EXPECT_TRUE(handler.gone.Wait()) << path << reset;
    }
  }
}

TEST_F(Http1RequestsTest, NoticesThatTheClientLeftBehindEarlyBytes) {
  RawClient client = Connect();
  client.Send(Get("/wait") + std::string(kHello));
  ASSERT_TRUE(handler_.waiting.Wait());
  client.Send(kHello);
  client.Close();
  EXPECT_TRUE(handler_.gone.Wait());
}

TEST_F(Http1RequestsTest, ForgetsAClientThatLeavesWithinItsRequest) {
  for (const std::string_view part :
       {"", "GET", "GET / HTTP/1.1\r\nhost: x\r\n",
        "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345",
        "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5"
        "\r\n"}) {
    RawClient client = Connect();
    client.Send(part);
    server_.Do([] {});
    client.HalfClose();
    EXPECT_TRUE(client.AtEnd()) << part;
  }
}

TEST_F(Http1RequestsTest, IdleConnectionsHoldNoBlock) {
  std::vector<RawClient> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(Connect());
    clients.back().Send(kHello);
    EXPECT_EQ(clients.back().ReceiveAnswer().status, 200);
  }
  EXPECT_EQ(server_.connections(), 10u);
  EXPECT_EQ(server_.blocks_lent(), 0u);
  clients.front().Send(Get("/wait_started"));
  ASSERT_TRUE(handler_.waiting.Wait());
  EXPECT_EQ(server_.blocks_lent(), 0u);
}

TEST_F(Http1RequestsTest, ASlowReaderHoldsTheHandlerBack) {
  RawClient client = RawClient::Connect(
      server_.port(), {.receive_buffer_bytes = 64 * 1024});
  client.Send(Get("/flood"));
  const std::string some = client.ReceiveExactly(1'000'000);
  EXPECT_EQ(some.size(), 1'000'000u);
  client.Close();
  ASSERT_TRUE(handler_.flooded.Wait());
  EXPECT_TRUE(absl::IsCancelled(handler_.flood_error));
  // What the kernel holds for both ends, and not more.
  EXPECT_LT(handler_.flooded_bytes, 16u * 1024 * 1024);
}

TEST_F(Http1RequestsTest, DrainClosesIdleConnectionsAndLetsOthersFinish) {
  RawClient idle = Connect();
  idle.Send(kHello);
  EXPECT_EQ(idle.ReceiveAnswer().status, 200);
  RawClient fresh = Connect();
  RawClient reading = Connect();
  const std::string request = PostEcho("0123456789");
  reading.Send(request.substr(0, request.size() - 5));
  RawClient waiting = Connect();
  waiting.Send(Get("/wait"));
  ASSERT_TRUE(handler_.waiting.Wait());

  server_.Do([this] { server_.server().Drain(); });
  EXPECT_TRUE(idle.AtEnd());
  EXPECT_TRUE(fresh.AtEnd());
  reading.Send(request.substr(request.size() - 5));
  const RawAnswer answer = reading.ReceiveAnswer();
  EXPECT_EQ(answer.body, "0123456789");
  EXPECT_EQ(answer.Find("connection"), "close");
  EXPECT_TRUE(reading.AtEnd());
  EXPECT_TRUE(RawClient::Connect(server_.port()).AtEnd());
  EXPECT_EQ(server_.connections(), 1u);

  server_.Do([this] {
    server_.server().CancelAll(absl::CancelledError("the grace is over"));
  });
  EXPECT_EQ(waiting.ReceiveAnswer().status, 500);
  EXPECT_TRUE(waiting.AtEnd());
  server_.Await([this]() -> Task<void> {
    while (server_.server().connections() > 0) {
      co_await server_.server().drained().Wait();
    }
  });
}

TEST_F(Http1RequestsTest, CancelAllDoesNotWaitForHalfRequests) {
  RawClient head = Connect();
  head.Send("GET / HT");
  RawClient body = Connect();
  body.Send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n");
  while (server_.connections() < 2) {
  }
  server_.Do([this] {
    server_.server().CancelAll(absl::CancelledError("enough"));
  });
  EXPECT_TRUE(head.AtEnd());
  EXPECT_TRUE(body.AtEnd());
}

}  // namespace
}  // namespace gateway
