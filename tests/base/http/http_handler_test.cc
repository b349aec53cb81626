#include "base/http/http_handler.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/http/http_filter.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;

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

TEST(HttpRequestTest, ATargetInAbsoluteFormHasAnAuthority) {
  HttpRequest request;
  request.SetTarget("http://evil.example:80/v1/models?a=1");
  EXPECT_EQ(request.target_authority, "evil.example:80");
  EXPECT_EQ(request.path, "/v1/models");
  EXPECT_EQ(request.query, "a=1");
  HttpRequest bare;
  bare.SetTarget("http://evil.example");
  EXPECT_EQ(bare.target_authority, "evil.example");
  EXPECT_EQ(bare.path, "/");
  HttpRequest origin;
  origin.SetTarget("/v1/models?at=http://evil.example/");
  EXPECT_EQ(origin.target_authority, "");
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
  const HttpHandler::Refusal refusal =
      handler.RefuseRequest(413, request, "", "");
  EXPECT_EQ(refusal.content_type, "text/x-path");
  EXPECT_EQ(refusal.body, "/here");
  EXPECT_TRUE(refusal.fields.empty());
}

// Nobody answers to it.
class NoResponder final : public HttpResponder {
 public:
  Task<absl::Status> Send(HttpAnswerHead,
                          absl::Span<const std::string_view>) override {
    co_return absl::OkStatus();
  }
  void Start(HttpAnswerHead) override {}
  Task<absl::Status> Write(absl::Span<const std::string_view>) override {
    co_return absl::OkStatus();
  }
  Task<absl::Status> Finish() override { co_return absl::OkStatus(); }
  void Abort() override {}
  CancelSignal& gone() override { return gone_; }
  std::string_view peer() const override { return "192.0.2.1:1"; }

 private:
  CancelSignal gone_;
};

// Notes everything that a handler can be asked.
class Noting final : public HttpHandler {
 public:
  explicit Noting(std::vector<std::string>& asked) : asked_(asked) {}

  HttpAdmission Admit(const HttpRequest&, HttpResponder&) override {
    asked_.push_back("Admit");
    return false;
  }
  Task<void> Handle(const HttpRequest&, HttpResponder&) override {
    asked_.push_back("Handle");
    co_return;
  }
  Refusal Refuse(int, std::string_view, std::string_view) override {
    asked_.push_back("Refuse");
    return {};
  }
  Refusal RefuseRequest(int, const HttpRequest&, std::string_view,
                        std::string_view) override {
    asked_.push_back("RefuseRequest");
    return {};
  }
  void HandshakeFailed(std::string_view, const absl::Status&) override {
    asked_.push_back("HandshakeFailed");
  }

 private:
  std::vector<std::string>& asked_;
};

TEST(HttpFilterTest, OneThatOverridesNothingHandsEverythingOn) {
  std::vector<std::string> asked;
  HttpFilter filter(std::make_unique<Noting>(asked));
  HttpHandler& any = filter;
  const HttpRequest request;
  NoResponder responder;
  EXPECT_FALSE(any.Admit(request, responder).admitted());
  Spawn(any.Handle(request, responder));
  any.Refuse(400, "/", "no");
  any.RefuseRequest(413, request, "", "no");
  any.HandshakeFailed("192.0.2.1:1", absl::UnavailableError("no cipher"));
  EXPECT_THAT(asked, ElementsAre("Admit", "Handle", "Refuse", "RefuseRequest",
                                 "HandshakeFailed"));
}

}  // namespace
}  // namespace gateway
