#include "service/http/operator_request.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/observability/metrics.h"
#include "service/observability/refusal_log.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

// An operator's client, who may leave.
class OperatorClient final : public HttpResponder {
 public:
  Task<absl::Status> Send(HttpAnswerHead head,
                          absl::Span<const std::string_view> body) override {
    status = head.status;
    for (const HttpField& field : head.fields) {
      fields.emplace_back(std::string(field.name), std::string(field.value));
    }
    for (const std::string_view piece : body) text.append(piece);
    co_return absl::OkStatus();
  }
  void Start(HttpAnswerHead) override {}
  Task<absl::Status> Write(absl::Span<const std::string_view>) override {
    co_return absl::OkStatus();
  }
  Task<absl::Status> Finish() override { co_return absl::OkStatus(); }
  void Abort() override {}
  CancelSignal& gone() override { return gone_; }
  std::string_view peer() const override { return "192.0.2.1:7"; }
  std::string_view peer_names() const override { return "CN=ops"; }

  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string text;

 private:
  CancelSignal gone_;
};

Task<void> AnswerOperator(const HttpRequest& request, OperatorClient& client,
                          const OperatorAnswer& answer, RefusalLog& refusals) {
  OperatorCall call(request, client);
  EXPECT_EQ(call.context().peer(), "192.0.2.1:7");
  EXPECT_EQ(call.context().request_id(), "id-1");
  co_await call.Send(answer, &refusals);
  EXPECT_FALSE(call.context().cancel().cancelled());
  client.gone().Cancel(absl::CancelledError("left"));
  EXPECT_EQ(call.context().cancel().status(), absl::CancelledError("left"));
}

TEST(OperatorRequestTest, ACallIsAnsweredAndEndsWithItsClient) {
  FakeClock clock;
  MetricRegistry registry(clock);
  RefusalLog refusals("http", registry, clock);
  const auto refused = [&registry] {
    for (const MetricFamilyValue& family : registry.Read().families) {
      if (family.name != "llmgw_requests_refused_total") continue;
      return family.metrics.empty() ? 0 : family.metrics[0].number;
    }
    return 0.0;
  };
  LoopRunner runner;
  const HttpField head[] = {{"X-Request-Id", "id-1"}};
  HttpRequest request;
  request.method = "GET";
  request.path = "/gateway/audit";
  request.fields = head;
  for (const auto& [answer, count] :
       {std::pair(OperatorAnswer{.status = 200, .body = "{}", .refusal = {}},
                  0.0),
        std::pair(OperatorAnswer{.status = 405,
                                 .body = "{}",
                                 .refusal = "no POST",
                                 .field = "allow",
                                 .value = "GET"},
                  1.0)}) {
    OperatorClient client;
    runner.Run(AnswerOperator(request, client, answer, refusals));
    EXPECT_EQ(client.status, answer.status);
    EXPECT_EQ(client.text, "{}");
    std::vector<std::pair<std::string, std::string>> fields = {
        {"content-type", "application/json"},
        {"cache-control", "no-store"},
        {"x-request-id", "id-1"}};
    if (answer.status == 405) fields.emplace_back("allow", "GET");
    EXPECT_EQ(client.fields, fields);
    EXPECT_EQ(refused(), count);
  }
}

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

// As it does behind HttpResponder::Start, while the call goes on.
TEST(OperatorRequestTest, WhatAnRpcIsToldOutlivesTheRequestsMemory) {
  LoopRunner runner;
  std::string key = "Bearer a-key";
  std::string id = "id-1";
  std::string host = "localhost:80";
  const HttpField fields[] = {
      {"authorization", key}, {"x-request-id", id}, {"host", host}};
  HttpRequest request;
  request.fields = fields;
  CallContext call(runner.loop(), {.peer = "127.0.0.1:1", .by_http = true});
  AddHeadOf(request, &call);
  for (std::string* const memory : {&key, &id, &host}) {
    std::ranges::fill(*memory, '#');
  }
  EXPECT_EQ(call.FindMetadata("authorization"), "Bearer a-key");
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
