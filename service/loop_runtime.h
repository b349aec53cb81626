// LoopRuntime is one event loop with its thread and everything that lives on
// it: the HTTP APIs, the connections upstream, the shards into log and metrics.
//
// Thread contract: Start, Drain and Stop by one thread that is not the loop's;
// services() on the loop.

#ifndef SERVICE_LOOP_RUNTIME_H_
#define SERVICE_LOOP_RUNTIME_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/worker_pool.h"
#include "base/http/http_handler.h"
#include "base/net/connection_quota.h"
#include "base/net/listener.h"
#include "base/net/resolver.h"
#include "base/net/tls_context.h"
#include "base/os/thread.h"
#include "service/alerts/alert_counts.h"
#include "service/http/cors.h"
#include "service/identity/credential_digest.h"
#include "service/loop_redis.h"
#include "service/observability/access_log.h"
#include "service/observability/call_metrics.h"
#include "service/observability/metrics.h"
#include "service/observability/provider_health.h"
#include "service/observability/refusal_log.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/loop_services.h"
#include "service/pipeline/response_store.h"
#include "service/summary/call_summary.h"
#include "service/tracing/tracer.h"

namespace gateway {

class LoopRuntime {
 public:
  // What all loops share. All is borrowed.
  struct Shared {
    Resolver& resolver;
    CurrentRuntime& runtime;
    WorkerPool& work;
    AccessLog* access_log;  // Null if calls are not logged.
    CallMetrics& metrics;
    RequestFeed& feed;
    ProviderHealthBoard& health;
    MetricRegistry& registry;
    ResponseStore* responses = nullptr;  // Null if no answers are kept.
    // Bounds the connections of callers; null for no bound.
    ConnectionQuota* callers = nullptr;
    // Records what HTTP APIs refuse; null for none.
    RefusalLog* refusals = nullptr;
    // For each loop: the most that requests take, twice the largest of which
    // fit in any case, and the most that whole answers of providers take.
    size_t request_bytes_limit = EventLoop::kRequestBytesLimit;
    size_t answer_bytes_limit = EventLoop::kAnswerBytesLimit;
    // For callers that loops remember; null if none do.
    const CredentialDigester* digester = nullptr;
    // Of the Redis that replicas share.
    RedisAccess redis;
    // Sums calls; null if they are not summed.
    CallSummary* summary = nullptr;
    Tracer* tracer = nullptr;  // Null if calls are not traced.
    // Counts calls for alerts; null if none are looked at.
    AlertCounts* alerts = nullptr;
  };

  // A listener of this loop.
  struct HttpListener {
    std::string name;  // As in `listeners.<name>`.
    const ListenAddress* address = nullptr;
    HttpServerLimits limits;
    std::shared_ptr<TlsContext> tls;  // Null for plaintext.
    // Makes the handler, on the loop.
    std::function<std::unique_ptr<HttpHandler>(LoopServices&)> handler;
    // Serves until Stop, so that a gateway that drains still says so. Its
    // connections do not count as callers': operators are served however many
    // callers there are.
    bool outlives_drain = false;
    // Which pages may call; null for none.
    std::shared_ptr<const CorsRules> cors;
    // Outlives the loop; null if refusals are not recorded.
    RefusalLog* refusals = nullptr;
  };

  // What another configuration changes of a loop that runs.
  struct Changes {
    // By the listener's name, of each that has TLS.
    std::map<std::string, std::shared_ptr<TlsContext>> tls;
    // As in Shared.
    size_t request_bytes_limit = 0;
    size_t answer_bytes_limit = 0;
  };

  explicit LoopRuntime(const Shared& shared);
  // REQUIRES: Stop was called if Start was.
  ~LoopRuntime();

  LoopRuntime(const LoopRuntime&) = delete;
  LoopRuntime& operator=(const LoopRuntime&) = delete;

  // Starts the thread and opens the listeners; `index` is the loop's number,
  // from 0. Whatever it returns, Drain and
  // Stop come next.
  absl::Status Start(int index, std::vector<HttpListener> listeners);

  // Puts changes into force soon: certificates for the next connections, limits
  // at once. The loop then lets go of the runtime snapshot that it had.
  void Change(std::shared_ptr<const Changes> changes);

  // Closes, soon, connections to providers that are gone.
  void CloseUnused();

  // Closes the listeners, but for those that outlive this, lets their requests
  // finish until `grace` has passed, then cancels what is left with reason
  // DRAINING. Calls `on_drained`, on the loop, when nothing is left; at once if
  // Start failed before there was one.
  void Drain(absl::Duration grace, std::function<void()> on_drained);

  // Ends the thread. REQUIRES: drained, and services() is not used any more.
  void Stop();

  EventLoop& loop() { return *loop_; }
  LoopServices& services();

 private:
  struct ServedListener;
  struct OnLoop;  // What is made, used and destroyed on the loop.

  absl::Status Open(int index, std::vector<HttpListener> listeners);
  void SetMemoryLimits(size_t request_bytes_limit, size_t answer_bytes_limit);
  void CloseUnusedOnLoop();
  Task<void> DrainOnLoop(absl::Duration grace,
                         std::function<void()> on_drained);
  Task<void> CloseOnLoop();
  std::vector<ServedListener*> DrainingListeners();

  const Shared shared_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<OnLoop> on_loop_;
  Thread thread_;
};

// Waits until all of them have done what they were told before. REQUIRES: they
// run, and none of them calls it.
void AwaitLoops(const std::vector<std::unique_ptr<LoopRuntime>>& loops);

}  // namespace gateway

#endif  // SERVICE_LOOP_RUNTIME_H_
