#include "service/http/admin_routes.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/blocking_worker.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/api/caller_check.h"
#include "service/api/method_table.h"
#include "service/api/policies_admin.h"
#include "service/observability/metrics.h"
#include "service/observability/metrics_text.h"
#include "service/observability/refusal_log.h"
#include "service/pipeline/current_runtime.h"
#include "service/routing/selection/node_overrides.h"
#include "service/state/state_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_http_server.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kPoliciesYaml[] =
    "providers: [{name: mock, mock: {}}]\n"
    "auth: {operators: {api_keys: [{id: ops, key: 'env:OPS'}]}}\n"
    "routing:\n"
    "  selection:\n"
    "    policies:\n"
    "    - {id: a, target: mock/a}\n"
    "    - {id: b, target: mock/b}\n"
    "    - {id: kept, target: mock/c, admin_overridable: false}\n"
    "    nodes: [{name: writer}]\n";
constexpr char kKeyField[] = "x-api-key: operator-key-0123456789\r\n";
constexpr char kJsonField[] = "content-type: application/json\r\n";

class AdminRoutesTest : public testing::Test {
 protected:
  AdminRoutesTest() {
    policies_.AddTo(rpcs_);
    rpcs_.AuthorizeBy("llmgateway.v1.AdminService",
                      OperatorsOnly(current_, nullptr));
    EXPECT_TRUE(rpcs_.status().ok()) << rpcs_.status();
  }

  RawAnswer Send(std::string_view method, std::string_view path,
                 std::string_view fields, std::string_view body = "") {
    RawClient client = RawClient::Connect(server_.port());
    client.Send(absl::StrCat(ToAbsl(method), " /api/admin/gateway",
                             ToAbsl(path), " HTTP/1.1\r\nhost: localhost\r\n",
                             ToAbsl(fields), "content-length: ", body.size(),
                             "\r\n\r\n", ToAbsl(body)));
    return client.ReceiveAnswer(method == "HEAD");
  }

  // As an operator asks.
  RawAnswer Ask(std::string_view method, std::string_view path,
                std::string_view body = "") {
    return Send(method, path, absl::StrCat(kKeyField, kJsonField), body);
  }

  // The model that an override gives to the node; empty if none does.
  std::string GivenTo(std::string_view node) {
    const NodeOverride* const given =
        current_.Get()->selection().overrides.Get()->Find(node,
                                                          absl::InfinitePast());
    return given == nullptr ? "" : given->model;
  }

  CurrentRuntime current_{
      MakeTestRuntime(kPoliciesYaml, {{"OPS", "operator-key-0123456789"}})};
  CachedRuntime runtime_{current_};
  StateStore store_;
  BlockingWorker worker_{{.name = "state"}};
  PoliciesAdmin policies_{
      {.runtime = current_, .store = store_, .worker = worker_}};
  MethodTable rpcs_;
  FakeClock clock_;
  MetricRegistry registry_{clock_};
  RefusalLog refusals_{"admin_http", registry_, clock_};
  AdminRoutes routes_{{runtime_, rpcs_, &refusals_}};
  TestHttpServer server_{routes_};
};

TEST_F(AdminRoutesTest, ANodeIsGivenAModelByEitherMethod) {
  for (const char* method : {"PUT", "POST"}) {
    const RawAnswer answer =
        Ask(method, "/policies/writer", R"({"model_id": "b"})");
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.Find("content-type"), "application/json");
    EXPECT_EQ(answer.Find("cache-control"), "no-store");
    EXPECT_THAT(answer.body, StartsWith(R"({"success":true,)"
                                        R"("node_name":"writer",)"
                                        R"("model_id":"b")"));
    EXPECT_THAT(answer.body, HasSubstr(R"("updated_by":"ops")"));
    EXPECT_EQ(GivenTo("writer"), "b");
    EXPECT_EQ(Ask(method, "/policies/writer", R"({"mode":"default"})").status,
              200);
    EXPECT_EQ(GivenTo("writer"), "");
  }
}

TEST_F(AdminRoutesTest, BulkIsNoNode) {
  const RawAnswer answer =
      Ask("PUT", "/policies/bulk", R"({"updates": {"writer": "b"}})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, StartsWith(R"({"results":{"writer":)"));
  EXPECT_EQ(GivenTo("writer"), "b");
  EXPECT_EQ(Ask("PUT", "/policies/bulk", R"({"model_id": "b"})").status, 422);
  EXPECT_EQ(GivenTo("bulk"), "");
}

TEST_F(AdminRoutesTest, ANodesNameIsPercentDecoded) {
  EXPECT_EQ(Ask("PUT", "/policies/a%2Fb%20c", R"({"model_id": "b"})").status,
            200);
  EXPECT_EQ(GivenTo("a/b c"), "b");
  for (const char* path : {"/policies/%zz", "/policies/%ff"}) {
    const RawAnswer answer = Ask("PUT", path, R"({"model_id": "b"})");
    EXPECT_EQ(answer.status, 422) << path;
    EXPECT_THAT(answer.body, StartsWith(R"({"detail":[{"loc":["path")"));
  }
}

TEST_F(AdminRoutesTest, WhatCannotBeReadAndWhatIsRefusedDiffer) {
  const RawAnswer malformed = Ask("PUT", "/policies/writer", R"({"ttl": "x"})");
  EXPECT_EQ(malformed.status, 422);
  EXPECT_EQ(malformed.body,
            "{\"detail\":[{\"loc\":[\"body\",\"ttl\"],"
            "\"msg\":\"ttl: must be whole seconds, 1 to 31536000 (8760 hours); "
            "leave it out for an override that does not end by itself\","
            "\"type\":\"value_error\"}]}\n");
  for (const char* model : {"gone", "kept"}) {
    const RawAnswer refused =
        Ask("PUT", "/policies/writer",
            absl::StrCat(R"({"model_id": ")", model, R"("})"));
    EXPECT_EQ(refused.status, 400) << model;
    EXPECT_THAT(refused.body, StartsWith(R"({"detail":"model_id: )"));
  }
  EXPECT_EQ(GivenTo("writer"), "");
}

TEST_F(AdminRoutesTest, NobodyIsServedWithoutAnOperatorsKey) {
  for (const char* fields : {"", "x-api-key: no-key-of-operators-01\r\n",
                             "authorization: Bearer operator-key\r\n"}) {
    const RawAnswer listing = Send("GET", "/policies", fields);
    EXPECT_EQ(listing.status, 401) << fields;
    EXPECT_THAT(listing.body, StartsWith(R"({"detail":")"));
    const RawAnswer update =
        Send("PUT", "/policies/writer", absl::StrCat(fields, kJsonField),
             R"({"model_id": "b"})");
    EXPECT_EQ(update.status, 401) << fields;
  }
  EXPECT_EQ(GivenTo("writer"), "");
}

TEST_F(AdminRoutesTest, AKeyThatIsGivenTwiceIsRefused) {
  const RawAnswer answer =
      Send("GET", "/policies", absl::StrCat(kKeyField, kKeyField));
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("is given twice; give it once"));
}

TEST_F(AdminRoutesTest, ABodyThatWouldNotBeReadIsNotWaitedFor) {
  for (const auto& [fields, status] :
       {std::pair<std::string, int>(kJsonField, 401),
        std::pair<std::string, int>(
            absl::StrCat(kKeyField, "content-type: text/plain\r\n"), 415),
        std::pair<std::string, int>(
            absl::StrCat(kKeyField, kJsonField, "content-encoding: br\r\n"),
            415)}) {
    RawClient client = RawClient::Connect(server_.port());
    // No byte of it ever comes.
    client.Send(
        absl::StrCat("PUT /api/admin/gateway/policies/writer HTTP/1.1"
                     "\r\nhost: localhost\r\n",
                     fields, "content-length: 100000\r\n\r\n"));
    EXPECT_EQ(client.ReceiveAnswer().status, status) << fields;
  }
}

TEST_F(AdminRoutesTest, ABodyIsJsonAndSaysEverything) {
  const std::string body = R"({"model_id": "b"})";
  for (const char* type :
       {"", "content-type: text/plain\r\n",
        "content-type: application/jsonx\r\n",
        "content-type: application/x-www-form-urlencoded\r\n"}) {
    const RawAnswer answer =
        Send("PUT", "/policies/writer", absl::StrCat(kKeyField, type), body);
    EXPECT_EQ(answer.status, 415) << type;
    EXPECT_THAT(answer.body,
                HasSubstr("content-type: must be application/json"));
  }
  const RawAnswer encoded = Send(
      "PUT", "/policies/writer",
      absl::StrCat(kKeyField, kJsonField, "content-encoding: gzip\r\n"), body);
  EXPECT_EQ(encoded.status, 415);
  EXPECT_EQ(encoded.Find("accept-encoding"), "identity");
  EXPECT_EQ(Ask("PUT", "/policies/writer?ttl=5", body).status, 422);
  EXPECT_EQ(GivenTo("writer"), "");
  EXPECT_EQ(Send("PUT", "/policies/writer",
                 absl::StrCat(kKeyField,
                              "content-type: Application/JSON ; charset=utf-8"
                              "\r\n"),
                 body)
                .status,
            200);
}

TEST_F(AdminRoutesTest, AnUnknownPathIsToldTheKnownOnes) {
  for (const char* path :
       {"", "/", "/healthy", "/policies/", "/policies/a/b", "/traces/",
        "/traces/a/b", "/metric", "/recommendations/"}) {
    const RawAnswer answer = Ask("GET", path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_THAT(answer.body, HasSubstr("GET /health, GET /status"));
    EXPECT_THAT(answer.body, HasSubstr("PUT /policies/{node}"));
  }
}

TEST_F(AdminRoutesTest, AWrongMethodIsToldTheRightOnes) {
  const std::pair<const char*, const char*> cases[] = {
      {"/policies", "GET, HEAD"},
      {"/policies/bulk", "PUT, POST"},
      {"/policies/reload", "POST"},
      {"/policies/writer", "PUT, POST"}};
  for (const auto& [path, allowed] : cases) {
    const RawAnswer answer = Ask("DELETE", path);
    EXPECT_EQ(answer.status, 405) << path;
    EXPECT_EQ(answer.Find("allow"), allowed);
  }
  EXPECT_EQ(Ask("PUT", "/policies/reload", R"({"model_id": "b"})").status, 405);
  EXPECT_EQ(GivenTo("reload"), "");
}

TEST_F(AdminRoutesTest, AHeadIsAGetWithoutItsBody) {
  const RawAnswer answer = Ask("HEAD", "/policies");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Find("content-length"),
            absl::StrCat(Ask("GET", "/policies").body.size()));
}

TEST_F(AdminRoutesTest, RefusalsAreRecordedAndHaveAnId) {
  const RawAnswer answer = Send("GET", "/policies", "x-request-id: mine\r\n");
  EXPECT_EQ(answer.Find("x-request-id"), "mine");
  EXPECT_EQ(Ask("GET", "/policies").status, 200);
  EXPECT_EQ(Ask("GET", "/nothing").status, 404);
  const std::string metrics = MetricsText(registry_.Read());
  EXPECT_THAT(metrics, HasSubstr("llmgw_requests_refused_total{"
                                 "listener=\"admin_http\",code=\"401\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("listener=\"admin_http\",code=\"404\"} 1\n"));
}

TEST_F(AdminRoutesTest, WhatTheServerRefusesHasTheSameForm) {
  const HttpHandler::Refusal refusal =
      routes_.Refuse(413, "/api/admin/gateway/policies/writer", "too large");
  EXPECT_EQ(refusal.content_type, "application/json");
  EXPECT_EQ(refusal.body, "{\"detail\":\"too large\"}\n");
}

}  // namespace
}  // namespace gateway
