#include "base/http_handler.h"

#include <string>
#include <string_view>

#include "base/task.h"
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
