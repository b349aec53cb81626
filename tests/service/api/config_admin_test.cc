#include "service/api/config_admin.h"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/admin.pb.h"
#include "providers/registry/all_providers.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/config/config_reader.h"
#include "service/config/loader.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/reload/config_reloader.h"
#include "service/state/state_store.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

std::string Replying(const std::string& reply) {
  return absl::StrCat("providers: [{name: mock, mock: {reply: '", reply,
                      "'}}]\n");
}

class ConfigAdminTest : public testing::Test {
 protected:
  ConfigAdminTest() {
    std::string folder = testing::TempDir() + "/admin.XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    file_ = folder + "/gateway.yaml";
    WriteFile(Replying("one"));
    reloader_ = ConfigReloader::Make(
        {.kinds = AllProviderKinds(), .file = file_, .state = &store_},
        ReadConfigFile(AllProviderKinds(), file_, {}, absl::UnixEpoch()));
    runtime_ = std::make_unique<CurrentRuntime>(
        *RuntimeSnapshot::Make(reloader_->first()));
    reloader_->Begin(
        runtime_.get(),
        [](const ConfigSnapshot&) -> absl::StatusOr<std::function<void()>> {
          return [] {};
        });
    admin_ = std::make_unique<ConfigAdmin>(ConfigAdmin::Sources{
        .runtime = *runtime_, .reloader = *reloader_, .worker = worker_});
    admin_->AddTo(table_);
    EXPECT_TRUE(table_.status().ok()) << table_.status();
  }

  void WriteFile(const std::string& text) { std::ofstream(file_) << text; }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const std::string& method,
                               const Request& request) {
    Response response;
    absl::Status status;
    EXPECT_TRUE(loop_.RunTask([&]() -> Task<void> {
      CallContext call(loop_.loop(), {.peer = "127.0.0.1:1"});
      HandlerArguments arguments;
      arguments.request = &request;
      arguments.response = &response;
      status = co_await table_.Find("/llmgateway.v1.AdminService/" + method)
                   ->Run(call, arguments);
    }));
    if (!status.ok()) return status;
    return response;
  }

  absl::StatusOr<v1::ApplyConfigResponse> Apply(const std::string& text,
                                                const std::string& etag = "") {
    v1::ApplyConfigRequest request;
    request.set_text(text);
    request.set_etag(etag);
    return Ask<v1::ApplyConfigResponse>("ApplyConfig", request);
  }

  std::string file_;
  StateStore store_;
  std::unique_ptr<ConfigReloader> reloader_;
  std::unique_ptr<CurrentRuntime> runtime_;
  BlockingWorker worker_{{.name = "test"}};
  std::unique_ptr<ConfigAdmin> admin_;
  MethodTable table_;
  LoopThread loop_;
};

TEST_F(ConfigAdminTest, TellsTheVersionAndWhatIsOther) {
  const auto applied = Apply(Replying("two"));
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_EQ(applied->version().version(), 2);
  EXPECT_EQ(applied->version().source(), "applied by an operator");
  ASSERT_EQ(applied->changes_size(), 1);
  EXPECT_EQ(applied->changes(0).path(), "providers[0].mock.reply");
  EXPECT_EQ(applied->changes(0).before(), "\"one\"");
  EXPECT_EQ(applied->changes(0).after(), "\"two\"");
}

TEST_F(ConfigAdminTest, AnotherEtagIsAFaultThatNamesThePresentOne) {
  const std::string etag = Apply(Replying("two"))->version().etag();
  const absl::Status status = Apply(Replying("three"), "other").status();
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_ETAG_MISMATCH);
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(FaultMetadata(status, "etag"), etag);
  EXPECT_TRUE(Apply(Replying("three"), etag).ok());
}

TEST_F(ConfigAdminTest, EveryProblemOfATextIsAViolation) {
  const absl::Status status =
      Apply("providers: 7\nlogging: {level: loud}\n").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldViolations(status).size(), 2u);
}

TEST_F(ConfigAdminTest, WhatIsWrongInAFileThatATextNamesIsToldWithItsPlace) {
  const std::string text =
      Replying("one") + "routing: {selection: {files: [policies.yaml]}}\n";
  WriteFile(text);
  const std::string named = absl::StrCat(
      file_.substr(0, file_.rfind('/')), "/policies.yaml");
  std::ofstream(named) << "policies:\n  - {cost_tier: MEDIUMM}\n";
  ASSERT_FALSE(
      Ask<v1::ReloadConfigResponse>("ReloadConfig", v1::ReloadConfigRequest())
          .ok());
  std::ofstream(named) << "policies: []\n";
  ASSERT_TRUE(
      Ask<v1::ReloadConfigResponse>("ReloadConfig", v1::ReloadConfigRequest())
          .ok());
  std::ofstream(named) << "policies:\n  - {cost_tier: MEDIUMM}\n";
  const auto violations = FieldViolations(Apply(text).status());
  ASSERT_FALSE(violations.empty());
  EXPECT_THAT(violations[0].second,
              testing::StartsWith(absl::StrCat(violations[0].first, ": ", named,
                                               ":2:5: ")));
}

TEST_F(ConfigAdminTest, ATextIsRequiredAndHasALimit) {
  EXPECT_THAT(std::string(Apply("").status().message()),
              HasSubstr("text: is required"));
  EXPECT_THAT(
      std::string(
          Apply(std::string(kConfigBytesLimit + 1, '#')).status().message()),
      HasSubstr("text: must be at most"));
}

TEST_F(ConfigAdminTest, AFileThatIsWrongIsAFailedPrecondition) {
  WriteFile("nonsense");
  const absl::Status status =
      Ask<v1::ReloadConfigResponse>("ReloadConfig", v1::ReloadConfigRequest())
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_CONFIG_INVALID);
  EXPECT_FALSE(FieldViolations(status).empty());
  WriteFile(Replying("two"));
  EXPECT_EQ(
      Ask<v1::ReloadConfigResponse>("ReloadConfig", v1::ReloadConfigRequest())
          ->version()
          .version(),
      2);
}

TEST_F(ConfigAdminTest, WhatNeedsARestartHasAReasonAndNamesTheFields) {
  const std::string text =
      Replying("two") +
      "runtime: {event_loops: 2}\nresponse_store: {ttl: 1m}\n";
  WriteFile(text);
  for (const absl::Status& status :
       {Apply(text).status(),
        Ask<v1::ReloadConfigResponse>("ReloadConfig", v1::ReloadConfigRequest())
            .status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_RESTART_REQUIRED);
    const auto violations = FieldViolations(status);
    ASSERT_EQ(violations.size(), 2u);
    EXPECT_EQ(violations[0].first, "runtime.event_loops");
    EXPECT_EQ(violations[1].first, "response_store.ttl");
    EXPECT_THAT(violations[0].second, HasSubstr("needs a restart"));
  }
}

TEST_F(ConfigAdminTest, AfterItsEndTheGatewaySaysThatItShutsDown) {
  reloader_->End();
  const absl::Status status = Apply(Replying("two")).status();
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_DRAINING);
}

TEST_F(ConfigAdminTest, AVersionThatIsNotKeptIsNotFound) {
  v1::RollbackConfigRequest request;
  request.set_version(7);
  EXPECT_EQ(Ask<v1::RollbackConfigResponse>("RollbackConfig", request)
                .status()
                .code(),
            absl::StatusCode::kNotFound);
  request.set_version(-1);
  EXPECT_EQ(Ask<v1::RollbackConfigResponse>("RollbackConfig", request)
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  Apply(Replying("two")).IgnoreError();
  request.set_version(1);
  EXPECT_EQ(Ask<v1::RollbackConfigResponse>("RollbackConfig", request)
                ->version()
                .source(),
            file_);
}

}  // namespace
}  // namespace gateway
