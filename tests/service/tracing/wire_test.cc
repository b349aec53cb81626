#include "service/tracing/wire.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(WireTest, WritesWhatProtocolBuffersDo) {
  // The encoding's own documentation has the first two.
  std::string out;
  WireWriter wire(&out);
  wire.Varint(1, 150);
  EXPECT_EQ(out, "\x08\x96\x01");
  out.clear();
  wire.Bytes(2, "testing");
  EXPECT_EQ(out, "\x12\x07testing");
  out.clear();
  wire.Fixed32(16, 0x01020304);
  EXPECT_EQ(out, "\x85\x01\x04\x03\x02\x01");
  out.clear();
  wire.Fixed64(7, 1);
  EXPECT_EQ(out, std::string("\x39\x01\0\0\0\0\0\0\0", 9));
  out.clear();
  wire.Double(4, 1);
  EXPECT_EQ(out, std::string("\x21\0\0\0\0\0\0\xf0\x3f", 9));
}

TEST(WireTest, ReadsWhatItHasWritten) {
  std::string out;
  WireWriter wire(&out);
  wire.Varint(1, UINT64_MAX);
  wire.Bytes(2, "");
  wire.Double(3, -0.5);
  wire.Fixed32(200, 7);
  WireReader in(out);
  ASSERT_TRUE(in.Next());
  EXPECT_EQ(in.number(), UINT64_MAX);
  ASSERT_TRUE(in.Next());
  EXPECT_EQ(in.type(), WireType::kBytes);
  EXPECT_EQ(in.bytes(), "");
  ASSERT_TRUE(in.Next());
  EXPECT_EQ(in.AsDouble(), -0.5);
  ASSERT_TRUE(in.Next());
  EXPECT_EQ(in.field(), 200);
  EXPECT_EQ(in.number(), 7u);
  EXPECT_FALSE(in.Next());
  EXPECT_TRUE(in.ok());
}

TEST(WireTest, CountsTheBytesOfNumbers) {
  for (const uint64_t number : {uint64_t{0}, uint64_t{127}, uint64_t{128},
                                uint64_t{16383}, uint64_t{16384}, UINT64_MAX}) {
    std::string out;
    WireWriter(&out).Varint(1, number);
    EXPECT_EQ(out.size(), 1 + VarintBytes(number)) << number;
  }
}

TEST(WireTest, StaysWithinTheBytes) {
  for (const std::string& bytes :
       {std::string("\x08"), std::string("\x08\x96"),
        std::string("\x12\x08", 2), std::string("\x12\x07test"),
        std::string("\x39\x01"), std::string("\x85\x01\x04"),
        std::string("\x0b\x0c"), std::string("\0\x01", 2),
        std::string(11, '\xff')}) {
    WireReader in(bytes);
    while (in.Next()) {
    }
    EXPECT_FALSE(in.ok());
  }
}

}  // namespace
}  // namespace gateway
