// A library to be preloaded into a program, whose disk fails and whose clock of
// the day is wrong, as another process says while it runs:
//
//   LD_PRELOAD=libmachine_faults.so MACHINE_FAULTS=control
//     MACHINE_FAULTS_FOLDER=/state [MACHINE_FAULTS_JOURNAL=journal] program
//
// `control` begins with the words of Control, which its writer may change at
// any time. What they say of the disk holds for the files within that folder
// and for the folder itself. The journal has what was done to those files, in
// its order: which of it a loss of power may take, its reader finds out
// (tests/testing/disk_journal.py).
//
// Thread-safe.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <string>
#include <string_view>

namespace {

using Word = std::atomic<int64_t>;
static_assert(sizeof(Word) == sizeof(int64_t) && Word::is_always_lock_free);

// Of the next `times` such calls each fails with `error`; of all, if negative.
struct Fault {
  Word error;
  Word times;
};

// As machine_faults.py has it.
struct Control {
  Word wall_offset_ns;
  Word is_stalled;  // Whether who syncs waits.
  Word stalled;     // How many wait now; told by the program.
  Word room_bytes;  // By so much files may grow; without limit if negative.
  Word syncs;       // How many there were; told by the program.
  // To write, or of what is to be made, removed or given another name.
  Fault open;
  Fault read;
  Fault write;  // And to cut off.
  Fault sync;
  Fault folder_sync;  // Of folders alone.
};

// As disk_journal.py has it.
enum class Did : int64_t {
  kOpen,      // The file, by its path, which follows.
  kWrite,     // What follows.
  kTruncate,  // To `offset` bytes.
  kSyncBegins,
  kSyncEnds,  // With the error `offset`.
  kRemove,    // The path that follows.
  kRename,    // As the two paths that follow say, a zero between them.
  kExchange,  // Likewise: each has the other's name.
};

struct Record {
  Did did;
  int64_t file;
  int64_t offset;
  int64_t bytes;    // How many follow.
  int64_t time_ns;  // Steady.
};

constexpr int kFilesMax = 1 << 16;
constexpr int64_t kNanosPerSecond = 1'000'000'000;

Control own_control{};
Control* control = &own_control;
std::string* folder = nullptr;
int journal = -1;
std::mutex journal_order;
// By descriptor: the number of a file within the folder, or 0.
std::array<std::atomic<int32_t>, kFilesMax> watched{};
std::atomic<int32_t> last_file{0};

// The function that would have been called.
template <typename Function>
class Next {
 public:
  explicit constexpr Next(const char* name) : name_(name) {}

  template <typename... Arguments>
  auto operator()(Arguments... arguments) {
    Function* found = found_.load(std::memory_order_relaxed);
    if (found == nullptr) {
      found = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name_));
      found_.store(found, std::memory_order_relaxed);
    }
    return found(arguments...);
  }

 private:
  const char* const name_;
  std::atomic<Function*> found_{nullptr};
};

constinit Next<int(const char*, int, mode_t)> next_open("open");
constinit Next<int(int)> next_close("close");
constinit Next<ssize_t(int, void*, size_t)> next_read("read");
constinit Next<ssize_t(int, void*, size_t, off_t)> next_pread("pread");
constinit Next<ssize_t(int, const void*, size_t)> next_write("write");
constinit Next<ssize_t(int, const void*, size_t, off_t)> next_pwrite("pwrite");
constinit Next<int(int, off_t)> next_ftruncate("ftruncate");
constinit Next<int(int)> next_fsync("fsync");
constinit Next<int(int)> next_fdatasync("fdatasync");
constinit Next<int(const char*)> next_unlink("unlink");
constinit Next<int(char*, int)> next_mkostemp("mkostemp");
constinit Next<int(const char*, const char*)> next_rename("rename");
constinit Next<int(int, const char*, int, const char*, unsigned)>
    next_renameat2("renameat2");

// Runs when all libraries are loaded; what was opened before is no file of the
// folder.
__attribute__((constructor)) void UseControl() {
  const char* const path = std::getenv("MACHINE_FAULTS");
  const char* const of = std::getenv("MACHINE_FAULTS_FOLDER");
  if (path == nullptr || of == nullptr) return;
  const int fd = next_open(path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) std::abort();
  void* const page =
      mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) std::abort();
  next_close(fd);
  control = static_cast<Control*>(page);
  folder = new std::string(of);
  const char* const written = std::getenv("MACHINE_FAULTS_JOURNAL");
  if (written == nullptr) return;
  journal = next_open(written, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
  if (journal < 0) std::abort();
}

// Whether this call is one that fails; then errno says why.
bool Fails(Fault& fault) {
  int64_t times = fault.times;
  while (times > 0 && !fault.times.compare_exchange_weak(times, times - 1)) {
  }
  if (times == 0) return false;
  errno = static_cast<int>(fault.error);
  return true;
}

bool IsWithin(const char* path) {
  if (folder == nullptr) return false;
  const std::string_view named = path;
  return named.substr(0, folder->size()) == *folder;
}

int32_t FileOf(int fd) {
  return fd >= 0 && fd < kFilesMax ? watched[fd].load() : 0;
}

int64_t SteadyNanos() {
  timespec now;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return now.tv_sec * kNanosPerSecond + now.tv_nsec;
}

// With journal_order held, or of what no other thread does.
void Tell(Did did, int64_t file, int64_t offset, std::string_view what,
          int64_t time_ns) {
  if (journal < 0) return;
  const Record record = {did, file, offset, static_cast<int64_t>(what.size()),
                         time_ns};
  std::string text(reinterpret_cast<const char*>(&record), sizeof(record));
  text.append(what);
  if (next_write(journal, text.data(), text.size()) !=
      static_cast<ssize_t>(text.size())) {
    std::abort();
  }
}

// With journal_order held. Returns `fd`, which was opened, if not negative.
int Watch(int fd, const char* path, int64_t time_ns) {
  if (fd < 0 || fd >= kFilesMax) return fd;
  const int32_t file = ++last_file;
  watched[fd] = file;
  Tell(Did::kOpen, file, 0, path, time_ns);
  return fd;
}

int Open(const char* path, int flags, mode_t mode) {
  if (!IsWithin(path)) return next_open(path, flags, mode);
  const bool writes = (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0;
  if (writes && Fails(control->open)) return -1;
  const std::lock_guard<std::mutex> lock(journal_order);
  const int64_t time = SteadyNanos();
  return Watch(next_open(path, flags, mode), path, time);
}

// What the C library opens for it is not opened by way of open() above.
int MakeTemporary(char* path, int flags) {
  if (!IsWithin(path)) return next_mkostemp(path, flags);
  if (Fails(control->open)) return -1;
  const std::lock_guard<std::mutex> lock(journal_order);
  const int64_t time = SteadyNanos();
  return Watch(next_mkostemp(path, flags), path, time);
}

// Both are within the folder, or neither.
int Rename(const char* from, const char* to, unsigned flags) {
  const auto rename_now = [&] {
    return flags == 0 ? next_rename(from, to)
                      : next_renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
  };
  if (!IsWithin(from)) return rename_now();
  if (Fails(control->open)) return -1;
  const std::lock_guard<std::mutex> lock(journal_order);
  const int64_t time = SteadyNanos();
  const int outcome = rename_now();
  if (outcome == 0) {
    const bool exchanges = (flags & RENAME_EXCHANGE) != 0;
    Tell(exchanges ? Did::kExchange : Did::kRename, 0, 0,
         std::string(from) + '\0' + to, time);
  }
  return outcome;
}

// How much of a write has room; -1 if nothing has.
ssize_t Room(int fd, size_t bytes, int64_t offset) {
  int64_t room = control->room_bytes;
  if (room < 0) return static_cast<ssize_t>(bytes);
  struct stat about;
  if (fstat(fd, &about) != 0) return -1;
  const int64_t end = offset + static_cast<int64_t>(bytes);
  const int64_t growth = end > about.st_size ? end - about.st_size : 0;
  const int64_t taken = growth < room ? growth : room;
  control->room_bytes = room - taken;
  const int64_t left = static_cast<int64_t>(bytes) - (growth - taken);
  if (left > 0) return left;
  errno = ENOSPC;
  return -1;
}

ssize_t Write(int fd, const void* data, size_t bytes, int64_t offset) {
  if (Fails(control->write)) return -1;
  const std::lock_guard<std::mutex> lock(journal_order);
  const ssize_t room = Room(fd, bytes, offset);
  if (room < 0) return -1;
  const int64_t time = SteadyNanos();
  const ssize_t written =
      next_pwrite(fd, data, static_cast<size_t>(room), offset);
  if (written > 0) {
    Tell(Did::kWrite, FileOf(fd), offset,
         {static_cast<const char*>(data), static_cast<size_t>(written)}, time);
  }
  return written;
}

bool IsFolder(int fd) {
  struct stat about;
  return fstat(fd, &about) == 0 && S_ISDIR(about.st_mode);
}

template <typename Function>
int Sync(Next<Function>& next, int fd) {
  const int32_t file = FileOf(fd);
  if (file == 0) return next(fd);
  {
    const std::lock_guard<std::mutex> lock(journal_order);
    Tell(Did::kSyncBegins, file, 0, {}, SteadyNanos());
  }
  ++control->stalled;
  while (control->is_stalled != 0) usleep(1000);
  --control->stalled;
  ++control->syncs;
  const bool fails = Fails(control->sync) ||
                     (IsFolder(fd) && Fails(control->folder_sync));
  const int outcome = fails ? -1 : next(fd);
  const int error = outcome == 0 ? 0 : errno;
  {
    const std::lock_guard<std::mutex> lock(journal_order);
    Tell(Did::kSyncEnds, file, error, {}, SteadyNanos());
  }
  errno = error;
  return outcome;
}

int Truncate(int fd, int64_t bytes) {
  const int32_t file = FileOf(fd);
  if (file == 0) return next_ftruncate(fd, bytes);
  if (Fails(control->write)) return -1;
  const std::lock_guard<std::mutex> lock(journal_order);
  const int64_t time = SteadyNanos();
  const int outcome = next_ftruncate(fd, bytes);
  if (outcome == 0) Tell(Did::kTruncate, file, bytes, {}, time);
  return outcome;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = va_arg(more, mode_t);
  va_end(more);
  return Open(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = va_arg(more, mode_t);
  va_end(more);
  return Open(path, flags, mode);
}

int mkostemp(char* path, int flags) { return MakeTemporary(path, flags); }
int mkostemp64(char* path, int flags) { return MakeTemporary(path, flags); }

int rename(const char* from, const char* to) { return Rename(from, to, 0); }

int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) {
  if (from_folder == AT_FDCWD && to_folder == AT_FDCWD) {
    return Rename(from, to, flags);
  }
  return next_renameat2(from_folder, from, to_folder, to, flags);
}

int close(int fd) {
  if (fd >= 0 && fd < kFilesMax) watched[fd] = 0;
  return next_close(fd);
}

ssize_t read(int fd, void* data, size_t bytes) {
  if (FileOf(fd) != 0 && Fails(control->read)) return -1;
  return next_read(fd, data, bytes);
}

ssize_t pread(int fd, void* data, size_t bytes, off_t offset) {
  if (FileOf(fd) != 0 && Fails(control->read)) return -1;
  return next_pread(fd, data, bytes, offset);
}

ssize_t pread64(int fd, void* data, size_t bytes, off_t offset) {
  return pread(fd, data, bytes, offset);
}

ssize_t write(int fd, const void* data, size_t bytes) {
  if (FileOf(fd) == 0) return next_write(fd, data, bytes);
  const off_t offset = lseek(fd, 0, SEEK_CUR);
  const ssize_t written = Write(fd, data, bytes, offset);
  if (written > 0) lseek(fd, offset + written, SEEK_SET);
  return written;
}

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  if (FileOf(fd) == 0) return next_pwrite(fd, data, bytes, offset);
  return Write(fd, data, bytes, offset);
}

ssize_t pwrite64(int fd, const void* data, size_t bytes, off_t offset) {
  return pwrite(fd, data, bytes, offset);
}

int ftruncate(int fd, off_t bytes) { return Truncate(fd, bytes); }
int ftruncate64(int fd, off_t bytes) { return Truncate(fd, bytes); }

int fsync(int fd) { return Sync(next_fsync, fd); }
int fdatasync(int fd) { return Sync(next_fdatasync, fd); }

int unlink(const char* path) {
  if (!IsWithin(path)) return next_unlink(path);
  if (Fails(control->open)) return -1;
  const std::lock_guard<std::mutex> lock(journal_order);
  const int64_t time = SteadyNanos();
  const int outcome = next_unlink(path);
  if (outcome == 0) Tell(Did::kRemove, 0, 0, path, time);
  return outcome;
}

int clock_gettime(clockid_t clock, timespec* now) {
  const long outcome = syscall(SYS_clock_gettime, clock, now);
  if (outcome == 0 &&
      (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    const int64_t nanos =
        now->tv_sec * kNanosPerSecond + now->tv_nsec + control->wall_offset_ns;
    now->tv_sec = nanos / kNanosPerSecond;
    now->tv_nsec = nanos % kNanosPerSecond;
  }
  return static_cast<int>(outcome);
}

int gettimeofday(timeval* now, void*) {
  timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* told) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (told != nullptr) *told = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
