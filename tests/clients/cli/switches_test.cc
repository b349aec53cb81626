#include "clients/cli/switches.h"

#include <sys/stat.h>

#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/os/file.h"
#include "clients/cli/command_line.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class SwitchesTest : public testing::Test {
 protected:
  SwitchesTest() {
    home_ = testing::TempDir() + "/home.XXXXXX";
    EXPECT_NE(mkdtemp(home_.data()), nullptr);
    variables_["HOME"] = home_;
  }

  // Writes the daemon's usual file.
  void WriteDaemonConfig(const std::string& text) {
    mkdir((home_ + "/.cco").c_str(), 0755);
    mkdir((home_ + "/.cco/config").c_str(), 0755);
    const absl::Status written =
        ReplaceFile(home_ + "/.cco/config/daemon-config.json", text);
    ASSERT_TRUE(written.ok()) << written;
  }

  Switches Read() {
    const absl::StatusOr<Switches> switches =
        ReadSwitches(command_, variables_);
    EXPECT_TRUE(switches.ok()) << switches.status();
    return switches.value_or(Switches());
  }

  std::string Problem() {
    return std::string(ReadSwitches(command_, variables_).status().message());
  }

  std::string home_;
  CommandLine command_;
  Variables variables_;
};

TEST_F(SwitchesTest, RequestsGoThroughTheGatewayUnlessSomebodySaysOtherwise) {
  EXPECT_TRUE(Read().gateway);
  EXPECT_FALSE(Read().proxy);
  variables_.clear();
  EXPECT_TRUE(Read().gateway);
}

TEST_F(SwitchesTest, TheDaemonsFileTurnsThemOnAndOff) {
  WriteDaemonConfig(
      R"({"gatewayEnabled": false, "proxyEnabled": true, "port": 3000})");
  EXPECT_FALSE(Read().gateway);
  EXPECT_TRUE(Read().proxy);
  WriteDaemonConfig(R"({"gatewayEnabled": true})");
  EXPECT_TRUE(Read().gateway);
  EXPECT_FALSE(Read().proxy);
}

TEST_F(SwitchesTest, EitherVariableTurnsTheGatewayOn) {
  WriteDaemonConfig(R"({"gatewayEnabled": false})");
  variables_["GATEWAY_V2_ENABLED"] = "false";
  variables_["ENABLE_GATEWAY_V2"] = "True";
  EXPECT_TRUE(Read().gateway);
  variables_["GATEWAY_V2_ENABLED"] = "1";
  variables_["ENABLE_GATEWAY_V2"] = "";
  EXPECT_TRUE(Read().gateway);
}

TEST_F(SwitchesTest, AVariableTurnsTheGatewayOff) {
  variables_["ENABLE_GATEWAY_V2"] = "no";
  EXPECT_FALSE(Read().gateway);
  variables_["ENABLE_GATEWAY_V2"] = "";
  EXPECT_TRUE(Read().gateway);
}

TEST_F(SwitchesTest, AFlagCountsMost) {
  WriteDaemonConfig(R"({"proxyEnabled": true})");
  variables_["ENABLE_GATEWAY_V2"] = "true";
  command_.gateway_enabled = false;
  command_.proxy_enabled = false;
  EXPECT_FALSE(Read().gateway);
  EXPECT_FALSE(Read().proxy);
}

TEST_F(SwitchesTest, WhatCannotBeReadIsNamed) {
  variables_["ENABLE_GATEWAY_V2"] = "perhaps";
  EXPECT_THAT(Problem(), HasSubstr("ENABLE_GATEWAY_V2"));
  EXPECT_THAT(Problem(), HasSubstr("'perhaps'"));
  WriteDaemonConfig(R"({"gatewayEnabled": "yes"})");
  EXPECT_THAT(Problem(), HasSubstr("daemon-config.json: gatewayEnabled"));
  command_.daemon_config = home_ + "/nothing.json";
  EXPECT_THAT(Problem(), HasSubstr("nothing.json: cannot open the file"));
}

}  // namespace
}  // namespace gateway
