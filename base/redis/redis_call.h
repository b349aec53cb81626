// RedisCall is one command that has been handed to a connection, and awaits its
// reply. Commands are written in the order in which they were handed over, also
// if they are awaited later or in another order:
//
//   RedisCall first = connection.Send(RedisCommand("INCR", key));
//   RedisCall second = connection.Send(RedisCommand("EXPIRE", key, 60));
//   const absl::StatusOr<RedisReply> count = co_await first;
//   const absl::StatusOr<RedisReply> expires = co_await second;
//
// Cancelling ends a call that is being awaited, and one that is awaited later
// as soon as that happens. Whoever does not want the reply any more destroys
// it: the command is carried out nevertheless.
//
// Thread contract: one event loop.

#ifndef BASE_REDIS_REDIS_CALL_H_
#define BASE_REDIS_REDIS_CALL_H_

#include <coroutine>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/redis/redis_reply.h"

namespace gateway {

class RedisConnection;

class [[nodiscard]] RedisCall {
 public:
  // One that was not sent, and ends at once.
  explicit RedisCall(absl::Status refused) : result_(std::move(refused)) {}
  ~RedisCall();

  // Until it is awaited.
  RedisCall(RedisCall&& other) noexcept;
  RedisCall& operator=(RedisCall&&) = delete;

  // Whether it has ended.
  bool done() const { return connection_ == nullptr; }

  // Awaits the reply, which may be an error of Redis's (CheckRedisReply of
  // base/redis/redis_error.h). DEADLINE_EXCEEDED if it has not come in time,
  // what the signal was cancelled with, UNAVAILABLE if the connection broke; in
  // these cases the command may have been carried out or not. UNAVAILABLE and
  // RESOURCE_EXHAUSTED for one that was not sent. May be awaited once.
  auto operator co_await() noexcept {
    struct Awaiter {
      RedisCall* call;
      bool await_ready() const noexcept { return call->done(); }
      bool await_suspend(std::coroutine_handle<> waiter) const {
        return call->Await(waiter);
      }
      absl::StatusOr<RedisReply> await_resume() const {
        return std::move(call->result_);
      }
    };
    return Awaiter{this};
  }

 private:
  friend class RedisConnection;

  // The command is in `connection`'s queue by this number.
  RedisCall(RedisConnection& connection, uint64_t number, CancelSignal* cancel);

  // Returns false if it has ended by now.
  bool Await(std::coroutine_handle<> waiter);
  void End(absl::StatusOr<RedisReply> result);

  RedisConnection* connection_ = nullptr;  // Null when it has ended.
  uint64_t number_ = 0;
  CancelSignal* cancel_ = nullptr;  // Listened to while it is awaited.
  std::coroutine_handle<> waiter_;
  absl::StatusOr<RedisReply> result_;
  std::optional<CancelListener> on_cancel_;
};

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_CALL_H_
