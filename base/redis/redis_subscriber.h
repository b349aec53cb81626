// RedisSubscriber listens to channels of a Redis server, on a connection of its
// own that it opens when the first channel is named, and opens anew whenever it
// breaks.
//
// What is published while there is no connection is lost, and nothing tells. So
// a listener is told each time that listening has begun, and then reads anew
// whatever the messages are about.
//
// Thread contract: one event loop.

#ifndef BASE_REDIS_REDIS_SUBSCRIBER_H_
#define BASE_REDIS_REDIS_SUBSCRIBER_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "base/redis/redis_node.h"

namespace gateway {

class RedisListener {
 public:
  // Called when listening has begun, the first time as well as each time after
  // it was interrupted: messages may have been missed.
  virtual void OnListening(std::string_view channel) = 0;
  virtual void OnMessage(std::string_view channel,
                         std::string_view message) = 0;

 protected:
  ~RedisListener() = default;
};

class RedisSubscriber final : private RedisNode::Observer {
 public:
  RedisSubscriber(const RedisNode::Parts& parts, RedisNode::Where where);

  // Listens as long as this lives. `listener` outlives it. REQUIRES: nobody
  // listens to the channel yet.
  void Subscribe(std::string channel, RedisListener& listener);

  Task<void> Close() { return node_.Close(); }

 private:
  void OnUp(RedisNode& node) override;
  void OnDown(RedisNode&, const absl::Status&) override {}
  void OnPush(RedisNode& node, const RedisReply& message) override;

  RedisNode node_;
  std::map<std::string, RedisListener*, std::less<>> listeners_;
};

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_SUBSCRIBER_H_
