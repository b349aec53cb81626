#include "service/cache/resumable_streams.h"

#include <memory>
#include <string_view>
#include <utility>

#include "errors/fault.h"

namespace gateway {

std::shared_ptr<StreamRing> ResumableStreams::Open(
    std::string_view caller, std::string_view request_id) {
  const absl::Duration now = clock_.SteadyTime();
  Key key(caller, request_id);
  Dropped dropped;  // Freed after the lock.
  MutexLock lock(mu_);
  if (rings_.size() >= limits_.streams) MakeRoom(now, &dropped);
  if (rings_.size() >= limits_.streams) {
    ++counts_.no_room;
    return nullptr;
  }
  const auto [place, is_new] = rings_.try_emplace(std::move(key));
  if (!is_new) {
    if (place->second->expiry() > now) return nullptr;
    dropped.push_back(std::move(place->second));
  }
  place->second = std::make_shared<StreamRing>(limits_.ring, clock_);
  if (closed_) place->second->audience().Close();
  return place->second;
}

absl::StatusOr<std::shared_ptr<StreamRing>> ResumableStreams::Find(
    std::string_view caller, std::string_view request_id) {
  const absl::Duration now = clock_.SteadyTime();
  const Key key(caller, request_id);
  MutexLock lock(mu_);
  const auto found = rings_.find(key);
  if (found != rings_.end() && found->second->expiry() > now) {
    ++counts_.found;
    return found->second;
  }
  ++counts_.not_found;
  return MakeFault(v1::ERROR_REASON_NOT_FOUND,
                   "there is no stream of this id that can be gone on with, or "
                   "it is kept no longer");
}

void ResumableStreams::Close() {
  MutexLock lock(mu_);
  closed_ = true;
  for (const auto& [key, ring] : rings_) ring->audience().Close();
}

ResumableStreams::Stats ResumableStreams::stats() const {
  MutexLock lock(mu_);
  Stats stats = counts_;
  stats.streams = rings_.size();
  return stats;
}

void ResumableStreams::FreeExpired() {
  const absl::Duration now = clock_.SteadyTime();
  Dropped dropped;  // Freed after the lock.
  MutexLock lock(mu_);
  DropExpired(now, &dropped);
}

ResumableStreams::FirstEnded ResumableStreams::DropExpired(absl::Duration now,
                                                           Dropped* dropped) {
  FirstEnded first = {.ring = rings_.end()};
  for (auto ring = rings_.begin(); ring != rings_.end();) {
    const absl::Duration expiry = ring->second->expiry();
    if (expiry <= now) {
      dropped->push_back(std::move(ring->second));
      rings_.erase(ring++);
      continue;
    }
    if (expiry < first.expiry) first = {.ring = ring, .expiry = expiry};
    ++ring;
  }
  return first;
}

void ResumableStreams::MakeRoom(absl::Duration now, Dropped* dropped) {
  const FirstEnded first = DropExpired(now, dropped);
  if (rings_.size() < limits_.streams || first.ring == rings_.end()) return;
  dropped->push_back(std::move(first.ring->second));
  rings_.erase(first.ring);
}

}  // namespace gateway
