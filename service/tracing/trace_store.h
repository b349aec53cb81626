// TraceStore keeps the traces of calls that have ended, in memory, for a time:
// each loop adds to a part of its own, and who reads looks at all of them.
//
//   TraceStore store({.parts = 4, .traces = 10000, .bytes = 32 << 20}, clock);
//   store.part(loop).Add(std::move(trace));
//   ...
//   for (const KeptTraceRef& each : store.List(query)) ...
//
// Each part may hold its share of the limits. Beyond it the oldest go first;
// but a caller that has more than an eighth of the part pushes out its own
// oldest, and so not what is kept of others.
//
// Thread-safe; a lock is held for a move, or while a few hundred traces are
// looked at.

#ifndef SERVICE_TRACING_TRACE_STORE_H_
#define SERVICE_TRACING_TRACE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "service/tracing/kept_trace.h"

namespace gateway {

class TraceStore {
 public:
  struct Limits {
    size_t parts = 1;   // One for each loop.
    size_t traces = 0;  // 0 keeps none.
    size_t bytes = 0;
    absl::Duration ttl = absl::InfiniteDuration();
  };

  class Part {
   public:
    void Add(KeptTraceRef trace) LOCKS_EXCLUDED(mu_);

   private:
    friend class TraceStore;

    explicit Part(const TraceStore& store) : store_(store) {}

    // The numbers of a caller's, the oldest first, and what they take.
    struct Held {
      std::deque<uint64_t> numbers;
      size_t bytes = 0;
    };
    using Traces = std::map<uint64_t, KeptTraceRef>;

    // After one of the caller's was added.
    void Trim(const Held& of_caller) EXCLUSIVE_LOCKS_REQUIRED(mu_);
    void Remove(Traces::iterator trace) EXCLUSIVE_LOCKS_REQUIRED(mu_);
    // Shows traces, the newest first, until it is told to stop.
    void Look(absl::FunctionRef<bool(const KeptTraceRef&)> show) const
        LOCKS_EXCLUDED(mu_);

    const TraceStore& store_;
    mutable Mutex mu_;
    // Numbered as they came.
    Traces traces_ GUARDED_BY(mu_);
    uint64_t next_ GUARDED_BY(mu_) = 0;
    size_t bytes_ GUARDED_BY(mu_) = 0;
    absl::node_hash_map<std::string, Held> of_callers_ GUARDED_BY(mu_);
  };

  // The place of a trace in a list: lists go on behind it.
  struct Place {
    absl::Time end_time;
    SpanId span = 0;
  };

  // What must be true of a trace that is listed. Borrows its texts; empty ones
  // are for any.
  struct Query {
    std::optional<bool> failed;
    std::string_view provider;
    std::string_view model;  // Asked for, or served.
    absl::Duration min_duration;
    absl::Duration window = absl::InfiniteDuration();
    std::optional<Place> after;
    size_t limit = 100;
  };

  // Borrows `clock`.
  TraceStore(const Limits& limits, Clock& clock);

  TraceStore(const TraceStore&) = delete;
  TraceStore& operator=(const TraceStore&) = delete;

  // Whether anything is kept.
  bool enabled() const { return limits_.traces > 0; }

  // Valid as long as this.
  Part& part(size_t loop) { return *parts_[loop]; }

  // The newest first, by when they ended.
  std::vector<KeptTraceRef> List(const Query& query) const;

  // All of the trace, the oldest first; none if there is none.
  std::vector<KeptTraceRef> Find(const TraceId& trace) const;
  // The trace of the newest call with that id.
  std::optional<TraceId> FindRequest(std::string_view request_id) const;

  // How many traces it has, and what they take.
  struct Size {
    size_t traces = 0;
    size_t bytes = 0;
  };
  Size size() const;

 private:
  bool IsOver(const KeptTrace& trace, absl::Time now) const {
    return trace.end_time() + limits_.ttl <= now;
  }

  const Limits limits_;
  Clock& clock_;
  std::vector<std::unique_ptr<Part>> parts_;  // Constant after construction.
};

// The place of the trace in a list.
TraceStore::Place PlaceOf(const KeptTrace& trace);

}  // namespace gateway

#endif  // SERVICE_TRACING_TRACE_STORE_H_
