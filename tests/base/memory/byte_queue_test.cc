#include "base/memory/byte_queue.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ByteQueueTest, GivesBackInOrderWhatWasPutIn) {
  ByteQueue queue;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece(i % 37, static_cast<char>('a' + i % 26));
    queue.Append(piece);
    expected += piece;
    const size_t taken = std::min<size_t>(i % 29, queue.size());
    EXPECT_EQ(queue.bytes().substr(0, taken), expected.substr(0, taken));
    queue.Consume(taken);
    expected.erase(0, taken);
  }
  EXPECT_EQ(queue.bytes(), expected);
}

TEST(ByteQueueTest, WhatIsReservedIsNotMoved) {
  ByteQueue queue;
  queue.Reserve(1000);
  EXPECT_TRUE(queue.empty());
  const char* const first = queue.Extend(100);
  queue.Extend(900);
  EXPECT_EQ(queue.bytes().data(), first);
  EXPECT_EQ(queue.size(), 1000u);
}

TEST(ByteQueueTest, IsEmptyWhenAllIsConsumed) {
  ByteQueue queue;
  EXPECT_TRUE(queue.empty());
  queue.Append("");
  EXPECT_TRUE(queue.empty());
  queue.Append("abc");
  EXPECT_FALSE(queue.empty());
  queue.Consume(2);
  EXPECT_EQ(queue.bytes(), "c");
  queue.Consume(1);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), "");
}

TEST(ByteQueueTest, ExtendedBytesAreWrittenInPlace) {
  ByteQueue queue;
  queue.Append("one ");
  std::memcpy(queue.Extend(3), "two", 3);
  EXPECT_EQ(queue.bytes(), "one two");
}

TEST(ByteQueueTest, BytesLargerThanAnyBlockFit) {
  ByteQueue queue;
  const std::string large(1'000'000, 'x');
  queue.Append("y");
  queue.Append(large);
  EXPECT_EQ(queue.size(), large.size() + 1);
  queue.Consume(1);
  EXPECT_TRUE(queue.bytes() == large);
}

TEST(ByteQueueTest, WhatIsLargeGetsRoomForJustThat) {
  constexpr size_t kLarge = 5'000'000;
  ByteQueue queue;
  queue.Extend(kLarge);
  EXPECT_EQ(queue.capacity(), kLarge);
  // What grows byte by byte is not moved each time.
  queue.Append("x");
  EXPECT_EQ(queue.capacity(), 2 * kLarge);
}

TEST(ByteQueueTest, TwoSwapWhatTheyHold) {
  ByteQueue full;
  ByteQueue empty;
  full.Append("text");
  const char* const where = full.bytes().data();
  full.Swap(empty);
  EXPECT_TRUE(full.empty());
  EXPECT_EQ(full.capacity(), 0u);
  EXPECT_EQ(empty.bytes(), "text");
  EXPECT_EQ(empty.bytes().data(), where);
}

TEST(ByteQueueTest, AMovedQueueTakesItsBytesAlong) {
  ByteQueue one;
  one.Append("bytes");
  ByteQueue two(std::move(one));
  EXPECT_EQ(two.bytes(), "bytes");
  ByteQueue three;
  three.Append("others");
  three = std::move(two);
  EXPECT_EQ(three.bytes(), "bytes");
  three.Clear();
  EXPECT_TRUE(three.empty());
}

}  // namespace
}  // namespace gateway
