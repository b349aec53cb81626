#include "service/api/caller_check.h"

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"
#include "service/pipeline/wiring.h"
#include "tests/testing/test_wiring.h"

namespace gateway {
namespace {

constexpr char kUnguarded[] = "providers: [{name: mock, mock: {}}]\n";
constexpr char kGuarded[] =
    "providers: [{name: mock, mock: {}}]\n"
    "auth: {api_keys: [{name: team-a, key: 'env:KEY_A'}]}\n";
constexpr char kTeamKey[] = "0123456789abcdef";

absl::StatusOr<std::string_view> CheckHeader(const Wiring& wiring,
                                             std::string_view header,
                                             std::string_view value) {
  const auto loop = EventLoop::Create();
  CallContext call(**loop, {});
  if (!header.empty()) call.AddMetadata(header, value);
  return CheckCaller(wiring, call);
}

TEST(CallerCheckTest, LetsEverybodyInWhereNoKeysAreAskedFor) {
  const std::shared_ptr<const Wiring> wiring = MakeTestWiring(kUnguarded);
  EXPECT_EQ(*CheckHeader(*wiring, "", ""), "");
}

TEST(CallerCheckTest, TakesAKeyFromEitherHeader) {
  const std::shared_ptr<const Wiring> wiring =
      MakeTestWiring(kGuarded, {{"KEY_A", kTeamKey}});
  EXPECT_EQ(*CheckHeader(*wiring, "authorization", "Bearer 0123456789abcdef"),
            "team-a");
  EXPECT_EQ(*CheckHeader(*wiring, "x-api-key", kTeamKey), "team-a");
}

TEST(CallerCheckTest, RefusesWithoutAKeyAndWithAWrongOne) {
  const std::shared_ptr<const Wiring> wiring =
      MakeTestWiring(kGuarded, {{"KEY_A", kTeamKey}});
  for (const absl::Status& status :
       {CheckHeader(*wiring, "", "").status(),
        CheckHeader(*wiring, "x-api-key", "0123456789abcdeg").status(),
        CheckHeader(*wiring, "authorization", kTeamKey).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_API_KEY_INVALID);
  }
}

}  // namespace
}  // namespace gateway
