#include "service/http/audit_route.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/proto_time.h"
#include "service/api/caller_check.h"
#include "service/pipeline/current_runtime.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_http_server.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr char kOperatorsYaml[] =
    "providers: [{name: mock, mock: {}}]\n"
    "auth: {operators: {api_keys: [{id: ops, key: 'env:OPS'}]}}\n";
constexpr char kOpsField[] = "x-api-key: operator-key-0123456789\r\n";

// What stands behind.
class NextHandler final : public HttpHandler {
 public:
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    const std::string_view body[] = {"next: ", request.path};
    (co_await responder.Send({200, {}}, body)).IgnoreError();
  }
  Refusal Refuse(int, std::string_view, std::string_view) override {
    return {"text/plain", "refused"};
  }
};

class AuditRouteTest : public testing::Test {
 protected:
  AuditRouteTest() {
    // Has entries of the ids 1 to 5, newest first.
    rpcs_.AddUnary<v1::SearchAuditRequest, v1::SearchAuditResponse>(
        "llmgateway.v1.AdminService", "SearchAudit",
        [this](CallContext&, const v1::SearchAuditRequest& request,
               v1::SearchAuditResponse* response) -> Task<absl::Status> {
          return Answer(request, response);
        });
    rpcs_.AuthorizeBy("llmgateway.v1.AdminService",
                      OperatorsOnly(current_, nullptr));
    EXPECT_TRUE(rpcs_.status().ok()) << rpcs_.status();
  }
  Task<absl::Status> Answer(const v1::SearchAuditRequest& request,
                            v1::SearchAuditResponse* response) {
    asked_ = request;
    if (!fails_.ok()) co_return fails_;
    int id = request.page_token().empty() ? 5 : std::stoi(request.page_token());
    // Never more than two.
    for (int i = 0; i < 2 && i < request.page_size() && id > 0; ++i) {
      v1::AuditEntry& entry = *response->add_entries();
      entry.set_id(id--);
      entry.set_outcome(v1::AUDIT_OUTCOME_SUCCEEDED);
      if (request.include_bodies()) entry.mutable_request()->set_text("asked");
    }
    if (id > 0) response->set_next_page_token(absl::StrCat(id));
    co_return absl::OkStatus();
  }

  RawAnswer Ask(std::string_view target, std::string_view fields = kOpsField,
                std::string_view method = "GET") {
    RawClient client = RawClient::Connect(server_.port());
    client.Send(absl::StrCat(ToAbsl(method), " ", ToAbsl(target),
                             " HTTP/1.1\r\nhost: localhost\r\n", ToAbsl(fields),
                             "\r\n"));
    return client.ReceiveAnswer(method == "HEAD");
  }

  CurrentRuntime current_{
      MakeTestRuntime(kOperatorsYaml, {{"OPS", "operator-key-0123456789"}})};
  CachedRuntime runtime_{current_};
  MethodTable rpcs_;
  v1::SearchAuditRequest asked_;
  absl::Status fails_;
  AuditRoute route_{{.runtime = runtime_, .rpcs = rpcs_},
                    std::make_unique<NextHandler>()};
  TestHttpServer server_{route_};
};

TEST_F(AuditRouteTest, OtherPathsAreForOthers) {
  EXPECT_EQ(Ask("/gateway/audits").body, "next: /gateway/audits");
}

TEST_F(AuditRouteTest, AQueryIsReadIntoASearch) {
  const auto question = ReadAuditQuery(
      "start_time=2026-01-02T03:04:05Z&end_time=2026-01-02T03%3A04%3A06Z&"
      "agent_type=a&provider=b&project_id=c&success=false&limit=7&offset=3&"
      "include_bodies=true");
  ASSERT_TRUE(question.ok()) << question.status();
  const v1::AuditFilter& filter = question->request.filter();
  EXPECT_EQ(ToAbsl(filter.start_time()), absl::FromUnixSeconds(1767323045));
  EXPECT_EQ(ToAbsl(filter.end_time()), absl::FromUnixSeconds(1767323046));
  EXPECT_EQ(filter.agent_type(), "a");
  EXPECT_EQ(filter.provider(), "b");
  EXPECT_EQ(filter.project_id(), "c");
  EXPECT_EQ(filter.outcome(), v1::AUDIT_OUTCOME_FAILED);
  EXPECT_EQ(question->limit, 7);
  EXPECT_EQ(question->offset, 3);
  EXPECT_TRUE(question->request.include_bodies());
  EXPECT_EQ(ReadAuditQuery("")->limit, 100);
  for (const std::string_view wrong :
       {"limit=-1", "limit=1001", "offset=x", "success=1", "start_time=now",
        "unknown=1", "limit=1&limit=2"}) {
    EXPECT_EQ(ReadAuditQuery(wrong).status().code(),
              absl::StatusCode::kInvalidArgument)
        << wrong;
  }
}

TEST_F(AuditRouteTest, WhatIsBehindTheLastOffsetIsAskedForByTime) {
  EXPECT_EQ(ReadAuditQuery("offset=100000")->offset, 100000);
  EXPECT_THAT(ReadAuditQuery("offset=100001").status().message(),
              HasSubstr("offset: must be a number from 0 to 100000; for what "
                        "is behind that ask with an end_time"));
}

TEST_F(AuditRouteTest, PagesAreJoinedAndPassedOver) {
  RawAnswer answer = Ask("/gateway/audit");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("\"total\":5}"));
  answer = Ask("/gateway/audit?limit=2&offset=3&include_bodies=true");
  EXPECT_THAT(answer.body, HasSubstr("{\"entries\":[{\"id\":\"2\""));
  EXPECT_THAT(answer.body, HasSubstr("{\"id\":\"1\""));
  EXPECT_THAT(answer.body, HasSubstr("\"request_body\":\"asked\""));
  EXPECT_THAT(answer.body, HasSubstr("\"total\":2}"));
  answer = Ask("/gateway/audit?offset=9");
  EXPECT_THAT(answer.body, HasSubstr("{\"entries\":[],\"total\":0}"));
}

TEST_F(AuditRouteTest, OperatorsAloneAreAnswered) {
  const RawAnswer answer = Ask("/gateway/audit", "");
  EXPECT_EQ(answer.status, 401);
  EXPECT_THAT(answer.body, HasSubstr("\"type\":\"authentication_error\""));
}

TEST_F(AuditRouteTest, WhereNobodyHasKeysThisMachineIsAnswered) {
  current_.Swap(MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"));
  EXPECT_EQ(Ask("/gateway/audit", "").status, 200);
  EXPECT_EQ(Ask("/gateway/audit", "origin: https://evil.example\r\n").status,
            403);
}

TEST_F(AuditRouteTest, WhereOnlyCallersHaveKeysNobodyIsAnswered) {
  current_.Swap(
      MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"
                      "auth: {callers: {api_keys: [{id: a, key: 'env:A'}]}}\n",
                      {{"A", "callers-key-0123456789"}}));
  for (const char* fields :
       {"", "authorization: Bearer callers-key-0123456789\r\n",
        "authorization: Bearer wrong\r\n"}) {
    const RawAnswer answer = Ask("/gateway/audit", fields);
    EXPECT_EQ(answer.status, 403) << fields;
    EXPECT_THAT(answer.body, HasSubstr("configure auth.operators.api_keys"));
  }
}

TEST_F(AuditRouteTest, WhatFailsIsToldInTheEarlierGatewaysWords) {
  fails_ = absl::UnavailableError("the disk");
  RawAnswer answer = Ask("/gateway/audit");
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, HasSubstr("\"type\":\"audit_error\""));
  answer = Ask("/gateway/audit?limit=x");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("\"type\":\"validation_error\""));
  answer = Ask("/gateway/audit", kOpsField, "DELETE");
  EXPECT_EQ(answer.status, 405);
}

}  // namespace
}  // namespace gateway
