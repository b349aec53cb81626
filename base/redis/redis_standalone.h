// RedisStandalone is the topology of one server, or of one address that leads
// to the right one.
//
// Thread contract: one event loop.

#ifndef BASE_REDIS_REDIS_STANDALONE_H_
#define BASE_REDIS_REDIS_STANDALONE_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/redis/redis_topology.h"

namespace gateway {

class RedisStandalone final : public RedisTopology,
                              private RedisNode::Observer {
 public:
  explicit RedisStandalone(const Parts& parts);

  void Start() override { node_.Start(); }
  Task<void> Close() override { return node_.Close(); }
  absl::StatusOr<RedisNode*> NodeFor(const RedisCommand&) override {
    return &node_;
  }
  RedisRedirect OnError(std::string_view error, RedisNode* node) override;
  bool Owns(const RedisNode* node) const override { return node == &node_; }
  std::optional<HostPort> AnyServer() const override {
    return parts_.options->addresses.front();
  }
  bool up() const override { return node_.up(); }

 private:
  void OnUp(RedisNode&) override { parts_.on_change(); }
  void OnDown(RedisNode&, const absl::Status&) override { parts_.on_change(); }

  const Parts parts_;
  RedisNode node_;
  absl::Duration reconnected_;
};

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_STANDALONE_H_
