// MemoryGate says whether there is memory for more calls: none for any above
// the hard limit, and none for what can wait above the soft one.
//
//   MemoryGate gate(options);
//   MemorySampler sampler(loop, gate, period, on_change);
//   ...
//   if (gate.pressure() == MemoryPressure::kCritical) return gate.Refusal();
//   texts_at_once = gate.BatchSize(texts_at_once);
//
//   normal     below the soft limit
//   elevated   from there: batched work shrinks, and calls that matter least
//              wait before they begin
//   critical   from the hard limit: no call begins, and none waits
//
// A state is left when 5 % less is in use than what led to it, so that it does
// not change to and fro.
//
// The hard limit is one of what this process has resident; if none is given, a
// share of what its control group may have (cgroup_memory.h): beyond that the
// kernel kills. Without either, all is normal for ever.
//
// Thread-safe. What is asked on the path of a call is one load.

#ifndef SERVICE_OVERLOAD_MEMORY_GATE_H_
#define SERVICE_OVERLOAD_MEMORY_GATE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/os/mutex.h"
#include "service/overload/cgroup_memory.h"

namespace gateway {

enum class MemoryPressure : uint8_t { kNormal, kElevated, kCritical };

// Returns the name for metrics and header fields: `normal`, `elevated`,
// `critical`.
std::string_view MemoryPressureName(MemoryPressure pressure);

// Returns the state that follows `before` when `fill` of the hard limit is in
// use: 1 is all of it.
MemoryPressure NextPressure(MemoryPressure before, double fill,
                            double soft_ratio);

class MemoryGate {
 public:
  struct Options {
    // Otherwise all is normal, and memory is only told.
    bool is_watched = true;
    // The hard limit of resident memory. 0 to take the control group's.
    int64_t size_bytes_limit = 0;
    // Where control groups are mounted.
    std::string cgroup_root = "/sys/fs/cgroup";
    // Says which control groups the process is in.
    std::string own_groups = "/proc/self/cgroup";
    // The hard limit, as a share of what the control group may have. In (0, 1].
    double cgroup_ratio = 0.95;
    // The soft limit, as a share of the hard one. In (0, 1].
    double soft_ratio = 0.8;
    // Reads how many bytes the process has resident; that of the machine if
    // not set.
    std::function<int64_t()> read_resident_bytes;
  };

  // Takes the first sample.
  explicit MemoryGate(const Options& options);
  MemoryGate(const MemoryGate&) = delete;
  MemoryGate& operator=(const MemoryGate&) = delete;

  // Looks at what is in use. Returns whether the pressure changed.
  bool Sample() LOCKS_EXCLUDED(mu_);

  // In force from the next sample on.
  void SetOptions(const Options& options) LOCKS_EXCLUDED(mu_);

  // As of the last sample, like what follows.
  MemoryPressure pressure() const {
    return pressure_.load(std::memory_order_relaxed);
  }
  int64_t resident_bytes() const {
    return resident_bytes_.load(std::memory_order_relaxed);
  }
  // The share of the hard limit that is in use. 0 without one.
  double fill() const { return fill_.load(std::memory_order_relaxed); }
  // There is a limit of resident memory, or of a control group.
  bool has_limit() const LOCKS_EXCLUDED(mu_);

  // How many pieces of batched work to take at once, where it would be `most`:
  // a quarter of them above the soft limit.
  size_t BatchSize(size_t most) const;

  // OVERLOADED with RetryInfo, which names the limit.
  absl::Status Refusal() const;

 private:
  double FillOf(int64_t resident_bytes) const EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable Mutex mu_;
  Options options_ GUARDED_BY(mu_);
  std::optional<CgroupMemoryReader> group_ GUARDED_BY(mu_);

  std::atomic<MemoryPressure> pressure_ = MemoryPressure::kNormal;
  std::atomic<int64_t> resident_bytes_ = 0;
  std::atomic<double> fill_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_OVERLOAD_MEMORY_GATE_H_
