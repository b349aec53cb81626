#include "service/budgets/redis_budget_functions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os/logging.h"
#include "base/redis/redis_lua.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

// Ten years, which stand for ever.
constexpr int64_t kLongestSeconds = 316'224'000;

// The keys are: the number of the last change; each replica's incarnation, the
// number of its last message, when it has told all that it had to, and when it
// has told something, last; the names of what was told by
// the number of the change, and by when it goes; and what was told.
//
// The arguments: the replica, its incarnation, the number of the message, up to
// where changes are known, how many are read at most, whether it tells all that
// it has to; and of what is told the name, whose it is, in how many
// milliseconds it goes, the header and the body.
//
// Returns 0, the incarnation, the number of the message before, the number of
// the last change, up to where changes are read, the replicas with how many
// milliseconds they are silent and when they have told all, names with what is
// told of them, and the time. Or another
// number alone: BudgetReply::Outcome.
constexpr char kExchangeBody[] = R"lua(
local state, replicas, changed, expiring, values =
    KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local replica, incarnation = ARGV[1], tonumber(ARGV[2])
local sequence, since = tonumber(ARGV[3]), tonumber(ARGV[4])
local most = tonumber(ARGV[5])
local ms, micros = now()
local known = redis.call('HGET', replicas, replica)
local last_incarnation, last = string.match(known or '', '^(%d+):(%d+):')
last_incarnation, last = tonumber(last_incarnation or 0), tonumber(last or 0)
local function told_all_of(value)
  return tonumber(string.match(value, '^%d+:%d+:(%d+):') or 0)
end
local told_all = told_all_of(known or '')
if incarnation == 0 then
  -- Also where Redis has forgotten those before.
  incarnation, last = math.max(last_incarnation + 1, micros), 0
  told_all = 0
elseif last_incarnation < incarnation then
  return {1}
elseif last_incarnation > incarnation then
  return {2}
elseif sequence <= last then
  return {3}
end
if ARGV[6] == '1' then told_all = ms end
redis.call('HSET', replicas, replica, text(incarnation) .. ':' ..
           text(sequence) .. ':' .. text(told_all) .. ':' .. text(ms))

local latest = tonumber(redis.call('GET', state) or '0')
local names, told = {}, {}
for a = 7, #ARGV, 5 do
  local name, owner, expiry = ARGV[a], ARGV[a + 1], ARGV[a + 2]
  local header, body = ARGV[a + 3], ARGV[a + 4]
  local lines, is_newer = header, true
  local value = redis.call('HGET', values, name)
  if value then
    for line in string.gmatch(string.match(value, '\n(.*)$') or '',
                              '[^\n]+') do
      local whose, what = string.match(line, '^(%S+) (.*)$')
      if whose ~= owner then
        lines = lines .. '\n' .. line
      elseif owner == '!' and what >= body then
        is_newer = false
      end
    end
  end
  if is_newer then
    latest = latest + 1
    redis.call('HSET', values, name, lines .. '\n' .. owner .. ' ' .. body)
    redis.call('ZADD', changed, text(latest), name)
    -- By one clock, whatever those of the replicas say.
    redis.call('ZADD', expiring, text(ms + tonumber(expiry)), name)
  end
  if not told[name] then
    told[name] = true
    names[#names + 1] = name
  end
end

local gone = redis.call('ZRANGEBYSCORE', expiring, '-inf', text(ms), 'LIMIT', 0,
                        64)
for _, name in ipairs(gone) do
  redis.call('HDEL', values, name)
  redis.call('ZREM', changed, name)
  redis.call('ZREM', expiring, name)
end
redis.call('SET', state, text(latest))
if #ARGV > 6 then
  local longest = redis.call('ZREVRANGE', expiring, 0, 0, 'WITHSCORES')[2]
  if longest then
    for _, key in ipairs(KEYS) do redis.call('PEXPIREAT', key, longest) end
  end
end

local read = latest
local changes = redis.call('ZRANGEBYSCORE', changed, '(' .. text(since), '+inf',
                           'WITHSCORES', 'LIMIT', 0, most)
for i = 1, #changes, 2 do
  local name = changes[i]
  if not told[name] then names[#names + 1] = name end
end
if #changes == 2 * most then read = tonumber(changes[#changes]) end

local seen = {}
local all = redis.call('HGETALL', replicas)
for i = 1, #all, 2 do
  local silent = ms - tonumber(string.match(all[i + 1], '(%d+)$'))
  if silent > 24 * 3600 * 1000 then
    redis.call('HDEL', replicas, all[i])
  else
    seen[#seen + 1] = all[i]
    seen[#seen + 1] = silent
    seen[#seen + 1] = told_all_of(all[i + 1])
  end
end
local news = {}
for _, name in ipairs(names) do
  local value = redis.call('HGET', values, name)
  if value then news[#news + 1] = value end
end
return {0, incarnation, last, latest, read, seen, news, ms}
)lua";

absl::Status NotABudgetReply() {
  return absl::InternalError("what Redis answered is no answer for budgets");
}

absl::StatusOr<BudgetReply> ParseBudgetReply(const RedisReply& reply) {
  constexpr size_t kParts = 8;
  constexpr size_t kPartsOfSeen = 3;
  if (reply.size() == 0) return NotABudgetReply();
  const int64_t outcome = reply[0].integer();
  if (outcome < 0 || outcome > 3) return NotABudgetReply();
  BudgetReply parsed;
  parsed.outcome = static_cast<BudgetReply::Outcome>(outcome);
  if (outcome != 0) return parsed;
  if (reply.size() != kParts) return NotABudgetReply();
  parsed.incarnation = reply[1].integer();
  parsed.last_sequence = reply[2].integer();
  parsed.latest = reply[3].integer();
  parsed.read = reply[4].integer();
  parsed.time = absl::Milliseconds(reply[7].integer());
  const RedisValue seen = reply[5];
  for (size_t i = 0; i + kPartsOfSeen <= seen.size(); i += kPartsOfSeen) {
    parsed.replicas.push_back(
        {.replica = std::string(seen[i].text()),
         .silence = absl::Milliseconds(seen[i + 1].integer()),
         .told_all = absl::Milliseconds(seen[i + 2].integer())});
  }
  for (const RedisValue each : reply[6]) {
    absl::StatusOr<BudgetNews> news = ReadNews(each.text());
    if (!news.ok()) {
      Log(LogLevel::kWarn, "budgets",
          "what a replica has told of a budget cannot be read, and does not "
          "count",
          {{"why", news.status()}});
      continue;
    }
    parsed.news.push_back(*std::move(news));
  }
  return parsed;
}

}  // namespace

const RedisLibrary& RedisBudgetLibrary() {
  static const RedisLibrary& library = *new RedisLibrary(
      "llmgw_budgets", kRedisLuaNumbers, {{"exchange", kExchangeBody}});
  return library;
}

RedisBudgetExchange::RedisBudgetExchange(const Options& options)
    : keys_({absl::StrCat(options.prefix, "{budgets}:latest"),
             absl::StrCat(options.prefix, "{budgets}:replicas"),
             absl::StrCat(options.prefix, "{budgets}:changed"),
             absl::StrCat(options.prefix, "{budgets}:expiring"),
             absl::StrCat(options.prefix, "{budgets}:told")}) {}

Task<absl::StatusOr<BudgetReply>> RedisBudgetExchange::Call(
    RedisClient& client, const std::string& replica,
    const BudgetMessage& message, int64_t now, int64_t retention) const {
  constexpr int64_t kMillis = 1000;
  RedisCommand call = RedisBudgetLibrary().Call(0, keys_.size());
  for (const std::string& key : keys_) call.Add(RedisKey(key));
  call.Add(replica).Add(message.incarnation).Add(message.sequence);
  call.Add(message.since).Add(static_cast<int64_t>(BudgetShare::kScopesMax));
  call.Add(message.tells_all ? 1 : 0);
  for (const BudgetTelling& telling : message.tellings) {
    const int64_t seconds = std::min(
        ExpiryOf(telling, now, retention).value_or(now + kLongestSeconds) - now,
        kLongestSeconds);
    call.Add(NameOf(telling));
    call.Add(telling.allocation.has_value() ? kNoReplica
                                            : std::string_view(replica));
    call.Add(seconds * kMillis).Add(HeaderOf(telling)).Add(BodyOf(telling));
  }
  GATEWAY_CO_ASSIGN_OR_RETURN(
      const RedisReply reply,
      co_await client.CallFunction(RedisBudgetLibrary(), std::move(call)));
  co_return ParseBudgetReply(reply);
}

}  // namespace gateway
