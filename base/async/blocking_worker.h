// BlockingWorker runs work that blocks, or takes long, on a thread of its own,
// so that no event loop has to. One piece runs at a time, in the order they
// came, and only so many wait.
//
//   BlockingWorker worker({.name = "config", .waiting_limit = 16});
//   ...
//   const absl::StatusOr<Reading> reading = co_await worker.Run(
//       [text] { return ReadSlowly(text); }, call.cancel());
//
// The work owns all that it uses: when its caller is cancelled it goes on
// without him, or is not begun.
//
// Thread contract: Run from any loop, which may end before the worker does; the
// work runs on the worker's thread.

#ifndef BASE_ASYNC_BLOCKING_WORKER_H_
#define BASE_ASYNC_BLOCKING_WORKER_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/mutex.h"
#include "base/os/thread.h"

namespace gateway {

class BlockingWorker {
 public:
  struct Options {
    std::string_view name = "worker";  // As of Thread.
    // Pieces of work that wait while another runs.
    size_t waiting_limit = 16;
  };

  explicit BlockingWorker(const Options& options);
  // Waits for the work under way and forgets what has not begun; nobody may
  // wait for that any more.
  ~BlockingWorker();

  BlockingWorker(const BlockingWorker&) = delete;
  BlockingWorker& operator=(const BlockingWorker&) = delete;

  // What `work` returns. RESOURCE_EXHAUSTED at once if too many wait already,
  // and at once what `cancel` fires with.
  template <typename Work>
  Task<absl::StatusOr<std::invoke_result_t<Work&>>> Run(Work work,
                                                        CancelSignal& cancel);

 private:
  template <typename Work>
  struct Job {
    explicit Job(Work work) : work(std::move(work)) {}

    // Worker's thread, then the loop's once `done` is set.
    Work work;
    std::optional<std::invoke_result_t<Work&>> result;

    // The loop may be gone once it has given up.
    Mutex mu;
    bool abandoned GUARDED_BY(mu) = false;

    // Loop thread.
    bool done = false;
    WakeUp wake_up;
  };

  // False if too many wait.
  bool Enqueue(std::function<void()> work) LOCKS_EXCLUDED(mu_);
  absl::Status Full() const;
  void Serve() LOCKS_EXCLUDED(mu_);

  const size_t waiting_limit_;

  Mutex mu_;
  CondVar changed_;
  std::deque<std::function<void()>> waiting_ GUARDED_BY(mu_);
  bool stopping_ GUARDED_BY(mu_) = false;
  Thread thread_;  // Last: it uses all of the above.
};

template <typename Work>
Task<absl::StatusOr<std::invoke_result_t<Work&>>> BlockingWorker::Run(
    Work work, CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  const auto job = std::make_shared<Job<Work>>(std::move(work));
  EventLoop* const loop = EventLoop::Current();
  const bool taken = Enqueue([job, loop] {
    {
      MutexLock lock(job->mu);
      if (job->abandoned) return;
    }
    job->result.emplace(job->work());
    MutexLock lock(job->mu);
    if (job->abandoned) return;
    loop->Post([job] {
      job->done = true;
      job->wake_up.Set();
    });
  });
  if (!taken) co_return Full();
  CancelListener give_up(cancel, [&job] { job->wake_up.Set(); });
  co_await job->wake_up.Wait();
  if (job->done) co_return *std::move(job->result);
  {
    MutexLock lock(job->mu);
    job->abandoned = true;
  }
  co_return cancel.status();
}

}  // namespace gateway

#endif  // BASE_ASYNC_BLOCKING_WORKER_H_
