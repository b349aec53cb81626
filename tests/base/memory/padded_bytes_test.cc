#include "base/memory/padded_bytes.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "base/memory/block_pool.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

// Reads the padding, which AddressSanitizer watches.
void ExpectPadding(std::string_view bytes) {
  for (size_t i = 0; i < kBlockPaddingBytes; ++i) {
    EXPECT_EQ(bytes.data()[bytes.size() + i], '\0');
  }
}

TEST(PaddedBytesTest, NothingIsPaddedToo) {
  PaddedBytes bytes;
  EXPECT_TRUE(bytes.empty());
  ExpectPadding(bytes.bytes());
  bytes.Append("");
  EXPECT_TRUE(bytes.empty());
  ExpectPadding(bytes.bytes());
}

TEST(PaddedBytesTest, WhatIsAppendedLiesInARow) {
  PaddedBytes bytes;
  std::string all;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece(i, static_cast<char>('a' + i % 26));
    bytes.Append(piece);
    all += piece;
  }
  EXPECT_TRUE(bytes.bytes() == all);
  EXPECT_EQ(bytes.size(), all.size());
  ExpectPadding(bytes.bytes());
  bytes.Clear();
  EXPECT_TRUE(bytes.empty());
  bytes.Append("again");
  EXPECT_EQ(bytes.bytes(), "again");
}

TEST(PaddedBytesTest, TwoSwapWhatTheyHold) {
  PaddedBytes full;
  PaddedBytes empty;
  full.Append("text");
  const char* const where = full.bytes().data();
  full.Swap(empty);
  EXPECT_TRUE(full.empty());
  EXPECT_EQ(empty.bytes(), "text");
  EXPECT_EQ(empty.bytes().data(), where);
}

}  // namespace
}  // namespace gateway
