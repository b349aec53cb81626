#include "clients/cli/rollout_request.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

// What a gateway answers is asked of one in gatewayctl_test.py.
TEST(RolloutRequestTest, OnlyWhatIsMeantIsAskedFor) {
  for (const char* wrong : {"", "maybe", "%", "25 percent"}) {
    const absl::StatusOr<RolloutShare> share =
        ChangeRollout({.admin = {.address = "127.0.0.1:1"}, .change = wrong});
    EXPECT_TRUE(absl::IsInvalidArgument(share.status())) << wrong;
  }
}

TEST(RolloutRequestTest, AnAddressWithoutAGatewayIsNamed) {
  const absl::StatusOr<RolloutShare> share =
      ChangeRollout({.admin = {.address = "127.0.0.1:1"}, .change = "off"});
  EXPECT_THAT(share.status().ToString(), HasSubstr("127.0.0.1:1"));
}

TEST(RolloutRequestTest, CertificatesThatCannotBeReadAreNamed) {
  const absl::StatusOr<RolloutShare> share = ChangeRollout(
      {.admin = {.address = "127.0.0.1:1", .tls = {.ca = "no/such.pem"}},
       .change = "off"});
  EXPECT_THAT(share.status().ToString(), HasSubstr("no/such.pem"));
}

}  // namespace
}  // namespace gateway
