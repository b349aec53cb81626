#include "service/api/caller_check.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/event_loop.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

constexpr char kUnguarded[] = "providers: [{name: mock, mock: {}}]\n";
constexpr char kGuarded[] =
    "providers: [{name: mock, mock: {}}]\n"
    "auth: {callers: {api_keys: [{id: team-a, key: 'env:KEY_A'}]}}\n";
constexpr char kTeamKey[] = "0123456789abcdef";

// The caller's name.
absl::StatusOr<std::string> CheckHeader(const RuntimeSnapshot& runtime,
                                        std::string_view header,
                                        std::string_view value) {
  const auto loop = EventLoop::Create();
  CallContext call(**loop, {});
  if (!header.empty()) call.AddMetadata(header, value);
  GATEWAY_ASSIGN_OR_RETURN(const CallerRef caller, CheckCaller(runtime, call));
  return caller->id;
}

TEST(CallerCheckTest, LetsEverybodyInWhereNoKeysAreAskedFor) {
  const std::shared_ptr<const RuntimeSnapshot> runtime =
      MakeTestRuntime(kUnguarded);
  EXPECT_EQ(*CheckHeader(*runtime, "", ""), "");
}

TEST(CallerCheckTest, TakesAKeyFromEitherHeader) {
  const std::shared_ptr<const RuntimeSnapshot> runtime =
      MakeTestRuntime(kGuarded, {{"KEY_A", kTeamKey}});
  EXPECT_EQ(*CheckHeader(*runtime, "authorization", "Bearer 0123456789abcdef"),
            "team-a");
  EXPECT_EQ(*CheckHeader(*runtime, "x-api-key", kTeamKey), "team-a");
}

TEST(CallerCheckTest, OfTwoKeysItIsSaidThatTheyAreTwo) {
  const std::shared_ptr<const RuntimeSnapshot> runtime =
      MakeTestRuntime(kGuarded, {{"KEY_A", kTeamKey}});
  const auto loop = EventLoop::Create();
  CallContext call(**loop, {.peer = "127.0.0.1:1"});
  call.AddMetadata("authorization", "Bearer 0123456789abcdef");
  call.AddMetadata("authorization", "Bearer another");
  const absl::Status status = CheckCaller(*runtime, call).status();
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(FieldViolations(status).front().first, "authorization");
}

// The reason of a refusal, by the field that it names.
std::string FieldGivenTwice(const absl::Status& status) {
  if (FaultReason(status) != v1::ERROR_REASON_INVALID_REQUEST) return "";
  return FieldViolations(status).front().first;
}

TEST(CallerCheckTest, NoCredentialIsGivenTwice) {
  for (const char* yaml : {kUnguarded, kGuarded}) {
    const std::shared_ptr<const RuntimeSnapshot> runtime =
        MakeTestRuntime(yaml, {{"KEY_A", kTeamKey}});
    for (const char* name :
         {"authorization", "x-api-key", "x-provider-authorization"}) {
      const auto loop = EventLoop::Create();
      CallContext call(**loop, {.peer = "127.0.0.1:1"});
      call.AddMetadata("x-api-key", kTeamKey);
      call.AddMetadata(name, kTeamKey);
      // Also if both are the same.
      call.AddMetadata(name, kTeamKey);
      EXPECT_EQ(FieldGivenTwice(CheckCaller(*runtime, call).status()), name);
      EXPECT_EQ(FieldGivenTwice(CheckOperator(*runtime, call).status()), name);
    }
  }
}

absl::Status CheckOperatorAt(const RuntimeSnapshot& runtime,
                             std::string_view peer, std::string_view key = "") {
  const auto loop = EventLoop::Create();
  CallContext call(**loop, {.peer = peer});
  if (!key.empty()) call.AddMetadata("x-api-key", key);
  return CheckOperator(runtime, call).status();
}

TEST(CallerCheckTest, OperatorsWithoutAKeyAreServedAtThisMachineOnly) {
  const std::shared_ptr<const RuntimeSnapshot> runtime =
      MakeTestRuntime(kUnguarded);
  for (const char* peer : {"127.0.0.1:4000", "127.8.8.8:1", "[::1]:4000",
                           "[::ffff:127.0.0.1]:1"}) {
    EXPECT_TRUE(CheckOperatorAt(*runtime, peer).ok()) << peer;
  }
  for (const char* peer : {"203.0.113.7:4000", "[2001:db8::7]:1", "128.0.0.1:1",
                           "[::ffff:10.0.0.1]:1", ""}) {
    EXPECT_EQ(FaultReason(CheckOperatorAt(*runtime, peer)),
              v1::ERROR_REASON_FORBIDDEN)
        << peer;
  }
}

// As one who has no key asks by HTTP, with the fields that a browser sends.
absl::Status CheckOperatorByHttp(const RuntimeSnapshot& runtime,
                                 std::string_view authority,
                                 std::string_view origin,
                                 std::string_view peer = "127.0.0.1:1",
                                 std::string_view fetch_site = "") {
  const auto loop = EventLoop::Create();
  CallContext call(**loop, {.peer = peer, .by_http = true});
  call.set_authority(authority);
  if (!origin.empty()) call.AddMetadata("origin", origin);
  if (!fetch_site.empty()) call.AddMetadata("sec-fetch-site", fetch_site);
  return CheckOperator(runtime, call).status();
}

TEST(CallerCheckTest, PagesThatABrowserShowsAreNoOperators) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = MakeTestRuntime(
      absl::StrCat(kUnguarded,
                   "listeners: {admin_http: {cors: {allowed_origins: "
                   "['https://ops.example']}}}\n"));
  EXPECT_TRUE(CheckOperatorByHttp(*runtime, "", "").ok());
  EXPECT_TRUE(CheckOperatorByHttp(*runtime, "127.0.0.1:50053", "").ok());
  EXPECT_TRUE(
      CheckOperatorByHttp(*runtime, "localhost:50053", "http://localhost:50053")
          .ok());
  EXPECT_TRUE(
      CheckOperatorByHttp(*runtime, "localhost", "https://ops.example").ok());
  for (const absl::Status& status :
       {CheckOperatorByHttp(*runtime, "evil.example", ""),
        CheckOperatorByHttp(*runtime, "evil.example", "http://evil.example"),
        CheckOperatorByHttp(*runtime, "localhost", "https://evil.example"),
        CheckOperatorByHttp(*runtime, "localhost", "null"),
        CheckOperatorByHttp(*runtime, "localhost", "", "203.0.113.7:1")}) {
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_FORBIDDEN);
  }
}

TEST(CallerCheckTest, WhatAPageShowsOfHereComesFromThatPage) {
  const std::string with_origins = absl::StrCat(
      kUnguarded, "listeners: {admin_http: {cors: {allowed_origins: ");
  const std::shared_ptr<const RuntimeSnapshot> runtime =
      MakeTestRuntime(with_origins + "['https://ops.example']}}}\n");
  const auto check = [](const RuntimeSnapshot& by, std::string_view origin,
                        std::string_view site) {
    return CheckOperatorByHttp(by, "localhost", origin, "127.0.0.1:1", site);
  };
  for (const char* site : {"cross-site", "same-site", "CROSS-SITE", "new"}) {
    EXPECT_EQ(FaultReason(check(*runtime, "", site)),
              v1::ERROR_REASON_FORBIDDEN)
        << site;
  }
  // What the operator's own browser asks for.
  EXPECT_TRUE(check(*runtime, "", "none").ok());
  EXPECT_TRUE(check(*runtime, "", "same-origin").ok());
  // One that says where it is from is known by that.
  EXPECT_TRUE(check(*runtime, "https://ops.example", "cross-site").ok());
  EXPECT_FALSE(check(*runtime, "https://evil.example", "same-origin").ok());
  EXPECT_TRUE(
      check(*MakeTestRuntime(with_origins + "['*']}}}\n"), "", "cross-site")
          .ok());
}

TEST(CallerCheckTest, ACertificateCountsAtTheListenerThatAskedForIt) {
  const TestCertificates certificates;
  const auto& good = certificates.good();
  const std::string tls = absl::StrCat(
      "{address: '0.0.0.0:0', tls: {cert_chain: 'file:", good.chain_file,
      "', private_key: 'file:", good.key_file,
      "', client_ca: 'file:", certificates.ca_file(), "'}}");
  const auto runtime_with = [&tls](const char* listener) {
    return MakeTestRuntime(
        absl::StrCat(kUnguarded, "listeners: {", listener, ": ", tls, "}\n"));
  };
  constexpr char kElsewhere[] = "203.0.113.7:1";
  const std::shared_ptr<const RuntimeSnapshot> by_grpc = runtime_with("admin");
  EXPECT_TRUE(CheckOperatorAt(*by_grpc, kElsewhere).ok());
  EXPECT_FALSE(CheckOperatorByHttp(*by_grpc, "a.example", "", kElsewhere).ok());
  const std::shared_ptr<const RuntimeSnapshot> by_http =
      runtime_with("admin_http");
  EXPECT_FALSE(CheckOperatorAt(*by_http, kElsewhere).ok());
  EXPECT_TRUE(CheckOperatorByHttp(*by_http, "a.example", "https://b.example",
                                  kElsewhere)
                  .ok());
}

TEST(CallerCheckTest, CallersAndOperatorsHaveKeysOfTheirOwn) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = MakeTestRuntime(
      "providers: [{name: mock, mock: {}}]\n"
      "auth:\n"
      "  callers: {api_keys: [{id: team-a, key: 'env:KEY_A'}]}\n"
      "  operators: {api_keys: [{id: ops, key: 'env:KEY_OPS'}]}\n",
      {{"KEY_A", kTeamKey}, {"KEY_OPS", "operator-0123456789"}});
  EXPECT_TRUE(
      CheckOperatorAt(*runtime, "203.0.113.7:1", "operator-0123456789").ok());
  EXPECT_EQ(*CheckHeader(*runtime, "x-api-key", kTeamKey), "team-a");
  for (const absl::Status& status :
       {CheckOperatorAt(*runtime, "127.0.0.1:1", kTeamKey),
        CheckOperatorAt(*runtime, "127.0.0.1:1"),
        CheckHeader(*runtime, "x-api-key", "operator-0123456789").status()}) {
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_API_KEY_INVALID);
  }
}

TEST(CallerCheckTest, RefusesWithoutAKeyAndWithAWrongOne) {
  const std::shared_ptr<const RuntimeSnapshot> runtime =
      MakeTestRuntime(kGuarded, {{"KEY_A", kTeamKey}});
  for (const absl::Status& status :
       {CheckHeader(*runtime, "", "").status(),
        CheckHeader(*runtime, "x-api-key", "0123456789abcdeg").status(),
        CheckHeader(*runtime, "authorization", kTeamKey).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_API_KEY_INVALID);
  }
}

}  // namespace
}  // namespace gateway
