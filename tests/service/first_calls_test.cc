#include "service/first_calls.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/app.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class FirstCallsTest : public testing::Test {
 protected:
  const std::string text_ = FirstCalls({.grpc = "127.0.0.1:1001",
                                        .http = "127.0.0.1:1002",
                                        .admin = "127.0.0.1:1003",
                                        .operations = "127.0.0.1:1004"});
};

TEST_F(FirstCallsTest, TellsWhereEachListenerIs) {
  EXPECT_THAT(text_, HasSubstr("  gRPC        127.0.0.1:1001\n"));
  EXPECT_THAT(text_, HasSubstr("  HTTP        127.0.0.1:1002\n"));
  EXPECT_THAT(text_, HasSubstr("  admin gRPC  127.0.0.1:1003\n"));
  EXPECT_THAT(text_, HasSubstr("  operations  127.0.0.1:1004\n"));
}

TEST_F(FirstCallsTest, EachCommandGoesToTheListenerThatServesIt) {
  for (const char* command :
       {" 127.0.0.1:1001 llmgateway.v1.GatewayService/Generate\n",
        " 127.0.0.1:1001 llmgateway.v1.GatewayService/StreamGenerate\n",
        "curl -s http://127.0.0.1:1002/v1/chat/completions ",
        "curl -sN http://127.0.0.1:1002/v1/chat/completions ",
        "curl -s http://127.0.0.1:1002/v1/messages ",
        "curl -s http://127.0.0.1:1002/v1/responses ",
        "curl -s http://127.0.0.1:1002/v1/models\n",
        "grpcurl -plaintext 127.0.0.1:1001 grpc.health.v1.Health/Check\n",
        "grpcurl -plaintext 127.0.0.1:1001 list\n",
        "curl -s http://127.0.0.1:1004/readyz\n"}) {
    EXPECT_THAT(text_, HasSubstr(command));
  }
}

TEST_F(FirstCallsTest, NothingIsLeftForTheShellToFillIn) {
  EXPECT_THAT(text_, Not(HasSubstr("$")));
}

}  // namespace
}  // namespace gateway
