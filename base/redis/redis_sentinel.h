// RedisSentinel is the topology of a master that sentinels watch over, and
// replace by a replica when it is gone.
//
// Who the master is is asked of one sentinel after the other until one knows,
// when this starts, and again and again while the master cannot be reached or
// says that it is none. One sentinel's `+switch-master` is listened to besides,
// so that a change is as a rule known at once. A server that is called the
// master and says itself that it is a replica is not used.
//
// Thread contract: one event loop.

#ifndef BASE_REDIS_REDIS_SENTINEL_H_
#define BASE_REDIS_REDIS_SENTINEL_H_

#include <cstddef>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/net/host_port.h"
#include "base/redis/redis_dial.h"
#include "base/redis/redis_topology.h"

namespace gateway {

class RedisSentinel final : public RedisTopology, private RedisNode::Observer {
 public:
  explicit RedisSentinel(const Parts& parts);

  void Start() override;
  Task<void> Close() override;
  absl::StatusOr<RedisNode*> NodeFor(const RedisCommand&) override {
    return &master_;
  }
  RedisRedirect OnError(std::string_view error, RedisNode* node) override;
  bool Owns(const RedisNode* node) const override { return node == &master_; }
  std::optional<HostPort> AnyServer() const override { return where_; }
  bool up() const override { return master_.up(); }

 private:
  void OnUp(RedisNode& node) override;
  void OnDown(RedisNode& node, const absl::Status& why) override;
  void OnPush(RedisNode& node, const RedisReply& message) override;

  // Asks soon who the master is, and until it can be reached.
  void AskSoon();
  Task<void> Ask();
  // As Ask, one of them. False if it does not know.
  Task<bool> AskOne(HostPort sentinel);
  void SetMaster(HostPort where);
  // Not before somebody knows where it is, or all have been asked.
  void StartMaster();
  std::optional<HostPort> NextSentinel();

  const Parts parts_;
  // Options of the master's connection, which must be one.
  const RedisConnectionOptions master_options_;
  EventLoop& loop_;
  std::optional<HostPort> where_;
  RedisNode master_;
  RedisNode watch_;
  size_t next_sentinel_ = 0;
  RedisDial* dial_ = nullptr;  // While a sentinel is being reached.
  RedisConnection* asked_ = nullptr;
  bool asking_ = false;
  bool started_ = false;
  bool closing_ = false;
  WakeUp idle_;
  Timer ask_;
};

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_SENTINEL_H_
