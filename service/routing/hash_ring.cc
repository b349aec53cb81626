#include "service/routing/hash_ring.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "service/routing/stable_hash.h"

namespace gateway {
namespace {

// About a megabyte.
constexpr size_t kPointsOfAllMembers = 65'536;

// Any odd number will do that has its bits well mixed: it is 2^64 divided by
// the golden ratio.
constexpr uint64_t kPointStep = 0x9e3779b97f4a7c15;

}  // namespace

HashRing::HashRing(absl::Span<const Member> members) {
  assert(!members.empty());
  uint32_t heaviest = 1;
  for (const Member& member : members) {
    heaviest = std::max(heaviest, member.weight);
  }
  const uint64_t points_of_heaviest =
      std::clamp(std::bit_floor(kPointsOfAllMembers / members.size()),
                 kPointsMin, kPointsMax);
  for (uint32_t number = 0; number < members.size(); ++number) {
    const Member& member = members[number];
    const uint64_t points =
        (points_of_heaviest * member.weight + heaviest / 2) / heaviest;
    uint64_t state = StableHash(member.name, "ring");
    for (uint64_t i = 0; i < std::max(points, uint64_t{1}); ++i) {
      state += kPointStep;
      points_.push_back({.hash = MixBits(state), .member = number});
    }
  }
  std::sort(points_.begin(), points_.end(), [](const Point& a, const Point& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.member < b.member;
  });
}

size_t HashRing::PlaceOf(uint64_t hash) const {
  const auto found = std::lower_bound(
      points_.begin(), points_.end(), hash,
      [](const Point& point, uint64_t hash) { return point.hash < hash; });
  return found == points_.end() ? 0 : found - points_.begin();
}

}  // namespace gateway
