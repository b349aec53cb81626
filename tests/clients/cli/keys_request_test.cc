#include "clients/cli/keys_request.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

// What a gateway answers is asked of one in keys_page_test.py.
TEST(KeysRequestTest, OnlyWhatIsMeantIsAskedFor) {
  const RpcPlace nobody = {.address = "127.0.0.1:1"};
  EXPECT_TRUE(absl::IsInvalidArgument(AskKeys(nobody, {}).status()));
  for (const char* wrong : {"", "grow", "get"}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(AskKeys(nobody, {.words = {wrong}}).status()))
        << wrong;
  }
}

TEST(KeysRequestTest, AnAddressWithoutAGatewayIsNamed) {
  const absl::StatusOr<std::string> text =
      AskKeys({.address = "127.0.0.1:1"}, {.words = {"list"}});
  EXPECT_THAT(text.status().ToString(), HasSubstr("127.0.0.1:1"));
}

}  // namespace
}  // namespace gateway
