// Task<T> is a coroutine that yields one T. It starts when it is awaited, runs
// on the thread that awaits it, and hands its result straight to the awaiting
// coroutine, without a queue and without growing the stack.
//
//   Task<absl::StatusOr<Answer>> Ask(Question question) {
//     Link link(loop);
//     GATEWAY_CO_RETURN_IF_ERROR(co_await link.Send(question));
//     co_return co_await link.Receive();
//   }
//
//   Spawn(Serve(connection));  // The root of a chain of tasks.
//
// A task owns its frame. A task that has begun must be let finish: whoever it
// waits for holds its handle. To end it early, make what it waits for fail
// (base/async/cancellation.h). Frames come from base/memory/recycler.h.
// Exceptions do not leave a task: one that escapes ends the process.
//
// Parameters are copied into the frame, references are not kept alive: whoever
// awaits must outlive the task, and a spawned task takes values.
//
// Three traps of GCC 12. Never write co_await into the condition of an if,
// while, for or switch: the whole body of a coroutine that declares no variable
// in its outermost block is dropped. Keep what was awaited in a variable, and
// test that. Never write it into an arm of `?:`: what it yields is destroyed
// twice. And never pass a braced struct with strings or other members that
// cannot be copied byte by byte, as in `co_await Call({.name = name})`: it is
// copied so nevertheless, and freed twice. Name it first. tests/tidy finds the
// first two.
//
// Thread contract: a task belongs to one event loop. No member is thread-safe.

#ifndef BASE_ASYNC_TASK_H_
#define BASE_ASYNC_TASK_H_

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

#include "base/memory/recycler.h"

namespace gateway {

template <typename T>
class Task;

namespace task_internal {

struct PromiseBase {
  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(
        std::coroutine_handle<Promise> handle) const noexcept {
      return handle.promise().continuation;
    }
    void await_resume() const noexcept {}
  };

  static void* operator new(size_t size) { return RecycledAllocate(size); }
  static void operator delete(void* frame, size_t size) noexcept {
    RecycledFree(frame, size);
  }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

  std::coroutine_handle<> continuation = std::noop_coroutine();
};

template <typename T>
struct Promise : PromiseBase {
  Task<T> get_return_object() noexcept;
  template <typename U>
  void return_value(U&& value) {
    result.emplace(std::forward<U>(value));
  }
  T Take() { return std::move(*result); }

  std::optional<T> result;
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void Take() const noexcept {}
};

}  // namespace task_internal

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = task_internal::Promise<T>;

  Task(Task&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // Starts the task and awaits its result. May be awaited once.
  auto operator co_await() && noexcept {
    struct Awaiter {
      std::coroutine_handle<promise_type> handle;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(
          std::coroutine_handle<> awaiting) const noexcept {
        handle.promise().continuation = awaiting;
        return handle;
      }
      T await_resume() const { return handle.promise().Take(); }
    };
    return Awaiter{handle_};
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) noexcept
      : handle_(handle) {}

  std::coroutine_handle<promise_type> handle_;
};

namespace task_internal {

template <typename T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}

inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

// A coroutine that runs at once and frees itself at its end.
struct Detached {
  struct promise_type {
    static void* operator new(size_t size) { return RecycledAllocate(size); }
    static void operator delete(void* frame, size_t size) noexcept {
      RecycledFree(frame, size);
    }
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};

}  // namespace task_internal

// Runs `task` on the calling thread until it first waits; it then goes on by
// itself and frees itself at its end.
inline task_internal::Detached Spawn(Task<void> task) {
  co_await std::move(task);
}

}  // namespace gateway

#endif  // BASE_ASYNC_TASK_H_
