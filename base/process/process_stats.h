// What the kernel knows of this process: for metrics.
//
//   const ProcessMemory memory = ReadProcessMemory();
//   const absl::Duration cpu_time = ProcessCpuTime();
//
// Thread-safe. Each costs a few microseconds; what cannot be read is zero.

#ifndef BASE_PROCESS_PROCESS_STATS_H_
#define BASE_PROCESS_PROCESS_STATS_H_

#include <cstdint>

#include "absl/time/time.h"

namespace gateway {

struct ProcessMemory {
  int64_t resident_bytes = 0;
  int64_t virtual_bytes = 0;
};
ProcessMemory ReadProcessMemory();

// What process `pid` and its descendants have resident, together; pages that
// they share count for each. At most 64 processes are looked at, each of which
// costs some microseconds a thread.
int64_t ResidentBytesOfTree(int64_t pid);

// Processor time of all threads, in user and kernel mode.
absl::Duration ProcessCpuTime();

int64_t CountThreads();

// Counts open descriptors, sockets included. Before Linux 6.2 the cost grows
// with their number.
int64_t CountOpenFiles();
int64_t OpenFilesLimit();

}  // namespace gateway

#endif  // BASE_PROCESS_PROCESS_STATS_H_
