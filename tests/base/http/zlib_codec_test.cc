#include "base/http/zlib_codec.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr size_t kAmple = 1 << 20;

// "hello, hello, hello" as Python's gzip (level 9, no time) and zlib write it.
std::string GzipHello() {
  return absl::HexStringToBytes(
      "1f8b0800000000000203cb48cdc9c9d751c840a2009fa1ca0913000000");
}
std::string ZlibHello() {
  return absl::HexStringToBytes("789ccb48cdc9c9d751c840a200442806d5");
}

std::string Noise(size_t bytes) {
  std::string noise;
  uint32_t state = 1;
  for (size_t i = 0; i < bytes; ++i) {
    state = state * 1664525 + 1013904223;
    noise.push_back(static_cast<char>(state >> 24));
  }
  return noise;
}

std::string Gzip(std::string_view text) {
  std::string out;
  const absl::Status status = CompressGzip(text, &out);
  EXPECT_TRUE(status.ok()) << status;
  return out;
}

TEST(ZlibCodecTest, InflatesWhatOthersHaveCompressed) {
  std::string out = "old";
  ASSERT_TRUE(Inflate(ZlibFormat::kGzip, GzipHello(), kAmple, &out).ok());
  EXPECT_EQ(out, "hello, hello, hello");
  ASSERT_TRUE(Inflate(ZlibFormat::kZlib, ZlibHello(), kAmple, &out).ok());
  EXPECT_EQ(out, "hello, hello, hello");
}

TEST(ZlibCodecTest, OneFormatIsNotTheOther) {
  std::string out;
  EXPECT_EQ(Inflate(ZlibFormat::kZlib, GzipHello(), kAmple, &out).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Inflate(ZlibFormat::kGzip, ZlibHello(), kAmple, &out).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(ZlibCodecTest, InflatesWhatItCompresses) {
  for (const std::string& text :
       {std::string(), std::string("a"), std::string(1023, 'x'),
        std::string(1024, 'x'), std::string(1025, 'x'), Noise(100000)}) {
    std::string out;
    const absl::Status status =
        Inflate(ZlibFormat::kGzip, Gzip(text), kAmple, &out);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(out, text);
  }
}

TEST(ZlibCodecTest, TheLimitItselfIsAllowed) {
  for (const size_t size : {0, 1, 1024, 5000}) {
    std::string out;
    const absl::Status status =
        Inflate(ZlibFormat::kGzip, Gzip(std::string(size, 'x')), size, &out);
    EXPECT_TRUE(status.ok()) << size << ": " << status;
    EXPECT_EQ(out.size(), size);
  }
}

TEST(ZlibCodecTest, OneByteOverTheLimitIsTooMany) {
  for (const size_t limit : {0, 1, 1023, 1024, 5000}) {
    std::string out;
    const absl::Status status = Inflate(
        ZlibFormat::kGzip, Gzip(std::string(limit + 1, 'x')), limit, &out);
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << limit;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(std::to_string(limit)));
    EXPECT_EQ(out, std::string(limit, 'x'));
  }
}

TEST(ZlibCodecTest, ABombIsRefusedAtTheLimit) {
  const std::string bomb = Gzip(std::string(64 << 20, '\0'));
  EXPECT_LT(bomb.size(), 512u * 1024);
  std::string out;
  EXPECT_EQ(Inflate(ZlibFormat::kGzip, bomb, 10000, &out).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(out.size(), 10000u);
  EXPECT_LE(out.capacity(), 10000u);
}

TEST(ZlibCodecTest, NoMoreIsReservedThanTheLimit) {
  std::string out;
  ASSERT_TRUE(
      Inflate(ZlibFormat::kGzip, Gzip(std::string(3000, 'x')), 3001, &out)
          .ok());
  EXPECT_LE(out.capacity(), 3001u);
}

TEST(ZlibCodecTest, EveryTruncationIsRefused) {
  for (const auto& [format, whole] :
       {std::pair(ZlibFormat::kGzip, GzipHello()),
        std::pair(ZlibFormat::kZlib, ZlibHello())}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      // 19 bytes is the text's own length: the check behind it counts too.
      for (const size_t limit : {kAmple, size_t{19}}) {
        std::string out;
        EXPECT_EQ(Inflate(format, whole.substr(0, size), limit, &out).code(),
                  absl::StatusCode::kInvalidArgument)
            << size;
      }
    }
  }
}

TEST(ZlibCodecTest, WhatCameBeforeTheDamageIsToldApart) {
  const std::string text(100'000, 'x');
  std::string out = "of before";
  EXPECT_FALSE(Inflate(ZlibFormat::kGzip, "no gzip", kAmple, &out).ok());
  EXPECT_EQ(out, "");
  const std::string cut = Gzip(text).substr(0, Gzip(text).size() - 1);
  EXPECT_FALSE(Inflate(ZlibFormat::kGzip, cut, text.size(), &out).ok());
  EXPECT_EQ(out, text);
}

TEST(ZlibCodecTest, ADamagedByteIsNoticed) {
  std::string damaged = GzipHello();
  damaged[damaged.size() - 6] ^= 1;  // In the checksum.
  std::string out;
  EXPECT_EQ(Inflate(ZlibFormat::kGzip, damaged, kAmple, &out).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Inflate(ZlibFormat::kGzip, "no gzip at all", kAmple, &out).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(ZlibCodecTest, NothingMayFollowTheEnd) {
  std::string out;
  EXPECT_EQ(Inflate(ZlibFormat::kGzip, GzipHello() + "x", kAmple, &out).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Inflate(ZlibFormat::kGzip, GzipHello() + GzipHello(), kAmple, &out)
                .code(),
            absl::StatusCode::kInvalidArgument);
  // Also when the limit is reached before the end.
  EXPECT_EQ(Inflate(ZlibFormat::kZlib, ZlibHello() + "x", 19, &out).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(ZlibCodecTest, CompressionMakesRepetitionsSmall) {
  EXPECT_LT(Gzip(std::string(100000, 'x')).size(), 1000u);
}

}  // namespace
}  // namespace gateway
