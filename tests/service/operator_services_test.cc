#include "service/operator_services.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/os/clock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/admin.grpc.pb.h"
#include "llmgateway/v1/admin.pb.h"
#include "llmgateway/v1/metrics.pb.h"
#include "providers/registry/all_providers.h"
#include "service/alerts/alert_board.h"
#include "service/config/config_reader.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/reload/config_reloader.h"
#include "service/state/state_store.h"
#include "service/summary/call_summary.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

class OperatorServicesTest : public testing::Test {
 protected:
  StateStore state_;
  std::unique_ptr<ConfigReloader> reloader_ = ConfigReloader::Make(
      {.kinds = AllProviderKinds(), .file = "gateway.yaml", .state = &state_},
      ReadConfigText(AllProviderKinds(),
                     "providers: [{name: mock, mock: {}}]\n"
                     "listeners: {admin: {address: '127.0.0.1:0'}}\n",
                     "gateway.yaml", {}, absl::UnixEpoch()));
  LoopThread loop_;
  CurrentRuntime runtime_{*RuntimeSnapshot::Make(reloader_->first())};
  MetricRegistry metrics_{SystemClock()};
  ProviderHealthBoard board_;
  RequestFeed feed_{{}};
  const std::unique_ptr<CallSummary> summary_ =
      CallSummary::Open({}, SystemClock());
  AlertBoard alerts_{absl::UnixEpoch()};
  LogLevelOverrides log_levels_{{}};
  Readiness readiness_{SystemClock()};
  ComponentBoard components_;
  BlockingWorker worker_{{.name = "worker"}};
  RefusalLog refusals_{"admin", metrics_, SystemClock()};
  const Environment environment_;
  OperatorServices operators_{{.config = *reloader_->first(),
                               .environment = environment_,
                               .runtime = runtime_,
                               .provider_health = board_,
                               .metrics = metrics_,
                               .feed = feed_,
                               .summary = *summary_,
                               .readiness = readiness_,
                               .components = components_,
                               .worker = worker_,
                               .state = state_,
                               .reloader = *reloader_,
                               .issued_keys = nullptr,
                               .alerts = alerts_,
                               .log_levels = log_levels_,
                               .refusals = refusals_}};
};

TEST_F(OperatorServicesTest, EveryRpcOfTheContractIsServed) {
  EXPECT_TRUE(operators_.status().ok()) << operators_.status();
  for (const auto* file : {v1::GetHealthRequest::descriptor()->file(),
                           v1::GetMetricsRequest::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      const auto& service = *file->service(i);
      for (int k = 0; k < service.method_count(); ++k) {
        const std::string path = absl::StrCat("/", service.full_name(), "/",
                                              service.method(k)->name());
        EXPECT_NE(operators_.table().Find(path), nullptr) << path;
      }
    }
  }
}

TEST_F(OperatorServicesTest, TheyAreCalledAtTheAdminListenerUntilItDrains) {
  EXPECT_EQ(operators_.engine(), nullptr);
  const absl::Status started = operators_.Start(loop_.loop(), SIZE_MAX);
  ASSERT_TRUE(started.ok()) << started;
  operators_.StartServing();
  const auto stub = v1::AdminService::NewStub(grpc::CreateChannel(
      absl::StrCat("127.0.0.1:", operators_.engine()->port()),
      grpc::InsecureChannelCredentials()));
  const auto ask = [&stub] {
    grpc::ClientContext context;
    v1::ListProvidersResponse response;
    const grpc::Status status =
        stub->ListProviders(&context, v1::ListProvidersRequest(), &response);
    return status.ok() ? response.providers_size() : -1;
  };
  EXPECT_EQ(ask(), 1);
  operators_.Drain(absl::ZeroDuration());
  EXPECT_EQ(ask(), -1);
}

}  // namespace
}  // namespace gateway
