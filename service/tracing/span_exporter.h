// SpanExporter sends the spans of a queue to a collector, on one loop: a batch
// when there are enough of them or they have waited long enough, one export at
// a time. While the collector is away it tries again, later and later, or when
// the collector wants it; meanwhile the queue fills, and drops what does not
// fit.
//
//   absl::StatusOr<std::unique_ptr<SpanExporter>> exporter =
//       SpanExporter::Make(options, queue, SystemRandom());
//   loop.Post([&] { Spawn((*exporter)->Run(loop, http)); });
//   ...
//   (*exporter)->Stop(loop);   // What waits is sent once more.
//
// Thread contract: Run on its loop; the counts from any thread.

#ifndef SERVICE_TRACING_SPAN_EXPORTER_H_
#define SERVICE_TRACING_SPAN_EXPORTER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/http/http_client.h"
#include "base/os/random.h"
#include "base/secret.h"
#include "service/observability/log_pace.h"
#include "service/tracing/otlp_export.h"
#include "service/tracing/span_queue.h"

namespace gateway {

// Where spans go.
enum class ExportProtocol {
  kGrpc,
  kHttp,
  kLog,  // A line of the log for each span.
};

class SpanExporter {
 public:
  // Of waiting before it is tried again: twice as long after each failure, of
  // which up to a half is left out by chance.
  static constexpr absl::Duration kFirstRetry = absl::Seconds(1);
  static constexpr absl::Duration kLongestRetry = absl::Seconds(30);
  // When the process ends it waits so long for the last export at most.
  static constexpr absl::Duration kLastTimeout = absl::Seconds(3);

  using Headers = std::vector<std::pair<std::string, Secret>>;

  struct Options {
    ExportProtocol protocol = ExportProtocol::kGrpc;
    // A URL; not of kLog.
    std::string endpoint;
    Headers headers;
    std::string ca_file;
    absl::Duration interval = absl::Seconds(5);
    absl::Duration timeout = absl::Seconds(10);
    OtlpResource resource;
  };

  // INVALID_ARGUMENT if the endpoint is no URL or the certificates cannot be
  // read. Borrows `queue` and `random`.
  static absl::StatusOr<std::unique_ptr<SpanExporter>> Make(
      const Options& options, SpanQueue& queue, Random& random);

  SpanExporter(const SpanExporter&) = delete;
  SpanExporter& operator=(const SpanExporter&) = delete;

  // Exports until Stop; once.
  Task<void> Run(EventLoop& loop, HttpClient& http);

  // Returns once Run has. REQUIRES: Run was posted to `loop`, which is running;
  // not on a loop.
  void Stop(EventLoop& loop);
  // The same on the loop: does not wait for Run.
  void StopOnLoop(EventLoop& loop);

  // Headers of exports that begin from now on, and of tries: the values are
  // others, such as a token that takes another's place. On the loop.
  void SetHeaders(Headers headers);

  // Spans that the collector has taken, and that it has refused or that were
  // given up when the process ended.
  int64_t exported() const { return exported_.load(std::memory_order_relaxed); }
  int64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  // Exports that failed.
  int64_t failures() const { return failures_.load(std::memory_order_relaxed); }

 private:
  // What an export is sent with. One that is under way keeps its own.
  struct Heading {
    std::unique_ptr<const HttpRequestHead> head;
    Headers headers;
  };

  SpanExporter(const Options& options, SpanQueue& queue, Random& random)
      : options_(options), queue_(queue), random_(random) {}

  absl::Status Prepare();
  std::shared_ptr<const Heading> HeadingWith(Headers headers) const;
  // Waits until there is a batch, or what there is has waited for long enough.
  Task<void> AwaitSpans(EventLoop& loop);
  // Sends a batch until it is taken or refused, or Stop has been called.
  Task<void> Export(EventLoop& loop, HttpClient& http,
                    std::vector<KeptTraceRef> traces);
  Task<ExportOutcome> Send(HttpClient& http, const OtlpBatch& batch,
                           const HttpRequestHead& head);
  void WriteToLog(const std::vector<KeptTraceRef>& traces);
  absl::Duration Backoff(int failures);
  // `heading` is what the collector was shown, of which nothing is logged.
  void LogFailure(absl::Duration now, const ExportOutcome& outcome,
                  const Heading& heading);

  const Options options_;
  SpanQueue& queue_;
  Random& random_;
  std::shared_ptr<HttpDestination> destination_;  // Null for the log.
  std::string path_;
  std::atomic<int64_t> exported_ = 0;
  std::atomic<int64_t> refused_ = 0;
  std::atomic<int64_t> failures_ = 0;
  Latch ended_;

  // Of the loop.
  std::shared_ptr<const Heading> heading_;  // Null for the log.
  WakeUp wake_;
  CancelSignal stop_;              // No more waiting.
  CancelSignal abort_;             // No more sending, either.
  std::optional<Timer> patience_;  // Until then, once it is to stop.
  LogPace pace_{absl::Seconds(30)};
};

}  // namespace gateway

#endif  // SERVICE_TRACING_SPAN_EXPORTER_H_
