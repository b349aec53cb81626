#include "service/pipeline/response_store.h"

#include <utility>

#include "proto/proto_time.h"

namespace gateway {
namespace {

int64_t SizeOf(const StoredResponse& kept) {
  return static_cast<int64_t>(kept.before.size() + kept.response.size() +
                              kept.provider.size() + kept.credential.size());
}

}  // namespace

MessageList StoredResponse::Before() const {
  v1::GenerateRequest said;
  said.ParseFromString(before);
  return std::move(*said.mutable_messages());
}

v1::GenerateResponse StoredResponse::Response() const {
  v1::GenerateResponse parsed;
  parsed.ParseFromString(response);
  return parsed;
}

ResponseStore::Limits ResponseStore::LimitsOf(
    const llmgateway::config::v1::ResponseStoreConfig& config) {
  Limits limits;
  limits.ttl = ToAbsl(config.ttl());
  limits.entries = static_cast<size_t>(config.entries_limit());
  limits.size_bytes = config.size_bytes_limit();
  return limits;
}

void ResponseStore::Put(std::string_view caller, std::string_view id,
                        StoredResponse kept) {
  const absl::Duration now = clock_.SteadyTime();
  Item item;
  item.key = {std::string(caller), std::string(id)};
  item.size_bytes = SizeOf(kept);
  item.expiry = now + limits_.ttl;
  if (item.size_bytes > limits_.size_bytes) return;
  item.entry = std::make_shared<const StoredResponse>(std::move(kept));
  Items dropped;  // Freed after the lock.
  MutexLock lock(mu_);
  const auto known = index_.find(item.key);
  if (known != index_.end()) Drop(known->second, &dropped);
  size_bytes_ += item.size_bytes;
  items_.push_back(std::move(item));
  index_[items_.back().key] = std::prev(items_.end());
  Trim(now, &dropped);
}

ResponseStore::Entry ResponseStore::Find(std::string_view caller,
                                         std::string_view id) {
  const absl::Duration now = clock_.SteadyTime();
  const Key key(caller, id);
  Items dropped;
  MutexLock lock(mu_);
  Trim(now, &dropped);
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : found->second->entry;
}

bool ResponseStore::Remove(std::string_view caller, std::string_view id) {
  const absl::Duration now = clock_.SteadyTime();
  const Key key(caller, id);
  Items dropped;
  MutexLock lock(mu_);
  Trim(now, &dropped);
  const auto found = index_.find(key);
  if (found == index_.end()) return false;
  Drop(found->second, &dropped);
  return true;
}

int64_t ResponseStore::size_bytes() const {
  MutexLock lock(mu_);
  return size_bytes_;
}

void ResponseStore::Drop(Items::iterator item, Items* dropped) {
  size_bytes_ -= item->size_bytes;
  index_.erase(item->key);
  dropped->splice(dropped->end(), items_, item);
}

void ResponseStore::Trim(absl::Duration now, Items* dropped) {
  while (!items_.empty() &&
         (items_.front().expiry <= now || items_.size() > limits_.entries ||
          size_bytes_ > limits_.size_bytes)) {
    Drop(items_.begin(), dropped);
  }
}

}  // namespace gateway
