#include "service/store/watched_record_store.h"

#include <utility>

namespace gateway {
namespace {

constexpr std::string_view kModule = "state";

}  // namespace

WatchedRecordStore::WatchedRecordStore(std::unique_ptr<RecordStore> store,
                                       Clock& clock)
    : store_(std::move(store)),
      reads_(kModule, "the record store cannot be read", clock),
      writes_(kModule, "the record store cannot be written", clock) {}

template <typename T>
Task<absl::StatusOr<T>> WatchedRecordStore::Watch(StoreWatch& watch,
                                                  Task<absl::StatusOr<T>> asked,
                                                  CancelSignal& cancel) {
  absl::StatusOr<T> outcome = co_await std::move(asked);
  // A store that counts for its owners is well.
  const bool is_quota = QuotaRefusalOf(outcome.status()).has_value();
  if (!cancel.cancelled()) {
    watch.Tell(is_quota ? absl::OkStatus() : outcome.status());
  }
  co_return outcome;
}

Task<absl::StatusOr<std::optional<Record>>> WatchedRecordStore::Get(
    std::string_view collection, std::string_view key, CancelSignal& cancel) {
  return Watch(reads_, store_->Get(collection, key, cancel), cancel);
}

Task<absl::StatusOr<std::optional<Record>>> WatchedRecordStore::GetFor(
    std::string_view whose, std::string_view collection, std::string_view key,
    CancelSignal& cancel) {
  return Watch(reads_, store_->GetFor(whose, collection, key, cancel), cancel);
}

Task<absl::StatusOr<int64_t>> WatchedRecordStore::Put(
    std::string_view collection, std::string_view key, std::string value,
    PutOptions options, CancelSignal& cancel) {
  return Watch(writes_,
               store_->Put(collection, key, std::move(value), options, cancel),
               cancel);
}

Task<absl::StatusOr<bool>> WatchedRecordStore::Delete(
    std::string_view collection, std::string_view key, DeleteOptions options,
    CancelSignal& cancel) {
  return Watch(writes_, store_->Delete(collection, key, options, cancel),
               cancel);
}

Task<absl::StatusOr<RecordPage>> WatchedRecordStore::List(
    std::string_view collection, std::string_view after, int limit,
    CancelSignal& cancel) {
  return Watch(reads_, store_->List(collection, after, limit, cancel), cancel);
}

Task<absl::StatusOr<int64_t>> WatchedRecordStore::Count(
    std::string_view collection, CancelSignal& cancel) {
  return Watch(reads_, store_->Count(collection, cancel), cancel);
}

Task<absl::StatusOr<RecordChanges>> WatchedRecordStore::ChangesSince(
    std::string_view collection, int64_t sequence, int limit,
    CancelSignal& cancel) {
  return Watch(reads_,
               store_->ChangesSince(collection, sequence, limit, cancel),
               cancel);
}

}  // namespace gateway
