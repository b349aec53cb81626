#include "base/redis/redis_dial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/base/redis/redis_session.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/redis_server.h"
#include "tests/testing/scripted_server.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kPassword[] = "correct horse";

absl::Status DialStatus(RedisSession& session) {
  absl::Status status;
  session.test = &status;
  session.Run([](RedisSession& session) -> Task<void> {
    *static_cast<absl::Status*>(session.test) = co_await session.DialStatus();
  });
  return status;
}

// What a command says to who has dialled.
std::string ReplyOf(RedisSession& session, const RedisCommand& command) {
  struct Asked {
    const RedisCommand& command;
    std::string text;
  } asked{command, ""};
  session.test = &asked;
  session.Run([](RedisSession& session) -> Task<void> {
    Asked& asked = *static_cast<Asked*>(session.test);
    const auto connection = co_await session.Dial();
    if (connection == nullptr) co_return;
    const absl::StatusOr<RedisReply> reply =
        co_await connection->Send(asked.command);
    asked.text = reply.ok() ? std::string(reply->text())
                            : std::string(reply.status().message());
  });
  return asked.text;
}

TEST(RedisDialTest, SaysWhoItIs) {
  RedisServer::Options options;
  options.arguments = {"--user",
                       "gateway",
                       "on",
                       ">" + std::string(kPassword),
                       "+@all",
                       "~*",
                       "--requirepass",
                       "default's"};
  options.password = "default's";
  RedisServer server(options);
  RedisSession session(server.port());
  session.options.user = "gateway";
  session.options.password = Secret(kPassword);
  session.options.client_name = "gateway-7";
  session.options.database = 3;
  EXPECT_EQ(ReplyOf(session, RedisCommand("ACL", "WHOAMI")), "gateway");
  const std::string info = ReplyOf(session, RedisCommand("CLIENT", "INFO"));
  EXPECT_THAT(info, HasSubstr("name=gateway-7 "));
  EXPECT_THAT(info, HasSubstr(" db=3 "));
  // A password alone is the default user's.
  session.options.user.clear();
  session.options.password = Secret("default's");
  EXPECT_EQ(ReplyOf(session, RedisCommand("ACL", "WHOAMI")), "default");
}

TEST(RedisDialTest, AWrongPasswordIsToldAndNotRepeated) {
  RedisServer::Options options;
  options.arguments = {"--requirepass", kPassword};
  options.password = kPassword;
  RedisServer server(options);
  RedisSession session(server.port());
  session.options.password = Secret("battery staple");
  const absl::Status status = DialStatus(session);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(status.message(),
            absl::StrCat("redis ", server.address(),
                         ": AUTH was refused with WRONGPASS"));
  session.options.password = Secret("");
  const absl::Status without = DialStatus(session);
  EXPECT_EQ(without.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(without.message()), HasSubstr("NOAUTH"));
}

TEST(RedisDialTest, EachConnectionHasThePasswordOfItsMoment) {
  RedisServer::Options options;
  options.arguments = {"--requirepass", kPassword};
  options.password = kPassword;
  RedisServer server(options);
  RedisSession session(server.port());
  std::string now = kPassword;
  session.options.password = Secret("of no use");
  session.options.latest = [&now] {
    return RedisCredentials{.password = Secret(now)};
  };
  EXPECT_TRUE(DialStatus(session).ok());
  server.Ask({"CONFIG", "SET", "requirepass", "battery staple"});
  EXPECT_EQ(DialStatus(session).code(), absl::StatusCode::kUnauthenticated);
  now = "battery staple";
  EXPECT_TRUE(DialStatus(session).ok());
}

TEST(RedisDialTest, AServerThatRepeatsThePasswordIsNotQuoted) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    client.ReceiveUntil("correct horse\r\n");
    client.Send("-ERR 'correct horse' is no password\r\n");
    client.AtEnd();
  });
  RedisSession session(server.port());
  session.options.password = Secret(kPassword);
  const absl::Status status = DialStatus(session);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("horse")));
}

TEST(RedisDialTest, ADatabaseThatThereIsNotIsNamed) {
  RedisServer server;
  RedisSession session(server.port());
  session.options.database = 16;
  const absl::Status status = DialStatus(session);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(),
            absl::StrCat("redis ", server.address(),
                         ": ERR DB index is out of range (of SELECT 16)"));
}

TEST(RedisDialTest, AServerThatLoadsItsDataIsNotThereYet) {
  ScriptedServer server([](RawListener& listener) {
    RawClient client = listener.Accept();
    client.ReceiveUntil("PING\r\n");
    client.Send("-LOADING Redis is loading the dataset in memory\r\n");
    client.AtEnd();
  });
  RedisSession session(server.port());
  const absl::Status status = DialStatus(session);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("LOADING"));
}

TEST(RedisDialTest, AServerWithTooManyClientsIsNotThere) {
  RedisServer server;
  server.Ask({"CONFIG", "SET", "maxclients", "1"});
  const RawClient only = RawClient::Connect(server.port());
  RedisSession session(server.port());
  const absl::Status status = DialStatus(session);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

TEST(RedisDialTest, ASilentServerIsGivenUpInTime) {
  RedisServer server;
  RedisSession session(server.port());
  session.options.connect_timeout = absl::Milliseconds(30);
  server.Stop();
  const absl::Status status = DialStatus(session);
  EXPECT_EQ(status,
            absl::DeadlineExceededError(absl::StrCat(
                "redis ", server.address(), ": no connection within 30ms")));
  server.GoOn();
}

TEST(RedisDialTest, SpeaksTls) {
  const TestCertificates certificates;
  RedisServer::Options options;
  options.tls_certificate_file = certificates.good().chain_file;
  options.tls_key_file = certificates.good().key_file;
  options.arguments = {"--tls-ca-cert-file", certificates.ca_file()};
  RedisServer server(options);
  RedisSession session(server.port());
  session.options.tls = ClientTls(certificates);
  EXPECT_EQ(ReplyOf(session, RedisCommand("ECHO", std::string(100'000, 'x'))),
            std::string(100'000, 'x'));
  session.options.tls_server_name = "localhost";
  EXPECT_EQ(ReplyOf(session, RedisCommand("PING")), "PONG");
  session.options.tls_server_name = "elsewhere.test";
  const absl::Status other = DialStatus(session);
  EXPECT_EQ(other.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(other.message()), HasSubstr("TLS handshake failed"));
  session.options.tls_server_name.clear();
  session.options.tls = *TlsContext::ForClient({});
  const absl::Status unknown = DialStatus(session);
  EXPECT_THAT(std::string(unknown.message()),
              HasSubstr("certificate is not trusted"));
}

TEST(RedisDialTest, ATlsServerIsNotSpokenToInTheClear) {
  const TestCertificates certificates;
  RedisServer::Options options;
  options.tls_certificate_file = certificates.good().chain_file;
  options.tls_key_file = certificates.good().key_file;
  options.arguments = {"--tls-ca-cert-file", certificates.ca_file()};
  RedisServer server(options);
  RedisSession session(server.port());
  const absl::Status status = DialStatus(session);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
}

TEST(RedisDialTest, IsAbandonedAtOnce) {
  RedisServer server;
  RedisSession session(server.port());
  server.Stop();
  session.Run([](RedisSession& session) -> Task<void> {
    HostPort where{session.host, session.port};
    RedisDial dial(*session.names, session.options, std::move(where));
    Timer leave([&dial] { dial.Abandon(absl::CancelledError("leaving")); });
    EventLoop::Current()->ArmTimer(leave, absl::Milliseconds(10));
    const absl::StatusOr<std::unique_ptr<RedisConnection>> connection =
        co_await dial.Connect();
    EXPECT_EQ(connection.status().code(), absl::StatusCode::kCancelled);
    EXPECT_THAT(std::string(connection.status().message()),
                HasSubstr("leaving"));
  });
  server.GoOn();
}

}  // namespace
}  // namespace gateway
