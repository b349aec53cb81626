#include "service/loop_redis.h"

#include <cassert>

namespace gateway {
namespace {

thread_local RedisClient* client_of_this_loop = nullptr;

}  // namespace

LoopRedis::LoopRedis(Resolver& resolver, const RedisAccess& access)
    : client_(resolver, access.options, *access.health) {
  assert(client_of_this_loop == nullptr);
  client_of_this_loop = &client_;
}

RedisClient* LoopRedis::OfThisLoop() { return client_of_this_loop; }

Task<void> LoopRedis::Close() {
  client_of_this_loop = nullptr;
  co_await client_.Close();
}

}  // namespace gateway
