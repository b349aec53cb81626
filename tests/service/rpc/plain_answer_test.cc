#include "service/rpc/plain_answer.h"

#include <string>
#include <string_view>
#include <vector>

#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_stream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/rpc/rpc_client.h"
#include "tests/service/rpc/rpc_test_base.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class PlainAnswerTest : public RpcTestBase {
 protected:
  ClientCall& Request(std::string_view method, std::string_view content_type,
                      bool end) {
    const HttpField fields[] = {{":method", method},
                                {":scheme", "http"},
                                {":authority", "test"},
                                {":path", "/v1/models"},
                                {"content-type", content_type},
                                {"x-request-id", given_id_}};
    return client_.Request(fields, end);
  }

  std::string_view given_id_ = "not an id";
};

TEST_F(PlainAnswerTest, AnswersInTheWordsOfHttp) {
  Run([&]() -> Task<void> {
    ClientCall& json = Request("POST", "application/json", true);
    co_await json.AwaitClosed();
    EXPECT_EQ(json.Field(":status"), "415");
    EXPECT_EQ(json.Field("content-type"), "text/plain; charset=utf-8");
    EXPECT_EQ(json.Field("content-length"),
              std::to_string(json.body().size()));
    EXPECT_THAT(json.body(), HasSubstr("application/grpc"));
    EXPECT_EQ(json.Field("grpc-status"), "");
    EXPECT_EQ(json.Field("allow"), "");
    EXPECT_EQ(json.Field("x-request-id").size(), 32u);

    given_id_ = "job-7";
    ClientCall& put = Request("PUT", "application/grpc+proto", true);
    co_await put.AwaitClosed();
    EXPECT_EQ(put.Field(":status"), "405");
    EXPECT_THAT(put.body(), HasSubstr("POST"));
    EXPECT_EQ(put.Field("allow"), "POST");
    EXPECT_EQ(put.Field("x-request-id"), "job-7");
  });
}

TEST_F(PlainAnswerTest, AnswersAHeadWithoutABody) {
  Run([&]() -> Task<void> {
    ClientCall& call = Request("HEAD", "text/html", true);
    co_await call.AwaitClosed();
    EXPECT_EQ(call.error(), Http2Error::kNoError);
    EXPECT_EQ(call.Field(":status"), "415");
    EXPECT_EQ(call.body(), "");
  });
}

TEST_F(PlainAnswerTest, ReadsWhatTheClientSendsFirst) {
  Run([&]() -> Task<void> {
    ClientCall& call = Request("POST", "application/json", false);
    call.stream().Send(std::string(200'000, 'x'));
    co_await call.AwaitSent();
    co_await Settle();
    EXPECT_TRUE(call.head().empty());
    call.stream().End();
    co_await call.AwaitClosed();
    EXPECT_EQ(call.Field(":status"), "415");
    EXPECT_NE(call.body(), "");
  });
}

TEST_F(PlainAnswerTest, DoesNotReadWithoutEnd) {
  Run([&]() -> Task<void> {
    ClientCall& call = Request("POST", "application/json", false);
    call.stream().Send(std::string(2'000'000, 'x'));
    co_await call.AwaitClosed();
    EXPECT_EQ(call.Field(":status"), "415");
    EXPECT_NE(call.body(), "");
    EXPECT_EQ(call.error(), Http2Error::kNoError);  // The rest is not wanted.
  });
}

TEST_F(PlainAnswerTest, DoesNotWaitForEver) {
  Run([&]() -> Task<void> {
    ClientCall& call = Request("POST", "application/json", false);
    call.stream().Send("{");
    co_await call.AwaitClosed();
    EXPECT_EQ(call.Field(":status"), "415");
  });
}

TEST_F(PlainAnswerTest, GoesWithItsClient) {
  Run([&]() -> Task<void> {
    ClientCall& reset = Request("POST", "application/json", false);
    ClientCall& lost = Request("POST", "application/json", false);
    reset.stream().Send("{");
    lost.stream().Send("{");
    co_await lost.AwaitSent();
    co_await Settle();
    reset.stream().Reset(Http2Error::kCancel);
    co_await Settle();
    co_await client_.Close();
    co_await AwaitGone();
  });
}

}  // namespace
}  // namespace gateway
