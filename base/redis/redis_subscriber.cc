#include "base/redis/redis_subscriber.h"

#include <cassert>
#include <utility>

namespace gateway {

RedisSubscriber::RedisSubscriber(const RedisNode::Parts& parts,
                                 RedisNode::Where where)
    : node_(parts, std::move(where), *this) {}

void RedisSubscriber::Subscribe(std::string channel, RedisListener& listener) {
  assert(listeners_.find(channel) == listeners_.end());
  const bool first = listeners_.empty();
  // Else it is asked for with the others once there is a connection.
  node_.Listen(RedisCommand("SUBSCRIBE", channel)).IgnoreError();
  listeners_[std::move(channel)] = &listener;
  if (first) node_.Start();
}

void RedisSubscriber::OnUp(RedisNode& node) {
  RedisCommand subscribe("SUBSCRIBE");
  for (const auto& [channel, listener] : listeners_) subscribe.Add(channel);
  node.Listen(subscribe).IgnoreError();
}

void RedisSubscriber::OnPush(RedisNode&, const RedisReply& message) {
  if (message.size() != 3) return;
  const std::string_view channel = message[1].text();
  const auto at = listeners_.find(channel);
  if (at == listeners_.end()) return;
  if (message[0].text() == "message") {
    at->second->OnMessage(channel, message[2].text());
  } else if (message[0].text() == "subscribe") {
    at->second->OnListening(channel);
  }
}

}  // namespace gateway
