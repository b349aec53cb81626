#include "base/memory/block_pool.h"

#include <cstring>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(BlockPoolTest, LendsTheWarmestBlockAgain) {
  BlockPool pool(2);
  EXPECT_EQ(pool.lent(), 0u);
  Block first = pool.Take();
  char* const data = first.data();
  EXPECT_EQ(pool.lent(), 1u);
  first = Block();
  EXPECT_EQ(pool.lent(), 0u);
  EXPECT_EQ(pool.Take().data(), data);
}

TEST(BlockPoolTest, BlocksAreApart) {
  BlockPool pool(2);
  std::vector<Block> blocks;
  for (int i = 0; i < 10; ++i) {
    blocks.push_back(pool.Take());
    std::memset(blocks.back().data(), i, Block::capacity());
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(blocks[i].data()[0], i);
    EXPECT_EQ(blocks[i].data()[kBlockBytes - 1], i);
  }
  EXPECT_EQ(pool.lent(), 10u);
}

TEST(BlockPoolTest, MovesWithoutLendingTwice) {
  BlockPool pool(2);
  Block one = pool.Take();
  Block two = std::move(one);
  EXPECT_FALSE(one);  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(two);
  Block three;
  three = std::move(two);
  EXPECT_TRUE(three);
  EXPECT_EQ(pool.lent(), 1u);
}

}  // namespace
}  // namespace gateway
