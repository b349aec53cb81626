// What an HttpServer does between a request's head and its body, over both
// versions: who may send one, and how much of all is kept.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "base/string_view.h"
#include "gtest/gtest.h"
#include "tests/testing/event.h"
#include "tests/testing/http2_test_client.h"
#include "tests/testing/pattern.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

constexpr size_t kLargeBody = 4 * 1024 * 1024;

// Admits who shows `x-key: right`. Who shows `x-key: later` is told when the
// test says so.
class Gatekeeper final : public HttpHandler {
 public:
  HttpAdmission Admit(const HttpRequest& request, HttpResponder&) override {
    EXPECT_TRUE(request.body.empty());
    const std::string_view key = request.Find("x-key");
    if (key == "later") return Later();
    if (key == "named") return Named();
    return key == "right";
  }

  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    if (request.path == "/hold") {
      holding.Set();
      co_await let_go.Wait();
    }
    EXPECT_TRUE(request.admitted || request.body.empty());
    const auto* const name =
        static_cast<const std::string*>(request.caller.caller.get());
    const std::string text =
        request.admitted
            ? absl::StrCat(request.body.size(), name == nullptr ? "" : *name)
            : "who are you?";
    const std::string_view body[] = {text};
    static_cast<void>(
        co_await responder.Send({request.admitted ? 200 : 401, {}}, body));
  }

  Refusal Refuse(int status, std::string_view path,
                 std::string_view message) override {
    Refusal refusal = HttpHandler::Refuse(status, path, message);
    if (status == 503) refusal.status = overloaded_status;
    return refusal;
  }

  int overloaded_status = 0;
  Event asked;   // Somebody waits to be told.
  Event holding;  // A request is being handled, and kept.
  // Of the server's thread.
  WakeUp tell;
  WakeUp let_go;
  bool verdict = false;

 private:
  static HttpCaller Named() {
    auto name = std::make_shared<const std::string>(" of alice");
    return {.caller = name, .known_by = name};
  }
  Task<HttpAdmission> Later() {
    asked.Set();
    co_await tell.Wait();
    if (!verdict) co_return false;
    co_return Named();
  }
};

class HttpAdmissionTest : public testing::Test {
 protected:
  static size_t KeptBytes(TestHttpServer& server) {
    size_t kept = 0;
    server.Do([&] { kept = server.loop().request_bytes().used_bytes(); });
    return kept;
  }
  static std::string Head(std::string_view key, size_t length,
                          std::string_view more = "",
                          std::string_view path = "/") {
    return absl::StrCat("POST ", ToAbsl(path),
                        " HTTP/1.1\r\nhost: x\r\nx-key: ", ToAbsl(key),
                        "\r\n", ToAbsl(more), "content-length: ", length,
                        "\r\n\r\n");
  }
  static Http2Request Post(std::string_view key) {
    Http2Request request;
    request.method = "POST";
    request.fields = {{"x-key", std::string(key)}};
    request.whole = false;
    return request;
  }
  static void Tell(TestHttpServer& server, Gatekeeper& handler, bool verdict) {
    EXPECT_TRUE(handler.asked.Wait());
    server.Do([&] {
      handler.verdict = verdict;
      handler.tell.Set();
    });
  }

  Gatekeeper handler_;
};

TEST_F(HttpAdmissionTest, AnUnauthenticatedCallerIsToldSoByTheHeadAlone) {
  TestHttpServer server(handler_);
  RawClient client = RawClient::Connect(server.port());
  client.Send(Head("wrong", kLargeBody));
  const RawAnswer answer = client.ReceiveAnswer();
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.Find("connection"), "close");
  EXPECT_EQ(KeptBytes(server), 0u);
}

TEST_F(HttpAdmissionTest,
       AnUnauthenticatedCallerWhoSendsAllFirstStillReadsTheAnswer) {
  TestHttpServer server(handler_);
  RawClient client = RawClient::Connect(server.port());
  client.Send(Head("wrong", kLargeBody));
  client.Send(Pattern(kLargeBody));
  EXPECT_EQ(client.ReceiveAnswer().status, 401);
  EXPECT_EQ(KeptBytes(server), 0u);
  EXPECT_TRUE(client.AtEnd());
  EXPECT_FALSE(client.reset());
}

TEST_F(HttpAdmissionTest, OnlyWhoIsAdmittedIsInvitedToGoOn) {
  TestHttpServer server(handler_);
  RawClient stranger = RawClient::Connect(server.port());
  stranger.Send(Head("wrong", 4, "expect: 100-continue\r\n"));
  EXPECT_EQ(stranger.ReceiveAnswer().status, 401);
  RawClient known = RawClient::Connect(server.port());
  known.Send(Head("right", 4, "expect: 100-continue\r\n"));
  EXPECT_EQ(known.ReceiveAnswer().status, 100);
  known.Send("body");
  EXPECT_EQ(known.ReceiveAnswer().body, "4");
}

TEST_F(HttpAdmissionTest, WhatComesMeanwhileWaitsForTheVerdict) {
  for (const bool verdict : {true, false}) {
    Gatekeeper handler;
    TestHttpServer server(handler);
    RawClient client = RawClient::Connect(server.port());
    client.Send(Head("later", 100'000));
    Tell(server, handler, verdict);
    client.Send(Pattern(100'000));
    const RawAnswer answer = client.ReceiveAnswer();
    EXPECT_EQ(answer.status, verdict ? 200 : 401);
    EXPECT_EQ(answer.body, verdict ? "100000 of alice" : "who are you?");
  }
}

TEST_F(HttpAdmissionTest, AClientThatLeavesMeanwhileIsForgotten) {
  TestHttpServer server(handler_);
  {
    RawClient client = RawClient::Connect(server.port());
    client.Send(Head("later", 100'000));
    EXPECT_TRUE(handler_.asked.Wait());
  }
  server.Do([&] { handler_.tell.Set(); });
  RawClient next = RawClient::Connect(server.port());
  next.Send(Head("right", 4));
  next.Send("body");
  EXPECT_EQ(next.ReceiveAnswer().status, 200);
}

TEST_F(HttpAdmissionTest, WhatWasFoundOutComesBackWithTheRequest) {
  TestHttpServer server(handler_);
  RawClient client = RawClient::Connect(server.port());
  for (int i = 0; i < 2; ++i) {
    client.Send(Head("named", 100'000));
    client.Send(Pattern(100'000));
    EXPECT_EQ(client.ReceiveAnswer().body, "100000 of alice");
    // Not with the next, of which nobody was asked.
    client.Send(Head("named", 4) + "body");
    EXPECT_EQ(client.ReceiveAnswer().body, "4");
  }
  Http2TestClient two(server.port());
  Http2TestCall& call = two.Begin(Post("named"));
  two.Send(call, "body", /*end=*/true);
  EXPECT_EQ(two.AwaitClosed(call).body, "4 of alice");
}

TEST_F(HttpAdmissionTest,
       ByHttp2UnauthenticatedCallersAreToldSoByTheHeadAlone) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  Http2TestCall& silent = client.Begin(Post("wrong"));
  EXPECT_EQ(client.AwaitWhole(silent).status(), "401");
  Http2TestCall& eager = client.Begin(Post("wrong"));
  client.Send(eager, Pattern(kLargeBody), /*end=*/true);
  const Http2Answer& answer = client.AwaitClosed(eager);
  EXPECT_EQ(answer.status(), "401");
  EXPECT_EQ(answer.body, "who are you?");
  EXPECT_EQ(KeptBytes(server), 0u);
  Http2TestCall& known = client.Begin(Post("right"));
  client.Send(known, Pattern(100'000), /*end=*/true);
  EXPECT_EQ(client.AwaitClosed(known).body, "100000");
}

TEST_F(HttpAdmissionTest, ByHttp2WhatComesMeanwhileWaitsForTheVerdict) {
  for (const bool verdict : {true, false}) {
    Gatekeeper handler;
    TestHttpServer server(handler);
    Http2TestClient client(server.port());
    Http2TestCall& call = client.Begin(Post("later"));
    client.Send(call, Pattern(100'000), /*end=*/true);
    Tell(server, handler, verdict);
    EXPECT_EQ(client.AwaitWhole(call).status(), verdict ? "200" : "401");
    EXPECT_EQ(client.AwaitClosed(call).body,
              verdict ? "100000 of alice" : "who are you?");
  }
}

TEST_F(HttpAdmissionTest, ByHttp2AClientThatLeavesMeanwhileIsForgotten) {
  TestHttpServer server(handler_);
  Http2TestClient client(server.port());
  Http2TestCall& call = client.Begin(Post("later"));
  EXPECT_TRUE(handler_.asked.Wait());
  client.Reset(call);
  Http2TestCall& next = client.Begin(Post("right"));
  client.Send(next, "body", /*end=*/true);
  EXPECT_EQ(client.AwaitClosed(next).body, "4");
  server.Do([&] { handler_.tell.Set(); });
  EXPECT_EQ(KeptBytes(server), 0u);
}

TEST_F(HttpAdmissionTest, RequestsShareABudgetUntilTheyAreAnswered) {
  TestHttpServer server(handler_);
  server.Do([&] { server.loop().request_bytes().SetLimit(4'000'000); });
  RawClient first = RawClient::Connect(server.port());
  first.Send(Head("right", 1'000'000, "", "/hold"));
  first.Send(Pattern(1'000'000));
  EXPECT_TRUE(handler_.holding.Wait());
  EXPECT_GE(KeptBytes(server), 1'000'000u);
  // Whichever version: there is no room for as much as is left.
  RawClient second = RawClient::Connect(server.port());
  second.Send(Head("right", 2'000'000));
  second.Send(Pattern(2'000'000));
  EXPECT_EQ(second.ReceiveAnswer().status, 503);
  Http2TestClient third(server.port());
  Http2TestCall& call = third.Begin(Post("right"));
  third.Send(call, Pattern(2'000'000), /*end=*/true);
  EXPECT_EQ(third.AwaitWhole(call).status(), "503");
  server.Do([&] { handler_.let_go.Set(); });
  EXPECT_EQ(first.ReceiveAnswer().body, "1000000");
  // What it kept is there for others.
  RawClient last = RawClient::Connect(server.port());
  last.Send(Head("right", 1'000'000));
  last.Send(Pattern(1'000'000));
  EXPECT_EQ(last.ReceiveAnswer().body, "1000000");
}

TEST_F(HttpAdmissionTest, AHandlerMayHaveAStatusOfItsOwnForARefusal) {
  handler_.overloaded_status = 529;
  TestHttpServer server(handler_);
  server.Do([&] { server.loop().request_bytes().SetLimit(1'000'000); });
  RawClient first = RawClient::Connect(server.port());
  first.Send(Head("right", 2'000'000));
  first.Send(Pattern(2'000'000));
  EXPECT_EQ(first.ReceiveAnswer().status, 529);
  Http2TestClient second(server.port());
  Http2TestCall& call = second.Begin(Post("right"));
  second.Send(call, Pattern(2'000'000), /*end=*/true);
  EXPECT_EQ(second.AwaitWhole(call).status(), "529");
}

TEST_F(HttpAdmissionTest, TheStreamsOfOneConnectionLeaveHalfToOthers) {
  constexpr size_t kBody = 1024 * 1024;
  constexpr size_t kLimit = 8 * kBody;
  TestHttpServer server(handler_);
  server.Do([&] { server.loop().request_bytes().SetLimit(kLimit); });
  Http2TestClient client(server.port());
  const auto is_told = [](const Http2Answer& answer) {
    return !answer.status().empty();
  };
  int refused = 0;
  for (size_t kept = 0; refused < 3;) {
    Http2TestCall& call = client.Begin(Post("right"));
    client.Send(call, Pattern(kBody), /*end=*/false);
    // Until it is kept, or told that it is not.
    bool told = false;
    while (!told && KeptBytes(server) < kept + kBody) {
      told = is_told(client.AwaitAnswer(
          call, [](const Http2Answer&) { return true; }));
    }
    if (told) {
      EXPECT_EQ(client.AwaitWhole(call).status(), "503");
      ++refused;
    } else {
      kept += kBody;
    }
    ASSERT_LE(kept, kLimit / 2);
  }
  EXPECT_LE(KeptBytes(server), kLimit / 2);
}

TEST_F(HttpAdmissionTest, ABodyHasItsTimeHoweverMuchHasCome) {
  TestHttpServer server(handler_,
                        {.body_time_max = absl::Milliseconds(200)});
  RawClient client = RawClient::Connect(server.port());
  client.Send(Head("right", 2'000'000));
  client.Send(Pattern(1'000'000));  // A quarter of an hour's worth.
  EXPECT_EQ(client.ReceiveAnswer().status, 408);
  Http2TestClient two(server.port());
  Http2TestCall& call = two.Begin(Post("right"));
  two.Send(call, Pattern(1'000'000), /*end=*/false);
  EXPECT_EQ(two.AwaitWhole(call).status(), "408");
}

}  // namespace
}  // namespace gateway
