#include "base/async/file_watcher.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;

// A link that leads to itself ends after so many, as in the kernel.
constexpr int kLinksMax = 40;

// Of the folder of a file.
constexpr uint32_t kFileEvents = IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE |
                                 IN_DELETE | IN_DELETE_SELF | IN_MOVED_FROM |
                                 IN_MOVED_TO | IN_MOVE_SELF | IN_ONLYDIR;

// Of a folder in which only the way goes on: who writes a file there changes
// nothing.
constexpr uint32_t kWayEvents = IN_CREATE | IN_DELETE | IN_DELETE_SELF |
                                IN_MOVED_FROM | IN_MOVED_TO | IN_MOVE_SELF |
                                IN_ONLYDIR;

// These concern the folder itself, and so every file in it.
constexpr uint32_t kOfTheFolder =
    IN_DELETE_SELF | IN_IGNORED | IN_MOVE_SELF | IN_Q_OVERFLOW | IN_UNMOUNT;

}  // namespace

FileWatcher::FileWatcher(std::function<void()> on_change)
    : loop_(*EventLoop::Current()),
      on_change_(std::move(on_change)),
      quiet_([this] { OnQuiet(); }) {}

FileWatcher::~FileWatcher() {
  if (inotify_ < 0) return;
  loop_.Unwatch(inotify_, this);
  close(inotify_);
}

absl::Status FileWatcher::Watch(std::vector<std::string> paths) {
  if (paths == paths_ && inotify_ >= 0) return absl::OkStatus();
  paths_ = std::move(paths);
  // What has happened and was not told yet would be forgotten.
  if (inotify_ >= 0) OnIo(0);
  return WatchAgain();
}

absl::Status FileWatcher::WatchAgain() {
  // Made anew, so that nothing is left of what led elsewhere before.
  names_.clear();
  if (inotify_ >= 0) {
    loop_.Unwatch(inotify_, this);
    close(inotify_);
  }
  inotify_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (inotify_ < 0) {
    return absl::ErrnoToStatus(errno, "cannot watch files");
  }
  absl::Status status = loop_.Watch(inotify_, this);
  for (const std::string& path : paths_) status.Update(WatchPath(path));
  return status;
}

absl::Status FileWatcher::WatchPath(const std::string& path) {
  std::error_code error;
  fs::path at = "/";  // The folder that was reached, without links.
  const fs::path whole = fs::absolute(path, error);
  std::deque<fs::path> ahead(whole.begin(), whole.end());
  int links = 0;
  while (!ahead.empty()) {
    const fs::path name = std::move(ahead.front());
    ahead.pop_front();
    if (name.empty() || name == "." || name == "/") continue;
    if (name == "..") {
      at = at.parent_path();
      continue;
    }
    const fs::path next = at / name;
    // Before it is looked at, so that what becomes of it then is told. The last
    // of the way may be written to, wherever links lead; one before it may be
    // exchanged, with all that is in it.
    const bool is_last = ahead.empty();
    const absl::Status watched = WatchName(at.string(), name.string(),
                                           is_last ? kFileEvents : kWayEvents);
    const fs::file_status kind = fs::symlink_status(next, error);
    const bool is_link = kind.type() == fs::file_type::symlink;
    const bool is_folder = kind.type() == fs::file_type::directory;
    // Who may pass through a folder may still not list it.
    if (!watched.ok() && (is_last || !(is_folder || is_link))) return watched;
    if (!is_link && !is_folder) return absl::OkStatus();
    if (is_folder) {
      at = next;
      continue;
    }
    if (++links > kLinksMax) return absl::OkStatus();
    const fs::path target = fs::read_symlink(next, error);
    if (error) return absl::OkStatus();
    if (target.is_absolute()) at = "/";
    ahead.insert(ahead.begin(), target.begin(), target.end());
  }
  return absl::OkStatus();
}

absl::Status FileWatcher::WatchName(const std::string& folder,
                                    const std::string& name, uint32_t events) {
  // Several files' ways may lead through a folder.
  const int number =
      inotify_add_watch(inotify_, folder.c_str(), events | IN_MASK_ADD);
  if (number < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot watch ", folder));
  }
  names_[number].insert(name);
  return absl::OkStatus();
}

bool FileWatcher::TakeEvents() {
  constexpr size_t kBufferBytes = 16 * (sizeof(inotify_event) + NAME_MAX + 1);
  alignas(inotify_event) char buffer[kBufferBytes];
  bool concerns = false;
  for (;;) {
    const ssize_t got = read(inotify_, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return concerns;
    for (ssize_t at = 0; at < got;) {
      const auto* const event =
          reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      const auto folder = names_.find(event->wd);
      const bool overflow = (event->mask & IN_Q_OVERFLOW) != 0;
      if (folder == names_.end() && !overflow) continue;
      concerns = concerns || (event->mask & kOfTheFolder) != 0 ||
                 (event->len > 0 && folder->second.count(event->name) > 0);
    }
  }
}

void FileWatcher::OnIo(uint32_t) {
  if (!TakeEvents()) return;
  const absl::Duration now = loop_.Now();
  if (!quiet_.armed()) told_by_ = now + kPatience;
  loop_.timers().Arm(quiet_, std::min(now + kQuiet, told_by_));
}

void FileWatcher::OnQuiet() {
  // Before it is told, so that what changes from here on is told again. Of what
  // cannot be watched whoever calls Watch next is told.
  WatchAgain().IgnoreError();
  on_change_();
}

}  // namespace gateway
