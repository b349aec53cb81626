// WorkerPool computes for event loops what would hold them: to read, translate
// or check a large text takes tens of milliseconds, and whoever has to do with
// the same loop would wait as long.
//
//   const absl::Status read = co_await OffLoop(
//       body.size(), [&] { return dialect.ReadRequest(body, request); });
//
// Below kInPlaceBytesMax, and on a thread without a pool, the work is done in
// place, for the price of a comparison. Above, the coroutine waits, and its
// loop goes on with others. It waits until the work is done, whoever cancels
// meanwhile, and looks at its CancelSignal afterwards. So the work may use all
// that the coroutine may, by reference, its arena included; but not what
// belongs to the loop itself: sockets, timers, blocks, budgets, CancelSignals.
// (BlockingWorker is for work that waits for something outside, whose caller
// may leave it.)
//
// One half of the threads is for modest pieces alone, the other takes large
// ones first: however many of those wait, modest ones pass them. Among their
// like, pieces that go on with a call come before those that begin one, because
// what has been read of a request takes many times the memory of its bytes; and
// else in the order they came. The bytes are in the budgets of their loops,
// which bounds how many wait.
//
// Thread contract: made before, and destroyed after, the coroutines that use
// it, while their loops still exist. OffLoop from any loop; work runs on any
// thread.

#ifndef BASE_ASYNC_WORKER_POOL_H_
#define BASE_ASYNC_WORKER_POOL_H_

#include <coroutine>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/async/event_loop.h"
#include "base/os/mutex.h"
#include "base/os/thread.h"

namespace gateway {

// Pieces of at most so many bytes are done in place. Reading JSON into
// messages, the slowest work by the byte, takes up to 15 ns for each: 2 ms for
// so many.
inline constexpr size_t kInPlaceBytesMax = 128 * 1024;

class WorkerPool {
 public:
  // The largest piece that counts as modest. Larger ones take tens of
  // milliseconds each, and only half of the threads serve them.
  static constexpr size_t kModestBytesMax = 2 * 1024 * 1024;

  // How many threads to give to modest pieces, and again to all pieces, on a
  // machine with so many cores.
  static int ThreadsEach(int cores) { return cores < 8 ? 1 : cores / 4; }

  // Starts twice `threads_each` threads. REQUIRES: threads_each > 0.
  explicit WorkerPool(int threads_each);
  // Joins the threads. REQUIRES: no work waits or is under way.
  ~WorkerPool();

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // The pool that this thread's loop uses, or null. SetCurrent is called on the
  // loop.
  static WorkerPool* Current();
  static void SetCurrent(WorkerPool* pool);

  // What a piece does for its call: it takes a request in, or goes on with what
  // others have made of one.
  enum class Stage { kBegins, kGoesOn };

  // One piece of work, which stays where it is until it is done.
  class Piece {
   public:
    Piece(const Piece&) = delete;
    Piece& operator=(const Piece&) = delete;

   protected:
    Piece() = default;
    virtual ~Piece() = default;

   private:
    friend class WorkerPool;
    // Does the work, on a thread of the pool; may destroy this.
    virtual void Do() = 0;

    Piece* next_ = nullptr;
  };

  // Hands over `piece`, which reads `bytes` bytes, to be done soon.
  void Add(Piece& piece, size_t bytes, Stage stage) LOCKS_EXCLUDED(mu_);

  // Counts the pieces that wait for a thread.
  size_t waiting() const LOCKS_EXCLUDED(mu_);

 private:
  // A queue of pieces, first in, first out.
  class Line {
   public:
    bool empty() const { return first_ == nullptr; }
    size_t size() const { return size_; }
    void Put(Piece& piece);
    Piece& Take();

   private:
    Piece* first_ = nullptr;
    Piece* last_ = nullptr;
    size_t size_ = 0;
  };

  struct Kind {
    bool empty() const { return going_on.empty() && beginning.empty(); }
    size_t size() const { return going_on.size() + beginning.size(); }
    Piece& Take() {
      return going_on.empty() ? beginning.Take() : going_on.Take();
    }

    Line going_on;
    Line beginning;
  };

  void ServeModest() LOCKS_EXCLUDED(mu_);
  void ServeBoth() LOCKS_EXCLUDED(mu_);

  mutable Mutex mu_;
  CondVar modest_came_;  // Wakes threads that serve modest pieces only.
  CondVar came_;         // Wakes threads that serve all pieces.
  Kind modest_ GUARDED_BY(mu_);
  Kind large_ GUARDED_BY(mu_);
  bool stopping_ GUARDED_BY(mu_) = false;
  // Declared last, since they use all of the above.
  std::vector<Thread> threads_;
};

namespace worker_pool_internal {

template <typename Work>
class Awaiter final : private WorkerPool::Piece {
 public:
  using Result = std::invoke_result_t<Work&>;
  static_assert(!std::is_void_v<Result>, "what did it come to?");

  Awaiter(WorkerPool* pool, size_t bytes, Work work, WorkerPool::Stage stage)
      : pool_(pool), bytes_(bytes), stage_(stage), work_(std::move(work)) {}

  bool await_ready() {
    if (pool_ != nullptr) return false;
    result_.emplace(work_());
    return true;
  }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    loop_ = EventLoop::Current();
    pool_->Add(*this, bytes_, stage_);
  }
  Result await_resume() { return *std::move(result_); }

 private:
  void Do() override {
    result_.emplace(work_());
    // Only a copy of the handle is posted: as soon as it is, the coroutine may
    // go on, and this piece be gone.
    loop_->Post([waiting = waiting_] { waiting.resume(); });
  }

  WorkerPool* const pool_;  // Null to do the work in place.
  const size_t bytes_;
  const WorkerPool::Stage stage_;
  Work work_;
  std::optional<Result> result_;
  EventLoop* loop_ = nullptr;
  std::coroutine_handle<> waiting_;
};

}  // namespace worker_pool_internal

// Returns an awaitable of what `work` returns; it runs on the pool if `bytes`
// exceeds kInPlaceBytesMax, in place otherwise. Work that is faster by the byte
// passes fewer bytes. REQUIRES: on a loop's thread, if that has a pool.
template <typename Work>
[[nodiscard]] auto OffLoop(
    size_t bytes, Work work,
    WorkerPool::Stage stage = WorkerPool::Stage::kGoesOn) {
  WorkerPool* const pool =
      bytes > kInPlaceBytesMax ? WorkerPool::Current() : nullptr;
  return worker_pool_internal::Awaiter<Work>(pool, bytes, std::move(work),
                                             stage);
}

}  // namespace gateway

#endif  // BASE_ASYNC_WORKER_POOL_H_
