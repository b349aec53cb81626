// TurnQueue lets so many go on in each turn of the loop, and the others wait in
// the order in which they came: for work that one peer can ask for faster than
// it can be done, so that timers, other sockets and what was posted have their
// share meanwhile.
//
//   TurnQueue handshakes(2);
//   co_await handshakes.Pass();  // As a rule goes on at once.
//
// Whoever waits is gone on with, also when what it waited for is of no use any
// more: it has to look.
//
// Thread contract: one event loop.

#ifndef BASE_ASYNC_TURN_QUEUE_H_
#define BASE_ASYNC_TURN_QUEUE_H_

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "base/async/event_loop.h"

namespace gateway {

class TurnQueue final : private TurnEndTask {
 public:
  // Lets `per_turn` coroutines go on in each turn of the loop. REQUIRES:
  // per_turn > 0.
  explicit TurnQueue(size_t per_turn) : per_turn_(per_turn) {}
  // REQUIRES: no coroutine waits.
  ~TurnQueue() override;

  // Returns true if the caller may go on now; false if it must await Pass(),
  // because this turn is full or others wait already.
  bool TryPass();

  // Suspends until it is the caller's turn; one that came earlier goes first.
  auto Pass() {
    struct Awaiter {
      TurnQueue* queue;
      bool await_ready() const { return queue->TryPass(); }
      void await_suspend(std::coroutine_handle<> handle) const {
        queue->Enqueue(handle);
      }
      void await_resume() const noexcept {}
    };
    return Awaiter{this};
  }

 private:
  void Enqueue(std::coroutine_handle<> handle);
  void OnTurnEnd() override;

  const size_t per_turn_;
  uint64_t turn_ = 0;  // The turn that `passed_` counts for.
  size_t passed_ = 0;  // Coroutines that went on in it.
  std::deque<std::coroutine_handle<>> waiting_;
};

}  // namespace gateway

#endif  // BASE_ASYNC_TURN_QUEUE_H_
