// ReloadThread has a thread of its own on which the configuration is loaded
// again: when files change, if the configuration says so, and when it is told.
// There, too, snapshots are destroyed that no call holds any more.
//
//   ReloadThread thread(reloader, [&] { CloseUnusedConnections(); });
//   GATEWAY_RETURN_IF_ERROR(thread.Start());
//   ...
//   thread.Poke();  // As SIGHUP does.
//
// Thread contract: Start and destruction by one thread; Poke by any.

#ifndef SERVICE_RELOAD_RELOAD_THREAD_H_
#define SERVICE_RELOAD_RELOAD_THREAD_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/file_watcher.h"
#include "base/async/timer_wheel.h"
#include "base/os/thread.h"
#include "service/reload/config_reloader.h"

namespace gateway {

class ReloadThread {
 public:
  // Borrows `reloader`, which has begun. `on_released` is called on the thread
  // after snapshots were destroyed.
  ReloadThread(ConfigReloader& reloader, std::function<void()> on_released);
  // Waits for a load that is under way.
  ~ReloadThread();

  ReloadThread(const ReloadThread&) = delete;
  ReloadThread& operator=(const ReloadThread&) = delete;

  absl::Status Start();

  // Loads the configuration again soon.
  void Poke();

 private:
  // How often it is looked whether a snapshot is held no more.
  static constexpr absl::Duration kReleaseInterval = absl::Milliseconds(200);

  // Watches the files that are named now. What is named for the first time was
  // read before it was watched, and so is read again.
  void WatchFiles();
  void ReleaseRetired();

  ConfigReloader& reloader_;
  const std::function<void()> on_released_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<FileWatcher> watcher_;  // Made and destroyed on the loop.
  std::vector<std::string> watched_;      // Sorted; on the loop.
  Timer release_;
  std::unique_ptr<ConfigReloader::Subscription> subscription_;
  Thread thread_;
};

}  // namespace gateway

#endif  // SERVICE_RELOAD_RELOAD_THREAD_H_
