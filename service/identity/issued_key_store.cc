#include "service/identity/issued_key_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/sleep.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

constexpr std::string_view kKeysModule = "keys";

absl::Time ForgetTime(const llmgateway::v1::Key& key) {
  if (key.state() != llmgateway::v1::Key::STATE_REVOKED) {
    return absl::InfiniteFuture();
  }
  return ToAbsl(key.update_time()) + IssuedKeyStore::kRevokedKeptFor;
}

}  // namespace

Task<absl::StatusOr<std::optional<StoredKey>>> IssuedKeyStore::Get(
    std::string_view id, CancelSignal& cancel) {
  GATEWAY_CO_ASSIGN_OR_RETURN(const std::optional<Record> record,
                              co_await store_.Get(kCollection, id, cancel));
  std::optional<StoredKey> key;
  if (!record.has_value()) co_return key;
  GATEWAY_CO_ASSIGN_OR_RETURN(key, Read(*record));
  co_return key;
}

Task<absl::StatusOr<StoredKey>> IssuedKeyStore::Put(
    llmgateway::kept::IssuedKeyRecord record, int64_t expected_version,
    CancelSignal& cancel) {
  const PutOptions options = {.expected_version = expected_version,
                              .expire_time = ForgetTime(record.key())};
  GATEWAY_CO_ASSIGN_OR_RETURN(
      const int64_t version,
      co_await store_.Put(kCollection, record.key().id(),
                          record.SerializeAsString(), options, cancel));
  GATEWAY_CO_RETURN_IF_ERROR(
      registry_.Take(record, version, options.expire_time));
  StoredKey stored = {std::move(record), version};
  co_return stored;
}

Task<absl::StatusOr<IssuedKeyStore::Page>> IssuedKeyStore::List(
    std::string after, int limit, CancelSignal& cancel) {
  GATEWAY_CO_ASSIGN_OR_RETURN(
      const RecordPage records,
      co_await store_.List(kCollection, after, limit, cancel));
  Page page;
  page.more = records.more;
  for (const Record& record : records.records) {
    page.last = record.key;
    absl::StatusOr<StoredKey> key = Read(record);
    if (key.ok()) {
      page.keys.push_back(*std::move(key));
    } else {
      Log(LogLevel::kWarn, kKeysModule, "an issued key cannot be read",
          {{"key", record.key}, {"why", key.status()}});
    }
  }
  co_return page;
}

Task<absl::Status> IssuedKeyStore::Load(CancelSignal& cancel) {
  registry_.BeginAnew();
  std::string after;
  std::optional<int64_t> begin;
  while (true) {
    GATEWAY_CO_ASSIGN_OR_RETURN(
        const RecordPage page,
        co_await store_.List(kCollection, after, kRecordPageMax, cancel));
    if (!begin.has_value()) begin = page.sequence;
    for (const Record& record : page.records) Take(record);
    if (!page.more) break;
    after = page.records.back().key;
  }
  registry_.EndAnew();
  sequence_ = *begin;
  co_return absl::OkStatus();
}

Task<void> IssuedKeyStore::Follow(EventLoop& loop) {
  while (!stop_.cancelled()) {
    (co_await Sleep(loop, kFollowInterval, stop_)).IgnoreError();
    if (stop_.cancelled()) break;
    absl::Status taken = co_await TakeChanges(stop_);
    if (absl::IsOutOfRange(taken)) taken = co_await Load(stop_);
    if (!stop_.cancelled()) TellOnce(taken);
    registry_.ForgetSome();
  }
  ended_.Open();
}

void IssuedKeyStore::Stop(EventLoop& loop) {
  loop.Post([this] { StopOnLoop(); });
  ended_.Wait();
}

void IssuedKeyStore::StopOnLoop() {
  stop_.Cancel(absl::CancelledError("the gateway is shutting down"));
}

absl::StatusOr<StoredKey> IssuedKeyStore::Read(const Record& record) {
  StoredKey key = {.version = record.version};
  if (!key.record.ParseFromString(record.value) ||
      key.record.key().id() != record.key) {
    return absl::DataLossError(
        absl::StrCat("the record of the key '", record.key,
                     "' is damaged; restore the store from a backup, or "
                     "issue another key"));
  }
  return key;
}

void IssuedKeyStore::Take(const Record& record) {
  const absl::StatusOr<StoredKey> key = Read(record);
  const absl::Status taken =
      key.ok() ? registry_.Take(key->record, key->version, record.expire_time)
               : key.status();
  if (taken.ok()) return;
  registry_.Drop(record.key);
  Log(LogLevel::kWarn, kKeysModule,
      "an issued key cannot be read, and opens nothing",
      {{"key", record.key}, {"why", taken}});
}

Task<absl::Status> IssuedKeyStore::TakeChanges(CancelSignal& cancel) {
  bool more = true;
  while (more) {
    GATEWAY_CO_ASSIGN_OR_RETURN(
        const RecordChanges changes,
        co_await store_.ChangesSince(kCollection, sequence_, kRecordPageMax,
                                     cancel));
    for (const RecordChange& change : changes.changes) {
      if (change.record.has_value()) {
        Take(*change.record);
      } else {
        registry_.Drop(change.key);
      }
    }
    sequence_ = changes.sequence;
    more = changes.more;
  }
  co_return absl::OkStatus();
}

void IssuedKeyStore::TellOnce(const absl::Status& followed) {
  if (followed.ok() == follows_) return;
  follows_ = followed.ok();
  if (follows_) {
    Log(LogLevel::kInfo, kKeysModule, "changes of issued keys are known again",
        {});
  } else {
    Log(LogLevel::kError, kKeysModule,
        "what others change of issued keys is not known until the store can "
        "be read",
        {{"why", followed}});
  }
}

}  // namespace gateway
