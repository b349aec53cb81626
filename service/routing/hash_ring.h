// HashRing places members and keys on a ring, and gives each key the members
// that follow it: consistent hashing.
//
//   const HashRing ring({{.name = "a"}, {.name = "b"}});
//   size_t place = ring.PlaceOf(key_hash);
//   ring.MemberAt(place);                   // The key's own member.
//   ring.MemberAt(ring.Following(place));   // The one after it, or the same.
//
// A member stands at many points, in proportion to its weight; where, its name
// alone decides, and not the others or their order. So a member that comes
// takes its share of the keys from the others, one that goes leaves its keys to
// them, and no other key moves. That holds as long as the largest weight stays
// the same, and but for the moments at which there are more than 128, 256, 512
// and 1024 members and each has to do with half as many points.
//
// Thread contract: immutable.

#ifndef SERVICE_ROUTING_HASH_RING_H_
#define SERVICE_ROUTING_HASH_RING_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace gateway {

class HashRing {
 public:
  struct Member {
    std::string_view name;  // Not kept. No two are the same.
    uint32_t weight = 1;
  };

  // Of the heaviest member. With the most, its share of keys is right to within
  // some 5 %.
  static constexpr size_t kPointsMin = 32;
  static constexpr size_t kPointsMax = 512;

  // REQUIRES: at least one member, all weights above 0.
  explicit HashRing(absl::Span<const Member> members);

  // Returns the place, in [0, size()), of the first point from a hash on.
  size_t PlaceOf(uint64_t hash) const;

  // Returns the next place around the ring.
  size_t Following(size_t place) const {
    return place + 1 == points_.size() ? 0 : place + 1;
  }

  // Returns the number of the member whose point is at a place.
  size_t MemberAt(size_t place) const { return points_[place].member; }

  size_t size() const { return points_.size(); }

 private:
  struct Point {
    uint64_t hash;
    uint32_t member;
  };

  std::vector<Point> points_;  // By hash.
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_HASH_RING_H_
