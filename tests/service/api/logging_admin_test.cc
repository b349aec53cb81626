#include "service/api/logging_admin.h"

#include <iterator>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/os/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/logging.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/config/log_modules.h"
#include "service/observability/log_level_overrides.h"
#include "service/pipeline/current_runtime.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
namespace configv1 = ::llmgateway::config::v1;

using ::testing::HasSubstr;

class LoggingAdminTest : public testing::Test {
 protected:
  LoggingAdminTest() {
    levels_.Configure({.level = LogLevel::kError});
    admin_.AddTo(table_);
  }
  ~LoggingAdminTest() override { SetLogLevels({}); }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const std::string& method,
                               const Request& request) {
    CallContext call(loop_.loop(), {.peer = "127.0.0.1:1"});
    Response response;
    absl::Status status;
    EXPECT_TRUE(loop_.RunTask([&]() -> Task<void> {
      HandlerArguments arguments;
      arguments.request = &request;
      arguments.response = &response;
      status = co_await table_.Find("/llmgateway.v1.AdminService/" + method)
                   ->Run(call, arguments);
    }));
    if (!status.ok()) return status;
    return response;
  }

  absl::StatusOr<v1::SetLogLevelResponse> Set(const std::string& module,
                                              configv1::LogLevel level) {
    v1::SetLogLevelRequest request;
    request.set_module(module);
    request.set_level(level);
    return Ask<v1::SetLogLevelResponse>("SetLogLevel", request);
  }

  template <typename Response>
  static v1::LogModule ModuleOf(const Response& response,
                                std::string_view name) {
    for (const v1::LogModule& module : response.modules()) {
      if (module.name() == name) return module;
    }
    ADD_FAILURE() << name;
    return {};
  }

  LoopThread loop_;
  CurrentRuntime runtime_{MakeTestRuntime("providers: [{name: a, mock: {}}]")};
  LogLevelOverrides levels_{kLogModules};
  LoggingAdmin admin_{{.runtime = runtime_, .levels = levels_}};
  MethodTable table_;
};

TEST_F(LoggingAdminTest, EveryModuleIsListed) {
  const auto listed = Ask<v1::ListLogLevelsResponse>(
      "ListLogLevels", v1::ListLogLevelsRequest());
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(static_cast<size_t>(listed->modules_size()),
            std::size(kLogModules));
  EXPECT_EQ(ModuleOf(*listed, "net").level(), configv1::LOG_LEVEL_ERROR);
  EXPECT_FALSE(ModuleOf(*listed, "net").is_override());
}

TEST_F(LoggingAdminTest, ALevelIsInForceWithTheAnswer) {
  const auto set = Set("pipeline", configv1::LOG_LEVEL_DEBUG);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(ModuleOf(*set, "pipeline").level(), configv1::LOG_LEVEL_DEBUG);
  EXPECT_TRUE(ModuleOf(*set, "pipeline").is_override());
  EXPECT_FALSE(ModuleOf(*set, "net").is_override());
  EXPECT_TRUE(LogEnabled(LogLevel::kDebug, "pipeline"));
  EXPECT_FALSE(LogEnabled(LogLevel::kWarn, "net"));
}

TEST_F(LoggingAdminTest, WithoutALevelWhatWasSetIsTakenBack) {
  ASSERT_TRUE(Set("", configv1::LOG_LEVEL_OFF).ok());
  EXPECT_FALSE(LogEnabled(LogLevel::kError, "net"));
  const auto set = Set("", configv1::LOG_LEVEL_UNSPECIFIED);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_FALSE(ModuleOf(*set, "net").is_override());
  EXPECT_TRUE(LogEnabled(LogLevel::kError, "net"));
}

TEST_F(LoggingAdminTest, WhatIsNotThereIsRefused) {
  const absl::Status module =
      Set("pipelin", configv1::LOG_LEVEL_DEBUG).status();
  EXPECT_EQ(module.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(module.message()),
              HasSubstr("did you mean 'pipeline'?"));
  const absl::Status level =
      Set("net", static_cast<configv1::LogLevel>(99)).status();
  EXPECT_EQ(level.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(level.message()), HasSubstr("level"));
  EXPECT_FALSE(LogEnabled(LogLevel::kWarn, "pipeline"));
}

}  // namespace
}  // namespace gateway
