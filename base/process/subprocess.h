// Subprocess runs a program and reads what it says, on an event loop.
//
//   Subprocess::Options options;
//   options.command = {"claude", "-p"};
//   options.environment = {"PATH=/usr/bin:/bin"};
//   options.input = prompt;
//   GATEWAY_CO_ASSIGN_OR_RETURN(std::unique_ptr<Subprocess> process,
//                               Subprocess::Start(loop, std::move(options)));
//   std::string output;
//   while (true) {
//     const absl::StatusOr<bool> more =
//         co_await process->Read(&output, *call.cancel);
//     if (!more.ok()) co_return more.status();  // Destroying it ends it.
//     if (!*more) break;
//   }
//   if (process->end().code != 0) ... process->errors() ...
//
// The program leads a session and process group of its own, and no more of the
// group is left than of itself: when it ends, whatever it has started and left
// behind is killed; when it is to end, the whole group is asked by SIGTERM, and
// killed by SIGKILL after the grace. It inherits no file of the gateway's
// except its own input, output and errors. Nothing of it stays as a zombie.
// When the gateway dies, however it does, the program is killed.
//
// posix_spawn runs nothing of ours in the child, so what has to be done there
// before the program begins is done by util-linux's setpriv and prlimit, which
// become the program (docs/adr/0007-child-processes.md).
//
// Output waits in the pipe until it is read, so a slow reader makes the program
// wait. Errors are read as they come, and only their beginning is kept.
//
// Thread contract: one event loop, the one it was started on.

#ifndef BASE_PROCESS_SUBPROCESS_H_
#define BASE_PROCESS_SUBPROCESS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
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

namespace gateway {

// Returns the environment of this process, as `NAME=value`.
std::vector<std::string> InheritedEnvironment();

class Subprocess {
 public:
  struct Options {
    // The program, which is looked for in PATH of `environment` if it has no
    // slash, and its arguments. A path that does not begin with a slash counts
    // from the gateway's directory. REQUIRES: not empty.
    std::vector<std::string> command;
    // All variables that the program gets, as `NAME=value`.
    std::vector<std::string> environment;
    // The directory that the program runs in; the gateway's own if empty.
    std::string directory;
    // What its standard input holds. Read by Start alone, which copies it.
    std::string_view input;
    // A program that writes more to its standard output is ended.
    size_t output_bytes_limit = 16 * 1024 * 1024;
    // Processor time that each of its processes may use; one that uses more is
    // killed by SIGXCPU. Rounded up to seconds.
    absl::Duration cpu_time_limit = absl::InfiniteDuration();
    // The most bytes of a file that it writes; a process that writes more is
    // killed by SIGXFSZ. No limit if not positive.
    int64_t file_bytes_limit = 0;
    // The most memory that it and its descendants may have resident, looked at
    // every kMemoryWatchPeriod; a program that has more is killed. No limit if
    // not positive. (A limit of the address space would not do for programs
    // that reserve what they do not use.)
    int64_t memory_bytes_limit = 0;
    // How much is kept of the beginning of its standard error.
    size_t errors_bytes_limit = 16 * 1024;
    // How long a program that was asked to end (SIGTERM) may take until it is
    // killed.
    absl::Duration grace = absl::Seconds(2);
    // Called on the loop once the program is gone, which may be after the
    // Subprocess is. Optional.
    std::function<void()> on_gone;
  };

  static constexpr absl::Duration kMemoryWatchPeriod = absl::Milliseconds(250);

  // How the program ended.
  struct End {
    int code = -1;   // Its exit code; -1 if it was killed.
    int signal = 0;  // The signal that killed it; 0 if none did.
  };

  // Starts the program. NOT_FOUND or PERMISSION_DENIED if there is no such
  // program or it may not be run, or where setpriv or prlimit is missing;
  // nothing was started then and `on_gone` is not called. Takes about a
  // millisecond.
  static absl::StatusOr<std::unique_ptr<Subprocess>> Start(EventLoop& loop,
                                                           Options options);

  // Ends the program if it runs, in the background.
  ~Subprocess();

  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  // Waits until the program says something, appends it to `output`, some KiB at
  // most, and returns true. Returns false when it has ended and all that it has
  // said was read; RESOURCE_EXHAUSTED, after ending it, when it says too much
  // or has too much memory;
  // what `cancel` fired with, which alone does not end it.
  Task<absl::StatusOr<bool>> Read(std::string* output, CancelSignal& cancel);

  // Ends the program, unless it has ended.
  void Terminate();

  // Says how the program ended. REQUIRES: Read has returned false.
  const End& end() const;

  // Returns the beginning of what it wrote to its standard error so far.
  const std::string& errors() const;

  // The id of the process and of its group. May be another's when the program
  // is gone.
  pid_t pid() const;

 private:
  class Child;

  explicit Subprocess(std::shared_ptr<Child> child);

  const std::shared_ptr<Child> child_;
};

}  // namespace gateway

#endif  // BASE_PROCESS_SUBPROCESS_H_
