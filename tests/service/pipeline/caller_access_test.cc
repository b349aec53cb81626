#include "service/pipeline/caller_access.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr char kKey[] = "alice-0123456789";

class CallerAccessTest : public testing::Test {
 protected:
  void Configure(std::string_view yaml) {
    runtime_ = MakeTestRuntime(
        "providers: [{name: mock, mock: {}}]\n" + std::string(yaml),
        {{"ALICE", kKey}});
  }

  // `ok`, or the reason of the refusal.
  std::string Ask(std::string_view authority, std::string_view origin = "",
                  Protocol protocol = Protocol::kHttp) {
    CallerHead head;
    head.protocol = protocol;
    head.authority = authority;
    head.origin = origin;
    const absl::StatusOr<CallerRef> caller =
        runtime_->callers().Authorize(head);
    if (!caller.ok()) message_ = std::string(caller.status().message());
    return caller.ok()
               ? "ok"
               : std::string(ReasonName(FaultReason(caller.status())));
  }

  std::shared_ptr<const RuntimeSnapshot> runtime_;
  std::string message_;
};

TEST_F(CallerAccessTest, WithoutKeysThisMachineIsServedByItsOwnNames) {
  Configure("");
  EXPECT_FALSE(runtime_->callers().asks_for_keys());
  for (const Protocol protocol : {Protocol::kHttp, Protocol::kGrpc}) {
    for (const std::string_view local :
         {"localhost", "localhost:8080", "127.0.0.1:8080", "127.3.2.1",
          "[::1]:8080", "[::1]", "LOCALHOST:1", "a.localhost", ""}) {
      EXPECT_EQ(Ask(local, "", protocol), "ok") << local;
    }
    for (const std::string_view other :
         {"evil.example", "evil.example:8080", "127.0.0.1.evil.example",
          "localhost.evil.example:1", "10.0.0.1:8080", "0.0.0.0", "[::]:1",
          "[2001:db8::7]", "gateway"}) {
      EXPECT_EQ(Ask(other, "", protocol), "FORBIDDEN") << other;
    }
  }
  EXPECT_THAT(message_, HasSubstr("not as 'gateway'"));
  EXPECT_THAT(message_, HasSubstr("auth.anonymous_hosts"));
}

TEST_F(CallerAccessTest, OtherNamesMayBeListed) {
  Configure("auth: {anonymous_hosts: [Gateway.internal, '[2001:DB8::7]']}");
  EXPECT_EQ(Ask("gateway.INTERNAL:8080"), "ok");
  EXPECT_EQ(Ask("[2001:db8::7]:8080"), "ok");
  EXPECT_EQ(Ask("localhost"), "ok");
  EXPECT_EQ(Ask("a.gateway.internal"), "FORBIDDEN");
  Configure("auth: {anonymous_hosts: ['*']}");
  EXPECT_EQ(Ask("any.example"), "ok");
}

TEST_F(CallerAccessTest, APageOfAnotherOriginIsNotLocalForAllItsAddress) {
  Configure("");
  EXPECT_EQ(Ask("localhost:8080", "http://localhost:8080"), "ok");
  EXPECT_EQ(Ask("localhost:8080", "http://LOCALHOST:8080"), "ok");
  for (const std::string_view origin :
       {"https://evil.example", "null", "http://localhost:3000",
        "http://localhost", "http://localhost:8080.evil.example",
        "localhost:8080"}) {
    EXPECT_EQ(Ask("localhost:8080", origin), "FORBIDDEN") << origin;
  }
  EXPECT_THAT(message_, HasSubstr("listeners.http.cors.allowed_origins"));
  // Its name leads here, but is its own.
  EXPECT_EQ(Ask("evil.example", "http://evil.example"), "FORBIDDEN");
}

TEST_F(CallerAccessTest, CorsMayAllowAPage) {
  Configure(
      "listeners: {http: {cors: {allowed_origins: ['https://app.example']}}}");
  EXPECT_EQ(Ask("localhost", "https://app.example"), "ok");
  EXPECT_EQ(Ask("localhost", "https://evil.example"), "FORBIDDEN");
}

TEST_F(CallerAccessTest, AKeyNeedsNoNameAndNoOrigin) {
  Configure("auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}");
  EXPECT_TRUE(runtime_->callers().asks_for_keys());
  CallerHead head;
  head.authority = "gateway.example";
  head.origin = "https://evil.example";
  EXPECT_EQ(FaultReason(runtime_->callers().Authorize(head).status()),
            v1::ERROR_REASON_API_KEY_INVALID);
  head.api_key = kKey;
  const absl::StatusOr<CallerRef> caller = runtime_->callers().Authorize(head);
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ((*caller)->id, "alice");
}

TEST_F(CallerAccessTest, AKeyIsForTheApisOfItsScopes) {
  Configure(
      "auth: {callers: {api_keys: [\n"
      "  {id: alice, key: 'env:ALICE', scopes: ['api:gemini']}]}}");
  CallerHead head;
  head.api_key = kKey;
  head.api = ScopedApi::kGemini;
  EXPECT_TRUE(runtime_->callers().Authorize(head).ok());
  head.api = ScopedApi::kOpenAi;
  const absl::Status refused = runtime_->callers().Authorize(head).status();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_FORBIDDEN);
  EXPECT_EQ(FaultMetadata(refused, "scope"), "api:openai");
  // Who it is can be found out all the same.
  EXPECT_TRUE(runtime_->callers().Identify(head).ok());
}

}  // namespace
}  // namespace gateway
