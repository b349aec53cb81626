#include "service/limits/redis_limit_calls.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/await_all.h"
#include "base/redis/redis_slot.h"
#include "base/status_macros.h"
#include "service/limits/redis_limit_functions.h"

namespace gateway {
namespace {

absl::Status NoAnswer() {
  return absl::InternalError("what Redis answered is no answer for a limit");
}

absl::StatusOr<RedisTaken> ParseTaken(const RedisValue& value) {
  if (value.size() != 3) return NoAnswer();
  const int64_t state = value[0].integer();
  if (state < 0 || state > 3) return NoAnswer();
  return RedisTaken{.state = static_cast<RedisTaken::State>(state),
                    .number = value[1].integer(),
                    .rest = value[2].integer()};
}

int64_t Bounded(int64_t nanos) {
  return std::clamp(nanos, -kRedisLongest, kRedisLongest);
}

}  // namespace

std::string RedisLimitCalls::KeyOf(const SharedCounterName& name) const {
  return absl::StrCat(options_.prefix, "limit:{",
                      absl::string_view(name.data(), name.size()), "}");
}

RedisCommand RedisLimitCalls::TakeCommand(
    const std::vector<RedisTake>& takes,
    const std::vector<size_t>& places) const {
  RedisCommand call = RedisLimitLibrary().Call(kRedisTake, places.size());
  for (const size_t place : places) {
    call.Add(RedisKey(KeyOf(takes[place].name)));
  }
  for (const size_t place : places) {
    const RedisTake& take = takes[place];
    call.Add(take.counts_calls ? "calls" : "rate").Add(take.observes ? 1 : 0);
    if (take.counts_calls) {
      call.Add(take.limit).Add(take.calls).Add(take.calls_wanted);
      call.Add(options_.replica).Add(take.sequence);
    } else {
      call.Add(Bounded(take.tolerance)).Add(Bounded(take.interval));
      call.Add(Bounded(take.known_ahead)).Add("").Add("");
    }
  }
  return call;
}

std::vector<std::vector<size_t>> RedisLimitCalls::Group(
    const std::vector<RedisTake>& takes) const {
  std::map<uint16_t, std::vector<size_t>> by_slot;
  for (size_t i = 0; i < takes.size(); ++i) {
    const uint16_t slot =
        options_.is_cluster ? RedisSlot(KeyOf(takes[i].name)) : uint16_t{0};
    by_slot[slot].push_back(i);
  }
  std::vector<std::vector<size_t>> groups;
  for (auto& [slot, places] : by_slot) groups.push_back(std::move(places));
  return groups;
}

Task<std::vector<absl::StatusOr<RedisTaken>>> RedisLimitCalls::Take(
    RedisClient& client, const std::vector<RedisTake>& takes) const {
  const std::vector<std::vector<size_t>> groups = Group(takes);
  std::vector<Task<absl::StatusOr<RedisReply>>> calls;
  calls.reserve(groups.size());
  for (const std::vector<size_t>& places : groups) {
    calls.push_back(
        client.CallFunction(RedisLimitLibrary(), TakeCommand(takes, places)));
  }
  const std::vector<absl::StatusOr<RedisReply>> replies =
      co_await AwaitAll(std::move(calls));
  std::vector<absl::StatusOr<RedisTaken>> taken(takes.size(), NoAnswer());
  for (size_t i = 0; i < groups.size(); ++i) {
    const absl::StatusOr<RedisReply>& reply = replies[i];
    for (size_t k = 0; k < groups[i].size(); ++k) {
      absl::StatusOr<RedisTaken>& each = taken[groups[i][k]];
      if (!reply.ok()) {
        each = reply.status();
      } else if (reply->size() == groups[i].size()) {
        each = ParseTaken((*reply)[k]);
      }
    }
  }
  co_return taken;
}

Task<absl::StatusOr<RedisLeased>> RedisLimitCalls::Lease(
    RedisClient& client, const RedisLeaseAsk& ask) const {
  RedisCommand call = RedisLimitLibrary().Call(kRedisLease, 1);
  call.Add(RedisKey(KeyOf(ask.name)));
  call.Add(Bounded(ask.tolerance)).Add(Bounded(ask.charge));
  call.Add(Bounded(ask.known_ahead));
  for (const int64_t part : ask.parts) call.Add(Bounded(part));
  GATEWAY_CO_ASSIGN_OR_RETURN(
      const RedisReply reply,
      co_await client.CallFunction(RedisLimitLibrary(), std::move(call)));
  RedisLeased leased;
  if (reply.size() != 3) co_return NoAnswer();
  leased.part = static_cast<size_t>(reply[0].integer());
  leased.ahead = reply[1].integer();
  leased.wait = reply[2].integer();
  if (leased.part > ask.parts.size()) co_return NoAnswer();
  co_return leased;
}

Task<absl::StatusOr<int64_t>> RedisLimitCalls::TellCalls(
    RedisClient& client, SharedCounterName name, int64_t calls,
    int64_t sequence) const {
  RedisCommand call = RedisLimitLibrary().Call(kRedisCalls, 1);
  call.Add(RedisKey(KeyOf(name))).Add(calls).Add(options_.replica);
  call.Add(sequence);
  GATEWAY_CO_ASSIGN_OR_RETURN(
      const RedisReply reply,
      co_await client.CallFunction(RedisLimitLibrary(), std::move(call)));
  co_return reply.integer();
}

}  // namespace gateway
