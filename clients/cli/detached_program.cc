#include "clients/cli/detached_program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

// It does not say by itself that its functions are of C.
extern "C" {
#include <sys/pidfd.h>
}

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/process/exec_program.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

// How long the kernel may take to end what was killed.
constexpr int kKilledMs = 5000;

absl::Status SystemError(std::string_view what, int error) {
  return absl::ErrnoToStatus(error,
                             absl::string_view(what.data(), what.size()));
}

// A process, whoever may get its number after it.
class ProcessHandle {
 public:
  static absl::StatusOr<ProcessHandle> Open(const ProcessIdentity& identity) {
    ProcessHandle handle(pidfd_open(static_cast<pid_t>(identity.pid), 0));
    if (handle.file_ < 0) {
      if (errno == ESRCH) return handle;
      return SystemError(absl::StrCat("process ", identity.pid), errno);
    }
    // The descriptor is of the process that has the number now.
    handle.has_ended_ = !IsRunning(identity);
    return handle;
  }

  ProcessHandle(ProcessHandle&& other) noexcept
      : file_(std::exchange(other.file_, -1)), has_ended_(other.has_ended_) {}
  ProcessHandle& operator=(ProcessHandle&&) = delete;
  ~ProcessHandle() {
    if (file_ >= 0) close(file_);
  }

  bool has_ended() const { return has_ended_; }

  // 0, or -1 with errno. REQUIRES: it had not ended.
  int Signal(int number) const {
    return static_cast<int>(pidfd_send_signal(file_, number, nullptr, 0));
  }

  // The same is required.
  bool EndsWithin(int timeout_ms) const {
    pollfd polled = {.fd = file_, .events = POLLIN};
    int ready = 0;
    do {
      ready = poll(&polled, 1, timeout_ms);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
  }

 private:
  explicit ProcessHandle(int file) : file_(file) {}

  int file_;  // -1 if there is none.
  bool has_ended_ = true;
};

}  // namespace

absl::StatusOr<DetachedProgram> DetachedProgram::Start(
    const std::vector<std::string>& command, const Variables& variables,
    const std::string& log_path) {
  const int log =
      open(log_path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (log < 0) {
    return SystemError(absl::StrCat("cannot write ", log_path), errno);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  const absl::Cleanup close_all = [&] {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(log);
  };
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                   O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, log, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO);
  // What ends a terminal's programs leaves it alone.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  std::vector<std::string> words = command;
  std::vector<std::string> settings;
  for (const auto& [name, value] : variables) {
    settings.push_back(absl::StrCat(name, "=", value));
  }
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, words[0].c_str(), &actions, &attributes,
                  ExecPointers(words).data(), ExecPointers(settings).data());
  if (error != 0)
    return SystemError(absl::StrCat("cannot run ", words[0]), error);
  return DetachedProgram(pid);
}

bool DetachedProgram::HasEnded() {
  if (!ended_) ended_ = waitpid(pid_, nullptr, WNOHANG) == pid_;
  return ended_;
}

bool DetachedProgram::Wait() {
  int status = 0;
  pid_t ended = 0;
  do {
    ended = waitpid(pid_, &status, 0);
  } while (ended < 0 && errno == EINTR);
  ended_ = true;
  return ended == pid_ && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

absl::Status AskToEnd(const ProcessIdentity& identity) {
  GATEWAY_ASSIGN_OR_RETURN(const ProcessHandle process,
                           ProcessHandle::Open(identity));
  if (process.has_ended() || process.Signal(SIGTERM) == 0) {
    return absl::OkStatus();
  }
  if (errno == ESRCH) return absl::OkStatus();
  return SystemError(absl::StrCat("process ", identity.pid), errno);
}

absl::StatusOr<bool> EndWithin(const ProcessIdentity& identity,
                               absl::Duration grace) {
  GATEWAY_ASSIGN_OR_RETURN(const ProcessHandle process,
                           ProcessHandle::Open(identity));
  if (process.has_ended()) return true;
  if (process.EndsWithin(static_cast<int>(absl::ToInt64Milliseconds(grace)))) {
    return true;
  }
  process.Signal(SIGKILL);
  if (process.EndsWithin(kKilledMs)) return false;
  return absl::DeadlineExceededError(
      absl::StrCat("process ", identity.pid, " was killed and has not ended"));
}

}  // namespace gateway
