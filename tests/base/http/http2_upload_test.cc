// Of an HttpServer over HTTP/2; what both versions have in common is in
// http1_upload_test.cc.

#include <cstddef>

#include "gtest/gtest.h"
#include "tests/base/http/http_upload_test_base.h"
#include "tests/testing/http2_test_client.h"
#include "tests/testing/test_http_server.h"

namespace gateway {
namespace {

class Http2UploadTest : public HttpUploadTest {};

TEST_F(Http2UploadTest, WhatIsNotTakenIsKeptWithinAWindowAndCharged) {
  TestHttpServer server(receiver_);
  Http2TestClient client(server.port());
  Http2TestCall& call = client.Begin(Post("/hold"));
  EXPECT_TRUE(receiver_.holding.Wait());
  client.Send(call, Bytes(kPeriod) + Bytes(kPeriod));
  // A call that comes behind it has been answered: what could come has come.
  Http2TestCall& other = client.Begin(Post("/sum"));
  client.Send(other, "", /*end=*/true);
  client.AwaitClosed(other);
  EXPECT_GT(KeptBytes(server), 0u);
  EXPECT_LE(KeptBytes(server), 64u * 1024);
  server.Do([&] { receiver_.let_go.Set(); });
  client.Send(call, "", /*end=*/true);
  EXPECT_EQ(client.AwaitClosed(call).body, "131072 right");
  EXPECT_EQ(KeptBytes(server), 0u);
}

TEST_F(Http2UploadTest, ABodyForWhichThereIsNoRoomIsRefused) {
  TestHttpServer server(receiver_);
  server.Do([&] { server.loop().request_bytes().SetLimit(10'000); });
  Http2TestClient client(server.port());
  Http2TestCall& call = client.Begin(Post("/hold"));
  EXPECT_TRUE(receiver_.holding.Wait());
  client.Send(call, Bytes(20'000));
  client.Send(call, Bytes(20'000), /*end=*/true);
  Http2TestCall& other = client.Begin(Post("/sum"));
  client.Send(other, "", /*end=*/true);
  client.AwaitClosed(other);
  EXPECT_LE(KeptBytes(server), 10'000u);
  server.Do([&] { receiver_.let_go.Set(); });
  EXPECT_EQ(client.AwaitWhole(call).status(), "503");
}

}  // namespace
}  // namespace gateway
