// ResumableStreams finds the stream of a call again, for its caller alone.
//
//   std::shared_ptr<StreamRing> ring = streams.Open(caller, request_id);
//   if (ring == nullptr) ...  // No room: the stream cannot be gone back to.
//   ...
//   absl::StatusOr<std::shared_ptr<StreamRing>> ring =
//       streams.Find(caller, request_id);
//
// There are at most `streams` of them, each with at most Limits::ring of
// bytes. Where there is no room for another, the one goes that has ended first;
// none that still runs does.
//
// Thread-safe.

#ifndef SERVICE_CACHE_RESUMABLE_STREAMS_H_
#define SERVICE_CACHE_RESUMABLE_STREAMS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "service/cache/stream_ring.h"

namespace gateway {

class ResumableStreams {
 public:
  struct Limits {
    size_t streams = 0;
    StreamRing::Limits ring;
  };

  // Since the start, but for `streams`.
  struct Stats {
    size_t streams = 0;
    uint64_t no_room = 0;  // Streams that could not be opened for want of it.
    uint64_t found = 0;    // Who came back, and found the stream.
    uint64_t not_found = 0;
  };

  // Borrows `clock`.
  ResumableStreams(const Limits& limits, Clock& clock)
      : limits_(limits), clock_(clock) {}

  ResumableStreams(const ResumableStreams&) = delete;
  ResumableStreams& operator=(const ResumableStreams&) = delete;

  // Null if there is no room, or one of that id.
  std::shared_ptr<StreamRing> Open(std::string_view caller,
                                   std::string_view request_id)
      LOCKS_EXCLUDED(mu_);

  // NOT_FOUND if the caller has no such stream, or no longer.
  absl::StatusOr<std::shared_ptr<StreamRing>> Find(std::string_view caller,
                                                   std::string_view request_id)
      LOCKS_EXCLUDED(mu_);

  // Frees what has expired: else it goes when there is no room. Looks at each
  // stream; to be called now and then.
  void FreeExpired() LOCKS_EXCLUDED(mu_);

  // How long a call goes on without its caller.
  absl::Duration grace() const { return limits_.ring.keep; }

  // The process is to end, so that nobody comes back: no call goes on without
  // its caller.
  void Close() LOCKS_EXCLUDED(mu_);

  Stats stats() const LOCKS_EXCLUDED(mu_);

 private:
  using Key = std::pair<std::string, std::string>;  // Caller and id.
  using Rings = absl::flat_hash_map<Key, std::shared_ptr<StreamRing>>;
  using Dropped = std::vector<std::shared_ptr<StreamRing>>;

  struct FirstEnded {
    Rings::iterator ring;
    absl::Duration expiry = absl::InfiniteDuration();
  };
  // Drops what has expired. Returns which of the others ended first; none, the
  // end of rings_, if all run.
  FirstEnded DropExpired(absl::Duration now, Dropped* dropped)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Drops what has expired; if there is still no room, what ended first.
  void MakeRoom(absl::Duration now, Dropped* dropped)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const Limits limits_;
  Clock& clock_;

  mutable Mutex mu_;
  Rings rings_ GUARDED_BY(mu_);
  Stats counts_ GUARDED_BY(mu_);
  bool closed_ GUARDED_BY(mu_) = false;
};

}  // namespace gateway

#endif  // SERVICE_CACHE_RESUMABLE_STREAMS_H_
