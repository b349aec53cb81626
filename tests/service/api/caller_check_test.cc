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

constexpr char kOpen[] = "providers: [{name: mock, mock: {}}]\n";
constexpr char kWithKeys[] =
    "providers: [{name: mock, mock: {}}]\n"
    "auth: {api_keys: [{name: team-a, key: 'env:KEY_A'}]}\n";
constexpr char kKey[] = "0123456789abcdef";

absl::StatusOr<std::string_view> Check(const Wiring& wiring,
                                       std::string_view header,
                                       std::string_view value) {
  const auto loop = EventLoop::Create();
  CallContext call(**loop, {});
  if (!header.empty()) call.AddMetadata(header, value);
  return CheckCaller(wiring, call);
}

TEST(CallerCheckTest, LetsEverybodyInWhereNoKeysAreAskedFor) {
  const std::shared_ptr<const Wiring> wiring = MakeTestWiring(kOpen);
  EXPECT_EQ(*Check(*wiring, "", ""), "");
}

TEST(CallerCheckTest, TakesAKeyFromEitherHeader) {
  const std::shared_ptr<const Wiring> wiring =
      MakeTestWiring(kWithKeys, {{"KEY_A", kKey}});
  EXPECT_EQ(*Check(*wiring, "authorization", "Bearer 0123456789abcdef"),
            "team-a");
  EXPECT_EQ(*Check(*wiring, "x-api-key", kKey), "team-a");
}

TEST(CallerCheckTest, RefusesWithoutAKeyAndWithAWrongOne) {
  const std::shared_ptr<const Wiring> wiring =
      MakeTestWiring(kWithKeys, {{"KEY_A", kKey}});
  for (const absl::Status& status :
       {Check(*wiring, "", "").status(),
        Check(*wiring, "x-api-key", "0123456789abcdeg").status(),
        Check(*wiring, "authorization", kKey).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_API_KEY_INVALID);
  }
}

}  // namespace
}  // namespace gateway
