// CallRunner takes calls through the whole pipeline, the way an API does, and
// keeps everything that the caller and the records got to see.
//
//   CallRunner runner(runtime);
//   const CallResult result = runner.Run({.request = request});
//   EXPECT_EQ(result.ends, 1);
//   EXPECT_EQ(result.record().usage.input_tokens(), 12);
//
// Thread contract: one thread.

#ifndef TESTS_TESTING_CALL_RUNNER_H_
#define TESTS_TESTING_CALL_RUNNER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/dialect.h"
#include "service/observability/call_metrics.h"
#include "service/observability/call_record.h"
#include "service/observability/metrics.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/call.h"
#include "service/pipeline/pipeline.h"
#include "service/pipeline/recorder.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/tracing/call_trace.h"
#include "tests/testing/loop_client.h"

namespace gateway {

// A call in one of its two forms.
struct CallQuestion {
  v1::GenerateRequest request;  // Parsed, unless there is a body.
  bool stream = false;          // Of a parsed call.
  // Raw, in the format of `dialect`.
  std::string body;
  const Dialect* dialect = nullptr;
  std::string authorization;
  bool strict_output = false;  // As an API may ask beside the request.
  bool parsed_only = false;
  bool counts = false;
  bool traced = false;  // It has a trace, which is told to nobody.
};

struct CallResult {
  absl::Status status;  // Of RunCall.
  // What the sink was given.
  int answers = 0;
  int batches = 0;
  int ends = 0;
  absl::Status end;
  v1::StreamEnd stream_end;
  std::string bytes;  // Of raw calls.
  v1::GenerateResponse response;
  TokenCount count;
  std::string reply;  // Of a count whose bytes were forwarded.
  EventList events;
  // What was noted and recorded.
  bool answers_raw = false;
  std::string route_reason;
  std::vector<v1::Attempt> attempts;
  std::vector<TracedCommit> commits;  // Of a call that is traced.
  std::vector<std::shared_ptr<const OwnedCallRecord>> records;

  // REQUIRES: there is exactly one.
  const CallRecord& record() const { return records.at(0)->record(); }
  // The deltas' texts, or the answer's.
  std::string Text() const;
};

class CallRunner {
 public:
  // Called for each batch before it counts as taken; what it returns is the
  // caller's word: an error says that nobody takes it.
  using OnBatch = std::function<absl::Status(const CallResult& so_far)>;

  explicit CallRunner(std::shared_ptr<const RuntimeSnapshot> runtime);

  CallResult Run(const CallQuestion& question,
                 const OnBatch& on_batch = nullptr);

  LoopClient& client() { return client_; }
  CancelSignal& cancel() { return *cancel_; }
  void RenewCancel() { cancel_ = std::make_unique<CancelSignal>(); }
  void SetRuntime(std::shared_ptr<const RuntimeSnapshot> runtime) {
    runtime_ = std::move(runtime);
  }

 private:
  class Sink;
  struct Borrowed;

  Task<void> RunOnLoop(Borrowed& borrowed, Sink& sink, CallResult* result);
  // Takes what was recorded since the last time.
  void TakeRecords(CallResult* result);

  std::shared_ptr<const RuntimeSnapshot> runtime_;
  LoopClient client_;
  std::unique_ptr<CancelSignal> cancel_ = std::make_unique<CancelSignal>();
  MetricRegistry registry_{SystemClock()};
  CallMetrics metrics_{registry_, {}};
  RequestFeed feed_{{}};
  Recorder recorder_{nullptr, metrics_.AddShard(), feed_};
  std::unique_ptr<RequestFeed::Subscription> watching_;
};

}  // namespace gateway

#endif  // TESTS_TESTING_CALL_RUNNER_H_
