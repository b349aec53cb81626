#include "clients/cli/chat.h"

#include <sstream>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

// What a gateway answers is asked of one in gatewayctl_chat_test.py.
class ChatTest : public testing::Test {
 protected:
  absl::Status Ask(const OperatorWords& words) {
    return Chat({.address = "127.0.0.1:1"}, words, {in_, out_, err_});
  }

  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(ChatTest, SomethingMustBeAsked) {
  EXPECT_THAT(Ask({}).ToString(), HasSubstr("there is nothing to ask"));
  in_.str(" \n");
  EXPECT_TRUE(absl::IsInvalidArgument(Ask({})));
  EXPECT_TRUE(absl::IsInvalidArgument(
      Ask({.words = {"Hi"}, .flags = {{"--max_tokens", "0"}}})));
  EXPECT_TRUE(absl::IsInvalidArgument(
      Ask({.words = {"Hi"}, .flags = {{"--owner", "ann"}}})));
}

TEST_F(ChatTest, AFailureNamesTheGateway) {
  EXPECT_THAT(Ask({.words = {"Hi"}}).ToString(), HasSubstr("127.0.0.1:1"));
  in_.str("Hi");
  EXPECT_TRUE(absl::IsUnavailable(Ask({})));
  EXPECT_EQ(out_.str(), "");
}

}  // namespace
}  // namespace gateway
