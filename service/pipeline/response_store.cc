#include "service/pipeline/response_store.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/os/logging.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

int64_t SizeOf(const StoredResponse& kept) {
  return static_cast<int64_t>(kept.before.size() + kept.response.size() +
                              kept.provider.size() + kept.credential.size());
}

absl::Status TooLargeFault() {
  return absl::ResourceExhaustedError(
      "it is larger than response_store.size_bytes_limit allows");
}

}  // namespace

ResponseStore::Limits ResponseStore::LimitsOf(
    const llmgateway::config::v1::ResponseStoreConfig& config) {
  Limits limits;
  limits.ttl = ToAbsl(config.ttl());
  limits.entries = static_cast<size_t>(config.entries_limit());
  limits.size_bytes = config.size_bytes_limit();
  return limits;
}

std::optional<UnkeptResponse> ResponseStore::Put(std::string_view caller,
                                                 std::string_view id,
                                                 StoredResponse kept) {
  const absl::Duration now = clock_.SteadyTime();
  const int64_t size_bytes = SizeOf(kept);
  if (!enabled()) return std::nullopt;
  if (size_bytes > limits_.size_bytes) return TooLarge();
  if (is_durable()) {
    if (ResponseRecords::Fits(caller, id, kept)) {
      return UnkeptResponse{.caller = std::string(caller),
                            .id = std::string(id),
                            .kept = std::move(kept)};
    }
    Count(Unkept::kRecordTooLarge);
  }
  Items dropped;  // Freed after the lock, as is what is replaced.
  Items replaced;
  const bool is_kept =
      Insert({.key = {std::string(caller), std::string(id)},
              .entry = std::make_shared<const StoredResponse>(std::move(kept)),
              .size_bytes = size_bytes,
              .expiry = now + limits_.ttl},
             now, &replaced, &dropped);
  if (!is_kept) return TooLarge();
  return std::nullopt;
}

bool ResponseStore::Insert(Item item, absl::Duration now, Items* replaced,
                           Items* dropped) {
  MutexLock lock(mu_);
  const auto known = index_.find(item.key);
  if (known != index_.end()) Drop(known->second, replaced);
  const int64_t sequence = ++last_sequence_;
  size_bytes_ += item.size_bytes;
  holders_.Add(item.key.first, sequence, item.size_bytes);
  const auto added = items_.emplace(sequence, std::move(item)).first;
  index_[added->second.key] = added;
  DropExpired(now, SIZE_MAX, dropped);
  const size_t expired = dropped->size();
  MakeRoom(sequence, dropped);
  const bool is_kept = !dropped->contains(sequence);
  evicted_ +=
      static_cast<int64_t>(dropped->size() - expired) - (is_kept ? 0 : 1);
  return is_kept;
}

ResponseStore::Entry ResponseStore::Find(std::string_view caller,
                                         std::string_view id) {
  const absl::Duration now = clock_.SteadyTime();
  const Key key(caller, id);
  Items dropped;
  MutexLock lock(mu_);
  DropExpired(now, SIZE_MAX, &dropped);
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : found->second->second.entry;
}

bool ResponseStore::Remove(std::string_view caller, std::string_view id) {
  const absl::Duration now = clock_.SteadyTime();
  const Key key(caller, id);
  Items dropped;
  MutexLock lock(mu_);
  DropExpired(now, SIZE_MAX, &dropped);
  const auto found = index_.find(key);
  if (found == index_.end()) return false;
  Drop(found->second, &dropped);
  return true;
}

Task<absl::Status> ResponseStore::Keep(UnkeptResponse unkept,
                                       CancelSignal& cancel) {
  if (unkept.is_too_large) co_return TooLargeFault();
  Item item = {.key = {std::move(unkept.caller), std::move(unkept.id)},
               .size_bytes = SizeOf(unkept.kept)};
  const Key key = item.key;
  const absl::Status put =
      co_await records_->Put(key.first, key.second, std::move(unkept.kept),
                             clock_.WallTime() + limits_.ttl, cancel);
  const absl::Duration now = clock_.SteadyTime();
  if (!put.ok()) {
    if (!cancel.cancelled()) TellUnkept(put, now);
    co_return put;
  }
  item.expiry = now + limits_.ttl;
  Items dropped;
  Items replaced;
  const bool is_kept = Insert(std::move(item), now, &replaced, &dropped);
  for (const auto& [sequence, old] : dropped) {
    // What has expired, the store drops by itself; what it cannot be told of
    // now, it drops then.
    if (old.entry != nullptr || old.expiry <= now) continue;
    (co_await records_->Remove(old.key.first, old.key.second, cancel))
        .status()
        .IgnoreError();
  }
  if (is_kept) co_return absl::OkStatus();
  Count(Unkept::kTooLarge);
  co_return TooLargeFault();
}

void ResponseStore::TellUnkept(const absl::Status& why, absl::Duration now) {
  Count(Unkept::kStore);
  std::optional<int64_t> unlogged;
  {
    MutexLock lock(mu_);
    unlogged = pace_.Take(now);
  }
  if (!unlogged.has_value()) return;
  Log(LogLevel::kWarn, "sessions",
      "an answer is not kept: nobody can ask for it again, or go on from it",
      {{"why", why}, {"unlogged", *unlogged}});
}

Task<absl::StatusOr<ResponseStore::Entry>> ResponseStore::Look(
    std::string_view caller, std::string_view id, CancelSignal& cancel) {
  Entry here = Find(caller, id);
  if (here != nullptr || !is_durable() || !enabled()) co_return here;
  co_return co_await records_->Find(caller, id, cancel);
}

Task<absl::StatusOr<bool>> ResponseStore::Forget(std::string_view caller,
                                                 std::string_view id,
                                                 CancelSignal& cancel) {
  if (!is_durable()) co_return Remove(caller, id);
  const bool was_here = Find(caller, id) != nullptr;
  const absl::StatusOr<bool> removed =
      co_await records_->Remove(caller, id, cancel);
  // Whether it is there or not, where the answer is kept it is still.
  if (!removed.ok() && !was_here) co_return removed;
  Remove(caller, id);
  co_return was_here || *removed;
}

int64_t ResponseStore::size_bytes() const {
  MutexLock lock(mu_);
  return size_bytes_;
}

ResponseStore::Stats ResponseStore::stats() {
  const absl::Duration now = clock_.SteadyTime();
  Items dropped;  // Freed after the lock.
  MutexLock lock(mu_);
  DropExpired(now, SIZE_MAX, &dropped);
  return {.entries = static_cast<int64_t>(items_.size()),
          .size_bytes = size_bytes_,
          .evicted = evicted_};
}

void ResponseStore::Drop(Items::iterator item, Items* dropped) {
  const auto& [sequence, dropping] = *item;
  size_bytes_ -= dropping.size_bytes;
  holders_.Remove(dropping.key.first, sequence, dropping.size_bytes);
  index_.erase(dropping.key);
  dropped->insert(items_.extract(item));
}

void ResponseStore::FreeExpired(size_t entries_max) {
  const absl::Duration now = clock_.SteadyTime();
  Items dropped;  // Freed after the lock.
  MutexLock lock(mu_);
  DropExpired(now, entries_max, &dropped);
}

void ResponseStore::DropExpired(absl::Duration now, size_t entries_max,
                                Items* dropped) {
  for (size_t i = 0; i < entries_max && !items_.empty() &&
                     items_.begin()->second.expiry <= now;
       ++i) {
    Drop(items_.begin(), dropped);
  }
}

void ResponseStore::MakeRoom(int64_t newest, Items* dropped) {
  while (items_.size() > limits_.entries) {
    const int64_t next = holders_.OldestOfMost(
        Holding::kEntries, static_cast<int64_t>(limits_.entries), newest);
    Drop(items_.find(next), dropped);
  }
  while (size_bytes_ > limits_.size_bytes) {
    const int64_t next =
        holders_.OldestOfMost(Holding::kBytes, limits_.size_bytes, newest);
    Drop(items_.find(next), dropped);
  }
}

}  // namespace gateway
