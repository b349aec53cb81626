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

// What work returns that has nothing but a status to tell: as the value of an
// absl::StatusOr, an absl::Status could not be told from its failure.
struct WorkStatus {
  absl::Status status;
};

class BlockingWorker {
 public:
  struct Options {
    std::string_view name = "worker";  // Names the thread; as for Thread.
    // How many pieces may wait while another runs; Run refuses further ones.
    size_t waiting_limit = 16;
  };

  explicit BlockingWorker(const Options& options);
  // Waits for the work under way and forgets what has not begun; nobody may
  // wait for that any more.
  ~BlockingWorker();

  BlockingWorker(const BlockingWorker&) = delete;
  BlockingWorker& operator=(const BlockingWorker&) = delete;

  // Returns what `work` returns; RESOURCE_EXHAUSTED at once if `waiting_limit`
  // pieces wait already; or what `cancel` fires with, at once, while work that
  // has begun runs on.
  template <typename Work>
  Task<absl::StatusOr<std::invoke_result_t<Work&>>> Run(Work work,
                                                        CancelSignal& cancel);

 private:
  template <typename Work>
  struct Job {
    explicit Job(Work work) : work(std::move(work)) {}

    // Written on the worker's thread; read on the loop's once `done` is set.
    Work work;
    std::optional<std::invoke_result_t<Work&>> result;

    // Guards the way back: `abandoned` is set when the caller has given up,
    // after which the loop may be gone and nothing is posted to it.
    Mutex mu;
    bool abandoned GUARDED_BY(mu) = false;

    // Used on the loop's thread only.
    bool done = false;
    WakeUp wake_up;
  };

  // Returns false, and keeps nothing, if `waiting_limit` pieces wait.
  bool Enqueue(std::function<void()> work) LOCKS_EXCLUDED(mu_);
  absl::Status Full() const;
  void Serve() LOCKS_EXCLUDED(mu_);

  const size_t waiting_limit_;

  Mutex mu_;
  CondVar changed_;
  std::deque<std::function<void()>> waiting_ GUARDED_BY(mu_);
  bool stopping_ GUARDED_BY(mu_) = false;
  Thread thread_;  // Declared last, since it uses all of the above.
};

template <typename Work>
Task<absl::StatusOr<std::invoke_result_t<Work&>>> BlockingWorker::Run(
    Work work, CancelSignal& cancel) {
  static_assert(
      !std::is_same_v<std::invoke_result_t<Work&>, absl::Status>,
      "return a WorkStatus");
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
