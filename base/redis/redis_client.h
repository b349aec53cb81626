// RedisClient is what a loop asks Redis with: one server, a master that
// sentinels watch over, or a Cluster.
//
//   RedisHealth health;                               // One per process.
//   RedisClient client(resolver, options, health);    // One per loop.
//   const absl::StatusOr<RedisReply> count =
//       co_await client.Call(RedisCommand("INCR", RedisKey(key)), &cancel);
//   ...
//   co_await client.Close();
//
// A call is over within command_timeout, or, where a Cluster sends it on,
// within that for each node; and where Redis is known to be down, too slow or
// unreachable it is refused at once: nobody ever waits for a Redis that does
// not answer. The client comes back by itself, by timers of its own; nothing
// that was refused is sent later.
//
// What is large goes by bulk(), a connection of its own: a reply of a megabyte
// would have the time of all that stand behind it pass.
//
// Commands of one turn of the loop leave in one write for each server. Redis's
// error replies become statuses (base/redis/redis_error.h).
//
// Thread contract: one event loop.

#ifndef BASE_REDIS_REDIS_CLIENT_H_
#define BASE_REDIS_REDIS_CLIENT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/net/resolver.h"
#include "base/os/random.h"
#include "base/redis/redis_bulk.h"
#include "base/redis/redis_command.h"
#include "base/redis/redis_health.h"
#include "base/redis/redis_library.h"
#include "base/redis/redis_options.h"
#include "base/redis/redis_reply.h"
#include "base/redis/redis_subscriber.h"
#include "base/redis/redis_topology.h"

namespace gateway {

class RedisClient {
 public:
  // Borrows `resolver`, `health` and `random`. Used on the calling thread's
  // loop. Begins to connect.
  RedisClient(Resolver& resolver, std::shared_ptr<const RedisOptions> options,
              RedisHealth& health, Random& random = SystemRandom());
  // REQUIRES: Close has ended.
  ~RedisClient();

  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  // Ends all that waits with CANCELLED or UNAVAILABLE, and returns when nothing
  // is under way any more.
  Task<void> Close();

  // Sends a command, in a Cluster to the node of its first RedisKey, and again
  // where that node says that another one has the key now. `cancel` may be
  // null.
  //
  // UNAVAILABLE and RESOURCE_EXHAUSTED at once if it cannot be sent;
  // DEADLINE_EXCEEDED if no reply came in time, UNAVAILABLE if the connection
  // broke, what `cancel` fired with: then it may have been carried out or not.
  // Else what RedisErrorStatus makes of an error.
  Task<absl::StatusOr<RedisReply>> Call(RedisCommand command,
                                        CancelSignal* cancel = nullptr);

  // The same for several side by side. Results stand in the commands' order.
  Task<std::vector<absl::StatusOr<RedisReply>>> CallAll(
      std::vector<RedisCommand> commands, CancelSignal* cancel = nullptr);

  // As Call for a call that `library` began. The library is brought to a server
  // that does not have it, or not any more. Where functions are not known or
  // not allowed, they are run as scripts, which is remembered of the server as
  // long as its connection lasts.
  Task<absl::StatusOr<RedisReply>> CallFunction(const RedisLibrary& library,
                                                RedisCommand call,
                                                CancelSignal* cancel = nullptr);

  // For values and replies of more than kRedisSmallBytesMax.
  RedisBulk& bulk() { return bulk_; }

  // Listens to a channel as long as the client lives; see RedisSubscriber.
  void Subscribe(std::string channel, RedisListener& listener) {
    subscriber_.Subscribe(std::move(channel), listener);
  }

  // Whether commands can be sent; in a Cluster, whatever their keys.
  bool up() const { return up_; }
  // Calls `on_change` whenever up() has become another. Must not close the
  // client.
  void SetOnChange(std::function<void(bool up)> on_change) {
    on_change_ = std::move(on_change);
  }

 private:
  // A reply, which may be an error, and who gave it.
  struct Answer {
    absl::StatusOr<RedisReply> reply;
    RedisNode* by = nullptr;  // To be asked of the topology before it is used.
  };

  Task<Answer> Send(const RedisCommand& command, CancelSignal* cancel);
  // Goes on with an error that may be a redirection.
  Task<Answer> Follow(const RedisCommand& command, Answer answer,
                      CancelSignal* cancel);
  // How one call of a function is being tried.
  struct FunctionTry {
    RedisScripting way = RedisScripting::kFunctions;
    bool with_text = false;  // By EVAL, since the server lacks the script.
  };
  // Learns from the error that a call of a function had. Returns true if it is
  // to be made again.
  Task<bool> Learn(const RedisLibrary& library, const Answer& answer,
                   FunctionTry* attempt);
  // Brings the library to the node.
  Task<absl::Status> Load(const RedisLibrary& library, RedisNode* node);

  void OnChange();

  const std::shared_ptr<const RedisOptions> options_;
  bool up_ = false;
  std::function<void(bool up)> on_change_;
  LoopResolver names_;
  const std::unique_ptr<RedisTopology> topology_;
  RedisSubscriber subscriber_;
  RedisBulk bulk_;
};

// Returns the client of the loop that it is called on, which outlives what is
// asked; null if it has none, or none any more.
using RedisClientOfLoop = std::function<RedisClient*()>;

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_CLIENT_H_
