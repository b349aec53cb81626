// Which connections Http1Client keeps for its next request.

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http1_client.h"
#include "base/http/http_client.h"
#include "base/memory/block_pool.h"
#include "base/net/tls_context.h"
#include "gtest/gtest.h"
#include "tests/base/http/http1_client_test_base.h"
#include "tests/testing/event.h"
#include "tests/testing/pattern.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/scripted_server.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

class Http1PoolTest : public Http1ClientTestBase {};

TEST_F(Http1PoolTest, DropsAConnectionOnWhichMoreCameThanTheAnswer) {
  // The answer fills what is read at once, and more lies behind it.
  const std::string head = "HTTP/1.1 200 OK\r\ncontent-length: 16000\r\n\r\n";
  ASSERT_LT(head.size() + 16'000, kBlockBytes);
  const std::string junk(100'000, 'j');
  ScriptedServer server([&](RawListener& listener) {
    RawClient client = listener.Accept();
    ReceiveRequest(client);
    client.Send(head + Pattern(16'000) + junk);
    client.ReceiveAll();
  });
  WithClient([&](Http1Client& client) -> Task<void> {
    const Reply reply = co_await Call(client, Plain(To(server.port())));
    EXPECT_TRUE(reply.body == Pattern(16'000));
    EXPECT_EQ(client.stats().idle, 0u);
  });
}

TEST_F(Http1PoolTest, WhatCameBehindAnErrorIsNotTheNextRequestsAnswer) {
  Event answered;
  Event sent;
  ScriptedServer server([&](RawListener& listener) {
    RawClient first = listener.Accept();
    ReceiveRequest(first);
    first.Send("HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy");
    EXPECT_TRUE(answered.Wait());
    first.Send("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison");
    sent.Set();
    RawClient second = listener.Accept();
    ReceiveRequest(second);
    second.Send(kOk);
  });
  WithClient([&](Http1Client& client) -> Task<void> {
    const auto to = To(server.port());
    to->timeouts.total = absl::Seconds(5);
    EXPECT_EQ((co_await Call(client, Plain(to))).code, 503);
    EXPECT_EQ(client.stats().idle, 1u);
    // The loop stands still, so that it is not told of the second answer before
    // the connection is taken.
    answered.Set();
    EXPECT_TRUE(sent.Wait());
    const Reply reply = co_await Call(client, Plain(to));
    EXPECT_EQ(reply.body, "ok");
    EXPECT_FALSE(reply.progress.reused_connection);
    if (reply.progress.reused_connection) RawClient::Connect(server.port());
  });
}

// Answers one request over TLS, and then goes on with the script.
class TlsPeer {
 public:
  TlsPeer(const TlsContext& tls, RawClient client)
      : client_(std::move(client)), ssl_(*tls.NewSession(client_.fd(), "")) {
    EXPECT_EQ(SSL_accept(ssl_.get()), 1);
  }

  void AnswerRequest() {
    std::string request;
    while (!request.ends_with("\r\n\r\n{}")) {
      char bytes[1024];
      const int n = SSL_read(ssl_.get(), bytes, sizeof(bytes));
      if (n <= 0) return;
      request.append(bytes, static_cast<size_t>(n));
    }
    EXPECT_GT(SSL_write(ssl_.get(), kOk.data(), static_cast<int>(kOk.size())),
              0);
  }

  void SendSessionTicket() {
    EXPECT_EQ(SSL_new_session_ticket(ssl_.get()), 1);
    EXPECT_EQ(SSL_do_handshake(ssl_.get()), 1);
  }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  RawClient client_;
  const std::unique_ptr<SSL, Free> ssl_;
};

TEST_F(Http1PoolTest, KeepsAConnectionOnWhichOnlyTlsHasSpoken) {
  const TestCertificates certificates;
  const std::shared_ptr<TlsContext> tls = ServerTls(certificates.good());
  Event answered;
  Event sent;
  ScriptedServer server([&](RawListener& listener) {
    TlsPeer peer(*tls, listener.Accept());
    peer.AnswerRequest();
    EXPECT_TRUE(answered.Wait());
    peer.SendSessionTicket();
    sent.Set();
    peer.AnswerRequest();
  });
  WithClient([&](Http1Client& client) -> Task<void> {
    const auto to = To(server.port());
    to->tls = ClientTls(certificates);
    to->timeouts.total = absl::Seconds(5);
    EXPECT_EQ((co_await Call(client, Plain(to))).body, "ok");
    answered.Set();
    EXPECT_TRUE(sent.Wait());
    // The loop sees to what has come.
    for (int turns = 0; turns < 3; ++turns) co_await YieldToLoop();
    EXPECT_EQ(client.stats().idle, 1u);
    const Reply reply = co_await Call(client, Plain(to));
    EXPECT_EQ(reply.body, "ok");
    EXPECT_TRUE(reply.progress.reused_connection);
  });
}

TEST_F(Http1PoolTest, KeepsNoMoreIdleConnectionsThanAllowed) {
  constexpr int kCalls = 5;
  ScriptedServer server([](RawListener& listener) {
    std::vector<RawClient> clients;
    for (int i = 0; i < kCalls; ++i) clients.push_back(listener.Accept());
    for (RawClient& client : clients) {
      ReceiveRequest(client);
      client.Send(kOk);
    }
    for (RawClient& client : clients) client.AtEnd();
  });
  WithClient([&](Http1Client& client) -> Task<void> {
    const auto to = To(server.port());
    to->idle_connections_max = 2;
    for (int i = 0; i < kCalls; ++i) {
      Spawn([](Http1Client& client,
               std::shared_ptr<HttpDestination> to) -> Task<void> {
        const Reply reply = co_await Call(client, Plain(to));
        EXPECT_TRUE(reply.status.ok()) << reply.status;
      }(client, to));
    }
    co_await client.AwaitIdle();
    EXPECT_EQ(client.stats().idle, 2u);
  });
}

TEST_F(Http1PoolTest, ClosesIdleConnectionsInTime) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    ReceiveRequest(client);
    client.Send(kOk);
    EXPECT_TRUE(client.AtEnd());
  });
  WithClient([&](Http1Client& client) -> Task<void> {
    const auto to = To(server.port());
    to->idle_connection_timeout = absl::Milliseconds(20);
    co_await Call(client, Plain(to));
    EXPECT_EQ(client.stats().idle, 1u);
    while (client.stats().idle > 0) co_await YieldToLoop();
  });
}

TEST_F(Http1PoolTest, DoesNotReuseOldConnections) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    ReceiveRequest(client);
    client.Send(kOk);
    EXPECT_TRUE(client.AtEnd());
  });
  WithClient([&](Http1Client& client) -> Task<void> {
    const auto to = To(server.port());
    to->connection_age_max = absl::ZeroDuration();
    co_await Call(client, Plain(to));
    EXPECT_EQ(client.stats().idle, 0u);
  });
}

}  // namespace
}  // namespace gateway
