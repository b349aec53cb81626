#include "clients/cli/no_route_hint.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

TEST(NoRouteHintTest, ItIsStartedAsItIsRun) {
  CommandLine command;
  const Switches on;
  EXPECT_THAT(NoRouteHint(command, on, {}),
              HasSubstr("gateway --config FILE --pid_file PID_FILE"));
  command.own_name = "cco";
  EXPECT_THAT(NoRouteHint(command, on, {}), HasSubstr("  cco daemon start\n"));
  command.own_name = "";
  command.verb = CommandLine::Verb::kDaemon;
  EXPECT_THAT(NoRouteHint(command, on, {}),
              HasSubstr("  gatewayctl daemon start\n"));
  // It is not to be started as long as it is taken back.
  EXPECT_THAT(NoRouteHint(command, on, {{"GATEWAY_V2_ENABLED", "false"}}),
              HasSubstr("  gatewayctl daemon rollback --undo\n"));
}

TEST(NoRouteHintTest, WithoutTheGatewayItIsToComeAgain) {
  EXPECT_THAT(NoRouteHint({}, {.gateway = false, .proxy = true}, {}),
              HasSubstr("  gatewayctl daemon rollback --undo\n"));
}

}  // namespace
}  // namespace gateway
