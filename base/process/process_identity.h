// ProcessIdentity tells a process from all others that ever have its number:
// the kernel gives a number away again when its process has ended.
//
//   const ProcessIdentity self = ThisProcess();
//   ... written to a file, and read by another program ...
//   if (IsRunning(identity)) ...
//
// Thread-safe. Blocks for a look at /proc.

#ifndef BASE_PROCESS_PROCESS_IDENTITY_H_
#define BASE_PROCESS_PROCESS_IDENTITY_H_

#include <cstdint>
#include <string>

namespace gateway {

struct ProcessIdentity {
  int64_t pid = 0;
  // When the process began, as the kernel counts it: which boot, and how long
  // after it. Only to be compared. Empty if that is not known.
  std::string start;

  friend bool operator==(const ProcessIdentity& a, const ProcessIdentity& b) {
    return a.pid == b.pid && a.start == b.start;
  }
};

ProcessIdentity ThisProcess();

// Of the process that has the number now; without a start if there is none.
ProcessIdentity IdentityOf(int64_t pid);

// Returns whether that process has not ended. One that nobody has waited for
// has ended. Where `start` is not known any process with the number will do.
bool IsRunning(const ProcessIdentity& process);

}  // namespace gateway

#endif  // BASE_PROCESS_PROCESS_IDENTITY_H_
