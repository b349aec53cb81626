// How one request over HTTP/2 is taken and answered. What becomes of many on
// one connection: tests/base/http/http2_connection_test.cc.

#include <cstddef>
#include <fstream>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/http/http2_stream.h"
#include "base/http/http_handler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/http2_test_client.h"
#include "tests/testing/path_handler.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kResponderTimeout = absl::Milliseconds(60);

class Http2ResponderTest : public testing::Test {
 protected:
  // Refused with the handler's words, and the connection serves on.
  static void ExpectRefusal(Http2TestClient& client, const Http2Answer& answer,
                            std::string_view status) {
    EXPECT_EQ(answer.status(), status);
    EXPECT_EQ(answer.Find("content-type"), "text/plain; charset=utf-8");
    EXPECT_EQ(answer.Find("content-length"),
              absl::StrCat(answer.body.size()));
    EXPECT_TRUE(answer.whole);
    EXPECT_EQ(answer.error, Http2Error::kNoError);
    EXPECT_EQ(client.Ask({.path = "/hello"}).status(), "200");
  }

  static void Pause(TestHttpServer& server, absl::Duration duration) {
    server.Await([&]() -> Task<void> {
      WakeUp later;
      Timer timer([&] { later.Set(); });
      server.loop().ArmTimer(timer, duration);
      co_await later.Wait();
    });
  }

  PathHandler handler_;
};

TEST_F(Http2ResponderTest, AnswersWithItsOwnFields) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  const Http2Answer answer =
      client.Ask({.path = "/hello?a=b%20c", .fields = {{"x-a", "1"}}});
  EXPECT_EQ(answer.status(), "200");
  EXPECT_EQ(answer.body, "GET /hello?a=b%20c x-a=1");
  EXPECT_EQ(answer.Find("content-type"), "text/plain");
  EXPECT_EQ(answer.Find("content-length"), "24");
  EXPECT_THAT(answer.Find("date"), HasSubstr(" GMT"));
  EXPECT_EQ(answer.head.size(), 4u);
  EXPECT_TRUE(answer.whole);
}

TEST_F(Http2ResponderTest, TakesBodiesOfEverySize) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  for (const size_t size : {1, 1000, 16'383, 16'384, 16'385, 65'535, 65'536,
                            100'000, 5'000'000}) {
    for (const bool declared : {false, true}) {
      Http2Request request = {.method = "POST", .path = "/echo",
                              .fields = {{"x-a", "before"}},
                              .body = Pattern(size)};
      if (declared) {
        request.fields.emplace_back("content-length", absl::StrCat(size));
      }
      const Http2Answer answer = client.Ask(request);
      ASSERT_EQ(answer.status(), "200") << size;
      ASSERT_TRUE(answer.body == request.body) << size;
      EXPECT_EQ(answer.Find("content-length"), absl::StrCat(size));
      EXPECT_EQ(answer.Find("x-a"), "before");
      EXPECT_EQ(answer.Find("x-path"), "/echo");
    }
  }
}

TEST_F(Http2ResponderTest, TakesABodyThatIsEmptyOrComesByteByByte) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  Http2TestCall& call =
      client.Begin({.method = "POST", .path = "/echo", .whole = false});
  client.Send(call, "", /*end=*/true);
  EXPECT_EQ(client.AwaitClosed(call).Find("content-length"), "0");
  const std::string body = Pattern(300);
  Http2TestCall& slow =
      client.Begin({.method = "POST", .path = "/echo", .whole = false});
  for (size_t i = 0; i < body.size(); ++i) {
    client.Send(slow, body.substr(i, 1), i + 1 == body.size());
  }
  EXPECT_EQ(client.AwaitClosed(slow).body, body);
}

TEST_F(Http2ResponderTest, SendsLargeAnswersInPieces) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  const std::string text = Pattern(2'000'000);
  const Http2Answer answer = client.Ask({.path = "/large?2000000"});
  EXPECT_TRUE(answer.body == text.substr(0, 1'000'000) + text);
}

TEST_F(Http2ResponderTest, ShowsTheRequestAsOtherVersionsHaveIt) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  EXPECT_EQ(client
                .Ask({.path = "/fields",
                      .fields = {{"cookie", "a=1"},
                                 {"host", "other"},
                                 {"x-b", ""},
                                 {"cookie", "b=2"}}})
                .body,
            "host: test\nx-b: \ncookie: a=1; b=2\n");
}

TEST_F(Http2ResponderTest, SaysContinueToThoseWhoWait) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  Http2TestCall& call = client.Begin({.method = "POST", .path = "/echo",
                                      .fields = {{"expect", "100-continue"}},
                                      .whole = false});
  // The client's session keeps interim heads to itself; see the integration
  // tests for who waits for one.
  client.Send(call, "body", /*end=*/true);
  const Http2Answer answer = client.AwaitClosed(call);
  EXPECT_EQ(answer.status(), "200");
  EXPECT_EQ(answer.body, "body");
}

TEST_F(Http2ResponderTest, AnswersHeadWithoutABody) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  const Http2Answer whole = client.Ask({.method = "HEAD", .path = "/hello"});
  EXPECT_EQ(whole.Find("content-length"), "17");
  const Http2Answer streamed =
      client.Ask({.method = "HEAD", .path = "/stream"});
  const Http2Answer refused = client.Ask({.method = "HEAD", .path = "/mute"});
  EXPECT_EQ(refused.status(), "500");
  for (const Http2Answer& answer : {whole, streamed, refused}) {
    EXPECT_EQ(answer.body, "");
    EXPECT_TRUE(answer.whole);
    EXPECT_EQ(answer.error, Http2Error::kNoError);
  }
}

TEST_F(Http2ResponderTest, SendsNoBodyWithAStatusThatHasNone) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  for (const std::string_view status : {"204", "304"}) {
    const Http2Answer answer =
        client.Ask({.path = "/empty?" + std::string(status)});
    EXPECT_EQ(answer.status(), status);
    EXPECT_EQ(answer.Find("content-length"), "");
    EXPECT_EQ(answer.body, "");
    EXPECT_TRUE(answer.whole);
  }
}

TEST_F(Http2ResponderTest, StreamsWithoutALength) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  const Http2Answer answer = client.Ask({.path = "/stream"});
  EXPECT_EQ(answer.status(), "200");
  EXPECT_EQ(answer.head.size(), 2u);  // With the date.
  EXPECT_EQ(answer.body, "one two three");
  EXPECT_TRUE(answer.whole);
}

TEST_F(Http2ResponderTest, AnAbortedStreamIsSeenToBeCut) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  for (const std::string_view path : {"/abort", "/half"}) {
    const Http2Answer answer = client.Ask({.path = std::string(path)});
    EXPECT_EQ(answer.error, Http2Error::kInternalError) << path;
    EXPECT_FALSE(answer.whole) << path;
  }
  EXPECT_EQ(client.Ask({}).status(), "200");
}

TEST_F(Http2ResponderTest, SaysThatAHandlerDidNotAnswer) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  ExpectRefusal(client, client.Ask({.path = "/mute"}), "500");
}

TEST_F(Http2ResponderTest, RefusesHeadsThatAreTooLarge) {
  TestHttpServer server(handler_, {.head_bytes = 2000});
  Http2TestClient client(server.port());
  ExpectRefusal(
      client, client.Ask({.fields = {{"x-a", std::string(2000, 'a')}}}), "431");
  // Half a body that nobody will read does no harm.
  Http2TestCall& half = client.Begin({.method = "POST",
                                      .fields = {{"x-a", Pattern(2000)}},
                                      .body = "half",
                                      .whole = false});
  ExpectRefusal(client, client.AwaitWhole(half), "431");
}

TEST_F(Http2ResponderTest, RefusesTooManyFields) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  Http2Request request;
  for (int i = 0; i < 124; ++i) request.fields.emplace_back("a", "b");
  EXPECT_EQ(client.Ask(request).status(), "200");
  request.fields.emplace_back("a", "b");
  ExpectRefusal(client, client.Ask(request), "431");
}

TEST_F(Http2ResponderTest, RefusesBodiesThatAreTooLarge) {
  TestHttpServer server(handler_, {.body_bytes = 100'000});
  Http2TestClient client(server.port());
  for (const bool declared : {false, true}) {
    for (const size_t size : {100'000, 100'001, 1'000'000}) {
      Http2Request request = {.method = "POST", .path = "/echo",
                              .body = Pattern(size)};
      if (declared) {
        request.fields.emplace_back("content-length", absl::StrCat(size));
      }
      const Http2Answer answer = client.Ask(request);
      if (size == 100'000) {
        EXPECT_TRUE(answer.body == request.body);
      } else {
        EXPECT_THAT(answer.body, HasSubstr("100000"));
        ExpectRefusal(client, answer, "413");
      }
    }
  }
}

TEST_F(Http2ResponderTest, ARefusedClientMaySendAllOfItsBodyFirst) {
  TestHttpServer server(handler_, {.body_bytes = 10});
  Http2TestClient client(server.port());
  Http2TestCall& call =
      client.Begin({.method = "POST",
                    .fields = {{"content-length", "1000000"}},
                    .whole = false});
  EXPECT_EQ(client.AwaitWhole(call).status(), "413");
  client.Send(call, Pattern(1'000'000), /*end=*/true);
  ExpectRefusal(client, client.AwaitClosed(call), "413");
}

TEST_F(Http2ResponderTest, ARefusedClientThatDoesNotEndIsReset) {
  TestHttpServer server(handler_, {.body_bytes = 10});
  Http2TestClient client(server.port());
  Http2TestCall& call = client.Begin(
      {.method = "POST", .body = "more than ten bytes", .whole = false});
  ExpectRefusal(client, client.AwaitClosed(call), "413");
}

TEST_F(Http2ResponderTest, RefusesSlowBodies) {
  TestHttpServer server(handler_, {.body_timeout = kResponderTimeout});
  Http2TestClient client(server.port());
  for (const std::string_view begin : {"", "some"}) {
    Http2TestCall& call = client.Begin({.method = "POST", .path = "/echo",
                                        .body = std::string(begin),
                                        .whole = false});
    ExpectRefusal(client, client.AwaitWhole(call), "408");
  }
}

TEST_F(Http2ResponderTest, RefusesBodiesThatDrip) {
  TestHttpServer server(handler_, {.body_timeout = absl::Milliseconds(100)});
  Http2TestClient client(server.port());
  Http2TestCall& call =
      client.Begin({.method = "POST", .path = "/echo", .whole = false});
  // Each byte comes in time, and in the end there is no more to wait for.
  for (int i = 0; i < 15; ++i) {
    Pause(server, absl::Milliseconds(20));
    client.Send(call, "x", /*end=*/i == 14);
  }
  ExpectRefusal(client, client.AwaitWhole(call), "408");
}

TEST_F(Http2ResponderTest, BearsWithABodyThatComesSlowly) {
  TestHttpServer server(handler_, {.body_timeout = absl::Milliseconds(1500)});
  Http2TestClient client(server.port());
  Http2TestCall& call =
      client.Begin({.method = "POST", .path = "/echo", .whole = false});
  const std::string piece = Pattern(5000);
  for (int i = 0; i < 10; ++i) {
    Pause(server, absl::Milliseconds(300));  // In all twice the timeout.
    client.Send(call, piece, /*end=*/i == 9);
  }
  EXPECT_EQ(client.AwaitClosed(call).body.size(), 50'000u);
}

// What the process may write to, whether it has or not.
size_t DataBytes() {
  std::ifstream statm("/proc/self/statm");
  size_t pages = 0;
  for (int i = 0; i < 6; ++i) statm >> pages;
  return pages * 4096;
}

TEST_F(Http2ResponderTest, AClaimAloneReservesNoMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(GATEWAY_TSAN)
  GTEST_SKIP() << "a sanitizer's memory is not ours";
#endif
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  EXPECT_EQ(client.Ask({}).status(), "200");
  const size_t before = DataBytes();
  for (int i = 0; i < 200; ++i) {
    client.Begin({.method = "POST",
                  .path = "/echo",
                  .fields = {{"content-length", "1048576"}},
                  .whole = false});
  }
  EXPECT_EQ(client.Ask({}).status(), "200");
  EXPECT_LT(DataBytes(), before + (32u << 20));
}

TEST_F(Http2ResponderTest, TellsAtOnceThatTheClientLeft) {
  for (const bool reset : {false, true}) {
    for (const std::string_view path : {"/wait", "/wait_started"}) {
      PathHandler handler;
      TestHttpServer server(handler);
      Http2TestClient client(server.port());
      Http2TestCall& call = client.Begin({.path = std::string(path)});
      ASSERT_TRUE(handler.waiting.Wait());
      if (reset) {
        client.Reset(call);
      } else {
        client.Close();
      }
      EXPECT_TRUE(handler.gone.Wait()) << path << reset;
      if (!reset) continue;
      EXPECT_EQ(client.Ask({}).status(), "200");
    }
  }
}

TEST_F(Http2ResponderTest, ASlowReaderHoldsTheHandlerBack) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  Http2TestCall& flood = client.Begin({.path = "/flood"});
  EXPECT_GE(client.AwaitBody(flood, 1'000'000).size(), 1'000'000u);
  client.Do([&] { flood.consumes = false; });
  // Others are served meanwhile.
  EXPECT_EQ(client.Ask({.path = "/hello"}).body, "GET /hello? x-a=");
  const size_t received = client.AwaitBody(flood, 0).size();
  client.Reset(flood);
  ASSERT_TRUE(handler_.flooded.Wait());
  EXPECT_TRUE(absl::IsCancelled(handler_.flood_error));
  // A window, and no more than the handler writes at a time.
  EXPECT_LE(handler_.flooded_bytes, received + 2 * 64 * 1024);
}

TEST_F(Http2ResponderTest, BreaksWithAClientThatTakesNothing) {
  TestHttpServer server(handler_, {.write_timeout = kResponderTimeout});
  Http2TestClient client(server.port());
  Http2TestCall& flood = client.Begin({.path = "/flood"});
  client.Do([&] { flood.consumes = false; });
  ASSERT_TRUE(handler_.flooded.Wait());
  EXPECT_EQ(client.AwaitClosed(flood).error, Http2Error::kCancel);
  EXPECT_EQ(client.Ask({}).status(), "200");
}

TEST_F(Http2ResponderTest, AStreamThatWaitsHoldsNoBlock) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  Http2TestCall& call = client.Begin({.method = "POST", .path = "/wait_started",
                                      .body = Pattern(100'000)});
  EXPECT_EQ(client.AwaitBody(call, 5), "begun");
  EXPECT_EQ(server.blocks_lent(), 0u);
}

}  // namespace
}  // namespace gateway
