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

Task<std::optional<RedisAnswers::Hit>> RedisAnswers::Find(
    RequestKey key, absl::Duration ttl, absl::Duration age_max) {
  RedisClient* const client = client_();
  if (client == nullptr) {
    Count(counts_.away);
    co_return std::nullopt;
  }
  const std::string name = NameOf(key);
  const absl::StatusOr<RedisReply> reply =
      co_await client->Call(RedisCommand("GET", RedisKey(name)));
  if (!reply.ok()) {
    Count(client->up() ? counts_.failed : counts_.away);
    co_return std::nullopt;
  }
  if (reply->is_nil()) {
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

void RedisAnswers::Put(const RequestKey& key, KeptAnswerPtr answer,
                       absl::Duration ttl) {
  const size_t bytes = HeldBytes(*answer);
  if (bytes > kAnswerBytesMax) return Count(counts_.too_large);
  if (Reachable() == nullptr) return Count(counts_.not_written);
  if (writing_bytes_.fetch_add(bytes) + bytes > kWritingBytesMax) {
    writing_bytes_.fetch_sub(bytes);
    return Count(counts_.no_room);
  }
  // After this turn of the loop, which gives the answer to its caller.
  EventLoop::Current()->Post([this, key, answer = std::move(answer),
                              kept = clock_.WallTime(), ttl, bytes]() mutable {
    RedisClient* const client = Reachable();
    if (client == nullptr) {
      writing_bytes_.fetch_sub(bytes);
      return Count(counts_.not_written);
    }
    Spawn(Write(*client, key, std::move(answer), kept, ttl, bytes));
  });
}

Task<void> RedisAnswers::Write(RedisClient& client, RequestKey key,
                               KeptAnswerPtr answer, absl::Time kept,
                               absl::Duration ttl, size_t bytes) {
  const std::string name = NameOf(key);
  RedisCommand set("SET", RedisKey(name));
  set.Add(WriteAnswerRecord(name, *answer, kept));
  answer = nullptr;
  set.Add("PX").Add(
      std::max<int64_t>(absl::ToInt64Milliseconds(ttl), int64_t{1}));
  const absl::StatusOr<RedisReply> reply = co_await client.Call(std::move(set));
  Count(reply.ok() ? counts_.kept : counts_.not_written);
  writing_bytes_.fetch_sub(bytes);
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
