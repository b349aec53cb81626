#include "service/api/alerts_admin.h"

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/proto_time.h"
#include "service/api/alert_document.h"
#include "service/pipeline/configured_alerts.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr char kAlertsYaml[] =
    "providers: [{name: a, mock: {}}]\n"
    "alerts:\n"
    "  rules:\n"
    "  - {name: spend, condition: 'hourly_cost > $5', action: note}\n"
    "  - {name: errors, condition: 'error_rate > 5%', action: note}\n"
    "  actions: [{name: note, log: {}}]\n";

class AlertsAdminTest : public testing::Test {
 protected:
  AlertsAdminTest() {
    std::string folder = testing::TempDir() + "/alerts_admin.XXXXXX";
    state_ = *StateStore::Open(mkdtemp(folder.data()));
    admin_.emplace(AlertsAdmin::Sources{.runtime = runtime_,
                                        .board = board_,
                                        .state = *state_,
                                        .worker = worker_});
    admin_->AddTo(table_);
    board_.SetRules(AlertRulesOf(runtime_.Get()->snapshot()),
                    clock_.WallTime());
  }

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
  absl::StatusOr<v1::SilenceAlertResponse> Silence(const std::string& name,
                                                   absl::Duration time) {
    v1::SilenceAlertRequest request;
    request.set_name(name);
    *request.mutable_duration() = ToProto(time);
    return Ask<v1::SilenceAlertResponse>("SilenceAlert", request);
  }
  v1::ListAlertsResponse List() {
    return *Ask<v1::ListAlertsResponse>("ListAlerts", v1::ListAlertsRequest());
  }

  FakeClock clock_;
  Ports ports_{.clock = &clock_};
  CurrentRuntime runtime_{MakeTestRuntime(kAlertsYaml, {}, ports_)};
  AlertBoard board_{clock_.WallTime()};
  std::unique_ptr<StateStore> state_;
  BlockingWorker worker_{{.name = "test"}};
  LoopThread loop_;
  std::optional<AlertsAdmin> admin_;
  MethodTable table_;
};

TEST_F(AlertsAdminTest, AlertsAreListedAsTheyStand) {
  board_.Look({.now = clock_.WallTime() + absl::Seconds(1),
               .totals = {.calls = 1, .cost_usd_nanos = 6'500'000'000}});
  const v1::ListAlertsResponse response = List();
  ASSERT_EQ(response.alerts_size(), 2);
  const v1::Alert& errors = response.alerts(0);
  EXPECT_EQ(errors.name(), "errors");
  EXPECT_EQ(errors.state(), v1::Alert::STATE_OK);
  EXPECT_FALSE(errors.has_value());
  EXPECT_FALSE(errors.has_silence_end_time());
  const v1::Alert& spend = response.alerts(1);
  EXPECT_EQ(spend.name(), "spend");
  EXPECT_EQ(spend.condition(), "hourly_cost > $5");
  EXPECT_EQ(spend.action(), "note");
  EXPECT_EQ(spend.state(), v1::Alert::STATE_FIRING);
  EXPECT_EQ(spend.value(), 6.5);
  EXPECT_EQ(ToAbsl(spend.state_time()), clock_.WallTime() + absl::Seconds(1));
}

TEST_F(AlertsAdminTest, ASilenceIsKeptAndEnded) {
  const auto silenced = Silence("errors", absl::Hours(1));
  ASSERT_TRUE(silenced.ok()) << silenced.status();
  ASSERT_EQ(silenced->alerts_size(), 1);
  EXPECT_EQ(ToAbsl(silenced->alerts(0).silence_end_time()),
            clock_.WallTime() + absl::Hours(1));
  AlertBoard next(clock_.WallTime());
  next.SetRules(AlertRulesOf(runtime_.Get()->snapshot()), clock_.WallTime());
  RestoreAlerts(*state_, &next);
  EXPECT_TRUE(next.List(clock_.WallTime()).at(0).silence_end.has_value());
  const auto ended = Silence("errors", absl::ZeroDuration());
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_FALSE(ended->alerts(0).has_silence_end_time());
}

TEST_F(AlertsAdminTest, OnlyWhatIsThereIsSilencedAndNotForEver) {
  const absl::Status unknown = Silence("error", absl::Hours(1)).status();
  EXPECT_EQ(FaultReason(unknown), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("'errors'"));
  EXPECT_EQ(FaultReason(Silence("", absl::Hours(1)).status()),
            v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_TRUE(Silence("errors", absl::Hours(168)).ok());
  for (const absl::Duration time :
       {absl::Hours(168) + absl::Seconds(1), -absl::Seconds(1)}) {
    EXPECT_THAT(Silence("errors", time).status().ToString(),
                HasSubstr("must be 0s"));
  }
}

}  // namespace
}  // namespace gateway
