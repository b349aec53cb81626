#include "service/limits/lease_table.h"

#include <memory>
#include <utility>

namespace gateway {
namespace {

// Whether nobody is owed anything if it goes.
bool MayGo(const Lease& lease) {
  return lease.units >= 0 && lease.claim == 0 && !lease.telling &&
         !lease.away && !lease.forgiven;
}

}  // namespace

bool LeaseTable::Use(const CounterKey& key, absl::FunctionRef<Lease()> make,
                     absl::FunctionRef<void(Lease&)> use) {
  Shard& shard = ShardOf(key);
  MutexLock lock(shard.mu);
  const auto found = shard.leases.find(key);
  if (found != shard.leases.end()) {
    use(*found->second);
    return true;
  }
  if (shard.leases.size() >= shard_leases_ && !MakeRoom(shard)) return false;
  std::unique_ptr<Lease>& lease = shard.leases[key];
  lease = std::make_unique<Lease>(make());
  use(*lease);
  return true;
}

bool LeaseTable::Find(const CounterKey& key,
                      absl::FunctionRef<void(Lease&)> use) {
  Shard& shard = ShardOf(key);
  MutexLock lock(shard.mu);
  const auto found = shard.leases.find(key);
  if (found == shard.leases.end()) return false;
  use(*found->second);
  return true;
}

void LeaseTable::ForEach(
    absl::FunctionRef<bool(const CounterKey& key, Lease& lease)> keep) {
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mu);
    for (auto at = shard.leases.begin(); at != shard.leases.end();) {
      if (keep(at->first, *at->second)) {
        ++at;
      } else {
        shard.leases.erase(at++);
      }
    }
  }
}

size_t LeaseTable::size() {
  size_t size = 0;
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mu);
    size += shard.leases.size();
  }
  return size;
}

bool LeaseTable::MakeRoom(Shard& shard) {
  auto oldest = shard.leases.end();
  for (auto at = shard.leases.begin(); at != shard.leases.end(); ++at) {
    if (!MayGo(*at->second)) continue;
    if (oldest == shard.leases.end() ||
        at->second->touched < oldest->second->touched) {
      oldest = at;
    }
  }
  if (oldest == shard.leases.end()) return false;
  shard.leases.erase(oldest);
  return true;
}

}  // namespace gateway
