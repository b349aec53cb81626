#include "service/http/request_context.h"

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http_handler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/pipeline/loop_services.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/running_loop.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::SizeIs;

CallerFields Read(const std::vector<HttpField>& fields) {
  return CallerFields(fields);
}

TEST(CallerFieldsTest, ReadsWhatCallersSayBesideTheBody) {
  const CallerFields fields = Read({{"Host", "x"},
                                    {"Origin", "https://app.example"},
                                    {"X-Request-Id", "mine"},
                                    {"Authorization", "Bearer k"},
                                    {"x-api-key", "k2"},
                                    {"anthropic-version", "2023-06-01"},
                                    {"anthropic-beta", "one,two"},
                                    {"Anthropic-Beta", "three"},
                                    {"x-provider-authorization", "Bearer own"},
                                    {"x-llmgateway-strict-output", "TRUE"},
                                    {"x-llmgateway-details", "true"},
                                    {"", "nameless"}});
  EXPECT_EQ(fields.request_id, "mine");
  EXPECT_EQ(fields.head.authority, "x");
  EXPECT_EQ(fields.head.origin, "https://app.example");
  EXPECT_EQ(fields.head.authorization, "Bearer k");
  EXPECT_EQ(fields.head.api_key, "k2");
  EXPECT_EQ(fields.anthropic_version, "2023-06-01");
  ASSERT_THAT(fields.anthropic_fields, SizeIs(3));
  EXPECT_EQ(fields.anthropic_fields[0].value, "2023-06-01");
  EXPECT_EQ(fields.anthropic_fields[1].value, "one,two");
  EXPECT_EQ(fields.anthropic_fields[2].value, "three");
  EXPECT_EQ(fields.provider_credential, "own");
  EXPECT_TRUE(fields.directives.strict_output);
  EXPECT_TRUE(fields.directives.details);
}

TEST(CallerFieldsTest, WhatIsAbsentIsEmpty) {
  const CallerFields fields = Read({{"accept", "*/*"}});
  EXPECT_EQ(fields.request_id, "");
  EXPECT_EQ(fields.head.authorization, "");
  EXPECT_EQ(fields.head.api_key, "");
  EXPECT_EQ(fields.provider_credential, "");
  EXPECT_THAT(fields.anthropic_fields, SizeIs(0));
  EXPECT_FALSE(fields.directives.strict_output);
  EXPECT_FALSE(fields.directives.details);
}

TEST(CallerFieldsTest, NoCredentialMayBeRepeated) {
  for (const std::string_view name :
       {"authorization", "x-api-key", "x-goog-api-key",
        "x-provider-authorization"}) {
    EXPECT_EQ(Read({{name, "a"}}).head.repeated, "");
    EXPECT_EQ(Read({{name, "a"}, {name, "b"}}).head.repeated, name);
    EXPECT_EQ(Read({{name, "a"}, {"x", "y"}, {name, "a"}}).head.repeated, name);
    EXPECT_EQ(Read({{name, ""}, {name, "a"}}).head.repeated, name);
  }
  const CallerFields fields =
      Read({{"Authorization", "a"}, {"AUTHORIZATION", "b"}});
  EXPECT_EQ(fields.head.repeated, "authorization");
}

TEST(CallerFieldsTest, OfSeveralKindsOneCounts) {
  const CallerFields both = Read({{"authorization", "a"}, {"x-api-key", "b"}});
  EXPECT_EQ(both.head.repeated, "");
  EXPECT_EQ(both.head.authorization, "a");
  EXPECT_EQ(Read({{"x-goog-api-key", "g"}, {"x-api-key", "b"}}).head.api_key,
            "b");
  EXPECT_EQ(Read({{"x-goog-api-key", "g"}}).head.api_key, "g");
}

// An API that has been told who calls by the runtime snapshot in use, or, on
// `/before`, by another.
class ToldApi final : public HttpHandler {
 public:
  ToldApi(LoopServices& services, std::shared_ptr<const RuntimeSnapshot> before)
      : services_(services), before_(std::move(before)) {}

  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    const std::shared_ptr<const RuntimeSnapshot> now = services_.runtime.Get();
    HttpRequest told = request;
    Caller alice;
    alice.id = "alice";
    told.caller = {.caller = Borrow(alice),
                   .known_by = request.path == "/before" ? before_ : now};
    const RequestContext context(services_, api_, told, responder);
    const std::string_view body[] = {
        context.caller.ok() ? std::string_view((*context.caller)->id)
                            : "nobody"};
    static_cast<void>(co_await responder.Send({200, {}}, body));
  }

 private:
  LoopServices& services_;
  const std::shared_ptr<const RuntimeSnapshot> before_;
  const HttpApi api_;
};

TEST(RequestContextTest, WhoCallsIsFoundOutOnce) {
  const auto make = [] {
    return MakeTestRuntime(
        "providers: [{name: mock, mock: {}}]\n"
        "routing: {default_target: mock}\n"
        "auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}\n",
        {{"ALICE", "alice-0123456789"}});
  };
  RunningLoop loop(make(), [&](LoopServices& services) {
    return std::make_unique<ToldApi>(services, make());
  });
  RawClient client = RawClient::Connect(loop.port());
  client.Send("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
  EXPECT_EQ(client.ReceiveAnswer().body, "alice");
  // The keys may be others since.
  client.Send("GET /before HTTP/1.1\r\nhost: localhost\r\n\r\n");
  EXPECT_EQ(client.ReceiveAnswer().body, "nobody");
}

}  // namespace
}  // namespace gateway
