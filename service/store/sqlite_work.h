// SqliteWork is a piece of work for a database's thread, and SqliteWorkQueue
// where such pieces wait: a coroutine waits for its own on its event loop, and
// a thread that may block does that.
//
//   SqliteWorkQueue queue("keys.db", {.pieces_limit = 100});
//   // On a loop:
//   const absl::StatusOr<int> count =
//       co_await AwaitSqliteWork(queue, 0, std::move(count_rows), cancel);
//   // On the database's thread:
//   for (const auto& piece : queue.TakeAll()) {
//     const absl::Status status = piece->Run(db);
//     piece->Tell(absl::OkStatus());
//   }
//
// (SqliteDatabase is what others use.) Work is called with the connection, and
// returns an absl::Status or an absl::StatusOr. It owns all that it uses, since
// its caller may leave it.
//
// Thread contract: as each says.

#ifndef SERVICE_STORE_SQLITE_WORK_H_
#define SERVICE_STORE_SQLITE_WORK_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "base/os/mutex.h"
#include "service/store/sqlite_connection.h"

namespace gateway {

// All of it is called on the database's thread.
class SqliteWork {
 public:
  virtual ~SqliteWork() = default;

  // Whether the caller has left; never false again once it was true.
  virtual bool abandoned() = 0;
  // Does the work; returns whether it failed, so that it is rolled back alone.
  virtual absl::Status Run(SqliteConnection& db) = 0;
  // Tells the caller, once: what the work has returned, or, if that is not OK,
  // `outcome`. REQUIRES: Run, unless abandoned or not OK.
  virtual void Tell(const absl::Status& outcome) = 0;
};

// Thread-safe.
class SqliteWorkQueue {
 public:
  struct Options {
    // How much may wait while other work runs. One that is alone may have more
    // bytes: a commit of all that a ledger has kept, say.
    size_t pieces_limit = 4096;
    size_t bytes_limit = size_t{64} * 1024 * 1024;
  };

  // `path` is for errors.
  SqliteWorkQueue(std::string path, const Options& options);

  SqliteWorkQueue(const SqliteWorkQueue&) = delete;
  SqliteWorkQueue& operator=(const SqliteWorkQueue&) = delete;

  // `bytes` is what the work holds. RESOURCE_EXHAUSTED at once, if that goes
  // over a limit; FAILED_PRECONDITION once the queue is closed.
  absl::Status Add(size_t bytes, std::shared_ptr<SqliteWork> work)
      LOCKS_EXCLUDED(mu_);

  // Waits for work, and takes all of it, or the first piece. Nothing once the
  // queue is closed and all was taken.
  std::vector<std::shared_ptr<SqliteWork>> TakeAll() LOCKS_EXCLUDED(mu_);
  std::shared_ptr<SqliteWork> TakeOne() LOCKS_EXCLUDED(mu_);

  // Refuses work from here on.
  void Close() LOCKS_EXCLUDED(mu_);

 private:
  struct Waiting {
    size_t bytes;
    std::shared_ptr<SqliteWork> work;
  };
  void WaitForWork(MutexLock& lock) EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string path_;
  const Options options_;

  Mutex mu_;
  CondVar changed_;
  std::deque<Waiting> waiting_ GUARDED_BY(mu_);
  size_t bytes_ GUARDED_BY(mu_) = 0;
  bool closed_ GUARDED_BY(mu_) = false;
};

// What follows is how a caller waits.

namespace sqlite_work_internal {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

}  // namespace sqlite_work_internal

// One piece whose caller waits, on `loop`, or on its own thread if that is
// null.
template <typename Work>
class AwaitedSqliteWork final
    : public SqliteWork,
      public std::enable_shared_from_this<AwaitedSqliteWork<Work>> {
 public:
  using Result = std::invoke_result_t<Work&, SqliteConnection&>;

  AwaitedSqliteWork(Work work, EventLoop* loop)
      : work_(std::move(work)), loop_(loop) {}

  bool abandoned() override LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    return abandoned_;
  }

  absl::Status Run(SqliteConnection& db) override {
    result_.emplace(work_(db));
    return sqlite_work_internal::StatusOf(*result_);
  }

  void Tell(const absl::Status& outcome) override LOCKS_EXCLUDED(mu_) {
    if (!outcome.ok()) result_.emplace(outcome);
    if (loop_ == nullptr) return told_.Open();
    MutexLock lock(mu_);
    if (abandoned_) return;
    loop_->Post([self = this->shared_from_this()] {
      self->done_ = true;
      self->wake_up_.Set();
    });
  }

  // On the caller's loop: waits until the work is done, or `cancel` fires.
  Task<Result> Wait(CancelSignal& cancel) LOCKS_EXCLUDED(mu_) {
    CancelListener give_up(cancel, [this] { wake_up_.Set(); });
    co_await wake_up_.Wait();
    if (done_) co_return *std::move(result_);
    {
      MutexLock lock(mu_);
      abandoned_ = true;
    }
    co_return cancel.status();
  }

  // On the caller's own thread.
  Result WaitBlocking() {
    told_.Wait();
    return *std::move(result_);
  }

 private:
  // Written on the database's thread; read by the caller once it is told.
  Work work_;
  std::optional<Result> result_;

  // Guards the way back: `abandoned_` is set when the caller has given up,
  // after which the loop may be gone and nothing is posted to it.
  Mutex mu_;
  bool abandoned_ GUARDED_BY(mu_) = false;

  // Used on the loop's thread only.
  EventLoop* const loop_;
  bool done_ = false;
  WakeUp wake_up_;

  Latch told_;  // For a caller without a loop.
};

// Returns what `work` returns, or why it was not done; or what `cancel` fires
// with, at once, while work that has begun runs on.
template <typename Work>
Task<typename AwaitedSqliteWork<Work>::Result> AwaitSqliteWork(
    SqliteWorkQueue& queue, size_t bytes, Work work, CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  const auto piece = std::make_shared<AwaitedSqliteWork<Work>>(
      std::move(work), EventLoop::Current());
  const absl::Status added = queue.Add(bytes, piece);
  if (!added.ok()) co_return added;
  co_return co_await piece->Wait(cancel);
}

// The same on a thread that may block.
template <typename Work>
typename AwaitedSqliteWork<Work>::Result RunSqliteWork(SqliteWorkQueue& queue,
                                                       size_t bytes,
                                                       Work work) {
  const auto piece =
      std::make_shared<AwaitedSqliteWork<Work>>(std::move(work), nullptr);
  const absl::Status added = queue.Add(bytes, piece);
  if (!added.ok()) return added;
  return piece->WaitBlocking();
}

}  // namespace gateway

#endif  // SERVICE_STORE_SQLITE_WORK_H_
