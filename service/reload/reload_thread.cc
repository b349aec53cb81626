#include "service/reload/reload_thread.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/async/latch.h"
#include "base/os/logging.h"
#include "base/status_macros.h"

namespace gateway {

ReloadThread::ReloadThread(ConfigReloader& reloader,
                           std::function<void()> on_released)
    : reloader_(reloader),
      on_released_(std::move(on_released)),
      release_([this] { ReleaseRetired(); }) {}

ReloadThread::~ReloadThread() {
  subscription_.reset();
  if (loop_ == nullptr) return;
  Latch done;
  loop_->Post([this, &done] {
    watcher_.reset();
    release_.Cancel();
    done.Open();
  });
  done.Wait();
  loop_->Stop();
  thread_.Join();
}

absl::Status ReloadThread::Start() {
  GATEWAY_ASSIGN_OR_RETURN(loop_, EventLoop::Create());
  thread_ = Thread("reload", [this] { loop_->Run(); });
  Latch watching;
  loop_->Post([this, &watching] {
    watcher_ = std::make_unique<FileWatcher>(
        [this] { reloader_.Reload(ConfigReloader::Trigger::kFiles); });
    WatchFiles();
    watching.Open();
    // It was read before it was watched.
    if (reloader_.watches_files() && reloader_.FileIsOther()) {
      reloader_.Reload(ConfigReloader::Trigger::kFiles);
    }
  });
  watching.Wait();
  // Whoever loaded it: other files may be named now.
  subscription_ = reloader_.Subscribe([this] {
    loop_->Post([this] {
      WatchFiles();
      if (!release_.armed()) loop_->ArmTimer(release_, kReleaseInterval);
    });
  });
  return absl::OkStatus();
}

void ReloadThread::Poke() {
  loop_->Post([this] { reloader_.Reload(ConfigReloader::Trigger::kSignal); });
}

void ReloadThread::WatchFiles() {
  if (watcher_ == nullptr) return;
  std::vector<std::string> files;
  if (reloader_.watches_files()) files = reloader_.Files();
  const bool named_anew = !std::includes(watched_.begin(), watched_.end(),
                                         files.begin(), files.end());
  const bool is_first = watched_.empty();
  watched_ = files;
  const absl::Status watched = watcher_->Watch(std::move(files));
  if (!watched.ok()) {
    Log(LogLevel::kWarn, "config",
        "changes of files may not be noticed; SIGHUP loads them",
        {{"error", watched}});
  }
  if (named_anew && !is_first) {
    reloader_.Reload(ConfigReloader::Trigger::kFiles);
  }
}

void ReloadThread::ReleaseRetired() {
  bool released = false;
  const bool others = reloader_.ReleaseRetired(&released);
  if (released) on_released_();
  if (others) loop_->ArmTimer(release_, kReleaseInterval);
}

}  // namespace gateway
