#include "service/limits/redis_limit_functions.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace gateway {
namespace {

constexpr char kShared[] = R"lua(
-- A counter that owes nothing is kept for so long, so that who knows of a debt
-- and finds no counter knows that Redis has lost it.
local kKeptMs = 1000

local function whole(number)
  return string.format('%.0f', number)
end

local function clock()
  local time = redis.call('TIME')
  return {s = tonumber(time[1]), n = tonumber(time[2]) * 1000}
end

-- How far the counter's TAT lies ahead; `known` if there is no counter.
local function ahead_of(now, key, known)
  local s, n = string.match(redis.call('GET', key) or '', '^(%d+):(%d+)$')
  if not s then return math.min(known, kLongest) end
  local ahead = (tonumber(s) - now.s) * 1e9 + (tonumber(n) - now.n)
  return math.max(0, math.min(ahead, kLongest))
end

local function keep(now, key, ahead, shrinks)
  local nanos = now.n + ahead
  local rest = math.fmod(nanos, 1e9)
  local ttl = math.ceil(ahead / 1e6) + kKeptMs
  if shrinks then ttl = math.max(ttl, redis.call('PTTL', key)) end
  redis.call('SET', key, whole(now.s + (nanos - rest) / 1e9) .. ':' ..
             whole(rest), 'PX', whole(ttl))
end

-- The calls of other replicas, and the last that this one has said: how many,
-- and the number of its message. Those who have said nothing for long go.
local function read_calls(now, key, replica)
  local ms = now.s * 1000 + math.floor(now.n / 1e6)
  local others, own, own_sequence, gone = 0, 0, -1, {}
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local sequence, count, expiry =
        string.match(all[i + 1], '^(%d+):(%d+):(%d+)$')
    if all[i] == replica then
      own, own_sequence = tonumber(count), tonumber(sequence)
    elseif sequence and tonumber(expiry) > ms then
      others = others + tonumber(count)
    else
      gone[#gone + 1] = all[i]
    end
  end
  for _, field in ipairs(gone) do redis.call('HDEL', key, field) end
  return others, own, own_sequence
end

local function keep_calls(now, key, replica, sequence, count)
  if count == 0 then
    redis.call('HDEL', key, replica)
    return
  end
  local expiry = now.s * 1000 + math.floor(now.n / 1e6) + kCallsKeptMs
  redis.call('HSET', key, replica,
             sequence .. ':' .. whole(count) .. ':' .. whole(expiry))
  redis.call('PEXPIRE', key, whole(kCallsKeptMs))
end

local kTaken, kConforms, kRefused, kObserved = 1, 0, 2, 3
)lua";

// For each key: `rate`, 1 if it only observes, nanoseconds of the tolerance and
// of what is taken, how far ahead the TAT is known to lie; or `calls`, 1 if it
// only observes, the limit, how many this replica has with this one, how many
// it wants at most, the replica, the number of the message.
//
// Returns for each what became of it; of a rate how far ahead the TAT lies then
// and nanoseconds until it conforms; of calls how many there are, and how many
// this replica may have.
constexpr char kTakeBody[] = R"lua(
local now = clock()
local results, refused = {}, false
for i, key in ipairs(KEYS) do
  local a = (i - 1) * kArguments
  local result
  if ARGV[a + 1] == 'rate' then
    local ahead = ahead_of(now, key, tonumber(ARGV[a + 5]))
    local finish = ahead + tonumber(ARGV[a + 4])
    local wait = math.max(0, finish - tonumber(ARGV[a + 3]))
    result = {wait > 0 and kRefused or kTaken, ahead, wait}
    result.finish = finish
  else
    local limit, need = tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4])
    local others, own, last = read_calls(now, key, ARGV[a + 6])
    local granted = math.min(tonumber(ARGV[a + 5]), limit - others)
    result = {granted < need and kRefused or kTaken, others + need, granted}
    -- One that was sent later has come before: it knew of this call.
    if tonumber(ARGV[a + 7]) <= last then
      result = {others + own > limit and kRefused or kTaken, others + own, own}
      result.late = true
    end
  end
  if result[1] == kRefused then
    if ARGV[a + 2] == '1' then result[1] = kObserved else refused = true end
  end
  results[i] = result
end
for i, key in ipairs(KEYS) do
  local a, result = (i - 1) * kArguments, results[i]
  if result[1] == kTaken then
    if refused then
      result[1] = kConforms
    elseif result.finish then
      keep(now, key, result.finish, false)
      result[2] = result.finish
    elseif not result.late then
      keep_calls(now, key, ARGV[a + 6], ARGV[a + 7], result[3])
    end
  end
end
return results
)lua";

// Nanoseconds of the tolerance, of what is charged in any case, which may be
// negative, and how far ahead the TAT is known to lie; then of parts, the
// largest first, of which the first that conforms is taken.
//
// Returns which part that was, 0 for none, how far ahead the TAT lies then, and
// nanoseconds until the last part conforms.
constexpr char kLeaseBody[] = R"lua(
local now = clock()
local charge = tonumber(ARGV[2])
local ahead = ahead_of(now, KEYS[1], tonumber(ARGV[3])) + charge
ahead = math.max(0, math.min(ahead, kLongest))
local granted, wait = 0, 0
for i = 4, #ARGV do
  local finish = ahead + tonumber(ARGV[i])
  wait = math.max(0, finish - tonumber(ARGV[1]))
  if wait == 0 then
    granted, ahead = i - 3, finish
    break
  end
end
keep(now, KEYS[1], ahead, charge < 0)
return {granted, ahead, wait}
)lua";

// How many calls the replica has, the replica, the number of the message.
// Returns how many others have.
constexpr char kCallsBody[] = R"lua(
local now = clock()
local others, _, last = read_calls(now, KEYS[1], ARGV[2])
if tonumber(ARGV[3]) > last then
  keep_calls(now, KEYS[1], ARGV[2], ARGV[3], tonumber(ARGV[1]))
end
return others
)lua";

}  // namespace

const RedisLibrary& RedisLimitLibrary() {
  static const RedisLibrary& library = *new RedisLibrary(
      "llmgw_limits",
      absl::StrCat("local kLongest = ", kRedisLongest, "\nlocal kArguments = ",
                   kRedisTakeArguments, "\nlocal kCallsKeptMs = ",
                   absl::ToInt64Milliseconds(kSharedCallsKept), "\n", kShared),
      {{"take", kTakeBody}, {"lease", kLeaseBody}, {"calls", kCallsBody}});
  return library;
}

}  // namespace gateway
