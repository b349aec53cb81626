// What stands behind the body of an answer.

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_client.h"
#include "base/http/http_client.h"
#include "base/secret.h"
#include "gtest/gtest.h"
#include "tests/base/http/http2_client_test_base.h"
#include "tests/testing/test_http2_server.h"

namespace gateway {
namespace {

class Http2ClientTrailersTest : public Http2ClientTestBase {};

TEST_F(Http2ClientTrailersTest, WhatGrpcSaysIsFoundOnceABodyIsRead) {
  Run([](Http2Client& client, TestHttp2Server& server) -> Task<void> {
    server.on_end = [](TestHttp2Server::Request& request) {
      request.Head();
      request.stream->Send("message");
      const HttpField trailers[] = {{"grpc-status", "14"},
                                    {"grpc-message", "away"},
                                    {"x-mark", "another"},
                                    {"x-else", "of nobody"}};
      request.stream->End(trailers);
    };
    std::vector<HttpRequestHead::Field> fixed;
    fixed.push_back({"te", Secret("trailers"), /*indexable=*/true});
    const HttpRequestHead head(To(server.port()), "POST", "/p",
                               std::move(fixed));
    CancelSignal never;
    HttpCall call;
    call.head = &head;
    call.cancel = &never;
    auto exchange = co_await client.Send(call);
    EXPECT_TRUE(exchange.ok()) << exchange.status();
    EXPECT_NE(server.requests[0]->fields.find("te=trailers;"),
              std::string::npos);
    const auto body = co_await (*exchange)->ReadAll();
    EXPECT_TRUE(body.ok()) << body.status();
    EXPECT_EQ(*body, "message");
    EXPECT_EQ((*exchange)->Find("grpc-status"), "14");
    EXPECT_EQ((*exchange)->Find("grpc-message"), "away");
    EXPECT_EQ((*exchange)->Find("x-mark"), "here");  // The head's.
    EXPECT_EQ((*exchange)->Find("x-else"), "");
  });
}

}  // namespace
}  // namespace gateway
