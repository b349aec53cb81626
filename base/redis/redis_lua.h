// What functions in Lua of more than one RedisLibrary
// (base/redis/redis_library.h) need: a library puts it first in what its
// functions share.
//
// Thread-safe: a constant.

#ifndef BASE_REDIS_REDIS_LUA_H_
#define BASE_REDIS_REDIS_LUA_H_

namespace gateway {

// text(number): a whole number as text; now(): the time of Redis in
// milliseconds and, as a second result, in microseconds.
inline constexpr char kRedisLuaNumbers[] = R"lua(
-- Whole numbers beyond what Lua writes without an exponent.
local function text(number)
  return string.format('%.0f', number)
end

-- In milliseconds and in microseconds.
local function now()
  local time = redis.call('TIME')
  local seconds, micros = tonumber(time[1]), tonumber(time[2])
  return seconds * 1000 + math.floor(micros / 1000), seconds * 1e6 + micros
end
)lua";

}  // namespace gateway

#endif  // BASE_REDIS_REDIS_LUA_H_
