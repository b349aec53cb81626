#include "base/redis/redis_standalone.h"

#include <string>
#include <utility>

#include "base/redis/redis_error.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// A server that says READONLY is left for whoever is at the address now, but
// not more often than this.
constexpr absl::Duration kReconnectInterval = absl::Seconds(1);

}  // namespace

RedisStandalone::RedisStandalone(const Parts& parts)
    : parts_(parts),
      node_(
          {.names = parts_.names,
           .random = parts_.random,
           .health = parts_.health,
           .options = &parts_.options->connection,
           .name = RedisAddress(parts_.options->addresses.front())},
          [this] { return AnyServer(); }, *this),
      reconnected_(-absl::InfiniteDuration()) {}

RedisRedirect RedisStandalone::OnError(std::string_view error, RedisNode*) {
  if (RedisErrorCode(ToAbsl(error)) == "READONLY") {
    const absl::Duration now = EventLoop::Current()->Now();
    if (now - reconnected_ >= kReconnectInterval) {
      reconnected_ = now;
      node_.Reconnect(absl::UnavailableError("the server became a replica"));
    }
  }
  return {};
}

}  // namespace gateway
