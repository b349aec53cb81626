// Of an HttpServer over both versions; see http2_upload_test.cc, too.

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/base/http/http_upload_test_base.h"
#include "tests/testing/http2_test_client.h"
#include "tests/testing/pattern.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class Http1UploadTest : public HttpUploadTest {};

TEST_F(Http1UploadTest, WhatComesIsEchoedWhileItComes) {
  TestHttpServer server(receiver_);
  RawClient client = RawClient::Connect(server.port());
  client.Send(Sized("/echo", 12));
  for (const char* piece : {"one ", "two ", "last"}) {
    client.Send(piece);
    if (piece[0] == 'o') {
      EXPECT_THAT(client.ReceiveUntil("\r\n\r\n"), HasSubstr("chunked"));
    }
    EXPECT_THAT(client.ReceiveUntil("\r\n"), HasSubstr("4"));
    EXPECT_EQ(client.ReceiveUntil("\r\n"), absl::StrCat(piece, "\r\n"));
  }
  EXPECT_EQ(client.ReceiveUntil("\r\n\r\n"), "0\r\n\r\n");
  // The connection goes on.
  client.Send(Sized("/sum", 3) + "abc");
  EXPECT_EQ(client.ReceiveAnswer().body, "3 whole");

  Http2TestClient two(server.port());
  Http2TestCall& call = two.Begin(Post("/echo"));
  two.Send(call, "one ");
  EXPECT_EQ(two.AwaitBody(call, 4), "one ");
  two.Send(call, "two", /*end=*/true);
  EXPECT_EQ(two.AwaitClosed(call).body, "one two");
}

TEST_F(Http1UploadTest, ChunksComeAsTheyAreAndTheConnectionIsUsedAgain) {
  TestHttpServer server(receiver_);
  RawClient client = RawClient::Connect(server.port());
  const std::string head = Head("/sum", "transfer-encoding: chunked");
  for (int i = 0; i < 3; ++i) {
    client.Send(head);
    for (const char byte : Bytes(5)) {
      client.Send(absl::StrCat("1;x=y\r\n", std::string(1, byte), "\r\n"));
    }
    client.Send(absl::StrCat("3e8\r\n", Repeated().substr(5, 1000), "\r\n"));
    client.Send("0\r\n\r\n");
    EXPECT_EQ(client.ReceiveAnswer().body, "1005 right");
  }
  client.Send(Head("/sum", "content-length: 4\r\nexpect: 100-continue"));
  EXPECT_EQ(client.ReceiveAnswer().status, 100);
  client.Send(Bytes(4));
  EXPECT_EQ(client.ReceiveAnswer().body, "4 right");
}

TEST_F(Http1UploadTest, ABodyThatDripsOrIsTooLargeIsRefused) {
  TestHttpServer server(receiver_, {.body_bytes = 100'000,
                                    .body_timeout = absl::Milliseconds(50)});
  RawClient slow = RawClient::Connect(server.port());
  slow.Send(Sized("/sum", 1000) + Bytes(10));
  EXPECT_EQ(slow.ReceiveAnswer().status, 408);
  EXPECT_TRUE(slow.AtEnd());
  RawClient large = RawClient::Connect(server.port());
  large.Send(Head("/sum", "transfer-encoding: chunked"));
  large.Send(absl::StrCat("186a1\r\n", Pattern(100'001), "\r\n"));
  EXPECT_EQ(large.ReceiveAnswer().status, 413);

  Http2TestClient two(server.port());
  Http2TestCall& drips = two.Begin(Post("/sum"));
  two.Send(drips, "x");
  EXPECT_EQ(two.AwaitWhole(drips).status(), "408");
  Http2TestCall& floods = two.Begin(Post("/sum"));
  two.Send(floods, Pattern(100'001), /*end=*/true);
  EXPECT_EQ(two.AwaitWhole(floods).status(), "413");
}

TEST_F(Http1UploadTest, WhatTheHandlerDoesNotWantIsThrownAway) {
  TestHttpServer server(receiver_);
  RawClient client = RawClient::Connect(server.port());
  client.Send(Sized("/ignore", 4'000'000));
  client.Send(Pattern(4'000'000));
  const RawAnswer answer = client.ReceiveAnswer();
  EXPECT_EQ(answer.body, "not needed");
  EXPECT_EQ(answer.Find("connection"), "close");
  EXPECT_TRUE(client.AtEnd());
  EXPECT_FALSE(client.reset());

  Http2TestClient two(server.port());
  Http2TestCall& call = two.Begin(Post("/ignore"));
  two.Send(call, Pattern(1'000'000), /*end=*/true);
  EXPECT_EQ(two.AwaitClosed(call).body, "not needed");
  Http2TestCall& next = two.Begin(Post("/sum"));
  two.Send(next, Bytes(100), /*end=*/true);
  EXPECT_EQ(two.AwaitClosed(next).body, "100 right");
}

}  // namespace
}  // namespace gateway
