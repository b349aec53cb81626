// FileWatcher tells that one of some files may have another content: it was
// written, replaced by a rename as editors do, removed or made, or a folder or
// link on the way to it, however far up, is another or leads elsewhere, as
// where Kubernetes exchanges `..data`.
//
//   FileWatcher watcher([] { Reload(); });
//   GATEWAY_RETURN_IF_ERROR(watcher.Watch({"/etc/gateway/gateway.yaml"}));
//
// It tells once for changes that come close upon each other: when none has come
// for a while, and after a second while some go on. What it tells of may have
// changed nothing.
//
// Not seen is what another machine changes on a file system that both share,
// what is mounted over a folder, and, of a folder that this process may pass
// through and not list, that another takes its name.
//
// Thread contract: one event loop. Watch blocks on the file system: the loop is
// one that no call waits for.

#ifndef BASE_ASYNC_FILE_WATCHER_H_
#define BASE_ASYNC_FILE_WATCHER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"

namespace gateway {

class FileWatcher final : private IoWatcher {
 public:
  // Used on the calling thread's loop.
  explicit FileWatcher(std::function<void()> on_change);
  ~FileWatcher();

  FileWatcher(const FileWatcher&) = delete;
  FileWatcher& operator=(const FileWatcher&) = delete;

  // Watches these files from now on, and no others. They need not be there.
  // RESOURCE_EXHAUSTED and others as the system says: then it may tell of
  // nothing.
  absl::Status Watch(std::vector<std::string> paths);

 private:
  // How long nothing must have happened, and how long it is waited for that.
  static constexpr absl::Duration kQuiet = absl::Milliseconds(100);
  static constexpr absl::Duration kPatience = absl::Seconds(1);

  void OnIo(uint32_t epoll_events) override;
  // Takes in what the kernel tells; returns whether it concerns a file.
  bool TakeEvents();
  void OnQuiet();

  absl::Status WatchAgain();
  absl::Status WatchPath(const std::string& path);
  // Watches for `name` in the folder; `events` are the kernel's.
  absl::Status WatchName(const std::string& folder, const std::string& name,
                         uint32_t events);

  EventLoop& loop_;
  const std::function<void()> on_change_;
  std::vector<std::string> paths_;
  int inotify_ = -1;
  // By the kernel's number of a folder: the names in it that matter.
  std::map<int, std::set<std::string>> names_;
  Timer quiet_;
  absl::Duration told_by_;  // When to tell at the latest; steady.
};

}  // namespace gateway

#endif  // BASE_ASYNC_FILE_WATCHER_H_
