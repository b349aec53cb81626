#include "service/tracing/wire.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

// What `write` writes.
template <typename Write>
std::string Wired(const Write& write) {
  constexpr size_t kBytesMax = 100;
  std::string out;
  {
    WireWriter wire(&out, kBytesMax);
    write(wire);
  }
  return out;
}

TEST(WireTest, WritesWhatProtocolBuffersDo) {
  // The encoding's own documentation has the first two.
  EXPECT_EQ(Wired([](WireWriter& wire) { wire.Varint(1, 150); }),
            "\x08\x96\x01");
  EXPECT_EQ(Wired([](WireWriter& wire) { wire.Bytes(2, "testing"); }),
            "\x12\x07testing");
  EXPECT_EQ(Wired([](WireWriter& wire) { wire.Fixed32(16, 0x01020304); }),
            "\x85\x01\x04\x03\x02\x01");
  EXPECT_EQ(Wired([](WireWriter& wire) { wire.Fixed64(7, 1); }),
            std::string("\x39\x01\0\0\0\0\0\0\0", 9));
  EXPECT_EQ(Wired([](WireWriter& wire) { wire.Double(4, 1); }),
            std::string("\x21\0\0\0\0\0\0\xf0\x3f", 9));
}

TEST(WireTest, AppendsNoMoreThanItWrites) {
  std::string out = "before";
  { const WireWriter wire(&out, 100); }
  EXPECT_EQ(out, "before");
  WireWriter(&out, BytesFieldMax(1)).Bytes(2, "x");
  EXPECT_EQ(out, "before\x12\x01x");
  // The largest number there is has room.
  WireWriter(&out, kNumberFieldMax).Varint(0x1fffffff, UINT64_MAX);
  EXPECT_EQ(out.size(), 9 + kNumberFieldMax);
}

TEST(WireTest, ReadsWhatItHasWritten) {
  const std::string out = Wired([](WireWriter& wire) {
    wire.Varint(1, UINT64_MAX);
    wire.Bytes(2, "");
    wire.Double(3, -0.5);
    wire.Fixed32(200, 7);
  });
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
    const std::string out =
        Wired([number](WireWriter& wire) { wire.Varint(1, number); });
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
