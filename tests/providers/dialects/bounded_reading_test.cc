#include "providers/dialects/bounded_reading.h"

#include <string>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

// A list of `count` values, for each of which reading takes `bytes`.
absl::Status ReadList(int count, size_t bytes) {
  std::string text = "[{}";
  for (int i = 1; i < count; ++i) text += ",{}";
  text += "]";
  size_t allocated = 12345;  // There was something before.
  return ReadBounded(
      text.size(), [&] { return allocated; },
      [&] {
        const absl::Status read = ReadJson(text, [&](JsonValue& root) {
          return root.EachElement([&](JsonValue&) {
            allocated += bytes;
            return absl::OkStatus();
          });
        });
        // As a dialect may do.
        return read.ok() ? read : absl::InvalidArgumentError("it was refused");
      },
      AnswerTakesTooMuch);
}

TEST(BoundedReadingTest, ReadsWhatTakesLittle) {
  EXPECT_EQ(ReadList(10'000, 50), absl::OkStatus());
}

TEST(BoundedReadingTest, WhatIsShortTakesWhatItTakes) {
  EXPECT_EQ(ReadList(1000, 2000), absl::OkStatus());
}

TEST(BoundedReadingTest, EndsWhereTheTextIsReadIntoFarMore) {
  const absl::Status status = ReadList(100'000, 270);
  EXPECT_EQ(ReasonName(FaultReason(status)), "PROVIDER_BAD_RESPONSE");
  EXPECT_NE(status.message().find("2248580 bytes"), std::string::npos)
      << status;
}

TEST(BoundedReadingTest, WhatIsCountedByHandCounts) {
  std::string text = "[1";
  for (int i = 1; i < 50'000; ++i) text += ",1";
  text += "]";
  const absl::Status status = ReadBounded(
      text.size(), [] { return size_t{0}; },
      [&] {
        return ReadJson(text, [](JsonValue& root) {
          return root.EachElement([](JsonValue&) {
            CountReadMemory(kPartMemoryBytes);
            return absl::OkStatus();
          });
        });
      },
      RequestTakesTooMuch);
  EXPECT_EQ(ReasonName(FaultReason(status)), "REQUEST_TOO_LARGE");
}

TEST(BoundedReadingTest, ARequestIsTooLarge) {
  const absl::Status status = RequestTakesTooMuch(5);
  EXPECT_EQ(ReasonName(FaultReason(status)), "REQUEST_TOO_LARGE");
  EXPECT_EQ(FaultMetadata(status, "limit"), "5");
}

}  // namespace
}  // namespace gateway
