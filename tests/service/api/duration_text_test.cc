#include "service/api/duration_text.h"

#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

std::string DurationText(int64_t nanoseconds) {
  std::array<char, kDurationBytesMax> out;
  return std::string(out.data(), WriteDuration(nanoseconds, out.data()));
}

TEST(DurationTextTest, HasTheLargestUnitsThatAreThere) {
  EXPECT_EQ(DurationText(0), "0");
  EXPECT_EQ(DurationText(7), "7ns");
  EXPECT_EQ(DurationText(1500), "1.5us");
  EXPECT_EQ(DurationText(2'503'000), "2.503ms");
  EXPECT_EQ(DurationText(1'000'000'000), "1s");
  EXPECT_EQ(DurationText(90'500'000'000), "1m30.5s");
  EXPECT_EQ(DurationText(3'600'000'000'000), "1h");
  EXPECT_EQ(DurationText(3'600'500'000'000), "1h0.5s");
  EXPECT_EQ(DurationText(std::numeric_limits<int64_t>::max()),
            "2562047h47m16.854775807s");
}

TEST(DurationTextTest, SaysWhatAbseilSays) {
  FakeRandom random{7};
  for (int i = 0; i < 20'000; ++i) {
    const auto bits = static_cast<int>(1 + random.Below(62));
    const auto nanoseconds =
        static_cast<int64_t>(random.Below(uint64_t{1} << bits));
    EXPECT_EQ(DurationText(nanoseconds),
              absl::FormatDuration(absl::Nanoseconds(nanoseconds)));
  }
}

}  // namespace
}  // namespace gateway
