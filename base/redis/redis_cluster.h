// RedisCluster is the topology of a Redis Cluster: it keeps a map of which node
// has which slot, and a connection to each of them.
//
// The map comes by CLUSTER SLOTS from whichever node answers. It is asked for
// anew when a node says MOVED, cannot be reached or says that the Cluster is
// down; one MOVED moves its slot at once. The addresses of the configuration
// are where to begin, and where to go on when no node that is known is left.
//
// Thread contract: one event loop.

#ifndef BASE_REDIS_REDIS_CLUSTER_H_
#define BASE_REDIS_REDIS_CLUSTER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/net/host_port.h"
#include "base/redis/redis_topology.h"

namespace gateway {

class RedisCluster final : public RedisTopology, private RedisNode::Observer {
 public:
  // Of more nodes than this there is none.
  static constexpr size_t kNodesMax = 1024;

  explicit RedisCluster(const Parts& parts);
  ~RedisCluster() override;

  void Start() override;
  Task<void> Close() override;
  absl::StatusOr<RedisNode*> NodeFor(const RedisCommand& command) override;
  RedisRedirect OnError(std::string_view error, RedisNode* node) override;
  bool Owns(const RedisNode* node) const override;
  std::optional<HostPort> AnyServer() const override;
  bool up() const override;

 private:
  struct Member {
    HostPort where;
    std::unique_ptr<RedisNode> node;
    bool wanted = false;  // While a new map is taken over.
  };

  void OnUp(RedisNode& node) override;
  void OnDown(RedisNode& node, const absl::Status& why) override;

  // Returns the node at the address, a new one if need be; null if there are
  // too many.
  RedisNode* At(const HostPort& where);
  // The node that a MOVED or ASK names.
  RedisNode* Named(std::string_view address, const RedisNode* by);
  Member* MemberOf(const RedisNode* node);
  RedisNode* AnyUp() const;

  // Asks for the map soon.
  void RefreshSoon();
  Task<void> Refresh();
  // Takes over what `by` said. False if it makes no sense.
  bool Apply(const RedisReply& slots, const HostPort& by);
  bool ApplyRange(const RedisValue& range, const HostPort& by);
  // Closes the nodes that no slot needs.
  void Retire();
  Task<void> CloseNode(std::unique_ptr<RedisNode> node);

  const Parts parts_;
  EventLoop& loop_;
  std::map<std::string, Member> members_;
  std::vector<RedisNode*> slots_;  // By slot; null where nobody is known.
  bool mapped_ = false;            // There is a map.
  bool refreshing_ = false;
  bool again_ = false;  // A refresh was wanted meanwhile.
  bool closing_ = false;
  int closing_nodes_ = 0;
  CancelSignal closed_;
  WakeUp idle_;
  Timer refresh_;
};

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_CLUSTER_H_
