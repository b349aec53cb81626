// Which of a Redis Cluster's 16384 slots a key belongs to. Keys with the same
// text in braces belong to the same slot: "{caller-7}.requests" and
// "{caller-7}.tokens" do, and may be used in one command.
//
// Thread contract: plain function.

#ifndef BASE_REDIS_REDIS_SLOT_H_
#define BASE_REDIS_REDIS_SLOT_H_

#include <cstdint>
#include <string_view>

namespace gateway {

inline constexpr uint16_t kRedisSlots = 16384;

uint16_t RedisSlot(std::string_view key);

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_SLOT_H_
