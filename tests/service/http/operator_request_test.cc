#include "service/http/operator_request.h"

#include "base/http/http_handler.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

TEST(OperatorRequestTest, AnRpcIsToldWhoAsks) {
  LoopRunner runner;
  const HttpField fields[] = {{"Authorization", "Bearer k"},
                              {"X-Api-Key", "k"},
                              {"Origin", "http://localhost"},
                              {"X-Request-Id", "id-1"},
                              {"host", "localhost:80"},
                              {"content-type", "text/plain"}};
  HttpRequest request;
  request.fields = fields;
  CallContext call(runner.loop(), {.peer = "127.0.0.1:1", .by_http = true});
  AddHeadOf(request, &call);
  EXPECT_EQ(call.FindMetadata("authorization"), "Bearer k");
  EXPECT_EQ(call.FindMetadata("x-api-key"), "k");
  EXPECT_EQ(call.FindMetadata("origin"), "http://localhost");
  EXPECT_FALSE(call.FindMetadata("content-type").has_value());
  EXPECT_EQ(call.request_id(), "id-1");
  EXPECT_EQ(call.authority(), "localhost:80");
}

TEST(OperatorRequestTest, ATargetsAuthorityGoesBeforeTheHost) {
  LoopRunner runner;
  const HttpField fields[] = {{"host", "other"}};
  HttpRequest request;
  request.fields = fields;
  request.target_authority = "localhost";
  CallContext call(runner.loop(), {.peer = "127.0.0.1:1", .by_http = true});
  AddHeadOf(request, &call);
  EXPECT_EQ(call.authority(), "localhost");
}

}  // namespace
}  // namespace gateway
