// How Http1Client ends early: timeouts, cancellation in every phase, answers
// that come before their request is sent, proxies that refuse and certificates
// that must not be trusted.

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_client.h"
#include "base/http/http_client.h"
#include "base/http/http_handler.h"
#include "base/net/host_port.h"
#include "base/net/resolver.h"
#include "base/net/tls_context.h"
#include "base/os/thread.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/base/http/http1_client_test_base.h"
#include "tests/testing/event.h"
#include "tests/testing/mock_upstream_process.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/scripted_server.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_http_server.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kHttp1ClientTimeout = absl::Milliseconds(40);

// Its one place in the queue is taken, so who connects hears nothing.
class BlackHole {
 public:
  uint16_t port() const { return listener_.port(); }

 private:
  RawListener listener_{/*backlog=*/0};
  RawClient filler_ = RawClient::Connect(listener_.port());
};

class Http1ClientTimeoutTest : public Http1ClientTestBase {
 protected:
  void ExpectTimeout(const Reply& reply, std::string_view what) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(reply.status)) << reply.status;
    EXPECT_THAT(ToStd(reply.status.message()), HasSubstr(what));
    EXPECT_TRUE(reply.progress.timed_out);
    EXPECT_FALSE(reply.progress.not_processed);
  }
};

TEST_F(Http1ClientTimeoutTest, GivesUpOnAConnectionThatIsNotMade) {
  const BlackHole hole;
  const auto to = To(hole.port());
  to->timeouts.connect = kHttp1ClientTimeout;
  ExpectTimeout(CallOnce({.to = to}), "a connection");
}

TEST_F(Http1ClientTimeoutTest, GivesUpOnAHandshakeThatIsNotMade) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    client.ReceiveAll();
  });
  const auto to = To(server.port());
  to->tls = *TlsContext::ForClient({});
  to->timeouts.connect = kHttp1ClientTimeout;
  ExpectTimeout(CallOnce({.to = to}), "a connection");
}

TEST_F(Http1ClientTimeoutTest, GivesUpOnASilentServer) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    ReceiveRequest(client);
    EXPECT_TRUE(client.AtEnd());
    EXPECT_TRUE(client.reset());
  });
  const auto to = To(server.port());
  to->timeouts.first_byte = kHttp1ClientTimeout;
  const Reply reply = CallOnce({.to = to});
  ExpectTimeout(reply, "first byte");
  EXPECT_FALSE(reply.progress.answered);
}

TEST_F(Http1ClientTimeoutTest, GivesUpOnAServerThatDoesNotReadTheRequest) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    EXPECT_TRUE(listener.SomebodyConnects(10'000));
  });
  const auto to = To(server.port());
  to->timeouts.first_byte = kHttp1ClientTimeout;
  ExpectTimeout(CallOnce({.to = to, .body = std::string(64 << 20, 'x')}),
                "take the request");
  RawClient::Connect(server.port());
}

TEST_F(Http1ClientTimeoutTest, GivesUpOnInterimAnswersWithoutEnd) {
  for (const int count : {kInterimAnswersMax, kInterimAnswersMax + 1}) {
    ScriptedServer server([count](RawListener& listener) {
      RawClient client = listener.Accept();
      ReceiveRequest(client);
      for (int i = 0; i < count; ++i) {
        client.Send("HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n");
      }
      client.Send(kOk);
      client.AtEnd();
    });
    const Reply reply = CallOnce({.to = To(server.port())});
    if (count == kInterimAnswersMax) {
      EXPECT_TRUE(reply.status.ok()) << reply.status;
      continue;
    }
    EXPECT_TRUE(absl::IsInternal(reply.status)) << reply.status;
    EXPECT_THAT(ToStd(reply.status.message()), HasSubstr("interim answers"));
  }
}

TEST_F(Http1ClientTimeoutTest, GivesUpOnAnAnswerThatStandsStill) {
  for (const bool read_all : {false, true}) {
    ScriptedServer server([](RawListener& listener) {
      RawClient client = listener.Accept();
      ReceiveRequest(client);
      client.Send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345");
      EXPECT_TRUE(client.AtEnd());
    });
    const auto to = To(server.port());
    to->timeouts.idle = kHttp1ClientTimeout;
    const Reply reply = CallOnce({.to = to, .read_all = read_all});
    EXPECT_TRUE(reply.began);
    ExpectTimeout(reply, "more of the answer");
  }
}

TEST_F(Http1ClientTimeoutTest, GivesUpOnAnAnswerThatTakesTooLongInAll) {
  auto upstream = MockUpstreamProcess::Start({.any_request = true});
  ASSERT_TRUE(upstream.ok()) << upstream.status();
  ASSERT_TRUE((*upstream)
                  ->SetScript("m", R"({"chunks": 100000,
                                       "chunk_delay_ms": 1})")
                  .ok());
  const auto to = To((*upstream)->port());
  to->timeouts.total = absl::Milliseconds(200);
  ExpectTimeout(
      CallOnce({.to = to,
                .path = "/v1/chat/completions",
                .body = R"({"model": "m", "messages": [], "stream": true})",
                .read_all = false}),
      "");
  EXPECT_TRUE((*upstream)->WaitFor("cancelled", "m", 1).ok());
}

class Http1ClientEarlyAnswerTest : public Http1ClientTestBase {};

TEST_F(Http1ClientEarlyAnswerTest,
       AnAnswerEndsARequestThatTheServerDoesNotTake) {
  for (const std::string_view more : {"", "connection: close\r\n"}) {
    Event answered;
    ScriptedServer server([&](RawListener& listener) {
      RawClient client = listener.Accept();
      client.ReceiveUntil("\r\n\r\n");
      client.Send(absl::StrCat("HTTP/1.1 400 Bad Request\r\n", ToAbsl(more),
                               "content-length: 3\r\n\r\nbad"));
      // It reads on only when its answer has been read.
      EXPECT_TRUE(answered.Wait());
      client.ReceiveAll();
      EXPECT_FALSE(client.timed_out());
    });
    WithClient([&](Http1Client& client) -> Task<void> {
      const auto to = To(server.port());
      to->timeouts.first_byte = absl::Seconds(5);
      Ask ask = Plain(to);
      ask.body.assign(64 << 20, 'x');
      const Reply reply = co_await Call(client, ask);
      answered.Set();
      EXPECT_TRUE(reply.status.ok()) << reply.status;
      EXPECT_EQ(reply.code, 400);
      EXPECT_EQ(reply.body, "bad");
      EXPECT_FALSE(reply.progress.sent);
      EXPECT_EQ(client.stats().idle, 0u);
    });
  }
}

TEST_F(Http1ClientEarlyAnswerTest,
       RefusesWhatIsNoAnswerToARequestThatIsNotTaken) {
  std::string interim;
  for (int i = 0; i <= kInterimAnswersMax; ++i) {
    interim += "HTTP/1.1 103 Early Hints\r\n\r\n";
  }
  for (const std::string_view bytes :
       {std::string_view("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        std::string_view(interim), std::string_view("SSH-2.0-x\r\n\r\n")}) {
    Event refused;
    ScriptedServer server([&](RawListener& listener) {
      RawClient client = listener.Accept();
      client.ReceiveUntil("\r\n\r\n");
      client.Send(bytes);
      EXPECT_TRUE(refused.Wait());
    });
    const auto to = To(server.port());
    to->timeouts.first_byte = absl::Seconds(5);
    const Reply reply =
        CallOnce({.to = to, .body = std::string(64 << 20, 'x')});
    refused.Set();
    EXPECT_TRUE(absl::IsInternal(reply.status)) << reply.status;
    EXPECT_FALSE(reply.began);
  }
}

class Http1ClientCancelTest : public Http1ClientTestBase {
 protected:
  Http1ClientCancelTest()
      : Http1ClientTestBase([this](const std::string&) {
          CancelSoon();
          EXPECT_TRUE(over_.Wait());
          return absl::StatusOr<IpAddresses>(absl::UnavailableError("late"));
        }) {}

  // From any thread: cancels on the loop.
  void CancelSoon() {
    runner_.loop().Post(
        [this] { signal_->Cancel(absl::AbortedError("enough")); });
  }

  void ExpectCancelled(Ask ask) {
    signal_.emplace();
    ask.cancel = &*signal_;
    const Reply reply = CallOnce(std::move(ask));
    EXPECT_EQ(reply.status, absl::AbortedError("enough"));
    EXPECT_FALSE(reply.progress.timed_out);
    EXPECT_FALSE(reply.progress.not_processed);
  }

  Event over_;
  std::optional<CancelSignal> signal_{std::in_place};
};

TEST_F(Http1ClientCancelTest, BeforeAnything) {
  signal_->Cancel(absl::AbortedError("enough"));
  const Reply reply = CallOnce({.to = To(1), .cancel = &*signal_});
  EXPECT_EQ(reply.status, absl::AbortedError("enough"));
}

TEST_F(Http1ClientCancelTest, WhileItResolves) {
  const auto to = To(80);
  to->host = "slow.test";
  ExpectCancelled({.to = to});
  over_.Set();
}

TEST_F(Http1ClientCancelTest, WhileItConnects) {
  const BlackHole hole;
  runner_.loop().Post([this] {
    // After the connection was begun, which this turn does.
    runner_.loop().Post([this] { CancelSoon(); });
  });
  ExpectCancelled({.to = To(hole.port())});
}

TEST_F(Http1ClientCancelTest, WhileItShakesHands) {
  ScriptedServer server([this](RawListener& listener) {
    RawClient client = listener.Accept();
    EXPECT_FALSE(client.Receive().empty());
    CancelSoon();
    EXPECT_TRUE(client.AtEnd());
  });
  const auto to = To(server.port());
  to->tls = *TlsContext::ForClient({});
  ExpectCancelled({.to = to});
}

TEST_F(Http1ClientCancelTest, WhileItWritesToAServerThatDoesNotRead) {
  ScriptedServer server([this](RawListener& listener) {
    RawClient client = listener.Accept();
    client.ReceiveUntil("\r\n\r\n");
    CancelSoon();
    client.ReceiveAll();
    EXPECT_FALSE(client.timed_out());
  });
  ExpectCancelled(
      {.to = To(server.port()), .body = std::string(64 << 20, 'x')});
}

TEST_F(Http1ClientCancelTest, WhileItWaitsForTheHead) {
  for (const std::string_view part : {"", "HTTP/1.1 200 OK\r\n"}) {
    ScriptedServer server([&](RawListener& listener) {
      RawClient client = listener.Accept();
      ReceiveRequest(client);
      client.Send(part);
      CancelSoon();
      EXPECT_TRUE(client.AtEnd());
      EXPECT_TRUE(client.reset());
    });
    ExpectCancelled({.to = To(server.port())});
  }
}

TEST_F(Http1ClientCancelTest, WithinTheBody) {
  for (const bool read_all : {false, true}) {
    ScriptedServer server([&](RawListener& listener) {
      RawClient client = listener.Accept();
      ReceiveRequest(client);
      client.Send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345");
      CancelSoon();
      EXPECT_TRUE(client.AtEnd());
    });
    ExpectCancelled({.to = To(server.port()), .read_all = read_all});
  }
}

TEST_F(Http1ClientCancelTest, AReusedConnectionWithoutCallingItStale) {
  ScriptedServer server([this](RawListener& listener) {
    RawClient client = listener.Accept();
    ReceiveRequest(client);
    client.Send(kOk);
    ReceiveRequest(client);
    CancelSoon();
    EXPECT_TRUE(client.AtEnd());
  });
  WithClient([&](Http1Client& client) -> Task<void> {
    const auto to = To(server.port());
    co_await Call(client, Plain(to));
    Ask ask = Plain(to);
    ask.cancel = &*signal_;
    const Reply reply = co_await Call(client, ask);
    EXPECT_EQ(reply.status, absl::AbortedError("enough"));
    EXPECT_TRUE(reply.progress.reused_connection);
    EXPECT_FALSE(reply.progress.not_processed);
    EXPECT_EQ(client.stats().idle, 0u);
  });
}

class Http1ClientConnectTest : public Http1ClientTestBase {
 protected:
  Http1ClientConnectTest()
      : Http1ClientTestBase([](const std::string& host) {
          return absl::StatusOr<IpAddresses>(
              absl::UnavailableError(absl::StrCat("no such host: ", host)));
        }) {}
};

TEST_F(Http1ClientConnectTest, SaysThatNobodyListens) {
  uint16_t port;
  {
    RawListener listener;
    port = listener.port();
  }
  const Reply reply = CallOnce({.to = To(port)});
  EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
  EXPECT_FALSE(reply.progress.sent);
}

TEST_F(Http1ClientConnectTest, SaysThatTheNameIsUnknown) {
  const auto to = To(80);
  to->host = "nowhere.test";
  const Reply reply = CallOnce({.to = to});
  EXPECT_EQ(reply.status,
            absl::UnavailableError("no such host: nowhere.test"));
}

TEST_F(Http1ClientConnectTest, GoesThroughAProxy) {
  std::string connect;
  std::string request;
  ScriptedServer proxy([&](RawListener& listener) {
    RawClient client = listener.Accept();
    connect = client.ReceiveUntil("\r\n\r\n");
    client.Send("HTTP/1.1 200 Connection established\r\nx: y\r\n\r\n");
    for (int i = 0; i < 2; ++i) {
      request = ReceiveRequest(client);
      client.Send(kOk);
    }
  });
  const auto to = To(443);
  to->host = "far.test";
  to->proxy = HostPort{"127.0.0.1", proxy.port()};
  WithClient([&](Http1Client& client) -> Task<void> {
    for (int i = 0; i < 2; ++i) {
      const Reply reply = co_await Call(client, Plain(to));
      EXPECT_TRUE(reply.status.ok()) << reply.status;
      EXPECT_EQ(reply.body, "ok");
      EXPECT_EQ(reply.progress.reused_connection, i > 0);
    }
  });
  EXPECT_EQ(connect,
            "CONNECT far.test:443 HTTP/1.1\r\nhost: far.test:443\r\n\r\n");
  EXPECT_THAT(request, HasSubstr("host: far.test:443\r\n"));
}

TEST_F(Http1ClientConnectTest, SaysThatTheProxyRefused) {
  for (const std::string_view answer :
       {"HTTP/1.1 403 Forbidden\r\ncontent-length: 5\r\n\r\nnever",
        "HTTP/1.1 200 OK\r\n", "", "nonsense\r\n\r\n"}) {
    ScriptedServer proxy([&](RawListener& listener) {
      RawClient client = listener.Accept();
      client.ReceiveUntil("\r\n\r\n");
      client.Send(answer);
    });
    const auto to = To(443);
    to->proxy = HostPort{"127.0.0.1", proxy.port()};
    const Reply reply = CallOnce({.to = to});
    EXPECT_FALSE(reply.status.ok()) << answer;
    EXPECT_THAT(ToStd(reply.status.message()),
                HasSubstr(answer.size() > 50 ? "refused CONNECT" : ""));
    EXPECT_FALSE(reply.progress.sent);
  }
}

class OkHandler final : public HttpHandler {
 public:
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    const std::string_view body[] = {request.body};
    static_cast<void>(co_await responder.Send({200, {}}, body));
  }
};

class Http1ClientTlsTest : public Http1ClientTestBase {
 protected:
  // Every name is this machine's.
  Http1ClientTlsTest()
      : Http1ClientTestBase([](const std::string&) {
          IpAddress address;
          auto* const v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
          v4->sin_family = AF_INET;
          v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
          address.size = sizeof(sockaddr_in);
          return absl::StatusOr<IpAddresses>({address});
        }) {}

  std::shared_ptr<HttpDestination> ToTls(uint16_t port, bool trusting = true) {
    const auto to = To(port);
    to->tls =
        trusting ? ClientTls(certificates_) : *TlsContext::ForClient({});
    return to;
  }

  static inline const TestCertificates certificates_;
  OkHandler handler_;
};

TEST_F(Http1ClientTlsTest, TrustsAnExtraAuthority) {
  TestHttpServer server(handler_, {}, ServerTls(certificates_.good()));
  const auto to = ToTls(server.port());
  WithClient([&](Http1Client& client) -> Task<void> {
    for (const size_t size : {0, 1, 16'000, 17'000, 5'000'000, 2}) {
      for (const bool read_all : {false, true}) {
        Ask ask = Plain(to);
        ask.body = Pattern(size);
        ask.read_all = read_all;
        const Reply reply = co_await Call(client, ask);
        EXPECT_TRUE(reply.status.ok()) << reply.status;
        EXPECT_TRUE(reply.body == ask.body) << size;
      }
    }
    // One connection carried all of it, and rests without a block.
    EXPECT_EQ(client.stats().idle, 1u);
    EXPECT_EQ(server.connections(), 1u);
    EXPECT_EQ(server.blocks_lent(), 0u);
    EXPECT_EQ(runner_.loop().blocks().lent(), 0u);
  });
}

TEST_F(Http1ClientTlsTest, ChecksTheNameItWasGiven) {
  TestHttpServer server(handler_, {}, ServerTls(certificates_.good()));
  const auto to = ToTls(server.port());
  to->host = "localhost";
  EXPECT_TRUE(CallOnce({.to = to}).status.ok());
  const auto other = ToTls(server.port());
  other->host = "other.test";
  const Reply reply = CallOnce({.to = other});
  EXPECT_THAT(ToStd(reply.status.message()), HasSubstr("mismatch"));
}

TEST_F(Http1ClientTlsTest, RefusesWhomItCannotTrust) {
  struct Case {
    const TestCertificates::Pair* pair;
    bool trusting;
    std::string_view why;
  };
  const std::vector<Case> cases = {
      {&certificates_.expired(), true, "expired"},
      {&certificates_.not_yet_valid(), true, "not yet valid"},
      {&certificates_.wrong_name(), true, "mismatch"},
      {&certificates_.self_signed(), true, "self-signed"},
      {&certificates_.good(), false, "issuer"},
  };
  for (const Case& test : cases) {
    TestHttpServer server(handler_, {}, ServerTls(*test.pair));
    const Reply reply =
        CallOnce({.to = ToTls(server.port(), test.trusting)});
    EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
    EXPECT_THAT(ToStd(reply.status.message()), HasSubstr(test.why));
    EXPECT_FALSE(reply.progress.sent);
  }
}

TEST_F(Http1ClientTlsTest, NeverFallsBackToPlainText) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    const std::string hello = client.Receive();
    EXPECT_EQ(hello[0], '\x16');
    client.Send("HTTP/1.1 400 Bad Request\r\n\r\n");
    client.Close();
    EXPECT_FALSE(listener.SomebodyConnects(100));
  });
  const Reply reply = CallOnce({.to = ToTls(server.port())});
  EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
}

TEST_F(Http1ClientTlsTest, TakesACutConnectionForABrokenAnswer) {
  MockUpstreamProcess::Options options;
  options.any_request = true;
  options.tls_cert_path = certificates_.good().chain_file;
  options.tls_key_path = certificates_.good().key_file;
  auto upstream = MockUpstreamProcess::Start(options);
  ASSERT_TRUE(upstream.ok()) << upstream.status();
  const Ask ask{.to = ToTls((*upstream)->tls_port()),
                .path = "/v1/chat/completions",
                .body = R"({"model": "m", "messages": [], "stream": true})",
                .read_all = false};
  ASSERT_TRUE((*upstream)
                  ->SetScript("m", R"({"framing": "close",
                                       "close_after_chunks": 1})")
                  .ok());
  EXPECT_TRUE(CallOnce(ask).status.ok());
  ASSERT_TRUE((*upstream)
                  ->SetScript("m", R"({"framing": "close",
                                       "close_after_chunks": 1,
                                       "tls_truncate": true})")
                  .ok());
  const Reply reply = CallOnce(ask);
  EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
}

// Passes bytes on between a client and the server behind a proxy.
void Relay(RawListener& listener) {
  RawClient client = listener.Accept();
  const std::string connect = client.ReceiveUntil("\r\n\r\n");
  const size_t colon = connect.find(':');
  RawClient server = RawClient::Connect(
      static_cast<uint16_t>(std::stoi(connect.substr(colon + 1))));
  client.Send("HTTP/1.1 200 OK\r\n\r\n");
  Thread back("relay", [&] {
    for (;;) {
      const std::string bytes = server.Receive();
      if (bytes.empty() || !client.Send(bytes)) return;
    }
  });
  for (;;) {
    const std::string bytes = client.Receive();
    if (bytes.empty() || !server.Send(bytes)) break;
  }
  server.HalfClose();
}

TEST_F(Http1ClientTlsTest, ShakesHandsThroughAProxy) {
  TestHttpServer server(handler_, {}, ServerTls(certificates_.good()));
  ScriptedServer proxy(Relay);
  const auto to = ToTls(server.port());
  to->host = "localhost";
  to->proxy = HostPort{"127.0.0.1", proxy.port()};
  const Reply reply = CallOnce({.to = to, .body = Pattern(100'000)});
  EXPECT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_TRUE(reply.body == Pattern(100'000));
}

}  // namespace
}  // namespace gateway
