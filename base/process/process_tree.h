// The processes that a process has started, and those that these have, as far
// as they are still below it: whoever loses its parent is no longer.
//
//   ProcessTree below(pid);
//   kill(-pid, SIGTERM);      // ...and when it has not listened:
//   below.Kill();
//
// Thread-compatible. Looking costs some microseconds for each thread of each
// process.

#ifndef BASE_PROCESS_PROCESS_TREE_H_
#define BASE_PROCESS_PROCESS_TREE_H_

#include <cstdint>
#include <vector>

namespace gateway {

// Returns `pid`, which may be gone, and at most 63 processes below it.
std::vector<int64_t> ListProcessTree(int64_t pid);

// Holds on to the processes below `pid`, also when they are no longer below it.
class ProcessTree {
 public:
  explicit ProcessTree(int64_t pid);
  ~ProcessTree();

  ProcessTree(const ProcessTree&) = delete;
  ProcessTree& operator=(const ProcessTree&) = delete;

  // Sends SIGKILL to each and to what it has started since; what is gone
  // already is left alone, whoever has its number now.
  void Kill();

 private:
  struct Process {
    int64_t pid;
    int pidfd;
  };

  void Hold(int64_t pid);

  std::vector<Process> processes_;
};

}  // namespace gateway

#endif  // BASE_PROCESS_PROCESS_TREE_H_
