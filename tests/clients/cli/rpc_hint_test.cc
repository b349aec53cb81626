#include "clients/cli/rpc_hint.h"

#include <grpcpp/support/status.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kRefused[] =
    "failed to connect to all addresses; last error: UNKNOWN: "
    "ipv4:127.0.0.1:1: Failed to connect to remote host: Connection refused";

grpc::Status Unavailable(const std::string& message) {
  return {grpc::StatusCode::UNAVAILABLE, message};
}

TEST(RpcHintTest, WhereNobodyAnswersNobodySaysAnything) {
  const RpcPlace place = {.address = "a:1"};
  EXPECT_EQ(RpcFailureText(place, Unavailable(kRefused)),
            "no gateway answers at a:1: Connection refused");
  EXPECT_THAT(RpcHint(place, Unavailable(kRefused)),
              HasSubstr("does a gateway run there"));
  const grpc::Status unknown =
      Unavailable("DNS resolution failed for a:1: not found");
  EXPECT_THAT(RpcFailureText(place, unknown), HasSubstr("no gateway answers"));
  EXPECT_THAT(RpcHint(place, unknown), HasSubstr("HOST:PORT"));
  EXPECT_THAT(RpcHint({.address = "http://a:1"}, unknown),
              HasSubstr("--admin takes HOST:PORT, without http://"));
  const grpc::Status lost = Unavailable("Socket closed");
  EXPECT_THAT(RpcFailureText(place, lost), HasSubstr("broke off"));
  const grpc::Status late(grpc::StatusCode::DEADLINE_EXCEEDED,
                          "Deadline Exceeded");
  EXPECT_EQ(RpcFailureText(place, late),
            "the gateway at a:1 has not answered within 10s");
}

TEST(RpcHintTest, WhoSaysNoReasonHasSaidACode) {
  EXPECT_EQ(RpcFailureText({.address = "a:1"},
                           {grpc::StatusCode::NOT_FOUND, ""}),
            "the gateway at a:1 says: NOT_FOUND, and not why");
}

TEST(RpcHintTest, TlsIsThoughtOf) {
  const grpc::Status lost = Unavailable("Socket closed");
  EXPECT_THAT(RpcHint({.address = "a:1"}, lost), HasSubstr("--ca_file FILE"));
  RpcPlace place = {.address = "a:1", .tls = {.ca = "ca.pem"}};
  EXPECT_THAT(RpcHint(place, lost), HasSubstr("does it speak TLS"));
  EXPECT_THAT(RpcHint(place, lost), HasSubstr("show one by --cert_file FILE"));
  place.tls.cert = "me.pem";
  EXPECT_THAT(RpcHint(place, lost), HasSubstr("issued that of --cert_file?"));
  const grpc::Status unknown(grpc::StatusCode::UNAUTHENTICATED, "who is it?");
  EXPECT_THAT(RpcHint(place, unknown), HasSubstr("has another name"));
  place.tls.cert = "";
  EXPECT_THAT(RpcHint(place, unknown), HasSubstr("where certificates do"));
  EXPECT_THAT(RpcHint({.address = "a:1"}, unknown),
              Not(HasSubstr("--cert_file")));
}

TEST(RpcHintTest, WhoHasAnsweredWasReachedInTheRightWay) {
  const RpcPlace place = {.address = "a:1"};
  for (const char* const message :
       {"Socket closed", "recvmsg:Connection reset by peer"}) {
    const grpc::Status lost = Unavailable(message);
    EXPECT_THAT(RpcFailureText(place, lost), HasSubstr("broke off")) << message;
    EXPECT_THAT(RpcHint(place, lost, /*has_answered=*/true), IsEmpty());
  }
  const grpc::Status unknown(grpc::StatusCode::UNAUTHENTICATED, "who is it?");
  EXPECT_THAT(RpcHint(place, unknown, /*has_answered=*/true),
              HasSubstr("put the key into"));
}

TEST(RpcHintTest, AnotherListenerIsTold) {
  const RpcPlace place = {.address = "a:1", .flag = "--grpc"};
  const grpc::Status http(grpc::StatusCode::UNIMPLEMENTED,
                          "Received http2 header with status: 404");
  EXPECT_THAT(RpcFailureText(place, http), HasSubstr("is no gRPC listener"));
  EXPECT_THAT(RpcHint(place, http), HasSubstr("--grpc"));
  const grpc::Status admin(grpc::StatusCode::UNIMPLEMENTED,
                           "no such service: llmgateway.v1.GatewayService");
  EXPECT_THAT(RpcHint(place, admin), HasSubstr("--grpc HOST:PORT names it"));
}

TEST(RpcHintTest, AKeyIsTold) {
  const grpc::Status none(grpc::StatusCode::UNAUTHENTICATED, "no API key");
  RpcPlace place = {.address = "a:1", .key_variable = "GATEWAY_KEY"};
  EXPECT_EQ(RpcFailureText(place, none), "the gateway at a:1 says: no API key");
  EXPECT_THAT(RpcHint(place, none), HasSubstr("put the key into $GATEWAY_KEY"));
  place.key = "a-key-that-is-wrong";
  EXPECT_THAT(RpcHint(place, none), HasSubstr("$GATEWAY_KEY says"));
  EXPECT_THAT(RpcHint(place, none), Not(HasSubstr(place.key)));
}

TEST(RpcHintTest, WhatAGatewaySaysNeedsNoHint) {
  const RpcPlace place = {.address = "a:1"};
  for (const char* const message :
       {"the gateway is shutting down", "openai: Connection refused",
        "openai: failed to resolve"}) {
    EXPECT_EQ(RpcFailureText(place, Unavailable(message)),
              std::string("the gateway at a:1 says: ") + message);
    EXPECT_THAT(RpcHint(place, Unavailable(message)), IsEmpty());
  }
}

}  // namespace
}  // namespace gateway
