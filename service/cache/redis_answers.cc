#include "service/cache/redis_answers.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/event_loop.h"
#include "base/async/worker_pool.h"
#include "base/redis/redis_command.h"
#include "base/redis/redis_reply.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/cache/answer_record.h"

namespace gateway {
namespace {

// Of what a record is; another one where it, or what a key stands for, is
// another.
constexpr std::string_view kRecordVersion = "answer:1:";

void Count(std::atomic<uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
}

uint64_t Read(const std::atomic<uint64_t>& counter) {
  return counter.load(std::memory_order_relaxed);
}

}  // namespace

RedisClient* RedisAnswers::Reachable() const {
  RedisClient* const client = client_();
  return client != nullptr && client->up() ? client : nullptr;
}

std::string RedisAnswers::NameOf(const RequestKey& key) const {
  return absl::StrCat(options_.prefix, ToAbsl(kRecordVersion), key.Hex());
}

Task<absl::StatusOr<RedisReply>> RedisAnswers::Fetch(RedisClient& client,
                                                     std::string_view caller,
                                                     std::string_view name) {
  RedisCommand begin("GETRANGE", RedisKey(name));
  begin.Add(0).Add(kRedisSmallBytesMax);
  absl::StatusOr<RedisReply> reply = co_await client.Call(std::move(begin));
  if (!reply.ok() || reply->text().size() <= kRedisSmallBytesMax) {
    co_return reply;
  }
  GATEWAY_CO_ASSIGN_OR_RETURN(
      RedisBulk::Turn turn,
      co_await client.bulk().Await({.whose = caller,
                                    .bytes = kAnswerBytesMax,
                                    .patience = kTurnPatience}));
  RedisCommand get("GET", RedisKey(name));
  co_return co_await client.bulk().Call(std::move(turn), std::move(get));
}

Task<std::optional<RedisAnswers::Hit>> RedisAnswers::Find(
    std::string_view caller, RequestKey key, absl::Duration ttl,
    absl::Duration age_max) {
  RedisClient* const client = client_();
  if (client == nullptr) {
    Count(counts_.away);
    co_return std::nullopt;
  }
  const std::string name = NameOf(key);
  const absl::StatusOr<RedisReply> reply =
      co_await Fetch(*client, caller, name);
  if (!reply.ok()) {
    Count(client->up() ? counts_.failed : counts_.away);
    co_return std::nullopt;
  }
  if (reply->text().empty()) {
    Count(counts_.misses);
    co_return std::nullopt;
  }
  const auto read = [&] { return ReadAnswerRecord(name, reply->text()); };
  std::optional<AnswerRecord> record =
      co_await OffLoop(reply->text().size(), read);
  if (!record) {
    Count(counts_.unreadable);
    co_return std::nullopt;
  }
  // Another replica's clock may be ahead of this one's.
  const absl::Duration age =
      std::max(clock_.WallTime() - record->kept, absl::ZeroDuration());
  if (age >= ttl || age > age_max) {
    Count(counts_.misses);
    co_return std::nullopt;
  }
  Count(counts_.hits);
  co_return Hit{.answer = std::move(record->answer), .age = age};
}

void RedisAnswers::Put(std::string_view caller, const RequestKey& key,
                       KeptAnswerPtr answer, absl::Duration ttl) {
  const size_t bytes = HeldBytes(*answer);
  if (bytes > kAnswerBytesMax) return Count(counts_.too_large);
  if (Reachable() == nullptr) return Count(counts_.not_written);
  if (writing_bytes_.fetch_add(bytes) + bytes > kWritingBytesMax) {
    writing_bytes_.fetch_sub(bytes);
    return Count(counts_.no_room);
  }
  // After this turn of the loop, which gives the answer to its caller.
  Writing writing = {.caller = std::string(caller),
                     .key = key,
                     .answer = std::move(answer),
                     .kept = clock_.WallTime(),
                     .ttl = ttl,
                     .bytes = bytes};
  EventLoop::Current()->Post([this, writing = std::move(writing)]() mutable {
    RedisClient* const client = Reachable();
    if (client == nullptr) {
      writing_bytes_.fetch_sub(writing.bytes);
      return Count(counts_.not_written);
    }
    Spawn(Write(*client, std::move(writing)));
  });
}

Task<void> RedisAnswers::Write(RedisClient& client, Writing writing) {
  const absl::Status sent = co_await Send(client, writing);
  Count(sent.ok() ? counts_.kept : counts_.not_written);
  writing_bytes_.fetch_sub(writing.bytes);
}

Task<absl::Status> RedisAnswers::Send(RedisClient& client, Writing& writing) {
  // What is large is written once it has its turn, so that it is there once.
  std::optional<RedisBulk::Turn> turn;
  if (writing.bytes > kRedisSmallBytesMax) {
    absl::StatusOr<RedisBulk::Turn> its = co_await client.bulk().Await(
        {.whose = writing.caller, .bytes = writing.bytes});
    GATEWAY_CO_RETURN_IF_ERROR(its.status());
    turn.emplace(*std::move(its));
  }
  const std::string name = NameOf(writing.key);
  RedisCommand set("SET", RedisKey(name));
  set.Add(WriteAnswerRecord(name, *writing.answer, writing.kept));
  writing.answer = nullptr;
  set.Add("PX").Add(
      std::max<int64_t>(absl::ToInt64Milliseconds(writing.ttl), int64_t{1}));
  if (!turn) co_return (co_await client.Call(std::move(set))).status();
  co_return (co_await client.bulk().Call(*std::move(turn), std::move(set)))
      .status();
}

RedisAnswers::Stats RedisAnswers::stats() const {
  return {.hits = Read(counts_.hits),
          .misses = Read(counts_.misses),
          .unreadable = Read(counts_.unreadable),
          .failed = Read(counts_.failed),
          .away = Read(counts_.away),
          .kept = Read(counts_.kept),
          .too_large = Read(counts_.too_large),
          .no_room = Read(counts_.no_room),
          .not_written = Read(counts_.not_written)};
}

}  // namespace gateway
