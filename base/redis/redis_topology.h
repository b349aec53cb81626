// RedisTopology knows which server a command goes to: the only one, the master
// that sentinels name, or the one that has the key's slot in a Cluster.
//
// Nodes come and go; a pointer to one is good until the next wait, and after
// that only if Owns says so.
//
// Thread contract: one event loop.

#ifndef BASE_REDIS_REDIS_TOPOLOGY_H_
#define BASE_REDIS_REDIS_TOPOLOGY_H_

#include <functional>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/net/host_port.h"
#include "base/net/resolver.h"
#include "base/os/random.h"
#include "base/redis/redis_command.h"
#include "base/redis/redis_health.h"
#include "base/redis/redis_node.h"
#include "base/redis/redis_options.h"

namespace gateway {

// Where a command is to be sent again.
struct RedisRedirect {
  RedisNode* node = nullptr;  // Null if the error is the answer.
  bool asking = false;        // ASKING goes before it.
};

class RedisTopology {
 public:
  // What a topology works with, which outlives it.
  struct Parts {
    LoopResolver* names;
    Random* random;
    RedisHealth* health;
    const RedisOptions* options;
    // Called when up() may be another. Must not close the topology.
    std::function<void()> on_change;
  };

  virtual ~RedisTopology() = default;

  virtual void Start() = 0;
  // Ends all that waits, and returns when nothing is under way any more.
  virtual Task<void> Close() = 0;

  // The node for the command; UNAVAILABLE while nobody knows.
  virtual absl::StatusOr<RedisNode*> NodeFor(const RedisCommand& command) = 0;

  // Learns from the error that `node` answered `command` with.
  virtual RedisRedirect OnError(std::string_view error, RedisNode* node) = 0;

  virtual bool Owns(const RedisNode* node) const = 0;

  // A server that messages of channels can be had from.
  virtual std::optional<HostPort> AnyServer() const = 0;

  // Whether commands can be sent: to all servers that are needed.
  virtual bool up() const = 0;
};

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_TOPOLOGY_H_
