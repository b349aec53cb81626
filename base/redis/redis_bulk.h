// RedisBulk is the way of what is large between a loop and its Redis: a
// connection of its own, so that what is small, and has little time, never
// waits behind it. A RedisClient has one (RedisClient::bulk).
//
//   RedisBulk& bulk = client.bulk();
//   GATEWAY_CO_ASSIGN_OR_RETURN(
//       RedisBulk::Turn turn,
//       co_await bulk.Await({.whose = caller, .bytes = size}, &cancel));
//   const absl::StatusOr<RedisReply> reply = co_await bulk.Call(
//       std::move(turn), RedisCommand("GET", RedisKey(key)), &cancel);
//
// What is on its way at once is bounded (kBytesMax), and the rest waits for its
// turn: those for whom something waits take turns, however much each has, and
// one of them alone has no more than kBytesOfOneMax on its way. So who wants
// much waits for himself, and nobody waits longer than what is on its way, and
// one turn of each other, takes.
//
// Since the bytes are bounded, so is their time, kTimeout: what is overdue on
// this connection is so on this one alone. It is opened when it is used first,
// and stays.
//
// Thread contract: one event loop.

#ifndef BASE_REDIS_REDIS_BULK_H_
#define BASE_REDIS_REDIS_BULK_H_

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/net/resolver.h"
#include "base/os/random.h"
#include "base/redis/redis_command.h"
#include "base/redis/redis_health.h"
#include "base/redis/redis_library.h"
#include "base/redis/redis_options.h"
#include "base/redis/redis_reply.h"

namespace gateway {

class RedisClient;

// A value, or a part of a reply, of more bytes is large. On a network of 1
// Gbit/s it takes a hundredth of the shortest time in which a command is
// answered.
inline constexpr size_t kRedisSmallBytesMax = 16 * 1024;

class RedisBulk {
 public:
  // What may be on its way at once, and of one for whom it is; but each gets
  // one command through, however large.
  static constexpr size_t kBytesMax = 4 * 1024 * 1024;
  static constexpr size_t kBytesOfOneMax = kBytesMax / 2;
  // From a command to its reply, unless commands have longer anyway: kBytesMax
  // by 40 Mbit/s.
  static constexpr absl::Duration kTimeout = absl::Seconds(1);
  // How many may wait, and of one.
  static constexpr size_t kWaitingMax = 1024;
  static constexpr size_t kWaitingOfOneMax = 64;

  // What is to be sent or fetched.
  struct Need {
    // For whom, such as a caller; empty for the gateway itself.
    std::string_view whose;
    size_t bytes = 0;  // About, of command and reply together.
    // How long its turn is waited for.
    absl::Duration patience = absl::Seconds(2);
  };

  // The right to send one command. Gives the bytes back when it goes. Must not
  // outlive what is told of it in Close.
  class Turn;

  // Borrows `resolver`, `health` and `random`. `options` are those of the
  // client that has it; `is_up` tells whether that one reaches Redis.
  RedisBulk(Resolver& resolver, std::shared_ptr<const RedisOptions> options,
            RedisHealth& health, Random& random, std::function<bool()> is_up);
  // REQUIRES: Close has ended.
  ~RedisBulk();

  RedisBulk(const RedisBulk&) = delete;
  RedisBulk& operator=(const RedisBulk&) = delete;

  // Ends all that waits with CANCELLED, and returns when no Turn is left.
  Task<void> Close();

  // Waits for a turn. UNAVAILABLE if there was none in time or too many wait;
  // what `cancel`, which may be null, fired with.
  Task<absl::StatusOr<Turn>> Await(Need need, CancelSignal* cancel = nullptr);

  // As RedisClient's. Once a command is sent it is on its way until its reply
  // has come, whatever `cancel` fires with, which its caller is told at once.
  Task<absl::StatusOr<RedisReply>> Call(Turn turn, RedisCommand command,
                                        CancelSignal* cancel = nullptr);
  Task<absl::StatusOr<RedisReply>> CallFunction(Turn turn,
                                                const RedisLibrary& library,
                                                RedisCommand call,
                                                CancelSignal* cancel = nullptr);

  // What is on its way, now.
  size_t bytes_on_way() const { return bytes_; }
  size_t waiting() const { return waiting_; }

 private:
  struct Waiter {
    size_t bytes = 0;
    bool granted = false;
    WakeUp over;
  };
  struct Owner {
    size_t bytes = 0;  // On its way.
    size_t turns = 0;  // That are held.
    std::list<Waiter*> waiting;
  };
  using Owners = std::map<std::string, Owner, std::less<>>;
  // A command that is sent, and who waits for it.
  struct Transfer {
    std::optional<absl::StatusOr<RedisReply>> reply;
    WakeUp over;
  };

  Turn Take(Owners::iterator owner, size_t bytes);
  void GiveBack(Owners::iterator owner, size_t bytes);
  // Gives turns to those whose turn it is.
  void Grant();
  void ForgetIfIdle(Owners::iterator owner);
  bool Fits(const Owner& owner, size_t bytes) const;
  Task<absl::StatusOr<RedisReply>> Begin(Turn turn, const RedisLibrary* library,
                                         RedisCommand command,
                                         CancelSignal* cancel);
  Task<void> Send(Turn turn, const RedisLibrary* library, RedisCommand command,
                  std::shared_ptr<Transfer> transfer);
  // Opens the connection, and waits until it is there or will not be soon.
  Task<absl::Status> Open();

  Resolver& resolver_;
  const std::shared_ptr<const RedisOptions> options_;
  RedisHealth& health_;
  Random& random_;
  const std::function<bool()> is_up_;

  std::unique_ptr<RedisClient> client_;  // Null before the first use.
  bool settled_ = false;                 // It was up, or has been waited for.
  std::vector<WakeUp*> opening_;

  bool closing_ = false;
  Owners owners_;
  // Those for whom something waits, in the order of their turns.
  std::list<Owners::iterator> in_turn_;
  size_t bytes_ = 0;
  size_t turns_ = 0;
  size_t waiting_ = 0;
  WakeUp idle_;
};

class RedisBulk::Turn {
 public:
  Turn(Turn&& other) noexcept
      : bulk_(std::exchange(other.bulk_, nullptr)),
        owner_(other.owner_),
        bytes_(other.bytes_) {}
  Turn& operator=(Turn&& other) = delete;
  ~Turn() {
    if (bulk_ != nullptr) bulk_->GiveBack(owner_, bytes_);
  }

 private:
  friend class RedisBulk;
  Turn(RedisBulk& bulk, Owners::iterator owner, size_t bytes)
      : bulk_(&bulk), owner_(owner), bytes_(bytes) {}

  RedisBulk* bulk_;  // Null once moved from.
  Owners::iterator owner_;
  size_t bytes_;
};

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_BULK_H_
