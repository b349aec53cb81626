#include "service/store/redis_record_store.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/store/redis_record_functions.h"

namespace gateway {
namespace {

// What kRedisPut answers first.
constexpr int64_t kPutDone = 1;
constexpr int64_t kPutNoRoom = 2;
constexpr int64_t kPutNoRoomForOwner = 3;

absl::Status BadReply(std::string_view collection) {
  return absl::InternalError(absl::StrCat(
      ToAbsl(collection), ": what Redis answered is no record of ours"));
}

// A number up to the next colon, which `text` then begins behind; nothing if
// there is none.
std::optional<std::string_view> NextPart(std::string_view& text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view part = text.substr(0, colon);
  text.remove_prefix(colon + 1);
  return part;
}

// A record as `version:expiry:sequence:value`.
absl::StatusOr<Record> ParseRecord(std::string_view collection,
                                   std::string_view key,
                                   std::string_view packed) {
  const std::optional<std::string_view> version = NextPart(packed);
  const std::optional<std::string_view> expiry = NextPart(packed);
  const std::optional<std::string_view> sequence = NextPart(packed);
  Record record;
  if (!sequence.has_value() ||
      !absl::SimpleAtoi(ToAbsl(*version), &record.version)) {
    return BadReply(collection);
  }
  int64_t expire_ms = 0;
  if (absl::SimpleAtoi(ToAbsl(*expiry), &expire_ms)) {
    record.expire_time = absl::FromUnixMillis(expire_ms);
  }
  record.key = std::string(key);
  record.value = std::string(packed);
  return record;
}

// Arguments that may be absent are empty then.
void AddVersion(std::optional<int64_t> version, RedisCommand* call) {
  if (version.has_value()) {
    call->Add(*version);
  } else {
    call->Add("");
  }
}

void AddExpiry(absl::Time expire_time, RedisCommand* call) {
  const absl::Time rounded = RoundedExpireTime(expire_time);
  if (rounded == absl::InfiniteFuture()) {
    call->Add("");
  } else {
    // What lies before 1970 has expired as well as what lies in it.
    call->Add(std::max<int64_t>(absl::ToUnixMillis(rounded), 0));
  }
}

}  // namespace

RedisRecordStore::RedisRecordStore(Options options, RedisClientOfLoop client)
    : options_(std::move(options)), client_(std::move(client)) {}

RedisCommand RedisRecordStore::Begin(
    size_t function, std::string_view collection,
    std::optional<std::string_view> owner) const {
  const size_t keys = std::size(kRedisRecordKeys) + (owner.has_value() ? 1 : 0);
  RedisCommand call = RedisRecordLibrary().Call(function, keys);
  const std::string begin =
      absl::StrCat(options_.prefix, "{records:", ToAbsl(collection), "}:");
  for (const char* ending : kRedisRecordKeys) {
    call.Add(RedisKey(absl::StrCat(begin, ending)));
  }
  if (owner.has_value()) {
    call.Add(RedisKey(absl::StrCat(begin, kRedisOwnedKey, ToAbsl(*owner))));
  }
  return call;
}

Task<absl::StatusOr<RedisReply>> RedisRecordStore::Ask(RedisCommand call,
                                                       CancelSignal& cancel) {
  RedisClient* const client = client_();
  if (client == nullptr) {
    co_return absl::UnavailableError("this thread asks no Redis");
  }
  co_return co_await client->CallFunction(RedisRecordLibrary(), std::move(call),
                                          &cancel);
}

Task<absl::StatusOr<RedisReply>> RedisRecordStore::AskForLarge(
    RedisBulk::Need need, RedisCommand call, CancelSignal& cancel) {
  RedisClient* const client = client_();
  if (client == nullptr) {
    co_return absl::UnavailableError("this thread asks no Redis");
  }
  GATEWAY_CO_ASSIGN_OR_RETURN(RedisBulk::Turn turn,
                              co_await client->bulk().Await(need, &cancel));
  co_return co_await client->bulk().CallFunction(
      std::move(turn), RedisRecordLibrary(), std::move(call), &cancel);
}

Task<absl::StatusOr<std::optional<Record>>> RedisRecordStore::Get(
    std::string_view collection, std::string_view key, CancelSignal& cancel) {
  return GetFor(/*whose=*/"", collection, key, cancel);
}

Task<absl::StatusOr<std::optional<Record>>> RedisRecordStore::GetFor(
    std::string_view whose, std::string_view collection, std::string_view key,
    CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordKey(collection, key));
  RedisCommand call = Begin(kRedisGet, collection);
  call.Add(key).Add(kRedisSmallBytesMax);
  GATEWAY_CO_ASSIGN_OR_RETURN(RedisReply reply,
                              co_await Ask(std::move(call), cancel));
  if (reply.type() == RedisType::kInteger) {
    const auto bytes = static_cast<size_t>(reply.integer());
    RedisCommand whole = Begin(kRedisGet, collection);
    whole.Add(key);
    GATEWAY_CO_ASSIGN_OR_RETURN(
        reply, co_await AskForLarge({.whose = whose, .bytes = bytes},
                                    std::move(whole), cancel));
  }
  std::optional<Record> record;
  if (reply.text().empty()) co_return record;
  GATEWAY_CO_ASSIGN_OR_RETURN(record,
                              ParseRecord(collection, key, reply.text()));
  co_return record;
}

Task<absl::StatusOr<int64_t>> RedisRecordStore::Put(std::string_view collection,
                                                    std::string_view key,
                                                    std::string value,
                                                    PutOptions options,
                                                    CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordKey(collection, key));
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordValue(collection, value));
  RedisCommand call = Begin(kRedisPut, collection, options.owner);
  call.Add(key).Add(value);
  AddVersion(options.expected_version, &call);
  AddExpiry(options.expire_time, &call);
  if (options.quota.has_value()) {
    call.Add(options.quota->records).Add(options.quota->share);
  }
  const RedisBulk::Need need = {.whose = options.owner.value_or(options.whose),
                                .bytes = value.size()};
  std::string().swap(value);
  RedisReply reply;
  if (need.bytes <= kRedisSmallBytesMax) {
    GATEWAY_CO_ASSIGN_OR_RETURN(reply, co_await Ask(std::move(call), cancel));
  } else {
    GATEWAY_CO_ASSIGN_OR_RETURN(
        reply, co_await AskForLarge(need, std::move(call), cancel));
  }
  if (reply.size() != 2) co_return BadReply(collection);
  const int64_t version = reply[1].integer();
  switch (reply[0].integer()) {
    case kPutDone:
      co_return version;
    case kPutNoRoom:
      co_return RefuseByQuota(collection, QuotaRefusal::kCollection);
    case kPutNoRoomForOwner:
      co_return RefuseByQuota(collection, QuotaRefusal::kOwner);
    default:
      break;
  }
  GATEWAY_CO_RETURN_IF_ERROR(
      CheckRecordVersion(collection, version, options.expected_version));
  co_return BadReply(collection);
}

Task<absl::StatusOr<bool>> RedisRecordStore::Delete(std::string_view collection,
                                                    std::string_view key,
                                                    DeleteOptions options,
                                                    CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordKey(collection, key));
  RedisCommand call = Begin(kRedisDelete, collection, options.owner);
  call.Add(key);
  AddVersion(options.expected_version, &call);
  GATEWAY_CO_ASSIGN_OR_RETURN(const RedisReply reply,
                              co_await Ask(std::move(call), cancel));
  if (reply.size() != 2) co_return BadReply(collection);
  const int64_t deleted = reply[0].integer();
  if (deleted >= 0) co_return deleted == 1;
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordVersion(collection, reply[1].integer(),
                                                options.expected_version));
  co_return BadReply(collection);
}

Task<absl::StatusOr<RecordPage>> RedisRecordStore::List(
    std::string_view collection, std::string_view after, int limit,
    CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckCollection(collection));
  GATEWAY_CO_ASSIGN_OR_RETURN(const int page_limit, RecordPageLimit(limit));
  RedisCommand call = Begin(kRedisList, collection);
  call.Add(after).Add(page_limit).Add(kRecordPageBytesMax);
  GATEWAY_CO_ASSIGN_OR_RETURN(
      const RedisReply reply,
      co_await AskForLarge({.bytes = kRecordPageBytesMax}, std::move(call),
                           cancel));
  if (reply.size() < 2 || reply.size() % 2 != 0) co_return BadReply(collection);
  RecordPage page;
  page.sequence = reply[0].integer();
  page.more = reply[1].integer() == 1;
  page.records.reserve(reply.size() / 2 - 1);
  RedisValue::Iterator at = reply.value().begin();
  for (++at, ++at; at != reply.value().end(); ++at) {
    const std::string_view key = (*at).text();
    ++at;
    GATEWAY_CO_ASSIGN_OR_RETURN(Record record,
                                ParseRecord(collection, key, (*at).text()));
    page.records.push_back(std::move(record));
  }
  co_return page;
}

Task<absl::StatusOr<int64_t>> RedisRecordStore::Count(
    std::string_view collection, CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckCollection(collection));
  RedisCommand call = Begin(kRedisCount, collection);
  GATEWAY_CO_ASSIGN_OR_RETURN(const RedisReply reply,
                              co_await Ask(std::move(call), cancel));
  co_return reply.integer();
}

Task<absl::StatusOr<RecordChanges>> RedisRecordStore::ChangesSince(
    std::string_view collection, int64_t sequence, int limit,
    CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckCollection(collection));
  GATEWAY_CO_ASSIGN_OR_RETURN(const int page_limit, RecordPageLimit(limit));
  RedisCommand call = Begin(kRedisChanges, collection);
  call.Add(sequence).Add(page_limit).Add(kRecordPageBytesMax);
  call.Add(kRedisSmallBytesMax);
  GATEWAY_CO_ASSIGN_OR_RETURN(RedisReply reply,
                              co_await Ask(std::move(call), cancel));
  if (reply.size() > 0 && reply[0].integer() == kRedisTooLarge) {
    RedisCommand whole = Begin(kRedisChanges, collection);
    whole.Add(sequence).Add(page_limit).Add(kRecordPageBytesMax);
    GATEWAY_CO_ASSIGN_OR_RETURN(
        reply, co_await AskForLarge({.bytes = kRecordPageBytesMax},
                                    std::move(whole), cancel));
  }
  if (reply.size() < 3 || reply.size() % 2 != 1) co_return BadReply(collection);
  if (reply[0].integer() != 1) {
    co_return absl::OutOfRangeError(
        absl::StrCat(ToAbsl(collection), ": changes since ", sequence,
                     " are not known any more, the last is ",
                     reply[1].integer(), "; list it anew"));
  }
  RecordChanges changes;
  changes.sequence = reply[1].integer();
  changes.more = reply[2].integer() == 1;
  RedisValue::Iterator at = reply.value().begin();
  for (++at, ++at, ++at; at != reply.value().end(); ++at) {
    RecordChange change;
    change.key = std::string((*at).text());
    ++at;
    if (!(*at).text().empty()) {
      GATEWAY_CO_ASSIGN_OR_RETURN(
          change.record, ParseRecord(collection, change.key, (*at).text()));
    }
    changes.changes.push_back(std::move(change));
  }
  co_return changes;
}

}  // namespace gateway
