// AccessLog writes one JSON line for each finished call.
//
//   absl::StatusOr<std::unique_ptr<AccessLog>> log =
//       AccessLog::Open({.file = "access.log"});
//   AccessLogShard& shard = (*log)->AddShard();  // One for each event loop.
//   shard.Write(record);
//   ...
//   (*log)->Flush(absl::Seconds(5));  // When draining.
//
//   {"ts":"2026-01-02T03:04:05.678Z","request_id":"8c6f...","protocol":"http",
//    "method":"POST","path":"/v1/chat/completions",
//    "operation":"POST /v1/chat/completions","user":"u-7",
//    "labels":{"team":"search"},"stream":false,"model":"fast",
//    "provider":"openai","model_served":"gpt-5-mini",
//    "route_reason":"model_rule:fast","status":"OK","http_status":200,
//    "finish_reason":"stop","upstream_status":200,
//    "upstream_request_id":"req_1","attempt_count":2,"input_tokens":12,
//    "output_tokens":34,"cached_input_tokens":0,"reasoning_tokens":0,
//    "bytes_in":321,"bytes_out":654,"duration_us":81234,"overhead_us":45,
//    "upstream_first_byte_us":78310,"ttft_us":79001,"upstream_reused":true,
//    "attempts":[{"start_us":41,"duration_us":1190,"kind":"first",
//    "answered":false,"provider":"openai","model":"gpt-5-mini",
//    "credential":"default","http_status":503,
//    "error_reason":"PROVIDER_UNAVAILABLE","error":"openai: 503",
//    "reused":true},{"start_us":1290,"duration_us":79900,"kind":"retry",
//    "answered":true,"provider":"openai","model":"gpt-5-mini",
//    "credential":"default","provider_request_id":"req_1","http_status":200,
//    "reused":true}]}
//
// A call that failed says why in `error_reason` and `error`, the provider's
// words among it, as far as they hold no secret; so do its attempts. `peer` is
// the caller's address; `user`, the other fields of its scope and `labels` are
// what it says itself.
//
// `ts` is when the call ended; an attempt's `start_us` counts from its begin.
// Texts that are empty, times that do not apply and tokens of kinds that are
// rare and were not used are left out. It is what llmgateway.v1.RequestRecord
// says. `attempts` is there if there were several; of more than 4 the last 4
// are told.
//
// A loop formats its lines into a ring of its own, from which one thread writes
// them in batches; no lock is taken for a line, and nothing is allocated once
// warm. When the output is slower than the lines for so long that the ring is
// full, lines are dropped and counted: the log never slows down a call.
//
// Thread-safe; a shard is for one thread at a time.

#ifndef SERVICE_OBSERVABILITY_ACCESS_LOG_H_
#define SERVICE_OBSERVABILITY_ACCESS_LOG_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "base/os/thread.h"
#include "service/observability/call_record.h"
#include "service/observability/line_members.h"

namespace gateway {

class AccessLog;

// A ring of bytes between one loop, which writes, and the writing thread, which
// reads; neither waits.
class AccessLogRing {
 public:
  // REQUIRES: capacity_bytes is a power of two.
  explicit AccessLogRing(size_t capacity_bytes);

  // Called by the writing side. Returns false if there is no room for all of
  // it.
  bool Push(std::string_view bytes);

  // Called by the reading side: Peek returns what is there, in two parts
  // because the ring has an end; Pop removes what was used.
  struct Parts {
    std::string_view first;
    std::string_view second;
  };
  Parts Peek() const;
  void Pop(size_t bytes);

  // May be called by either side.
  size_t size() const;

 private:
  const size_t capacity_;
  const std::unique_ptr<char[]> bytes_;
  // All bytes ever pushed and popped. On cache lines of their own.
  alignas(64) std::atomic<uint64_t> pushed_ = 0;
  alignas(64) std::atomic<uint64_t> popped_ = 0;
};

// Takes the lines of one loop.
class AccessLogShard {
 public:
  // Writes a line, or drops it if the ring is full. Never waits for the output.
  void Write(const CallRecord& record);

 private:
  friend class AccessLog;

  AccessLogShard(AccessLog& log, size_t ring_bytes);

  AccessLog& log_;
  AccessLogRing ring_;
  // Written by the loop alone.
  std::atomic<uint64_t> dropped_lines_ = 0;
};

class AccessLog {
 public:
  struct Options {
    // The file to append to; empty for standard output.
    std::string file;
    // A line is written at most so much later.
    absl::Duration flush_interval = absl::Milliseconds(50);
    // So many bytes of a loop's lines are written at once.
    size_t batch_bytes = 32 * 1024;
    // The size of a loop's ring; lines that do not fit are dropped. REQUIRES: a
    // power of two.
    size_t ring_bytes = 1024 * 1024;
    // The members that lines have; empty for all. `ts` is always there.
    std::vector<std::string> members = {};
  };

  // Returns an error that names the file if it cannot be opened.
  static absl::StatusOr<std::unique_ptr<AccessLog>> Open(
      const Options& options);

  // Writes what waits, however long that takes. REQUIRES: the shards are idle.
  ~AccessLog();

  // A new shard, valid as long as this object.
  AccessLogShard& AddShard() LOCKS_EXCLUDED(mu_);

  // Waits until the lines of all earlier Writes are in the output. Returns
  // false if that takes longer.
  bool Flush(absl::Duration timeout) LOCKS_EXCLUDED(mu_);

  // Does so with the log that is held, if one is. If that takes longer, as when
  // nobody reads the pipe that is the output, nobody holds it any more: it
  // stays as it is until the process ends, since who destroyed it would wait.
  static void FlushOrLeave(std::unique_ptr<AccessLog>* log,
                           absl::Duration timeout);

  // Counts the lines lost because the output was too slow or failed.
  uint64_t DroppedLines() const LOCKS_EXCLUDED(mu_);

 private:
  friend class AccessLogShard;

  AccessLog(const Options& options, int fd);

  void Run() LOCKS_EXCLUDED(mu_);
  void AwaitWork() LOCKS_EXCLUDED(mu_);
  bool AnythingWaits() const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WriteOut() LOCKS_EXCLUDED(mu_);
  void WriteOrDrop(AccessLogRing::Parts parts);
  void ReportFailure(int error);
  // Called by shards, at most once for each batch.
  void Wake(bool urgently) LOCKS_EXCLUDED(mu_);

  const Options options_;
  const std::optional<LineMembers> members_;  // Nothing for all.
  const int fd_;

  mutable Mutex mu_;
  CondVar wake_;
  CondVar written_;
  std::vector<std::unique_ptr<AccessLogShard>> shards_ GUARDED_BY(mu_);
  bool urgent_ GUARDED_BY(mu_) = false;
  bool stopping_ GUARDED_BY(mu_) = false;
  // Count the rounds of writing that were begun, and that ended.
  uint64_t rounds_begun_ GUARDED_BY(mu_) = 0;
  uint64_t rounds_ended_ GUARDED_BY(mu_) = 0;
  bool flush_wanted_ GUARDED_BY(mu_) = false;

  // Set while the writing thread waits for a first line of any shard.
  std::atomic<bool> idle_ = false;

  // Written by the writing thread only.
  std::atomic<uint64_t> failed_lines_ = 0;
  // Used by the writing thread only.
  bool output_failing_ = false;  // Lines are being lost, and that was logged.
  bool line_broke_off_ = false;

  Thread thread_;  // Declared last, since it uses all of the above.
};

// Returns the line of a record, with its line end. For tests.
std::string AccessLogLine(const CallRecord& record);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_ACCESS_LOG_H_
