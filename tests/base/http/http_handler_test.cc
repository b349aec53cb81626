#include "base/http/http_handler.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/async/task.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

class Silent final : public HttpHandler {
 public:
  Task<void> Handle(const HttpRequest&, HttpResponder&) override { co_return; }
};

TEST(HttpRequestTest, FindsFieldsWithoutCase) {
  const HttpField fields[] = {{"X-A", "1"}, {"x-a", "2"}, {"Y", ""}};
  HttpRequest request;
  request.fields = fields;
  EXPECT_EQ(request.Find("x-a"), "1");
  EXPECT_EQ(request.Find("y"), "");
  EXPECT_EQ(request.Find("z"), "");
}

TEST(HttpServerLimitsTest, ABodyHasTimeAsLongAsItComesFastEnough) {
  HttpServerLimits limits = {.body_timeout = absl::Seconds(30),
                             .body_time_max = absl::Hours(48)};
  const auto patience = [&limits](int64_t seconds, uint64_t received) {
    return limits.BodyPatience(absl::Seconds(seconds), received);
  };
  EXPECT_EQ(patience(0, 0), absl::Seconds(30));
  EXPECT_EQ(patience(29, 0), absl::Seconds(1));
  EXPECT_EQ(patience(30, 0), absl::ZeroDuration());
  EXPECT_EQ(patience(31, 0), absl::ZeroDuration());
  // A byte in each second.
  EXPECT_EQ(patience(29, 29), absl::Milliseconds(1029));
  EXPECT_EQ(patience(31, 31), absl::ZeroDuration());
  // Just fast enough for ever; and behind much that came fast it may not rest
  // for longer.
  EXPECT_EQ(patience(100'000, 100'000'000), absl::Seconds(30));
  EXPECT_EQ(patience(100'000, 99'990'000), absl::Seconds(20));
  EXPECT_EQ(patience(0, 1'000'000'000), absl::Seconds(30));
  // But in all no longer than this.
  limits.body_time_max = absl::Minutes(5);
  EXPECT_EQ(patience(299, 1'000'000'000), absl::Seconds(1));
  EXPECT_EQ(patience(300, 1'000'000'000), absl::ZeroDuration());
}

TEST(HttpHandlerTest, RefusesInPlainTextUnlessToldOtherwise) {
  Silent handler;
  HttpHandler& any = handler;
  const HttpHandler::Refusal refusal = any.Refuse(400, "/", "no");
  EXPECT_EQ(refusal.content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(refusal.body, "no\n");
}

TEST(HttpHandlerTest, WhatAServerAsksForIsTheSame) {
  class ByPath final : public HttpHandler {
   public:
    Task<void> Handle(const HttpRequest&, HttpResponder&) override {
      co_return;
    }
    Refusal Refuse(int, std::string_view path, std::string_view) override {
      return {"text/x-path", std::string(path)};
    }
  };
  ByPath handler;
  HttpRequest request;
  request.path = "/here";
  const HttpHandler::Refusal refusal = handler.RefuseRequest(413, request, "");
  EXPECT_EQ(refusal.content_type, "text/x-path");
  EXPECT_EQ(refusal.body, "/here");
  EXPECT_TRUE(refusal.fields.empty());
}

}  // namespace
}  // namespace gateway
