// The handlers of AdminService for traces: ListTraces, GetTrace and
// GetTraceMetrics.
//
//   TracesAdmin traces({.runtime = runtime, .tracer = tracer});
//   traces.AddTo(table);  // As a part of AdminService.
//
// They tell what this process has traced.
//
// Thread-safe once added; handlers run on the loops of their calls, and on the
// worker pool where there is much to look through.

#ifndef SERVICE_API_TRACES_ADMIN_H_
#define SERVICE_API_TRACES_ADMIN_H_

#include "absl/status/status.h"
#include "base/async/task.h"
#include "llmgateway/v1/traces.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/pipeline/current_runtime.h"
#include "service/tracing/span_exporter.h"
#include "service/tracing/tracer.h"

namespace gateway {

class TracesAdmin {
 public:
  // All are borrowed.
  struct Sources {
    const CurrentRuntime& runtime;
    const Tracer* tracer = nullptr;          // Null if calls are not traced.
    const SpanExporter* exporter = nullptr;  // Null if spans go nowhere.
  };

  explicit TracesAdmin(const Sources& sources) : sources_(sources) {}

  TracesAdmin(const TracesAdmin&) = delete;
  TracesAdmin& operator=(const TracesAdmin&) = delete;

  // Adds the handlers. Must outlive the table's calls.
  void AddTo(MethodTable& table);

 private:
  Task<absl::Status> List(CallContext& call,
                          const llmgateway::v1::ListTracesRequest& request,
                          llmgateway::v1::ListTracesResponse* response);
  Task<absl::Status> Get(CallContext& call,
                         const llmgateway::v1::GetTraceRequest& request,
                         llmgateway::v1::Trace* response);
  Task<absl::Status> GetMetrics(
      CallContext& call, const llmgateway::v1::GetTraceMetricsRequest& request,
      llmgateway::v1::GetTraceMetricsResponse* response);

  // NOT_CONFIGURED if calls are not traced.
  absl::Status CheckTraced() const;
  // How much work it is to look through all that is kept, for OffLoop.
  size_t BytesToLookAt() const;

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_API_TRACES_ADMIN_H_
