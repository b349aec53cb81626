// CallTracing is the process's part in tracing: what is known of traces, and
// the exporter on one loop that sends them on, by `tracing` of the
// configuration that the process began with, and with the headers' newest
// values.
//
//   CallTracing tracing;
//   GATEWAY_RETURN_IF_ERROR(tracing.Open(config, registry));
//   ... each loop gets tracing.tracer() ...
//   tracing.Follow(*loops[0]);
//   ...
//   tracing.Stop();  // Once no call is left.
//
// Thread contract: one thread, which is none of the loops'.

#ifndef SERVICE_CALL_TRACING_H_
#define SERVICE_CALL_TRACING_H_

#include <functional>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "base/async/event_loop.h"
#include "service/config/snapshot.h"
#include "service/loop_runtime.h"
#include "service/observability/metrics.h"
#include "service/tracing/span_exporter.h"
#include "service/tracing/tracer.h"

namespace gateway {

class CallTracing {
 public:
  CallTracing() = default;
  CallTracing(const CallTracing&) = delete;
  CallTracing& operator=(const CallTracing&) = delete;

  // Does nothing if `tracing` is not configured. INVALID_ARGUMENT names the
  // field that cannot be used. `registry` must outlive this.
  absl::Status Open(const ConfigSnapshot& config, MetricRegistry& registry);

  // Null if calls are not traced.
  Tracer* tracer() { return tracer_ ? &*tracer_ : nullptr; }
  // Null if spans go nowhere.
  const SpanExporter* exporter() const { return exporter_.get(); }

  // Exports on that loop, which must outlive Stop.
  void Follow(LoopRuntime& runtime);

  // What has exports that begin from then on show what `tracing.headers` name
  // in another configuration. REQUIRES: what it returns runs before Stop.
  std::function<void()> Prepare(const ConfigSnapshot& next);

  // Sends what waits, once, and returns when that has ended.
  void Stop();

 private:
  std::optional<Tracer> tracer_;
  std::unique_ptr<SpanExporter> exporter_;
  EventLoop* loop_ = nullptr;  // Null unless the exporter runs.
};

}  // namespace gateway

#endif  // SERVICE_CALL_TRACING_H_
