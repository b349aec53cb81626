#include "service/identity/remembered_callers.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/time/time.h"

namespace gateway {
namespace {

thread_local RememberedCallers* current_of_thread = nullptr;

}  // namespace

RememberedCallers* RememberedCallers::Current() { return current_of_thread; }

void RememberedCallers::SetCurrent(RememberedCallers* current) {
  current_of_thread = current;
}

RememberedCallers::RememberedCallers(size_t entries,
                                     const CredentialDigester& digester,
                                     Clock& clock)
    : digester_(digester),
      clock_(clock),
      sets_(std::bit_ceil((entries + kWays - 1) / kWays)) {}

size_t RememberedCallers::SetOf(const CredentialDigest& digest) const {
  // The upper halves of the sums, whose lowest bits are as good as random.
  return (digest.words[1] ^ (digest.words[2] >> 32)) & (sets_ - 1);
}

bool RememberedCallers::IsGood(const Entry& entry, uint64_t generation) const {
  return entry.generation == generation &&
         (entry.until == absl::InfiniteFuture() ||
          clock_.WallTime() < entry.until);
}

const std::shared_ptr<const Caller>* RememberedCallers::Find(
    const CredentialDigest& digest, uint64_t generation) {
  if (tags_.empty()) return nullptr;
  const size_t set = SetOf(digest);
  const Tags& tags = tags_[set];
  const uint64_t tag = TagOf(digest);
  for (size_t way = 0; way < kWays; ++way) {
    if (tags.of[way] != tag) continue;
    Entry& entry = EntryAt(set, way);
    if (entry.caller == nullptr || entry.digest != digest) continue;
    if (IsGood(entry, generation)) {
      entry.asked = true;
      return &entry.caller;
    }
    entry.caller = nullptr;
    return nullptr;
  }
  return nullptr;
}

void RememberedCallers::Remember(const CredentialDigest& digest,
                                 uint64_t generation,
                                 std::shared_ptr<const Caller> caller,
                                 absl::Time until) {
  if (digest.size == 0) return;
  if (tags_.empty()) {
    tags_.resize(sets_);
    entries_.resize(sets_ * kWays);
    hands_.resize(sets_);
  }
  const size_t set = SetOf(digest);
  const size_t way = Victim(set, digest, generation);
  tags_[set].of[way] = TagOf(digest);
  EntryAt(set, way) = {digest, generation, until, std::move(caller)};
}

size_t RememberedCallers::Victim(size_t set, const CredentialDigest& digest,
                                 uint64_t generation) {
  // Its own place, so that a credential has one; else one that is free or
  // serves for nothing.
  size_t idle = kWays;
  for (size_t way = 0; way < kWays; ++way) {
    const Entry& entry = EntryAt(set, way);
    if (entry.digest == digest) return way;
    if (entry.caller == nullptr || !IsGood(entry, generation)) idle = way;
  }
  if (idle != kWays) return idle;
  // The next that was not asked for since the hand passed it. All are passed
  // once at most.
  while (true) {
    const size_t way = hands_[set];
    hands_[set] = (way + 1) % kWays;
    if (!std::exchange(EntryAt(set, way).asked, false)) return way;
  }
}

}  // namespace gateway
