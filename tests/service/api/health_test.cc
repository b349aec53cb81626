#include "service/api/health.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/os/mutex.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.pb.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/admin.pb.h"
#include "service/api/call_context.h"
#include "service/api/component_board.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;
using ::grpc::health::v1::HealthListRequest;
using ::grpc::health::v1::HealthListResponse;
using ::testing::ElementsAre;

// Takes every message and lets a test await the nth.
class ToldStatuses final : public MessageWriter {
 public:
  std::vector<HealthCheckResponse::ServingStatus> Await(size_t count) {
    MutexLock lock(mu_);
    while (told_.size() < count) {
      if (!changed_.WaitFor(lock, absl::Seconds(20))) break;
    }
    return told_;
  }

  bool WriteLast(const google::protobuf::Message& message) override {
    return StartWrite(message, 0) == StreamProgress::kDone;
  }

 private:
  StreamProgress StartWrite(const google::protobuf::Message& message,
                            size_t) override {
    MutexLock lock(mu_);
    told_.push_back(
        static_cast<const HealthCheckResponse&>(message).status());
    changed_.NotifyAll();
    return StreamProgress::kDone;
  }

  Mutex mu_;
  CondVar changed_;
  std::vector<HealthCheckResponse::ServingStatus> told_ GUARDED_BY(mu_);
};

class HealthServiceTest : public testing::Test {
 protected:
  HealthServiceTest() {
    health_.AddTo(table_);
    EXPECT_TRUE(table_.status().ok()) << table_.status();
  }

  absl::Status Run(const std::string& method, CallContext& call,
                   const HandlerArguments& arguments) {
    absl::Status status;
    const Method& found = *table_.Find("/grpc.health.v1.Health/" + method);
    EXPECT_TRUE(loop_.RunTask([&]() -> Task<void> {
      status = co_await found.Run(call, arguments);
    }));
    return status;
  }

  absl::StatusOr<HealthCheckResponse::ServingStatus> Check(
      const std::string& service) {
    HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    CallContext call(loop_.loop(), {});
    const absl::Status status =
        Run("Check", call, {.request = &request, .response = &response});
    if (!status.ok()) return status;
    return response.status();
  }

  LoopThread loop_;
  MethodTable table_;
  HealthService health_;
};

TEST_F(HealthServiceTest, ServesFromTheStartToTheStop) {
  const std::string services[] = {"", "llmgateway-readiness",
                                  "grpc.health.v1.Health"};
  for (const std::string& service : services) {
    EXPECT_EQ(*Check(service), HealthCheckResponse::NOT_SERVING) << service;
  }
  EXPECT_EQ(*Check("llmgateway-liveness"), HealthCheckResponse::SERVING);
  health_.StartServing();
  for (const std::string& service : services) {
    EXPECT_EQ(*Check(service), HealthCheckResponse::SERVING) << service;
  }
  health_.StopServing();
  health_.StartServing();
  health_.SetServing("", true);
  for (const std::string& service : services) {
    EXPECT_EQ(*Check(service), HealthCheckResponse::NOT_SERVING) << service;
  }
  EXPECT_EQ(*Check("llmgateway-liveness"), HealthCheckResponse::SERVING);
}

TEST_F(HealthServiceTest, IsNotReadyWhileAComponentHasCallsRefused) {
  std::atomic<bool> fails = false;
  ComponentBoard board;
  board.Add("ledger", [&](v1::ComponentHealth* health) {
    if (!fails) return;
    health->set_state(v1::ComponentHealth::STATE_FAILING);
    health->set_problem("it cannot be written");
  });
  HealthService health(&board);
  MethodTable table;
  health.AddTo(table);
  health.StartServing();
  HealthCheckRequest request;
  request.set_service("llmgateway-readiness");
  CallContext call(loop_.loop(), {});
  ToldStatuses told;
  const Method& watch = *table.Find("/grpc.health.v1.Health/Watch");
  Event ended;
  loop_.loop().Post([&] {
    Spawn([](const Method& method, CallContext& watched,
             HandlerArguments arguments, Event& end) -> Task<void> {
      (co_await method.Run(watched, arguments)).IgnoreError();
      end.Set();
    }(watch, call, {.request = &request, .writer = &told}, ended));
  });
  EXPECT_THAT(told.Await(1), ElementsAre(HealthCheckResponse::SERVING));
  fails = true;
  EXPECT_THAT(told.Await(2), ElementsAre(HealthCheckResponse::SERVING,
                                         HealthCheckResponse::NOT_SERVING));
  loop_.loop().Post([&] { call.cancel().Cancel(absl::CancelledError("bye")); });
  EXPECT_TRUE(ended.Wait());
}

TEST_F(HealthServiceTest, DoesNotKnowOtherNames) {
  const absl::Status status = Check("no.such.Service").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(HealthServiceTest, ListsEveryName) {
  health_.SetServing("a.Service", true);
  HealthListRequest request;
  HealthListResponse response;
  CallContext call(loop_.loop(), {});
  ASSERT_TRUE(
      Run("List", call, {.request = &request, .response = &response}).ok());
  EXPECT_EQ(response.statuses_size(), 5);
  EXPECT_EQ(response.statuses().at("a.Service").status(),
            HealthCheckResponse::SERVING);
  EXPECT_EQ(response.statuses().at("").status(),
            HealthCheckResponse::NOT_SERVING);

  for (int i = 0; i < 96; ++i) health_.SetServing(absl::StrCat(i), true);
  EXPECT_EQ(Run("List", call, {.request = &request, .response = &response})
                .code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_F(HealthServiceTest, WatchTellsEachChangeUntilItIsCancelled) {
  HealthCheckRequest request;
  request.set_service("late.Service");
  ToldStatuses told;
  CallContext call(loop_.loop(), {});
  const HandlerArguments arguments = {.request = &request, .writer = &told};
  Event ended;
  absl::Status status;
  const Method& watch = *table_.Find("/grpc.health.v1.Health/Watch");
  ASSERT_TRUE(loop_.Run([&] {
    Spawn([](const Method& watch, CallContext& call,
             const HandlerArguments& arguments, absl::Status& status,
             Event& ended) -> Task<void> {
      status = co_await watch.Run(call, arguments);
      ended.Set();
    }(watch, call, arguments, status, ended));
  }));
  EXPECT_THAT(told.Await(1), ElementsAre(HealthCheckResponse::SERVICE_UNKNOWN));
  health_.SetServing("late.Service", true);
  EXPECT_THAT(told.Await(2), ElementsAre(HealthCheckResponse::SERVICE_UNKNOWN,
                                         HealthCheckResponse::SERVING));
  health_.SetServing("other.Service", true);  // No news for this watcher.
  health_.StopServing();
  EXPECT_THAT(told.Await(3), ElementsAre(HealthCheckResponse::SERVICE_UNKNOWN,
                                         HealthCheckResponse::SERVING,
                                         HealthCheckResponse::NOT_SERVING));
  EXPECT_FALSE(ended.IsSet());
  loop_.loop().Post([&] { call.cancel().Cancel(absl::CancelledError("bye")); });
  ASSERT_TRUE(ended.Wait());
  EXPECT_EQ(status, absl::CancelledError("bye"));
}

TEST_F(HealthServiceTest, IsAnsweredWhileTheServerDrains) {
  EXPECT_TRUE(
      table_.Find("/grpc.health.v1.Health/Check")->kept_while_draining());
}

}  // namespace
}  // namespace gateway
