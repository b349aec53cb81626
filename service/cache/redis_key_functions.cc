#include "service/cache/redis_key_functions.h"

#include "absl/strings/str_cat.h"
#include "base/redis/redis_lua.h"

namespace gateway {
namespace {

constexpr char kSharedByKeyFunctions[] = R"lua(
-- The arguments that all have.
local function claim_of(argv)
  return {token = argv[1], fingerprint = argv[2], request = argv[3],
          claim_ms = tonumber(argv[4]), ttl_ms = tonumber(argv[5])}
end

local function read(key)
  local h = redis.call('HMGET', key, 'state', 'fingerprint', 'token', 'request',
                       'until', 'asked', 'watched')
  if not h[1] then return nil end
  return {state = h[1], fingerprint = h[2], token = h[3], request = h[4],
          ends = tonumber(h[5] or '0'), asked = h[6] and tonumber(h[6]),
          watched = tonumber(h[7] or '0')}
end

-- Has `c` run the call, from now on or still.
local function run(key, c)
  redis.call('HSET', key, 'state', 'running', 'fingerprint', c.fingerprint,
             'token', c.token, 'request', c.request,
             'until', text(now() + c.claim_ms))
  redis.call('HDEL', key, 'asked', 'watched')
  redis.call('PEXPIRE', key, text(c.claim_ms + c.ttl_ms))
end

-- Whether what runs, and is asked for now, has broken.
local function watch(key, c, known)
  local at = now()
  local since = at - (known.asked or at)
  local watched = known.watched +
                  math.max(0, math.min(since, math.ceil(c.claim_ms / 10)))
  redis.call('HSET', key, 'asked', text(at), 'watched', text(watched))
  return known.ends <= at and watched >= c.claim_ms
end
)lua";

constexpr char kClaimKeyBody[] = R"lua(
  local c, known = claim_of(ARGV), read(KEYS[1])
  -- Who claims after that has not heard of its own release.
  local is_late = known and known.state == 'released' and known.token == c.token
  if not known or known.state == 'released' and not is_late then
    run(KEYS[1], c)
    return {1, c.request}
  end
  if is_late then return {4, known.request, known.token} end
  if known.fingerprint ~= c.fingerprint then return {5, known.request} end
  local is_own = known.token == c.token
  if known.state == 'running' and not is_own and watch(KEYS[1], c, known) then
    redis.call('HSET', KEYS[1], 'state', 'broken')
    redis.call('PEXPIRE', KEYS[1], text(c.ttl_ms))
    known.state = 'broken'
  end
  if known.state == 'running' then
    return {is_own and 1 or 2, known.request, known.token}
  end
  if known.state ~= 'ended' then return {4, known.request, known.token} end
  local bytes = redis.call('HSTRLEN', KEYS[1], 'end')
  if bytes > tonumber(ARGV[6]) then
    return {6, known.request, known.token, bytes}
  end
  return {3, known.request, redis.call('HGET', KEYS[1], 'end') or ''}
)lua";

// One that Redis has lost is there again, and so is one that was taken for
// broken while whoever runs it could not reach Redis.
constexpr char kRenewKeyBody[] = R"lua(
  local c, known = claim_of(ARGV), read(KEYS[1])
  if known and (known.token ~= c.token or known.state == 'ended' or
                known.state == 'released') then
    return 0
  end
  run(KEYS[1], c)
  return 1
)lua";

// The end of one that was taken for broken is its end nevertheless.
constexpr char kEndKeyBody[] = R"lua(
  local c, known = claim_of(ARGV), read(KEYS[1])
  if known and known.token ~= c.token then return 0 end
  redis.call('HSET', KEYS[1], 'state', 'ended', 'fingerprint', c.fingerprint,
             'token', c.token, 'request', c.request, 'end', ARGV[6])
  redis.call('HDEL', KEYS[1], 'until')
  redis.call('PEXPIRE', KEYS[1], text(c.ttl_ms))
  return 1
)lua";

// What is left of it keeps off its own claim, if that comes later by another
// connection.
constexpr char kReleaseKeyBody[] = R"lua(
  local c, known = claim_of(ARGV), read(KEYS[1])
  if known and (known.token ~= c.token or known.state == 'ended') then
    return 0
  end
  redis.call('HSET', KEYS[1], 'state', 'released', 'fingerprint', c.fingerprint,
             'token', c.token, 'request', c.request)
  redis.call('PEXPIRE', KEYS[1], text(c.claim_ms))
  return 1
)lua";

}  // namespace

const RedisLibrary& RedisKeyLibrary() {
  // A full Redis takes no more claims, and the ends of those that it has.
  static const RedisLibrary& library = *new RedisLibrary(
      "llmgw_keys", absl::StrCat(kRedisLuaNumbers, kSharedByKeyFunctions),
      {{"claim", kClaimKeyBody, RedisLibrary::Memory::kNeeds},
       {"renew", kRenewKeyBody, RedisLibrary::Memory::kFrees},
       {"finish", kEndKeyBody, RedisLibrary::Memory::kFrees},
       {"release", kReleaseKeyBody, RedisLibrary::Memory::kFrees}});
  return library;
}

}  // namespace gateway
