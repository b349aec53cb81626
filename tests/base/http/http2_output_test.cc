#include "base/http/http2_output.h"

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/memory/block_pool.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

std::string TextOf(const Http2Output& output) {
  iovec pieces[Http2Output::kBlocksMax];
  const size_t count = output.Pieces(pieces);
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    EXPECT_GT(pieces[i].iov_len, 0u);
    text.append(static_cast<const char*>(pieces[i].iov_base),
                pieces[i].iov_len);
  }
  return text;
}

std::string NumberedBytes(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 >> 3);
  return text;
}

TEST(Http2OutputTest, HoldsNoMemoryWhileEmpty) {
  BlockPool pool(8);
  Http2Output output(pool);
  EXPECT_TRUE(output.empty());
  output.Append("frame");
  EXPECT_EQ(pool.lent(), 1u);
  output.Consume(5);
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(pool.lent(), 0u);
}

TEST(Http2OutputTest, IsFullAtItsLimitAndStillTakesOneFrameBelowIt) {
  BlockPool pool(8);
  Http2Output output(pool);
  const std::string all = NumberedBytes(Http2Output::kBytesMax - 1);
  output.Append(all);
  EXPECT_FALSE(output.full());
  const std::string frame = NumberedBytes(kBlockBytes + 9);
  output.Append(frame);
  EXPECT_TRUE(output.full());
  EXPECT_TRUE(TextOf(output) == all + frame);
}

TEST(Http2OutputTest, WhateverIsTakenTheRestStaysInOrder) {
  BlockPool pool(8);
  for (const size_t step : {size_t{1000}, kBlockBytes - 1, kBlockBytes,
                            kBlockBytes + 1, 3 * kBlockBytes}) {
    Http2Output output(pool);
    const std::string all = NumberedBytes(20 * kBlockBytes);
    std::string_view unsent = all;
    size_t taken = 0;
    while (taken < all.size()) {
      while (!unsent.empty() && !output.full()) {
        const size_t size = std::min<size_t>(unsent.size(), 7000);
        output.Append(unsent.substr(0, size));
        unsent.remove_prefix(size);
      }
      const size_t size = std::min(step, output.size());
      ASSERT_TRUE(TextOf(output).substr(0, size) == all.substr(taken, size));
      output.Consume(size);
      taken += size;
    }
    EXPECT_TRUE(output.empty());
    EXPECT_EQ(pool.lent(), 0u);
  }
}

TEST(Http2OutputTest, ClearForgetsAll) {
  BlockPool pool(8);
  Http2Output output(pool);
  output.Append(NumberedBytes(2 * kBlockBytes));
  output.Clear();
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(TextOf(output), "");
  EXPECT_EQ(pool.lent(), 0u);
}

}  // namespace
}  // namespace gateway
