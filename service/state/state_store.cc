#include "service/state/state_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/os/clock.h"
#include "base/os/file.h"
#include "base/os/logging.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;

constexpr char kLockFile[] = ".lock";
// Stands between a document's name and when it was set aside.
constexpr char kDamagedMark[] = ".damaged-";
constexpr size_t kNameBytesMax = 64;

// For assertions.
[[maybe_unused]] bool IsDocumentName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && name[0] != '.' &&
         !IsDraftName(name) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) ||
                  c == '-' || c == '_' || c == '.';
         });
}

absl::Status At(const std::string& path, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(path, ": ", status.message()));
}

// What became of a document at `path`, as ReplaceFile or RemoveFile has said.
absl::Status Kept(const std::string& path, const absl::Status& status) {
  if (!absl::IsDataLoss(status)) return At(path, status);
  // The next start finds it so: it has to be in force.
  Log(LogLevel::kError, "state",
      "what was kept is in force, and may be lost when the machine loses power",
      {{"file", path}, {"error", status}});
  return absl::OkStatus();
}

// Returns a descriptor that holds the lock.
absl::StatusOr<int> Lock(const std::string& folder) {
  const std::string path = absl::StrCat(folder, "/", kLockFile);
  const int file =
      open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  }
  auto close_file = absl::MakeCleanup([file] { close(file); });
  while (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) {
      return absl::FailedPreconditionError(absl::StrCat(
          folder,
          ": another process keeps its state here; give each gateway "
          "a folder of its own"));
    }
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot lock ", path));
  }
  std::move(close_file).Cancel();
  return file;
}

// What a process that was killed has left. One that cannot be removed is in
// nobody's way.
void RemoveDrafts(const std::string& folder) {
  std::error_code error;
  for (fs::directory_iterator each(folder, error), end; each != end && !error;
       each.increment(error)) {
    if (!IsDraftName(each->path().filename().native())) continue;
    std::error_code of_this;
    if (!each->is_regular_file(of_this)) continue;
    fs::remove(each->path(), of_this);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateStore>> StateStore::Open(
    const std::string& folder) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::ErrnoToStatus(errno,
                               absl::StrCat("cannot make the folder ", folder));
  }
  absl::StatusOr<int> lock = Lock(folder);
  if (!lock.ok()) return lock.status();
  RemoveDrafts(folder);
  std::unique_ptr<StateStore> store(new StateStore(folder, *lock));
  store->FindDamaged();
  return store;
}

StateStore::StateStore(std::string folder, int lock)
    : folder_(std::move(folder)),
      lock_(lock),
      writer_("state", [this] { WriteWhatComes(); }) {}

StateStore::~StateStore() {
  Close();
  if (lock_ >= 0) close(lock_);
}

void StateStore::Close() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  writer_.Join();
}

std::string StateStore::PathOf(std::string_view name) const {
  assert(IsDocumentName(name));
  return absl::StrCat(folder_, "/",
                      absl::string_view(name.data(), name.size()));
}

absl::StatusOr<std::optional<std::string>> StateStore::Read(
    std::string_view name) const {
  if (!is_persistent()) return std::nullopt;
  const std::string path = PathOf(name);
  absl::StatusOr<std::string> bytes = ReadFile(path, kStateDocumentBytesLimit);
  if (absl::IsNotFound(bytes.status())) return std::nullopt;
  if (!bytes.ok()) return At(path, bytes.status());
  return *std::move(bytes);
}

void StateStore::Restore(
    std::string_view name, std::string_view otherwise,
    const std::function<absl::Status(std::string_view)>& take) {
  const absl::StatusOr<std::optional<std::string>> bytes = Read(name);
  absl::Status status = bytes.status();
  if (status.ok() && bytes->has_value()) status = take(**bytes);
  if (!status.ok()) SetAside(name, otherwise, status);
}

void StateStore::SetAside(std::string_view name, std::string_view otherwise,
                          const absl::Status& why) {
  const std::string path = PathOf(name);
  std::string kept = absl::StrCat(
      path, kDamagedMark,
      absl::FormatTime("%Y%m%dT%H%M%E3SZ", SystemClock().WallTime(),
                       absl::UTCTimeZone()));
  {
    MutexLock disk(disk_);
    // One that cannot be moved is there until it is written again.
    if (rename(path.c_str(), kept.c_str()) != 0) kept = path;
  }
  FindDamaged();
  {
    MutexLock lock(mu_);
    if (kept == path) damaged_.push_back(path);
  }
  Log(LogLevel::kError, "state", otherwise,
      {{"file", path}, {"kept_as", kept}, {"error", why}});
}

void StateStore::FindDamaged() {
  if (!is_persistent()) return;
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator each(folder_, error), end; each != end && !error;
       each.increment(error)) {
    const std::string path = each->path().native();
    if (path.find(kDamagedMark, folder_.size()) == std::string::npos) continue;
    found.push_back(path);
  }
  std::sort(found.begin(), found.end());
  if (found.size() > kDamagedMax) found.resize(kDamagedMax);
  MutexLock lock(mu_);
  damaged_ = std::move(found);
}

std::vector<std::string> StateStore::damaged() const {
  MutexLock lock(mu_);
  return damaged_;
}

absl::Status StateStore::Write(std::string_view name, std::string_view bytes) {
  if (!is_persistent()) return absl::OkStatus();
  MutexLock disk(disk_);
  Supersede(name);
  return WriteUnderLock(name, bytes);
}

absl::Status StateStore::WriteThen(std::string_view name,
                                   const std::function<std::string()>& make,
                                   const std::function<void()>& then) {
  MutexLock disk(disk_);
  if (is_persistent()) {
    // Before it is made: what changes from here on is written after it.
    Supersede(name);
    const absl::Status written = WriteUnderLock(name, make());
    if (!written.ok()) return written;
  }
  PutIntoForce(then);
  return absl::OkStatus();
}

void StateStore::PutIntoForce(const std::function<void()>& change) {
  MutexLock lock(force_);
  change();
}

absl::Status StateStore::WriteUnderLock(std::string_view name,
                                        std::string_view bytes) {
  const std::string path = PathOf(name);
  if (bytes.size() > kStateDocumentBytesLimit) {
    return absl::ResourceExhaustedError(absl::StrCat(
        path, ": would be larger than ", kStateDocumentBytesLimit, " bytes"));
  }
  return Kept(path, ReplaceFile(path, bytes, FileReaders::kOwner));
}

void StateStore::WriteSoon(std::string_view name,
                           std::function<std::string()> make) {
  if (!is_persistent()) return;
  assert(IsDocumentName(name));
  {
    MutexLock lock(mu_);
    waiting_.insert_or_assign(std::string(name), std::move(make));
  }
  changed_.NotifyAll();
}

void StateStore::WriteEvery(std::string_view name, absl::Duration interval,
                            std::function<std::string()> make) {
  if (!is_persistent()) return;
  assert(IsDocumentName(name) && interval > absl::ZeroDuration());
  {
    MutexLock lock(mu_);
    recurring_.push_back({.name = std::string(name),
                          .interval = interval,
                          .make = std::move(make),
                          .due = SystemClock().SteadyTime() + interval});
  }
  changed_.NotifyAll();
}

absl::Status StateStore::Remove(std::string_view name) {
  if (!is_persistent()) return absl::OkStatus();
  const std::string path = PathOf(name);
  MutexLock disk(disk_);
  Supersede(name);
  return Kept(path, RemoveFile(path));
}

void StateStore::Supersede(std::string_view name) {
  MutexLock lock(mu_);
  const auto found = waiting_.find(name);
  if (found != waiting_.end()) waiting_.erase(found);
}

absl::Duration StateStore::TakeDue(bool last_time) {
  const absl::Duration now = SystemClock().SteadyTime();
  absl::Duration next = absl::InfiniteDuration();
  for (Recurring& each : recurring_) {
    if (last_time || each.due <= now) {
      waiting_.insert_or_assign(each.name, each.make);
      each.due = now + each.interval;
    }
    next = std::min(next, each.due - now);
  }
  if (last_time) recurring_.clear();
  return next;
}

void StateStore::WriteWhatComes() {
  for (;;) {
    {
      MutexLock lock(mu_);
      absl::Duration next = TakeDue(stopping_);
      while (waiting_.empty() && !stopping_) {
        changed_.WaitFor(lock, next);
        next = TakeDue(stopping_);
      }
      if (waiting_.empty()) return;
    }
    while (WriteNext()) {
    }
  }
}

bool StateStore::WriteNext() {
  // Taken before the document is, so that a Write that comes meanwhile is the
  // later one.
  MutexLock disk(disk_);
  std::string name;
  std::function<std::string()> make;
  {
    MutexLock lock(mu_);
    if (waiting_.empty()) return false;
    auto node = waiting_.extract(waiting_.begin());
    name = std::move(node.key());
    make = std::move(node.mapped());
  }
  const std::string bytes = make();
  const absl::Status written =
      bytes.empty() ? absl::OkStatus() : WriteUnderLock(name, bytes);
  if (!written.ok()) {
    Log(LogLevel::kError, "state",
        "what is in use could not be kept, and will be lost with the process",
        {{"error", written}});
  }
  return true;
}

}  // namespace gateway
