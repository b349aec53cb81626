// AdminService and MetricsService as an operator meets them: over real gRPC.

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/status.h>
#include <grpcpp/support/sync_stream.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/os/clock.h"
#include "base/os/thread.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/admin.grpc.pb.h"
#include "llmgateway/v1/admin.pb.h"
#include "llmgateway/v1/metrics.grpc.pb.h"
#include "llmgateway/v1/metrics.pb.h"
#include "service/api/admin_service.h"
#include "service/api/method_table.h"
#include "service/api/metrics_service.h"
#include "service/api/readiness.h"
#include "service/grpc/grpc_server.h"
#include "service/observability/call_record.h"
#include "service/observability/metric_history.h"
#include "service/observability/metrics.h"
#include "service/observability/provider_health.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/current_runtime.h"
#include "service/state/state_store.h"
#include "tests/testing/echo/echo_server.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using Reader = std::unique_ptr<grpc::ClientReader<v1::RequestEvent>>;

class OperatorServicesTest : public testing::Test {
 protected:
  OperatorServicesTest() {
    admin_.AddTo(table_);
    metrics_.AddTo(table_);
    GrpcServer::Options options;
    options.address = "127.0.0.1:0";
    options.table = &table_;
    options.loops = {&loop_.loop()};
    auto server = GrpcServer::Start(std::move(options));
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->port()),
                                   grpc::InsecureChannelCredentials());
    watching_ = v1::MetricsService::NewStub(channel_);
    asking_ = v1::AdminService::NewStub(channel_);
  }

  void Publish(const std::string& id, const std::string& caller = "") {
    CallRecord record;
    record.start_time = absl::UnixEpoch();
    record.request_id = id;
    record.caller = caller;
    feed_.Publish(record);
  }

  // Watches from before this returns.
  Reader Watch(grpc::ClientContext& context) {
    Reader reader =
        watching_->WatchRequests(&context, v1::WatchRequestsRequest());
    Event seen;
    Thread first("first", [&] {
      v1::RequestEvent event;
      EXPECT_TRUE(reader->Read(&event));
      seen.Set();
    });
    while (!seen.IsSet()) {
      Publish("warm-up");
      EXPECT_TRUE(loop_.Run([] {}));
    }
    return reader;
  }

  // The next event that is not left over from the beginning.
  static std::optional<v1::RequestEvent> Next(Reader& reader) {
    v1::RequestEvent event;
    while (reader->Read(&event)) {
      if (event.ended().request_id() != "warm-up") return event;
    }
    return std::nullopt;
  }

  LoopThread loop_;
  MetricRegistry registry_{SystemClock()};
  RequestFeed feed_{{.events_limit = 64, .watchers_limit = 1}};
  ProviderHealthBoard board_;
  Readiness readiness_{SystemClock()};
  BlockingWorker worker_{{.name = "config"}};
  StateStore state_;
  CurrentRuntime runtime_{
      MakeTestRuntime("providers: [{name: mock, mock: {}}]\n")};
  AdminService admin_{{.runtime = runtime_,
                       .health = board_,
                       .metrics = registry_,
                       .readiness = readiness_,
                       .worker = worker_,
                       .state = state_,
                       .environment = {},
                       .version = "1"}};
  MetricHistory history_{registry_, SystemClock(), {}};
  MetricsService metrics_{{.runtime = runtime_,
                           .metrics = registry_,
                           .history = history_,
                           .feed = feed_,
                           .worker = worker_}};
  MethodTable table_;
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::MetricsService::Stub> watching_;
  std::unique_ptr<v1::AdminService::Stub> asking_;
};

TEST_F(OperatorServicesTest, AWatcherIsToldEachCallAsItEnds) {
  const auto context = NewContext();
  Reader reader = Watch(*context);
  for (const char* id : {"a", "b", "c"}) {
    Publish(id);
    EXPECT_EQ(Next(reader)->ended().request_id(), id);
  }
  context->TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(OperatorServicesTest, AWatcherThatHangsUpMakesRoomForTheNext) {
  const auto context = NewContext();
  Reader reader = Watch(*context);
  const auto refused = NewContext();
  v1::RequestEvent event;
  Reader second =
      watching_->WatchRequests(refused.get(), v1::WatchRequestsRequest());
  EXPECT_FALSE(second->Read(&event));
  EXPECT_EQ(second->Finish().error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);

  context->TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  while (!feed_.Subscribe({}, [] {}).ok()) ASSERT_TRUE(loop_.Run([] {}));
  const auto next = NewContext();
  Reader third = Watch(*next);
  Publish("a");
  EXPECT_EQ(Next(third)->ended().request_id(), "a");
}

TEST_F(OperatorServicesTest, ASlowWatcherLosesEventsAndKnowsHowMany) {
  const auto context = NewContext();
  Reader reader = Watch(*context);
  // Far more than a connection holds, while nobody reads.
  constexpr int kPublished = 2000;
  const std::string large(16 * 1024, 'x');
  for (int i = 0; i < kPublished; ++i) {
    Publish(absl::StrCat(i), large);
    if (i % 50 == 0) {
      ASSERT_TRUE(loop_.Run([] {}));
    }
  }
  Publish("last");
  int64_t received = 0;
  int64_t dropped = 0;
  int last_number = -1;
  for (;;) {
    const std::optional<v1::RequestEvent> event = Next(reader);
    ASSERT_TRUE(event.has_value());
    dropped += event->dropped_events();
    if (event->ended().request_id() == "last") break;
    ++received;
    int number = 0;
    ASSERT_TRUE(absl::SimpleAtoi(event->ended().request_id(), &number));
    EXPECT_GT(number, last_number);
    last_number = number;
  }
  EXPECT_GT(dropped, 0);
  // Events of the warm-up may be among the lost ones.
  EXPECT_GE(received + dropped, kPublished);
  EXPECT_LE(received + dropped, kPublished + 64);
}

TEST_F(OperatorServicesTest,
       AWatcherIsToldThatTheServerDrainsAndDoesNotHoldIt) {
  const auto context = NewContext();
  Reader reader = Watch(*context);
  server_->StartDraining();
  // Calls that end meanwhile are still seen.
  Publish("late");
  EXPECT_EQ(Next(reader)->ended().request_id(), "late");
  EXPECT_TRUE(server_->AwaitIdle(absl::ZeroDuration()));
  server_->Shutdown();
  EXPECT_FALSE(Next(reader).has_value());
  const absl::Status status = Received(reader->Finish());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_DRAINING);
}

TEST_F(OperatorServicesTest, HealthIsToldWhileTheServerDrains) {
  readiness_.SetReady();
  server_->StartDraining();
  readiness_.SetDraining();
  const auto context = NewContext();
  v1::GetHealthResponse response;
  const grpc::Status status =
      asking_->GetHealth(context.get(), v1::GetHealthRequest(), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.status(), v1::GetHealthResponse::STATUS_DRAINING);
}

TEST_F(OperatorServicesTest, AConfigurationIsCheckedOffTheLoop) {
  v1::ValidateConfigRequest request;
  request.set_text("providers: []\nlisteners: {grcp: {}}\n");
  const auto context = NewContext();
  v1::ValidateConfigResponse response;
  const grpc::Status status =
      asking_->ValidateConfig(context.get(), request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_FALSE(response.valid());
  EXPECT_EQ(response.problems_size(), 2);
}

}  // namespace
}  // namespace gateway
