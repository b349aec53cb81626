#include "base/process/subprocess.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/timer_wheel.h"
#include "base/memory/block_pool.h"
#include "base/process/exec_program.h"
#include "base/process/process_stats.h"
#include "base/process/process_tree.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// A file descriptor, closed at the end of its life.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd() { Close(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

// Duplicates `fd` above the numbers that the program's own files get, so that
// putting those in place overwrites none of them.
absl::StatusOr<OwnedFd> Raised(int fd) {
  OwnedFd owned(fd);
  if (fd > STDERR_FILENO) return owned;
  OwnedFd raised(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!raised.valid()) return absl::ErrnoToStatus(errno, "fcntl(F_DUPFD)");
  return raised;
}

struct Pipe {
  OwnedFd ours;    // Our end, read without waiting.
  OwnedFd theirs;  // The program's end, which it writes to.
};

absl::StatusOr<Pipe> MakePipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe2");
  Pipe pipe;
  absl::StatusOr<OwnedFd> ours = Raised(fds[0]);
  absl::StatusOr<OwnedFd> theirs = Raised(fds[1]);
  GATEWAY_ASSIGN_OR_RETURN(pipe.ours, std::move(ours));
  GATEWAY_ASSIGN_OR_RETURN(pipe.theirs, std::move(theirs));
  if (fcntl(pipe.ours.get(), F_SETFL, O_NONBLOCK) != 0) {
    return absl::ErrnoToStatus(errno, "fcntl(O_NONBLOCK)");
  }
  return pipe;
}

// A file in memory: unlike a pipe it takes all of the input at once, and never
// minds that the program does not read it.
absl::StatusOr<OwnedFd> MakeInput(std::string_view text) {
  const int fd = memfd_create("input", MFD_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, "memfd_create");
  GATEWAY_ASSIGN_OR_RETURN(OwnedFd input, Raised(fd));
  while (!text.empty()) {
    const ssize_t written = write(input.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return absl::ErrnoToStatus(errno, "write(input)");
    text.remove_prefix(static_cast<size_t>(written));
  }
  if (lseek(input.get(), 0, SEEK_SET) != 0) {
    return absl::ErrnoToStatus(errno, "lseek(input)");
  }
  return input;
}

// Called through syscall(), since glibc 2.36 declares its wrapper as a C++
// function, which it is not.
OwnedFd OpenProcess(pid_t pid) {
  return OwnedFd(static_cast<int>(syscall(SYS_pidfd_open, pid, /*flags=*/0)));
}

// Where setpriv and prlimit are looked for. Not the operator's PATH: these two
// decide what the program may do.
constexpr std::string_view kLauncherPath = "/usr/bin:/bin:/usr/sbin:/sbin";

// How often the program's standard error is read in one turn of the loop.
constexpr int kErrorReadsPerTurn = 8;

// Seconds between SIGXCPU, by which the program is told, and SIGKILL.
constexpr int64_t kCpuGraceSeconds = 5;

// An argument of prlimit: the soft limit, at which the program is told, and the
// hard one, which it cannot raise.
std::string LimitArgument(std::string_view name, int64_t soft, int64_t hard) {
  return absl::StrCat("--", ToAbsl(name), "=", soft, ":", hard);
}

// Returns the command that applies the limits: setpriv and prlimit become the
// program, each by one exec, once they have done in the child what only can be
// done there.
absl::StatusOr<std::vector<std::string>> LauncherOf(
    const Subprocess::Options& options) {
  GATEWAY_ASSIGN_OR_RETURN(std::string setpriv,
                           FindProgram("setpriv", kLauncherPath));
  std::vector<std::string> launcher = {std::move(setpriv), "--pdeathsig",
                                       "KILL", "--"};
  std::vector<std::string> limits;
  if (options.cpu_time_limit < absl::InfiniteDuration()) {
    const int64_t seconds = absl::ToInt64Seconds(
        absl::Ceil(options.cpu_time_limit, absl::Seconds(1)));
    limits.push_back(LimitArgument("cpu", seconds, seconds + kCpuGraceSeconds));
  }
  if (options.file_bytes_limit > 0) {
    limits.push_back(LimitArgument("fsize", options.file_bytes_limit,
                                   options.file_bytes_limit));
  }
  if (limits.empty()) return launcher;
  // No core file: a program that is killed for its limits leaves no image of
  // its memory behind.
  limits.push_back(LimitArgument("core", 0, 0));
  GATEWAY_ASSIGN_OR_RETURN(std::string prlimit,
                           FindProgram("prlimit", kLauncherPath));
  launcher.push_back(std::move(prlimit));
  launcher.insert(launcher.end(), limits.begin(), limits.end());
  launcher.push_back("--");
  return launcher;
}

std::string_view PathOf(const std::vector<std::string>& environment) {
  constexpr std::string_view kName = "PATH=";
  for (const std::string& variable : environment) {
    if (variable.starts_with(kName)) {
      return std::string_view(variable).substr(kName.size());
    }
  }
  return "/usr/bin:/bin";
}

// Returns the whole command line: the launcher's words and the program's.
absl::StatusOr<std::vector<std::string>> CommandLineOf(
    const Subprocess::Options& options) {
  GATEWAY_ASSIGN_OR_RETURN(
      const std::string program,
      FindProgram(options.command.front(), PathOf(options.environment)));
  GATEWAY_ASSIGN_OR_RETURN(std::vector<std::string> words, LauncherOf(options));
  // The path is made absolute, since the program may begin in another
  // directory.
  std::error_code error;
  const std::filesystem::path place = std::filesystem::absolute(program, error);
  words.push_back(error ? program : place.string());
  words.insert(words.end(), options.command.begin() + 1,
               options.command.end());
  return words;
}

// Gathers what a program is started with. None of our code runs in the child,
// which shares our memory until it becomes the program.
class Launch {
 public:
  Launch() {
    error_ = posix_spawn_file_actions_init(&files_);
    Check(posix_spawnattr_init(&attributes_));
  }
  ~Launch() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&files_);
  }

  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;

  void Give(const OwnedFd& file, int as) {
    Check(posix_spawn_file_actions_adddup2(&files_, file.get(), as));
  }

  absl::StatusOr<pid_t> Start(Subprocess::Options& options) {
    GATEWAY_ASSIGN_OR_RETURN(std::vector<std::string> command,
                             CommandLineOf(options));
    if (!options.directory.empty()) {
      Check(posix_spawn_file_actions_addchdir_np(&files_,
                                                 options.directory.c_str()));
    }
    // Closes all other descriptors: libraries may have opened some without
    // close-on-exec.
    Check(posix_spawn_file_actions_addclosefrom_np(&files_, STDERR_FILENO + 1));
    sigset_t signals;
    sigfillset(&signals);
    Check(posix_spawnattr_setsigdefault(&attributes_, &signals));
    sigemptyset(&signals);
    Check(posix_spawnattr_setsigmask(&attributes_, &signals));
    Check(posix_spawnattr_setflags(
        &attributes_,
        static_cast<int16_t>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                             POSIX_SPAWN_SETSIGMASK)));
    std::vector<char*> arguments = ExecPointers(command);
    std::vector<char*> environment = ExecPointers(options.environment);
    pid_t pid = 0;
    if (error_ == 0) {
      error_ = posix_spawn(&pid, arguments[0], &files_, &attributes_,
                           arguments.data(), environment.data());
    }
    if (error_ == 0) return pid;
    return absl::ErrnoToStatus(
        error_,
        absl::StrCat("cannot run ", options.command.front(),
                     options.directory.empty() ? "" : " in ",
                     options.directory));
  }

 private:
  // Keeps the first error.
  void Check(int error) {
    if (error_ == 0) error_ = error;
  }

  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
  int error_ = 0;
};

}  // namespace

std::vector<std::string> InheritedEnvironment() {
  std::vector<std::string> environment;
  for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
    environment.emplace_back(*each);
  }
  return environment;
}

// The running program. Keeps itself until that is gone, whoever has lost
// interest before.
class Subprocess::Child {
 public:
  Child(EventLoop& loop, pid_t pid, const Options& options)
      : loop_(loop),
        pid_(pid),
        output_bytes_limit_(options.output_bytes_limit),
        errors_bytes_limit_(options.errors_bytes_limit),
        memory_bytes_limit_(options.memory_bytes_limit),
        grace_(options.grace),
        on_gone_(options.on_gone) {}

  // Takes over our ends of the pipes. If that fails the program has been
  // killed.
  absl::Status Begin(std::shared_ptr<Child> self, OwnedFd output,
                     OwnedFd errors);

  // Appends what can be read now. Returns false if there is nothing.
  absl::StatusOr<bool> TryRead(std::string* output);
  // The program is gone and all that it said was read.
  bool ended() const { return gone_ && !output_.fd.valid(); }
  WakeUp& wake_up() { return wake_up_; }
  // OK, or RESOURCE_EXHAUSTED once the program was killed for its memory.
  absl::Status WithinMemory() const;

  void Terminate();
  // Terminates the program, and keeps nothing more of what it says.
  void Abandon();

  pid_t pid() const { return pid_; }
  const End& end() const { return end_; }
  const std::string& errors() const { return errors_; }

 private:
  // Watches one descriptor and calls one function of the child.
  struct Watch final : IoWatcher {
    Watch(Child* child, void (Child::*on_io)()) : child(child), on_io(on_io) {}
    void OnIo(uint32_t) override { (child->*on_io)(); }

    Child* const child;
    void (Child::* const on_io)();
    OwnedFd fd;
  };

  absl::Status Open(Watch& watch, OwnedFd fd);
  void Close(Watch& watch);
  void OnOutput();
  void OnErrors();
  // Reads what one turn of the loop allows of the program's errors. Returns
  // false if there may be more.
  bool ReadErrors();
  void WatchMemory();
  void OnExit();
  void Reap();
  void Signal(int signal) const;
  // Kills the program, its group, and all that is or was below it.
  void Kill();

  EventLoop& loop_;
  const pid_t pid_;
  const size_t output_bytes_limit_;
  const size_t errors_bytes_limit_;
  const int64_t memory_bytes_limit_;
  const absl::Duration grace_;
  const std::function<void()> on_gone_;

  Watch output_{this, &Child::OnOutput};
  Watch error_output_{this, &Child::OnErrors};
  Watch process_{this, &Child::OnExit};  // Its descriptor is a pidfd.
  Timer kill_{[this] { Kill(); }};
  // What the program had started when it was asked to end: a process that has
  // left its group does not get the group's signals.
  std::optional<ProcessTree> started_;
  Timer look_at_memory_{[this] { WatchMemory(); }};
  WakeUp wake_up_;
  std::shared_ptr<Child> self_;  // Keeps this alive until the program is gone.

  size_t output_bytes_ = 0;
  bool output_ready_ = true;
  bool terminating_ = false;
  bool over_memory_ = false;
  bool gone_ = false;
  End end_;
  std::string errors_;
};

absl::Status Subprocess::Child::Begin(std::shared_ptr<Child> self,
                                      OwnedFd output, OwnedFd errors) {
  self_ = std::move(self);
  // Only we wait for our children, so the id is still the program's.
  absl::Status status = Open(process_, OpenProcess(pid_));
  if (status.ok()) status = Open(output_, std::move(output));
  if (status.ok()) status = Open(error_output_, std::move(errors));
  if (status.ok()) {
    if (memory_bytes_limit_ > 0) {
      loop_.ArmTimer(look_at_memory_, kMemoryWatchPeriod);
    }
    return status;
  }
  Signal(SIGKILL);
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED);
  gone_ = true;
  for (Watch* watch : {&process_, &output_, &error_output_}) Close(*watch);
  self_.reset();
  return status;
}

absl::Status Subprocess::Child::Open(Watch& watch, OwnedFd fd) {
  if (!fd.valid()) return absl::ErrnoToStatus(errno, "pidfd_open");
  GATEWAY_RETURN_IF_ERROR(loop_.Watch(fd.get(), &watch));
  watch.fd = std::move(fd);
  return absl::OkStatus();
}

void Subprocess::Child::Close(Watch& watch) {
  if (!watch.fd.valid()) return;
  loop_.Unwatch(watch.fd.get(), &watch);
  watch.fd.Close();
}

void Subprocess::Child::Signal(int signal) const {
  // As long as the program is not waited for, its id is that of its group and
  // of nothing else.
  if (!gone_) kill(-pid_, signal);
}

void Subprocess::Child::Kill() {
  if (started_.has_value()) started_->Kill();
  ProcessTree(pid_).Kill();
  Signal(SIGKILL);
}

void Subprocess::Child::OnOutput() {
  output_ready_ = true;
  wake_up_.Set();
}

absl::StatusOr<bool> Subprocess::Child::TryRead(std::string* output) {
  GATEWAY_RETURN_IF_ERROR(WithinMemory());
  // What was said before the program ended is in the pipe when its end is
  // noticed.
  while (output_.fd.valid() && (output_ready_ || gone_)) {
    const Block block = loop_.blocks().Take();
    const ssize_t got = read(output_.fd.get(), block.data(), Block::capacity());
    if (got > 0) {
      output_bytes_ += static_cast<size_t>(got);
      if (output_bytes_ > output_bytes_limit_) {
        Terminate();
        return absl::ResourceExhaustedError(
            absl::StrCat("the program says more than the limit of ",
                         output_bytes_limit_, " bytes"));
      }
      output->append(block.data(), static_cast<size_t>(got));
      return true;
    }
    if (got < 0 && errno == EINTR) continue;
    output_ready_ = false;
    // Once the program is gone its pipe is closed, even if another process
    // holds the other end open.
    if (gone_ || got == 0 || errno != EAGAIN) Close(output_);
  }
  return false;
}

void Subprocess::Child::OnErrors() {
  if (ReadErrors()) return;
  // The watch is edge-triggered: for what is there already no event would come.
  loop_.Post([self = self_] {
    if (self != nullptr) self->OnErrors();
  });
}

bool Subprocess::Child::ReadErrors() {
  // A program that writes as fast as this reads would otherwise keep the loop.
  for (int i = 0; i < kErrorReadsPerTurn; ++i) {
    if (!error_output_.fd.valid()) return true;
    const Block block = loop_.blocks().Take();
    const ssize_t got =
        read(error_output_.fd.get(), block.data(), Block::capacity());
    if (got > 0) {
      const size_t room = errors_bytes_limit_ - errors_.size();
      errors_.append(block.data(), std::min(static_cast<size_t>(got), room));
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    Close(error_output_);
  }
  return false;
}

absl::Status Subprocess::Child::WithinMemory() const {
  if (!over_memory_) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the program has more memory than the limit of ",
                   memory_bytes_limit_, " bytes"));
}

void Subprocess::Child::WatchMemory() {
  if (ResidentBytesOfTree(pid_) <= memory_bytes_limit_) {
    loop_.ArmTimer(look_at_memory_, kMemoryWatchPeriod);
    return;
  }
  over_memory_ = true;
  Kill();
  wake_up_.Set();
}

void Subprocess::Child::OnExit() {
  // The dead leader still holds the group's id until it is waited for.
  siginfo_t info{};
  const int found = waitid(P_PID, static_cast<id_t>(pid_), &info,
                           WEXITED | WNOHANG | WNOWAIT);
  if (found == 0 && info.si_pid == 0) return;
  Kill();
  Reap();
}

void Subprocess::Child::Reap() {
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG);
  gone_ = true;
  if (info.si_code == CLD_EXITED) {
    end_.code = info.si_status;
  } else {
    end_.signal = info.si_status;
  }
  kill_.Cancel();
  look_at_memory_.Cancel();
  ReadErrors();
  Close(error_output_);
  Close(process_);
  if (on_gone_) on_gone_();
  wake_up_.Set();
  self_.reset();  // May destroy this.
}

void Subprocess::Child::Terminate() {
  if (gone_ || terminating_) return;
  terminating_ = true;
  started_.emplace(pid_);
  Signal(SIGTERM);
  loop_.ArmTimer(kill_, grace_);
}

void Subprocess::Child::Abandon() {
  Close(output_);
  Close(error_output_);
  Terminate();
}

absl::StatusOr<std::unique_ptr<Subprocess>> Subprocess::Start(EventLoop& loop,
                                                              Options options) {
  assert(!options.command.empty());
  GATEWAY_ASSIGN_OR_RETURN(const OwnedFd input, MakeInput(options.input));
  GATEWAY_ASSIGN_OR_RETURN(Pipe output, MakePipe());
  GATEWAY_ASSIGN_OR_RETURN(Pipe errors, MakePipe());
  Launch launch;
  launch.Give(input, STDIN_FILENO);
  launch.Give(output.theirs, STDOUT_FILENO);
  launch.Give(errors.theirs, STDERR_FILENO);
  GATEWAY_ASSIGN_OR_RETURN(const pid_t pid, launch.Start(options));
  auto child = std::make_shared<Child>(loop, pid, options);
  GATEWAY_RETURN_IF_ERROR(
      child->Begin(child, std::move(output.ours), std::move(errors.ours)));
  return std::unique_ptr<Subprocess>(new Subprocess(std::move(child)));
}

Subprocess::Subprocess(std::shared_ptr<Child> child)
    : child_(std::move(child)) {}

Subprocess::~Subprocess() { child_->Abandon(); }

Task<absl::StatusOr<bool>> Subprocess::Read(std::string* output,
                                            CancelSignal& cancel) {
  Child& child = *child_;
  CancelListener listener(cancel, [&child] { child.wake_up().Set(); });
  while (!child.ended()) {
    if (cancel.cancelled()) co_return cancel.status();
    const absl::StatusOr<bool> got = child.TryRead(output);
    if (!got.ok()) co_return got.status();
    if (*got) co_return true;
    if (child.ended()) break;
    co_await child.wake_up().Wait();
  }
  GATEWAY_CO_RETURN_IF_ERROR(child.WithinMemory());
  co_return false;
}

void Subprocess::Terminate() { child_->Terminate(); }

const Subprocess::End& Subprocess::end() const {
  assert(child_->ended());
  return child_->end();
}

const std::string& Subprocess::errors() const { return child_->errors(); }

pid_t Subprocess::pid() const { return child_->pid(); }

}  // namespace gateway
