#include "base/async/blocking_worker.h"

#include "absl/strings/str_cat.h"

namespace gateway {

BlockingWorker::BlockingWorker(const Options& options)
    : waiting_limit_(options.waiting_limit),
      thread_(options.name, [this] { Serve(); }) {}

BlockingWorker::~BlockingWorker() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.Join();
}

bool BlockingWorker::Enqueue(std::function<void()> work) {
  MutexLock lock(mu_);
  if (waiting_.size() >= waiting_limit_) return false;
  waiting_.push_back(std::move(work));
  changed_.NotifyOne();
  return true;
}

absl::Status BlockingWorker::Full() const {
  return absl::ResourceExhaustedError(
      absl::StrCat(waiting_limit_, " pieces of work wait already"));
}

void BlockingWorker::Serve() {
  for (;;) {
    std::function<void()> work;
    {
      MutexLock lock(mu_);
      while (waiting_.empty() && !stopping_) changed_.Wait(lock);
      if (stopping_) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    work();
  }
}

}  // namespace gateway
