// A StreamRing keeps the last events of a stream, so that a caller whose
// connection broke goes on where it was. Events are numbered from 1.
//
//   StreamRing ring({.size_bytes = 1 << 20, .keep = absl::Minutes(1)}, clock);
//   ring.Append(bytes);                  // Who makes the stream; any thread.
//   ring.End(status);
//
//   absl::StatusOr<StreamPiece> piece =  // Who reads it, each at its own pace.
//       co_await ring.Read(after_seq, bytes_max, loop, cancel);
//
// The oldest events go when there are too many bytes of them, or when they are
// older than `keep`: whoever asks for what is gone is told so, and by which
// number the stream can still be taken up. Nobody holds who makes it back.
//
// Thread-safe. Coroutines are resumed on the loops that they read on.

#ifndef SERVICE_CACHE_STREAM_RING_H_
#define SERVICE_CACHE_STREAM_RING_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "service/cache/audience.h"
#include "service/cache/wait_list.h"

namespace gateway {

// One event: its bytes are shared with whoever reads it.
struct StreamRingEvent {
  uint64_t seq = 0;
  std::shared_ptr<const std::string> bytes;
};

// What has come of a stream.
struct StreamPiece {
  std::vector<StreamRingEvent> events;
  bool ended = false;  // Nothing follows these.
  absl::Status end;    // How, if it has ended.
};

class StreamRing {
 public:
  struct Limits {
    size_t size_bytes = 0;
    absl::Duration keep;
  };

  // Borrows `clock`.
  StreamRing(const Limits& limits, Clock& clock)
      : limits_(limits),
        clock_(clock),
        audience_(std::make_shared<Audience>()) {}

  StreamRing(const StreamRing&) = delete;
  StreamRing& operator=(const StreamRing&) = delete;

  // Adds an event and returns its number. REQUIRES: not ended.
  uint64_t Append(std::string bytes) LOCKS_EXCLUDED(mu_);

  // How the call that makes it was routed; empty as long as that is not said.
  void SetRoute(std::string_view route) LOCKS_EXCLUDED(mu_);
  std::string route() const LOCKS_EXCLUDED(mu_);

  // Ends the stream, once. What it has stays for as long as it may.
  void End(absl::Status status) LOCKS_EXCLUDED(mu_);

  // Returns what follows the event `after_seq`, all that is kept if 0, up to
  // about `bytes_max` of it, or waits on `loop` for more. Faults:
  // INVALID_REQUEST naming `after_seq` if there has been no such event;
  // NOT_FOUND if the next one is gone, with `first_seq`, the first that is
  // left, in the metadata; and what `cancel` fired with. Must outlive the task.
  Task<absl::StatusOr<StreamPiece>> Read(uint64_t after_seq, size_t bytes_max,
                                         EventLoop& loop, CancelSignal& cancel);

  // Those who read it: for whom it is made.
  Audience& audience() { return *audience_; }

  bool ended() const LOCKS_EXCLUDED(mu_);
  // When the last event is to go; infinite while the stream goes on.
  absl::Duration expiry() const LOCKS_EXCLUDED(mu_);
  size_t size_bytes() const LOCKS_EXCLUDED(mu_);

 private:
  struct Kept {
    std::shared_ptr<const std::string> bytes;
    size_t held_bytes = 0;
    absl::Duration expiry;
  };

  void Trim(absl::Duration now) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whether there is something to tell: more events, an end or a fault.
  absl::StatusOr<bool> Take(uint64_t after_seq, size_t bytes_max,
                            StreamPiece* piece) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint64_t last_seq() const EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return first_seq_ + events_.size() - 1;
  }

  // Constant after construction.
  const Limits limits_;
  Clock& clock_;
  const std::shared_ptr<Audience> audience_;

  mutable Mutex mu_;
  std::string route_ GUARDED_BY(mu_);
  std::deque<Kept> events_ GUARDED_BY(mu_);
  uint64_t first_seq_ GUARDED_BY(mu_) = 1;  // Of events_, or the next one.
  size_t size_bytes_ GUARDED_BY(mu_) = 0;
  bool ended_ GUARDED_BY(mu_) = false;
  absl::Status end_ GUARDED_BY(mu_);
  absl::Duration end_expiry_ GUARDED_BY(mu_) = absl::InfiniteDuration();
  WaitList waiting_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_CACHE_STREAM_RING_H_
