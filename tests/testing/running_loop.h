// RunningLoop is an event loop with everything that the gateway puts on one,
// on a thread of its own: for tests of APIs and services against a runtime
// snapshot of their choice.
//
//   RunningLoop loop(MakeTestRuntime(yaml), [](LoopServices& services) {
//     return std::make_unique<ApiRouter>(services);
//   });
//   RawClient client = RawClient::Connect(loop.port());
//   ...
//   EXPECT_EQ(loop.NextRecord()->record().usage.output_tokens(), 20);
//
// What cannot be set up ends the test process. Destruction cancels what still
// runs and waits for its end.
//
// Thread contract: one thread, which is not the loop's.

#ifndef TESTS_TESTING_RUNNING_LOOP_H_
#define TESTS_TESTING_RUNNING_LOOP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/worker_pool.h"
#include "base/http/http_handler.h"
#include "base/net/listener.h"
#include "base/net/resolver.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "service/loop_runtime.h"
#include "service/observability/call_metrics.h"
#include "service/observability/call_record.h"
#include "service/observability/metrics.h"
#include "service/observability/provider_health.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/loop_services.h"
#include "service/pipeline/response_store.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

class RunningLoop {
 public:
  using MakeHandler =
      std::function<std::unique_ptr<HttpHandler>(LoopServices&)>;

  // With an HTTP API if there is a `handler`.
  explicit RunningLoop(std::shared_ptr<const RuntimeSnapshot> runtime,
                       MakeHandler handler = nullptr,
                       const HttpServerLimits& limits = {});
  ~RunningLoop();

  RunningLoop(const RunningLoop&) = delete;
  RunningLoop& operator=(const RunningLoop&) = delete;

  // Of the HTTP API.
  uint16_t port() const { return address_->port(); }

  CurrentRuntime& runtime() { return snapshot_; }
  EventLoop& loop() { return runtime_->loop(); }
  LoopServices& services() { return runtime_->services(); }

  // Runs a task on the loop to its end.
  void Run(const std::function<Task<void>()>& task);

  // The next call that was recorded; waits for it.
  std::shared_ptr<const OwnedCallRecord> NextRecord();
  // As NextRecord, or null if there is none by now.
  std::shared_ptr<const OwnedCallRecord> TakeRecord();

 private:
  // Told by the feed when there is something to take.
  struct Arrival {
    Mutex mu;
    CondVar changed;
    bool happened GUARDED_BY(mu) = false;
  };

  Resolver resolver_;
  CurrentRuntime snapshot_;
  MetricRegistry registry_{SystemClock()};
  CallMetrics metrics_{registry_, {}};
  RequestFeed feed_{{}};
  ProviderHealthBoard health_;
  ResponseStore responses_{
      {.ttl = absl::Hours(1), .entries = 100, .size_bytes = 1 << 20},
      SystemClock()};
  Arrival arrival_;
  std::unique_ptr<RequestFeed::Subscription> watching_;
  std::optional<ListenAddress> address_;
  std::unique_ptr<LoopRuntime> runtime_;
  WorkerPool work_{/*threads_each=*/1};  // Goes before the loop.
};

}  // namespace gateway

#endif  // TESTS_TESTING_RUNNING_LOOP_H_
