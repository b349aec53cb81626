#include "service/store/memory_record_store.h"

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {

MemoryRecordStore::MemoryRecordStore(const Options& options, Clock& clock)
    : options_(options), clock_(clock) {}

Task<absl::StatusOr<std::optional<Record>>> MemoryRecordStore::Get(
    std::string_view collection, std::string_view key, CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordKey(collection, key));
  std::optional<Record> record;
  MutexLock lock(mu_);
  if (const Collection* const found = Find(collection); found != nullptr) {
    const auto entry = found->entries.find(key);
    if (entry != found->entries.end()) record = AsRecord(*entry);
  }
  co_return record;
}

Task<absl::StatusOr<int64_t>> MemoryRecordStore::Put(
    std::string_view collection, std::string_view key, std::string value,
    PutOptions options, CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordKey(collection, key));
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordValue(collection, value));
  MutexLock lock(mu_);
  co_return PutNow(collection, key, std::move(value), options);
}

Task<absl::StatusOr<bool>> MemoryRecordStore::Delete(
    std::string_view collection, std::string_view key, DeleteOptions options,
    CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckRecordKey(collection, key));
  MutexLock lock(mu_);
  co_return DeleteNow(collection, key, options.expected_version);
}

Task<absl::StatusOr<RecordPage>> MemoryRecordStore::List(
    std::string_view collection, std::string_view after, int limit,
    CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckCollection(collection));
  GATEWAY_CO_ASSIGN_OR_RETURN(const int page_limit, RecordPageLimit(limit));
  MutexLock lock(mu_);
  co_return ListNow(collection, after, static_cast<size_t>(page_limit));
}

Task<absl::StatusOr<int64_t>> MemoryRecordStore::Count(
    std::string_view collection, CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckCollection(collection));
  MutexLock lock(mu_);
  const Collection* const found = Find(collection);
  co_return found == nullptr ? 0 : static_cast<int64_t>(found->entries.size());
}

Task<absl::StatusOr<RecordChanges>> MemoryRecordStore::ChangesSince(
    std::string_view collection, int64_t sequence, int limit,
    CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  GATEWAY_CO_RETURN_IF_ERROR(CheckCollection(collection));
  GATEWAY_CO_ASSIGN_OR_RETURN(const int page_limit, RecordPageLimit(limit));
  MutexLock lock(mu_);
  co_return ChangesNow(collection, sequence, static_cast<size_t>(page_limit));
}

absl::StatusOr<int64_t> MemoryRecordStore::PutNow(std::string_view name,
                                                  std::string_view key,
                                                  std::string value,
                                                  const PutOptions& options) {
  Collection* collection = Find(name);
  Entry* replaced = nullptr;
  if (collection != nullptr) {
    const auto found = collection->entries.find(key);
    if (found != collection->entries.end()) replaced = &found->second;
  }
  const int64_t version = replaced == nullptr ? 0 : replaced->version;
  GATEWAY_RETURN_IF_ERROR(
      CheckRecordVersion(name, version, options.expected_version));
  const size_t bytes = key.size() + value.size() + kRecordOverheadBytes;
  const size_t replaced_bytes =
      replaced == nullptr
          ? 0
          : key.size() + replaced->value.size() + kRecordOverheadBytes;
  if (bytes > options_.bytes_limit - (bytes_ - replaced_bytes) ||
      (replaced == nullptr && records_ >= options_.records_limit)) {
    return NoRoom(name);
  }

  if (collection == nullptr) collection = &collections_[std::string(name)];
  bytes_ += bytes - replaced_bytes;
  if (replaced == nullptr) {
    ++records_;
  } else {
    Unlist(*collection, *replaced);
  }
  Return(*collection, key);
  const auto entry = collection->entries.try_emplace(std::string(key)).first;
  entry->second = {.value = std::move(value),
                   .version = version + 1,
                   .sequence = ++collection->sequence,
                   .expire_time = RoundedExpireTime(options.expire_time),
                   .expiry = expiries_.end()};
  collection->changed.emplace(entry->second.sequence, entry);
  if (entry->second.expire_time != absl::InfiniteFuture()) {
    entry->second.expiry = expiries_.emplace(
        entry->second.expire_time,
        std::pair<Collection*, std::string_view>(collection, entry->first));
  }
  ForgetGone(*collection);
  return entry->second.version;
}

absl::Status MemoryRecordStore::NoRoom(std::string_view name) const {
  std::string records = absl::StrCat(records_);
  if (options_.records_limit != std::numeric_limits<size_t>::max()) {
    absl::StrAppend(&records, " of ", options_.records_limit);
  }
  return absl::ResourceExhaustedError(absl::StrCat(
      ToAbsl(name), ": no room in memory: ", records, " records take ", bytes_,
      " of ", options_.bytes_limit, " bytes; delete some, or raise the limit"));
}

absl::StatusOr<bool> MemoryRecordStore::DeleteNow(
    std::string_view name, std::string_view key,
    std::optional<int64_t> expected_version) {
  Collection* const collection = Find(name);
  if (collection != nullptr) {
    const auto entry = collection->entries.find(key);
    if (entry != collection->entries.end()) {
      GATEWAY_RETURN_IF_ERROR(
          CheckRecordVersion(name, entry->second.version, expected_version));
      Remove(*collection, entry, ++collection->sequence);
      return true;
    }
  }
  GATEWAY_RETURN_IF_ERROR(CheckRecordVersion(name, 0, expected_version));
  return false;
}

RecordPage MemoryRecordStore::ListNow(std::string_view name,
                                      std::string_view after, size_t limit) {
  RecordPage page;
  const Collection* const collection = Find(name);
  if (collection == nullptr) return page;
  page.sequence = collection->sequence;
  size_t bytes = 0;
  for (auto each = collection->entries.upper_bound(after);
       each != collection->entries.end(); ++each) {
    if (page.records.size() == limit || bytes >= kRecordPageBytesMax) {
      page.more = true;
      break;
    }
    bytes += each->second.value.size();
    page.records.push_back(AsRecord(*each));
  }
  return page;
}

absl::StatusOr<RecordChanges> MemoryRecordStore::ChangesNow(
    std::string_view name, int64_t sequence, size_t limit) {
  const Collection* const collection = Find(name);
  const int64_t latest = collection == nullptr ? 0 : collection->sequence;
  GATEWAY_RETURN_IF_ERROR(CheckRecordSequence(name, sequence, latest));
  RecordChanges changes;
  changes.sequence = latest;
  if (collection == nullptr) return changes;
  auto changed = collection->changed.upper_bound(sequence);
  auto gone = collection->gone.upper_bound(sequence);
  size_t bytes = 0;
  while (true) {
    const bool has_changed = changed != collection->changed.end();
    const bool has_gone = gone != collection->gone.end();
    if (!has_changed && !has_gone) return changes;
    if (changes.changes.size() == limit || bytes >= kRecordPageBytesMax) break;
    if (has_gone && (!has_changed || gone->first < changed->first)) {
      changes.changes.push_back({.key = gone->second});
      sequence = (gone++)->first;
    } else {
      bytes += changed->second->second.value.size();
      changes.changes.push_back({.key = changed->second->first,
                                 .record = AsRecord(*changed->second)});
      sequence = (changed++)->first;
    }
  }
  changes.more = true;
  changes.sequence = sequence;
  return changes;
}

MemoryRecordStore::Collection* MemoryRecordStore::Find(std::string_view name) {
  const absl::Time now = clock_.WallTime();
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    const auto [collection, key] = expiries_.begin()->second;
    const auto entry = collection->entries.find(key);
    // It stays in its place among the changes: who has followed as far as there
    // knows when it expires, and others find that it has.
    Remove(*collection, entry, entry->second.sequence);
  }
  const auto found = collections_.find(name);
  return found == collections_.end() ? nullptr : &found->second;
}

void MemoryRecordStore::Unlist(Collection& collection, const Entry& entry) {
  collection.changed.erase(entry.sequence);
  if (entry.expiry != expiries_.end()) expiries_.erase(entry.expiry);
}

void MemoryRecordStore::Remove(Collection& collection, Entries::iterator entry,
                               int64_t sequence) {
  Unlist(collection, entry->second);
  --records_;
  bytes_ -=
      entry->first.size() + entry->second.value.size() + kRecordOverheadBytes;
  collection.gone.emplace(sequence, entry->first);
  collection.gone_keys.emplace(entry->first, sequence);
  collection.entries.erase(entry);
  ForgetGone(collection);
}

void MemoryRecordStore::Return(Collection& collection, std::string_view key) {
  const auto found = collection.gone_keys.find(key);
  if (found == collection.gone_keys.end()) return;
  collection.gone.erase(found->second);
  collection.gone_keys.erase(found);
}

void MemoryRecordStore::ForgetGone(Collection& collection) {
  const int64_t known = collection.sequence - kRecordChangesKept;
  while (!collection.gone.empty() && collection.gone.begin()->first <= known) {
    collection.gone_keys.erase(collection.gone.begin()->second);
    collection.gone.erase(collection.gone.begin());
  }
}

Record MemoryRecordStore::AsRecord(const Entries::value_type& entry) {
  return {.key = entry.first,
          .value = entry.second.value,
          .version = entry.second.version,
          .expire_time = entry.second.expire_time};
}

}  // namespace gateway
