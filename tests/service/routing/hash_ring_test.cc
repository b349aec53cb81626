#include "service/routing/hash_ring.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "service/routing/stable_hash.h"

namespace gateway {
namespace {

constexpr int kKeys = 100'000;

// Members m0, m1, ... with these weights; a weight of 0 is left out.
class Ring {
 public:
  explicit Ring(const std::vector<uint32_t>& weights) {
    for (size_t i = 0; i < weights.size(); ++i) {
      names_.push_back("m" + std::to_string(i));
    }
    std::vector<HashRing::Member> members;
    for (size_t i = 0; i < weights.size(); ++i) {
      if (weights[i] == 0) continue;
      members.push_back({.name = names_[i], .weight = weights[i]});
      numbers_.push_back(i);
    }
    ring_ = std::make_unique<HashRing>(members);
  }

  size_t MemberOf(int key) const {
    const uint64_t hash = StableHash(std::to_string(key), "test");
    return numbers_[ring_->MemberAt(ring_->PlaceOf(hash))];
  }

  const HashRing& operator*() const { return *ring_; }

 private:
  std::vector<std::string> names_;
  std::vector<size_t> numbers_;
  std::unique_ptr<HashRing> ring_;
};

std::vector<int> KeysPerMember(const Ring& ring, size_t members) {
  std::vector<int> keys(members);
  for (int key = 0; key < kKeys; ++key) ++keys[ring.MemberOf(key)];
  return keys;
}

TEST(HashRingTest, KeysAreSharedByWeight) {
  const std::vector<int> keys = KeysPerMember(Ring({1, 1, 2, 4}), 4);
  EXPECT_NEAR(keys[0], kKeys / 8.0, kKeys / 8.0 * 0.3);
  EXPECT_NEAR(keys[1], kKeys / 8.0, kKeys / 8.0 * 0.3);
  EXPECT_NEAR(keys[2], kKeys / 4.0, kKeys / 4.0 * 0.2);
  EXPECT_NEAR(keys[3], kKeys / 2.0, kKeys / 2.0 * 0.15);
}

TEST(HashRingTest, OfManyNoneHasFarMoreThanItsShare) {
  const std::vector<int> keys =
      KeysPerMember(Ring(std::vector<uint32_t>(1000, 1)), 1000);
  // 64 points each: four standard deviations of 12.5 %, and of a hundred keys.
  EXPECT_LT(*std::max_element(keys.begin(), keys.end()), 180);
  EXPECT_GT(*std::min_element(keys.begin(), keys.end()), 40);
}

TEST(HashRingTest, AMemberThatComesTakesItsShareAndMovesNothingElse) {
  const Ring before({1, 1, 1, 1, 1, 1, 1, 0});
  const Ring after({1, 1, 1, 1, 1, 1, 1, 1});
  int moved = 0;
  for (int key = 0; key < kKeys; ++key) {
    if (before.MemberOf(key) == after.MemberOf(key)) continue;
    ASSERT_EQ(after.MemberOf(key), 7u) << key;
    ++moved;
  }
  EXPECT_NEAR(moved, kKeys / 8.0, kKeys / 8.0 * 0.2);
}

TEST(HashRingTest, WhichOneGoesAndInWhichOrderTheyStandIsAllTheSame) {
  const Ring before({1, 2, 3, 3});
  // The second goes, and those behind it have other numbers.
  const Ring after({1, 0, 3, 3});
  for (int key = 0; key < kKeys; ++key) {
    if (before.MemberOf(key) == 1) continue;
    ASSERT_EQ(before.MemberOf(key), after.MemberOf(key)) << key;
  }
}

TEST(HashRingTest, GoesAround) {
  const Ring ring({1, 1, 1});
  EXPECT_EQ((*ring).size(), 3 * HashRing::kPointsMax);
  size_t place = 0;
  std::vector<int> points(3);
  for (size_t i = 0; i < (*ring).size(); ++i) {
    ++points[(*ring).MemberAt(place)];
    place = (*ring).Following(place);
  }
  EXPECT_EQ(place, 0u);
  EXPECT_EQ(points, std::vector<int>(3, HashRing::kPointsMax));
  EXPECT_EQ((*ring).PlaceOf(0), 0u);
  // Behind the last point the first is next.
  EXPECT_EQ((*ring).PlaceOf(UINT64_MAX), 0u);
}

TEST(HashRingTest, ManyMembersHaveFewerPointsAndALightOneHasAtLeastOne) {
  EXPECT_EQ((*Ring(std::vector<uint32_t>(128, 1))).size(), 128u * 512);
  EXPECT_EQ((*Ring(std::vector<uint32_t>(129, 1))).size(), 129u * 256);
  EXPECT_EQ((*Ring(std::vector<uint32_t>(3000, 1))).size(), 3000u * 32);
  EXPECT_EQ((*Ring({1, 10'000})).size(), 513u);
}

// Whoever changes this moves the keys of running gateways. (From the ring's
// definition, by another program.)
TEST(HashRingTest, PlacesAreTheSameForEver) {
  const Ring ring({1, 1, 1, 1});
  std::string members;
  for (int key = 0; key < 16; ++key) {
    members += static_cast<char>('0' + ring.MemberOf(key));
  }
  EXPECT_EQ(members, "1322022112230110");
}

}  // namespace
}  // namespace gateway
