#include "base/os/random.h"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

TEST(RandomTest, UniformDoubleFillsTheUnitInterval) {
  FakeRandom random(4);
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const double drawn = random.UniformDouble();
    ASSERT_GE(drawn, 0);
    ASSERT_LT(drawn, 1);
    sum += drawn;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.02);
}

TEST(RandomTest, AHexIdHasExactlyTheDigitsAskedFor) {
  FakeRandom random(5);
  for (const size_t digits : {0, 1, 15, 16, 17, 32, 33}) {
    const std::string id = random.HexId(digits);
    EXPECT_EQ(id.size(), digits);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  }
}

TEST(RandomTest, EachDigitIsHalfAByteOfTheBits) {
  FakeRandom random(5);
  FakeRandom same(5);
  for (int round = 0; round < 100; ++round) {
    const std::string id = random.HexId(16);
    uint64_t bits = same.Bits();
    for (const char digit : id) {
      EXPECT_EQ(digit, "0123456789abcdef"[bits & 15]);
      bits >>= 4;
    }
  }
}

TEST(RandomTest, FillHexIdWritesNothingBehindItsEnd) {
  FakeRandom random(6);
  char out[9] = "--------";
  random.FillHexId(out, 5);
  EXPECT_EQ(std::string_view(out + 5, 3), "---");
}

TEST(SystemRandomTest, IdsDoNotRepeatAcrossThreads) {
  std::set<std::string> here;
  std::set<std::string> there;
  std::thread thread([&] {
    for (int i = 0; i < 1000; ++i) there.insert(SystemRandom().HexId(32));
  });
  for (int i = 0; i < 1000; ++i) here.insert(SystemRandom().HexId(32));
  thread.join();
  here.merge(there);
  EXPECT_EQ(here.size(), 2000u);
}

TEST(FakeRandomTest, TheSameSeedDrawsTheSameNumbers) {
  FakeRandom a(7);
  FakeRandom b(7);
  FakeRandom c(8);
  EXPECT_EQ(a.HexId(32), b.HexId(32));
  EXPECT_NE(a.HexId(32), c.HexId(32));
}

TEST(RandomTest, TheKernelsNumbersDifferAndHaveAllBits) {
  std::set<uint64_t> seen;
  uint64_t ones = 0;
  uint64_t zeros = 0;
  // Several buffers' worth.
  for (int i = 0; i < 1000; ++i) {
    const uint64_t bits = SecureRandom().Bits();
    EXPECT_TRUE(seen.insert(bits).second);
    ones |= bits;
    zeros |= ~bits;
  }
  EXPECT_EQ(ones, ~uint64_t{0});
  EXPECT_EQ(zeros, ~uint64_t{0});
}

}  // namespace
}  // namespace gateway
