#include "service/observability/log_level_overrides.h"

#include <optional>
#include <string_view>

#include "base/os/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;

using Module = LogLevelOverrides::ModuleLevel;

constexpr std::string_view kModules[] = {"net", "config", "main"};

class LogLevelOverridesTest : public testing::Test {
 protected:
  LogLevelOverridesTest() {
    levels_.Configure({.level = LogLevel::kWarn,
                       .module_levels = {{"net", LogLevel::kError}}});
  }
  ~LogLevelOverridesTest() override { SetLogLevels({}); }

  LogLevelOverrides levels_{kModules};
};

TEST_F(LogLevelOverridesTest, WhatIsConfiguredIsListedByName) {
  EXPECT_THAT(levels_.List(), ElementsAre(Module{"config", LogLevel::kWarn},
                                          Module{"main", LogLevel::kWarn},
                                          Module{"net", LogLevel::kError}));
  EXPECT_FALSE(LogEnabled(LogLevel::kInfo, "main"));
  EXPECT_FALSE(LogEnabled(LogLevel::kWarn, "net"));
}

TEST_F(LogLevelOverridesTest, WhatIsSaidIsInForceAtOnceForThatModuleAlone) {
  EXPECT_TRUE(levels_.Set("main", LogLevel::kDebug));
  EXPECT_TRUE(LogEnabled(LogLevel::kDebug, "main"));
  EXPECT_FALSE(LogEnabled(LogLevel::kInfo, "config"));
  EXPECT_THAT(levels_.List(), ElementsAre(Module{"config", LogLevel::kWarn},
                                          Module{"main", LogLevel::kDebug,
                                                 /*is_override=*/true},
                                          Module{"net", LogLevel::kError}));
  EXPECT_TRUE(levels_.Set("main", std::nullopt));
  EXPECT_FALSE(LogEnabled(LogLevel::kInfo, "main"));
  EXPECT_TRUE(LogEnabled(LogLevel::kWarn, "main"));
}

TEST_F(LogLevelOverridesTest, AllModulesAreSetAndTakenBackAtOnce) {
  EXPECT_TRUE(levels_.Set("", LogLevel::kTrace));
  for (const std::string_view module : kModules) {
    EXPECT_TRUE(LogEnabled(LogLevel::kTrace, module));
  }
  EXPECT_TRUE(levels_.Set("net", std::nullopt));
  EXPECT_FALSE(LogEnabled(LogLevel::kWarn, "net"));
  EXPECT_TRUE(levels_.Set("", std::nullopt));
  EXPECT_FALSE(LogEnabled(LogLevel::kInfo, "main"));
  EXPECT_FALSE(levels_.List()[0].is_override);
}

TEST_F(LogLevelOverridesTest, AModuleThatIsNotThereIsNotSet) {
  EXPECT_FALSE(levels_.Set("nets", LogLevel::kTrace));
  EXPECT_FALSE(LogEnabled(LogLevel::kInfo, "nets"));
}

TEST_F(LogLevelOverridesTest, AnotherConfigurationForgetsWhatWasSaid) {
  levels_.Set("main", LogLevel::kDebug);
  levels_.Configure({.level = LogLevel::kInfo});
  EXPECT_FALSE(LogEnabled(LogLevel::kDebug, "main"));
  EXPECT_TRUE(LogEnabled(LogLevel::kInfo, "net"));
  EXPECT_THAT(levels_.List(), ElementsAre(Module{"config", LogLevel::kInfo},
                                          Module{"main", LogLevel::kInfo},
                                          Module{"net", LogLevel::kInfo}));
}

}  // namespace
}  // namespace gateway
