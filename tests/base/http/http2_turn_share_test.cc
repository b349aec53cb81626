#include "base/http/http2_turn_share.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/memory/block_pool.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

// How many a session takes until it is told to stop.
int TakeAll(Http2TurnShare& share, uint64_t turn, int most = 1000) {
  int taken = 1;
  while (share.Take(turn) && taken < most) ++taken;
  return taken;
}

TEST(Http2TurnShareTest, WhoComesFirstHasWhatAllHaveInCommon) {
  Http2TurnShare first;
  Http2TurnShare second;
  for (const uint64_t turn : {1001u, 1002u}) {
    EXPECT_FALSE(first.IsSpent(turn));
    EXPECT_EQ(TakeAll(first, turn),
              Http2TurnShare::kOwn + Http2TurnShare::kOfAll);
    EXPECT_TRUE(first.IsSpent(turn));
    // Which leaves the others their own.
    EXPECT_FALSE(second.IsSpent(turn));
    EXPECT_EQ(TakeAll(second, turn), Http2TurnShare::kOwn);
    EXPECT_TRUE(second.IsSpent(turn));
  }
}

TEST(Http2TurnShareTest, HoldsWhatIsLeft) {
  BlockPool pool(0);
  {
    Http2TurnShare share;
    Block block = pool.Take();
    const std::string_view read(block.data(), 100);
    EXPECT_TRUE(share.Hold({}, pool.Take()));
    EXPECT_EQ(share.held_block_bytes(), 0u);
    EXPECT_EQ(pool.lent(), 1u);
    EXPECT_FALSE(share.Hold(read, std::move(block)));
    EXPECT_EQ(share.held().data(), read.data());
    EXPECT_EQ(share.held_block_bytes(), kBlockBytes);
    EXPECT_FALSE(share.HoldOn(share.held().substr(50)));
    EXPECT_EQ(share.held().size(), 50u);
    EXPECT_TRUE(share.HoldOn({}));
    EXPECT_EQ(pool.lent(), 0u);
    Block again = pool.Take();
    const std::string_view more(again.data(), 1);
    EXPECT_FALSE(share.Hold(more, std::move(again)));
    EXPECT_EQ(pool.lent(), 1u);
  }
  EXPECT_EQ(pool.lent(), 0u);
}

TEST(Http2TurnShareTest, WhereManyHoldABlockOthersGoOn) {
  BlockPool pool(0);
  std::vector<std::unique_ptr<Http2TurnShare>> shares;
  for (size_t i = 0; i < Http2TurnShare::kHoldingMax; ++i) {
    shares.push_back(std::make_unique<Http2TurnShare>());
    Block block = pool.Take();
    const std::string_view read(block.data(), 1);
    EXPECT_FALSE(shares.back()->Hold(read, std::move(block)));
  }
  Http2TurnShare other;
  EXPECT_EQ(TakeAll(other, 2001), 1000);
  EXPECT_FALSE(other.IsSpent(2001));
  // Who holds one waits on.
  EXPECT_EQ(TakeAll(*shares.front(), 2001), Http2TurnShare::kOwn);
  shares.pop_back();
  EXPECT_EQ(TakeAll(other, 2002),
            Http2TurnShare::kOwn + Http2TurnShare::kOfAll);
}

}  // namespace
}  // namespace gateway
