#include "service/store/redis_record_functions.h"

#include "absl/strings/str_cat.h"
#include "base/redis/redis_lua.h"
#include "service/store/record_store.h"

namespace gateway {
namespace {

// How many expired records, and how many keys of what is long gone, each change
// removes: more than it adds.
constexpr char kShared[] = R"lua(
local kRemovedAtOnce = 16
local kRemovedByReaders = 1000

-- Where one step of the store works.
local function open(keys)
  local c = {records = keys[1], names = keys[2], changed = keys[3],
             gone = keys[4], expiring = keys[5], state = keys[6],
             owned = keys[7]}
  c.now, c.micros = now()
  local state = redis.call('HMGET', c.state, 'latest', 'floor', 'cut', 'server')
  c.latest = tonumber(state[1] or '0')
  c.floor = tonumber(state[2] or '0')
  c.cut = state[3]
  -- Whoever may not ask for it lives without.
  local info = redis.pcall('INFO', 'replication')
  c.server = type(info) == 'string' and
             string.match(info, 'master_replid:(%x+)') or state[4]
  if c.latest > 0 and c.server ~= state[4] then
    c.latest = math.max(c.latest + 1, c.micros)
    c.floor = c.latest
    redis.call('HSET', c.state, 'latest', text(c.latest), 'floor',
               text(c.floor), 'server', c.server)
  end
  return c
end

-- The sequence of a change.
local function next_sequence(c)
  if c.latest == 0 then
    c.latest = c.micros
    redis.call('HSET', c.state, 'floor', text(c.latest), 'server',
               c.server or '')
  end
  c.latest = c.latest + 1
  redis.call('HSET', c.state, 'latest', text(c.latest))
  return c.latest
end

-- Version, sequence, whether it has expired, and bytes before the value.
local function head(c, record)
  local _, last, version, expiry, sequence =
      string.find(record, '^(%d+):(%d*):(%d+):')
  local expired = expiry ~= '' and tonumber(expiry) <= c.now
  return tonumber(version), tonumber(sequence), expired, last
end

local function remove(c, key, sequence)
  redis.call('HDEL', c.records, key)
  redis.call('ZREM', c.names, key)
  redis.call('ZREM', c.changed, key)
  redis.call('ZREM', c.expiring, key)
  redis.call('ZADD', c.gone, text(sequence), key)
end

-- Removes what has expired. It stays in its place among the changes: who has
-- followed as far as there knows when it expires, and others find that it has.
local function expire(c, most)
  local keys = redis.call('ZRANGEBYSCORE', c.expiring, '-inf', text(c.now),
                          'LIMIT', 0, most)
  for _, key in ipairs(keys) do
    local record = redis.call('HGET', c.records, key)
    local _, sequence = head(c, record)
    remove(c, key, sequence)
  end
end

-- How many there are.
local function count(c)
  return redis.call('ZCARD', c.names) -
         redis.call('ZCOUNT', c.expiring, '-inf', text(c.now))
end

-- Whether, and by which part, a quota refuses the owner one more.
local function refuses(c, records, share)
  local there = count(c)
  if there >= records then return 2 end
  if there < records - share then return nil end
  local has = redis.call('ZCOUNT', c.owned, '(' .. text(c.now), '+inf')
  return has >= share and 3 or nil
end

-- Counts the record for its owner until it expires.
local function own(c, key, expiry)
  redis.call('ZADD', c.owned, expiry == '' and '+inf' or expiry, key)
  local past = redis.call('ZRANGEBYSCORE', c.owned, '-inf', text(c.now),
                          'LIMIT', 0, kRemovedAtOnce)
  for _, each in ipairs(past) do redis.call('ZREM', c.owned, each) end
  local last = redis.call('ZRANGE', c.owned, -1, -1, 'WITHSCORES')[2]
  if last == 'inf' then
    redis.call('PERSIST', c.owned)
  elseif last then
    redis.call('PEXPIREAT', c.owned, text(tonumber(last)))
  end
end

-- Forgets what is gone for long.
local function forget(c)
  local keys = redis.call('ZRANGEBYSCORE', c.gone, '-inf',
                          text(c.latest - kChangesKept), 'WITHSCORES', 'LIMIT',
                          0, kRemovedAtOnce)
  if #keys == 0 then return end
  for i = 1, #keys, 2 do redis.call('ZREM', c.gone, keys[i]) end
  c.floor = math.max(c.floor, tonumber(keys[#keys]))
  redis.call('HSET', c.state, 'floor', text(c.floor), 'cut', '1')
end

-- The record that is there, and its version; nothing, and 0.
local function find(c, key)
  local record = redis.call('HGET', c.records, key)
  if not record then return nil, 0 end
  local version, sequence, expired = head(c, record)
  if not expired then return record, version end
  return nil, 0, sequence
end
)lua";

constexpr char kGetBody[] = R"lua(
  local c = {records = KEYS[1], now = now()}
  if ARGV[2] then
    local bytes = redis.call('HSTRLEN', c.records, ARGV[1])
    if bytes > tonumber(ARGV[2]) then return bytes end
  end
  return find(c, ARGV[1]) or ''
)lua";

constexpr char kPutBody[] = R"lua(
  local c = open(KEYS)
  local key, value, expected, expiry = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
  expire(c, kRemovedAtOnce)
  local _, version, expired = find(c, key)
  if expected ~= '' and tonumber(expected) ~= version then
    return {0, version}
  end
  local records = tonumber(ARGV[5])
  if version == 0 and records then
    local refusal = refuses(c, records, tonumber(ARGV[6]))
    if refusal then return {refusal, 0} end
  end
  if expired then remove(c, key, expired) end
  local sequence = next_sequence(c)
  version = version + 1
  redis.call('HSET', c.records, key, text(version) .. ':' .. expiry .. ':' ..
             text(sequence) .. ':' .. value)
  redis.call('ZADD', c.names, 0, key)
  redis.call('ZADD', c.changed, text(sequence), key)
  redis.call('ZREM', c.gone, key)
  if expiry == '' then
    redis.call('ZREM', c.expiring, key)
  else
    redis.call('ZADD', c.expiring, expiry, key)
  end
  if c.owned then own(c, key, expiry) end
  forget(c)
  return {1, version}
)lua";

constexpr char kDeleteBody[] = R"lua(
  local c = open(KEYS)
  local key, expected = ARGV[1], ARGV[2]
  expire(c, kRemovedAtOnce)
  local record, version = find(c, key)
  if expected ~= '' and tonumber(expected) ~= version then
    return {-1, version}
  end
  if not record then return {0, 0} end
  remove(c, key, next_sequence(c))
  if c.owned then redis.call('ZREM', c.owned, key) end
  forget(c)
  return {1, version}
)lua";

constexpr char kListBody[] = R"lua(
  local c = open(KEYS)
  local limit, bytes_limit = tonumber(ARGV[2]), tonumber(ARGV[3])
  local from = ARGV[1] == '' and '-' or '(' .. ARGV[1]
  expire(c, kRemovedByReaders)
  local page, count, bytes = {c.latest, 0}, 0, 0
  while true do
    local keys = redis.call('ZRANGEBYLEX', c.names, from, '+', 'LIMIT', 0, 100)
    if #keys == 0 then return page end
    for _, key in ipairs(keys) do
      local record = redis.call('HGET', c.records, key)
      local _, _, expired, before = head(c, record)
      if not expired then
        if count == limit or bytes >= bytes_limit then
          page[2] = 1
          return page
        end
        count = count + 1
        bytes = bytes + #record - before
        page[#page + 1] = key
        page[#page + 1] = record
      end
    end
    from = '(' .. keys[#keys]
  end
)lua";

constexpr char kChangesBody[] = R"lua(
  local c = open(KEYS)
  local since, limit, bytes_limit =
      tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
  local bytes_most = ARGV[4] and tonumber(ARGV[4]) or math.huge
  local from_beginning = since == 0 and not c.cut
  if not from_beginning and (since < c.floor or since > c.latest) then
    return {0, c.latest, 0}
  end
  expire(c, kRemovedByReaders)
  local function after(set)
    return redis.call('ZRANGEBYSCORE', set, '(' .. text(since), '+inf',
                      'WITHSCORES', 'LIMIT', 0, limit + 1)
  end
  local changed, gone = after(c.changed), after(c.gone)
  local page, count, bytes = {1, c.latest, 0}, 0, 0
  local i, j, last = 1, 1, since
  while changed[i] or gone[j] do
    if count == limit or bytes >= bytes_limit then
      page[2], page[3] = last, 1
      return page
    end
    count = count + 1
    if not changed[i] or
       gone[j] and tonumber(gone[j + 1]) < tonumber(changed[i + 1]) then
      page[#page + 1] = gone[j]
      page[#page + 1] = ''
      last, j = tonumber(gone[j + 1]), j + 2
    else
      local record = redis.call('HGET', c.records, changed[i])
      local _, _, expired, before = head(c, record)
      page[#page + 1] = changed[i]
      page[#page + 1] = expired and '' or record
      bytes = bytes + #record - before
      if bytes > bytes_most then return {2, 0, 0} end
      last, i = tonumber(changed[i + 1]), i + 2
    end
  end
  return page
)lua";

constexpr char kCountBody[] = R"lua(
  local c = open(KEYS)
  expire(c, kRemovedByReaders)
  return count(c)
)lua";

}  // namespace

const RedisLibrary& RedisRecordLibrary() {
  static const RedisLibrary& library = *new RedisLibrary(
      "llmgw_records",
      absl::StrCat("local kChangesKept = ", kRecordChangesKept, "\n",
                   kRedisLuaNumbers, kShared),
      {{"get", kGetBody, RedisLibrary::Memory::kReadsOnly},
       {"put", kPutBody, RedisLibrary::Memory::kNeeds},
       // What removes is done in a full Redis, too, and readers remove.
       {"delete", kDeleteBody, RedisLibrary::Memory::kFrees},
       {"list", kListBody, RedisLibrary::Memory::kFrees},
       {"changes", kChangesBody, RedisLibrary::Memory::kFrees},
       {"count", kCountBody, RedisLibrary::Memory::kFrees}});
  return library;
}

}  // namespace gateway
