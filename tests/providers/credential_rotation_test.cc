#include "providers/credential_rotation.h"

#include <cstddef>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;

std::vector<size_t> Take(const CredentialRotation& rotation, int count) {
  std::vector<size_t> taken;
  for (int i = 0; i < count; ++i) taken.push_back(rotation.Next());
  return taken;
}

TEST(CredentialRotationTest, OneIsAlwaysTaken) {
  EXPECT_THAT(Take(CredentialRotation({}), 2), ElementsAre(0, 0));
  EXPECT_THAT(Take(CredentialRotation({7}), 2), ElementsAre(0, 0));
}

TEST(CredentialRotationTest, EqualsTakeTurns) {
  EXPECT_THAT(Take(CredentialRotation({5, 5, 5}), 6),
              ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST(CredentialRotationTest, WeightsAreSharesEvenlySpread) {
  EXPECT_THAT(Take(CredentialRotation({3, 1}), 8),
              ElementsAre(0, 0, 1, 0, 0, 0, 1, 0));
  std::vector<int> counts(3, 0);
  const CredentialRotation rotation({1000, 1, 7});
  for (size_t taken : Take(rotation, 1008)) ++counts[taken];
  EXPECT_THAT(counts, ElementsAre(1000, 1, 7));
}

}  // namespace
}  // namespace gateway
