#include "service/api/caller_check.h"

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

constexpr char kUnguarded[] = "providers: [{name: mock, mock: {}}]\n";
constexpr char kGuarded[] =
    "providers: [{name: mock, mock: {}}]\n"
    "auth: {callers: {api_keys: [{id: team-a, key: 'env:KEY_A'}]}}\n";
constexpr char kTeamKey[] = "0123456789abcdef";

absl::StatusOr<std::string_view> CheckHeader(const RuntimeSnapshot& runtime,
                                             std::string_view header,
                                             std::string_view value) {
  const auto loop = EventLoop::Create();
  CallContext call(**loop, {});
  if (!header.empty()) call.AddMetadata(header, value);
  return CheckCaller(runtime, call);
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
