#include "base/http/negotiating_http_client.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "base/net/tls_context.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/base/http/http1_client_test_base.h"
#include "tests/base/http/http2_client_test_base.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_http2_server.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class NegotiatingHttpClientTest : public Http2ClientTestBase {
 protected:
  using Story =
      std::function<Task<void>(NegotiatingHttpClient&, TestHttp2Server&)>;

  // With a server that speaks both, until it is told otherwise.
  void Run(Story story) {
    runner_.Run([](NegotiatingHttpClientTest* test,
                   Story story) -> Task<void> {
      NegotiatingHttpClient client(test->resolver_);
      TestHttp2Server server(Speaks({"h2", "http/1.1"}));
      co_await story(client, server);
      co_await client.Close();
      co_await server.Close();
    }(this, std::move(story)));
  }

  static std::shared_ptr<TlsContext> Speaks(std::vector<std::string> alpn) {
    return ServerTls(certificates_.good(), std::move(alpn));
  }

  static std::shared_ptr<HttpDestination> ToTls(
      const TestHttp2Server& server, HttpVersion version,
      std::vector<std::string> alpn) {
    auto to = To(server.port());
    to->version = version;
    to->tls = ClientTls(certificates_, std::move(alpn));
    return to;
  }
  static std::shared_ptr<HttpDestination> ToAuto(
      const TestHttp2Server& server) {
    return ToTls(server, HttpVersion::kAuto, {"h2", "http/1.1"});
  }

  // A request that the server answers in both versions.
  static Ask Get(std::shared_ptr<const HttpDestination> to) {
    Ask ask = Plain(std::move(to));
    ask.method = "GET";
    ask.body = "";
    return ask;
  }

  static inline const TestCertificates certificates_;
};

TEST_F(NegotiatingHttpClientTest, SpeaksHttp2ToWhomeverChoosesIt) {
  Run([](NegotiatingHttpClient& client,
         TestHttp2Server& server) -> Task<void> {
    const auto to = ToAuto(server);
    Calls calls(client);
    for (int i = 0; i < 20; ++i) {
      Ask ask = Plain(to);
      ask.body = Pattern(100'000);
      calls.Add(ask);
    }
    co_await calls.AwaitAll();
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(calls[i].body == Pattern(100'000)) << calls[i].status;
    }
    EXPECT_EQ(server.accepted, 1u);
    EXPECT_EQ(server.http1_requests, 0u);
    EXPECT_THAT(server.requests[0]->fields, HasSubstr(":scheme=https;"));
  });
}

TEST_F(NegotiatingHttpClientTest, SpeaksHttp1ToWhomeverChoosesThat) {
  Run([](NegotiatingHttpClient& client,
         TestHttp2Server& server) -> Task<void> {
    server.tls = Speaks({"http/1.1"});
    const auto to = ToAuto(server);
    Calls calls(client);
    for (int i = 0; i < 3; ++i) calls.Add(Get(to));
    co_await calls.AwaitAll();
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(calls[i].body, "one") << calls[i].status;
    }
    // The first connection told, and was used.
    EXPECT_EQ(server.accepted, 3u);
    EXPECT_EQ(client.http1().stats().idle, 3u);
    const Reply reply = co_await Call(client, Get(to));
    EXPECT_EQ(reply.body, "one");
    EXPECT_EQ(server.accepted, 3u);
    EXPECT_EQ(server.http1_requests, 4u);
  });
}

TEST_F(NegotiatingHttpClientTest, AServerWithoutAlpnSpeaksHttp1) {
  Run([](NegotiatingHttpClient& client,
         TestHttp2Server& server) -> Task<void> {
    server.tls = Speaks({});
    const Reply reply = co_await Call(client, Get(ToAuto(server)));
    EXPECT_EQ(reply.body, "one") << reply.status;
    EXPECT_EQ(server.accepted, 1u);
  });
}

TEST_F(NegotiatingHttpClientTest, LearnsAgainWhenAServerChanges) {
  Run([](NegotiatingHttpClient& client,
         TestHttp2Server& server) -> Task<void> {
    const auto to = ToAuto(server);
    to->idle_connection_timeout = absl::Milliseconds(10);
    for (int i = 0; i < 4; ++i) {
      const bool http2 = i % 2 == 0;
      if (http2) {
        server.tls = Speaks({"h2"});
      } else {
        server.tls = Speaks({"http/1.1"});
      }
      const Reply reply = co_await Call(client, Get(to));
      EXPECT_TRUE(reply.status.ok()) << reply.status;
      EXPECT_EQ(reply.body, http2 ? "" : "one");
      co_await server.AwaitGone();
    }
    EXPECT_EQ(server.http1_requests, 2u);
    EXPECT_EQ(server.requests.size(), 2u);
  });
}

TEST_F(NegotiatingHttpClientTest, SpeaksWhatItIsConfiguredTo) {
  Run([](NegotiatingHttpClient& client,
         TestHttp2Server& server) -> Task<void> {
    const auto http1 = ToTls(server, HttpVersion::kHttp1, {"http/1.1"});
    Reply reply = co_await Call(client, Get(http1));
    EXPECT_EQ(reply.body, "one") << reply.status;
    const auto http2 = ToTls(server, HttpVersion::kHttp2, {"h2"});
    reply = co_await Call(client, Plain(http2));
    EXPECT_EQ(reply.body, "{}") << reply.status;
    server.tls = Speaks({});
    const auto other = ToTls(server, HttpVersion::kHttp2, {"h2"});
    other->http2_connections_max = 1;
    reply = co_await Call(client, Plain(other));
    EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
    server.tls = nullptr;
    const auto plain = To(server.port());
    plain->version = HttpVersion::kHttp2;
    reply = co_await Call(client, Plain(plain));
    EXPECT_EQ(reply.body, "{}") << reply.status;
  });
}

TEST_F(NegotiatingHttpClientTest, PlainTextIsHttp1UnlessToldOtherwise) {
  Run([](NegotiatingHttpClient& client,
         TestHttp2Server& server) -> Task<void> {
    server.tls = nullptr;
    const Reply reply = co_await Call(client, Get(To(server.port())));
    // A server that only speaks HTTP/2 does not understand it.
    EXPECT_FALSE(reply.status.ok());
    EXPECT_EQ(server.requests.size(), 0u);
    EXPECT_EQ(client.http2().stats().idle, 0u);
  });
}

TEST_F(NegotiatingHttpClientTest, ACancelledRequestIsNotSentAgain) {
  Run([](NegotiatingHttpClient& client,
         TestHttp2Server& server) -> Task<void> {
    Sent sent(ToAuto(server));
    sent.cancel.Cancel(absl::FailedPreconditionError("enough"));
    const absl::Status status = co_await sent.Send(client);
    EXPECT_EQ(status, absl::FailedPreconditionError("enough"));
    EXPECT_EQ(server.accepted, 0u);
  });
}

}  // namespace
}  // namespace gateway
