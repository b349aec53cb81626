#include "base/http/input_buffer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "base/memory/block_pool.h"
#include "gtest/gtest.h"
#include "tests/testing/pattern.h"

namespace gateway {
namespace {

class InputBufferTest : public testing::Test {
 protected:
  void Arrive(InputBuffer& input, std::string_view bytes) {
    const absl::Span<char> space = input.Space();
    ASSERT_GE(space.size(), bytes.size());
    std::memcpy(space.data(), bytes.data(), bytes.size());
    input.Commit(bytes.size());
  }

  BlockPool pool_{4};
  InputBuffer input_{pool_};
};

TEST_F(InputBufferTest, HoldsABlockOnlyWhileThereAreBytes) {
  EXPECT_EQ(input_.bytes(), "");
  EXPECT_EQ(pool_.lent(), 0u);
  Arrive(input_, "hello");
  EXPECT_EQ(pool_.lent(), 1u);
  input_.Consume(5);
  EXPECT_EQ(pool_.lent(), 1u);
  input_.Release();
  EXPECT_EQ(pool_.lent(), 0u);
}

TEST_F(InputBufferTest, SetsAFewBytesAsideAndTakesThemUpAgain) {
  Arrive(input_, "chunk and 8 bytes\r");
  input_.Consume(9);
  input_.Release();
  EXPECT_EQ(pool_.lent(), 1u);  // One too many.
  input_.Consume(1);
  input_.Release();
  EXPECT_EQ(pool_.lent(), 0u);
  EXPECT_EQ(input_.bytes(), "8 bytes\r");
  EXPECT_TRUE(input_.SpaceInPlace().empty());
  input_.Consume(7);
  input_.Release();
  EXPECT_EQ(input_.bytes(), "\r");
  Arrive(input_, "\n5\r\n");
  EXPECT_EQ(pool_.lent(), 1u);
  EXPECT_EQ(input_.bytes(), "\r\n5\r\n");
}

TEST_F(InputBufferTest, WhatIsSetAsideIsDetachedAndGrowsLikeAnythingElse) {
  for (const bool grow : {false, true}) {
    Arrive(input_, "few");
    input_.Release();
    if (grow) {
      input_.Grow(2 * kBlockBytes);
    } else {
      const InputBuffer old = input_.Detach();
    }
    EXPECT_EQ(input_.bytes(), "few");
    input_.Clear();
    EXPECT_EQ(input_.bytes(), "");
    EXPECT_EQ(pool_.lent(), 0u);
  }
}

TEST_F(InputBufferTest, BytesStayWhereTheyAreWhileThereIsSpaceBehind) {
  Arrive(input_, "one two");
  input_.Consume(4);
  const char* const two = input_.bytes().data();
  Arrive(input_, " three");
  EXPECT_EQ(input_.bytes(), "two three");
  EXPECT_EQ(input_.bytes().data(), two);
}

TEST_F(InputBufferTest, BytesMoveToTheFrontWhenTheBlockIsFull) {
  Arrive(input_, std::string(kBlockBytes - 3, 'x') + "end");
  EXPECT_TRUE(input_.Space().empty());
  input_.Consume(kBlockBytes - 3);
  EXPECT_TRUE(input_.SpaceInPlace().empty());
  EXPECT_EQ(input_.Space().size(), kBlockBytes - 3);
  EXPECT_EQ(input_.bytes(), "end");
}

TEST_F(InputBufferTest, GrowsBeyondABlockAndShrinksBack) {
  const std::string full(kBlockBytes, 'x');
  Arrive(input_, full);
  input_.Grow(kBlockBytes + 10);
  EXPECT_EQ(pool_.lent(), 0u);
  EXPECT_EQ(input_.bytes(), full);
  Arrive(input_, "0123456789");
  EXPECT_EQ(input_.bytes(), full + "0123456789");
  input_.Grow(100);
  EXPECT_EQ(input_.capacity(), kBlockBytes + 10);
  input_.Clear();
  EXPECT_EQ(input_.bytes(), "");
  EXPECT_EQ(input_.Space().size(), kBlockBytes);
}

TEST_F(InputBufferTest, GrowsFromNothing) {
  input_.Grow(3 * kBlockBytes);
  EXPECT_EQ(input_.Space().size(), 3 * kBlockBytes);
}

TEST_F(InputBufferTest, DetachedMemoryKeepsViewsIntoWhatWasConsumed) {
  for (const bool large : {false, true}) {
    if (large) input_.Grow(2 * kBlockBytes);
    Arrive(input_, "head and body");
    const std::string_view head = input_.bytes().substr(0, 4);
    input_.Consume(9);
    {
      const InputBuffer old = input_.Detach();
      EXPECT_EQ(input_.bytes(), "body");
      EXPECT_NE(input_.bytes().data(), head.data() + 9);
      Arrive(input_, " and more");
      EXPECT_EQ(input_.bytes(), "body and more");
      EXPECT_EQ(head, "head");
      EXPECT_EQ(old.bytes(), "");
    }
    input_.Clear();
    EXPECT_EQ(pool_.lent(), 0u);
  }
}

TEST_F(InputBufferTest, DetachesMoreThanABlock) {
  const std::string all(3 * kBlockBytes, 'x');
  input_.Grow(all.size());
  Arrive(input_, all);
  input_.Consume(10);
  const InputBuffer old = input_.Detach();
  EXPECT_EQ(input_.bytes(), all.substr(10));
}

TEST_F(InputBufferTest, DetachesNothing) {
  const InputBuffer old = input_.Detach();
  EXPECT_EQ(input_.bytes(), "");
  Arrive(input_, "x");
  EXPECT_EQ(input_.bytes(), "x");
}

TEST(BodyAssemblerTest, JoinsNeighboursWithoutCopying) {
  const std::string_view bytes = "0123456789";
  BodyAssembler body;
  body.OnBody(bytes.substr(0, 4));
  body.OnBody(bytes.substr(4, 6));
  EXPECT_EQ(body.bytes(), "0123456789");
  EXPECT_EQ(body.bytes().data(), bytes.data());
}

TEST(BodyAssemblerTest, CopiesPiecesThatLieApart) {
  BodyAssembler body;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece(i, static_cast<char>('a' + i % 26));
    body.OnBody(piece);
    if (i == 0) body.Reserve(0);  // The pieces do not stay.
    expected += piece;
  }
  EXPECT_EQ(body.bytes(), expected);
}

TEST(BodyAssemblerTest, TakesWhatWasReadStraightIntoIt) {
  BodyAssembler body;
  body.Reserve(4);
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(i * 7, static_cast<char>('a' + i % 26));
    const absl::Span<char> space = body.Space(piece.size());
    ASSERT_GE(space.size(), piece.size());
    std::copy(piece.begin(), piece.end(), space.begin());
    body.OnBody({space.data(), piece.size()});
    expected += piece;
  }
  EXPECT_EQ(body.bytes(), expected);
}

TEST(BodyAssemblerTest, HasRoomForWhatIsClaimedUpToALimit) {
  for (const uint64_t claimed :
       {uint64_t{1}, uint64_t{1000}, BodyAssembler::kClaimedBytesMax - 1,
        BodyAssembler::kClaimedBytesMax, BodyAssembler::kClaimedBytesMax + 1,
        UINT64_MAX}) {
    BodyAssembler body;
    body.ReserveClaimed(claimed);
    EXPECT_EQ(body.Space(1).size(),
              std::min(claimed, BodyAssembler::kClaimedBytesMax));
  }
}

TEST(GrowingMemoryTest, KeepsWhatWasWrittenFromTheHeapToPagesOfItsOwn) {
  GrowingMemory memory;
  EXPECT_EQ(memory.data(), nullptr);
  const std::string text = Pattern(4 * GrowingMemory::kHeapBytesMax);
  size_t used = 0;
  for (const size_t size :
       {size_t{1}, GrowingMemory::kHeapBytesMax,
        GrowingMemory::kHeapBytesMax + 1, 6 * GrowingMemory::kHeapBytesMax,
        100 * GrowingMemory::kHeapBytesMax}) {
    if (size <= memory.capacity()) continue;
    memory.Grow(size, used);
    EXPECT_GE(memory.capacity(), size);
    EXPECT_EQ(std::string_view(memory.data(), used),
              std::string_view(text).substr(0, used));
    used = std::min(size, text.size());
    std::memcpy(memory.data(), text.data(), used);
  }
  memory.Clear();
  EXPECT_EQ(memory.capacity(), 0u);
}

}  // namespace
}  // namespace gateway
