// EventTrace keeps what happens in a simulation: as a hash, by which two runs
// are compared, and, if asked to, as lines to be read.
//
//   EventTrace trace(/*keeps_lines=*/true);
//   trace.Add(now, "call 3", "asks p1/m0");
//   trace.hash();
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_EVENT_TRACE_H_
#define TESTS_SIMULATION_EVENT_TRACE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/fnv1a.h"

namespace gateway {

// An event and what it is about; -1 for what it is not about.
struct SimulatedEvent {
  absl::Duration at;  // Since the begin.
  std::string_view what;
  int64_t call = -1;
  int64_t ask = -1;
  std::string_view detail;
};

class EventTrace {
 public:
  explicit EventTrace(bool keeps_lines = false) : keeps_lines_(keeps_lines) {}

  void Add(const SimulatedEvent& event);

  uint64_t hash() const { return hash_; }
  int64_t events() const { return events_; }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  void Hash(std::string_view text);
  void Hash(int64_t number);

  const bool keeps_lines_;
  uint64_t hash_ = kFnvOffsetBasis;
  int64_t events_ = 0;
  std::vector<std::string> lines_;
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_EVENT_TRACE_H_
