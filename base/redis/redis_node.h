// RedisNode keeps one connection to one Redis server, as long as it lives.
// While there is none that answers in time, commands fail at once, and nobody
// waits: its own timers connect anew, with a back-off and some chance in it, so
// that a server that comes back does not meet all of its clients in one moment.
//
// A server that was too slow once is asked by a PING whether it is better, with
// the same back-off; it takes commands again when that is answered in time.
//
//   RedisNode node(names, options, [&] { return where; }, observer);
//   node.Start();
//   const absl::StatusOr<RedisReply> reply =
//       co_await node.Send(RedisCommand("GET", key), &cancel);
//   ...
//   co_await node.Close();
//
// Thread contract: one event loop.

#ifndef BASE_REDIS_REDIS_NODE_H_
#define BASE_REDIS_REDIS_NODE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/net/host_port.h"
#include "base/net/resolver.h"
#include "base/os/random.h"
#include "base/redis/redis_call.h"
#include "base/redis/redis_command.h"
#include "base/redis/redis_connection.h"
#include "base/redis/redis_dial.h"
#include "base/redis/redis_health.h"
#include "base/redis/redis_options.h"

namespace gateway {

// How functions are called at a server (base/redis/redis_library.h).
enum class RedisScripting : uint8_t { kFunctions, kEvalSha, kEval };

class RedisNode final : private RedisConnection::Observer {
 public:
  // Where the server is now; nothing while nobody knows.
  using Where = std::function<std::optional<HostPort>()>;

  // Is told what becomes of the node. Must not destroy it.
  class Observer {
   public:
    // It takes commands, on a connection that is new or has been too slow.
    virtual void OnUp(RedisNode& node) = 0;
    // It takes none. Called once for each time that it took some, and once if
    // it has never.
    virtual void OnDown(RedisNode& node, const absl::Status& why) = 0;
    // As RedisConnection::Observer's.
    virtual void OnPush(RedisNode& node, const RedisReply& message) {
      (void)node;
      (void)message;
    }

   protected:
    ~Observer() = default;
  };

  struct Parts {
    LoopResolver* names;
    Random* random;
    RedisHealth* health = nullptr;  // Null to tell nobody.
    const RedisConnectionOptions* options;
    std::string name;  // In the log and in RedisHealth.
  };

  // Borrows all of the parts.
  RedisNode(const Parts& parts, Where where, Observer& observer);
  // REQUIRES: never started, or closed.
  ~RedisNode();

  RedisNode(const RedisNode&) = delete;
  RedisNode& operator=(const RedisNode&) = delete;

  // Connects from now on.
  void Start();
  // Ends all that waits, and returns when nothing is under way any more.
  Task<void> Close();

  // As RedisConnection's; UNAVAILABLE at once while it is down.
  RedisCall Send(const RedisCommand& command, CancelSignal* cancel = nullptr);
  RedisCall Send(const RedisCommand& command, absl::Duration timeout,
                 CancelSignal* cancel = nullptr);
  // Sends a command that is answered by messages, such as SUBSCRIBE; from now
  // on the observer has the messages of the connection.
  absl::Status Listen(const RedisCommand& command);

  // Waits until a node that was just made is up or known to be down, but no
  // longer than that: for a command that another node sends here.
  Task<void> AwaitFirst(absl::Duration longest);

  // Gives the connection up and opens another, where `where` says by now.
  void Reconnect(const absl::Status& why);

  bool up() const { return up_; }
  // Why it is down; OK while it is up.
  const absl::Status& why_down() const { return why_down_; }
  const std::string& name() const { return parts_.name; }
  // What it was connected to last; nothing before.
  const std::optional<HostPort>& connected_to() const { return connected_to_; }

  // What has been learned of the server.
  RedisScripting scripting = RedisScripting::kFunctions;
  bool loading_library = false;

 private:
  void OnStalled() override;
  void OnCaughtUp() override;
  void OnPush(const RedisReply& message) override;
  void OnClosed(const absl::Status& why) override;

  Task<void> Connect();
  Task<void> Probe();
  // Begins a coroutine that Close waits for.
  void Begin(Task<void> work);
  Task<void> Counted(Task<void> work);
  // Connects, or probes, after a while.
  void TryLater();
  void TryNow();
  absl::Duration BackOff();
  void SetUp();
  void SetDown(const absl::Status& why);
  void EndFirst();
  // Asks a server that has not been heard of for a while.
  void KeepAlive();

  const Parts parts_;
  const Where where_;
  Observer& observer_;
  EventLoop& loop_;
  std::optional<RedisHealth::Share> health_;

  std::unique_ptr<RedisConnection> connection_;
  RedisDial* dial_ = nullptr;  // While it connects.
  std::optional<HostPort> connected_to_;
  bool up_ = false;
  bool closing_ = false;
  bool told_ = false;  // The observer knows that it is down.
  absl::Status why_down_;
  absl::Duration up_since_;
  int failures_ = 0;  // Since it was up for long.
  int under_way_ = 0;
  std::vector<WakeUp*> first_;  // Of those in AwaitFirst.
  WakeUp idle_;
  Timer retry_;
  Timer keep_alive_;
};

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_NODE_H_
