#include "providers/limit_reset.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/http/http_client.h"
#include "gtest/gtest.h"
#include "tests/testing/head_only.h"

namespace gateway {
namespace {

constexpr absl::Time kNow = absl::FromUnixSeconds(1767323045);

std::optional<absl::Duration> ResetsIn(std::vector<HttpField> fields) {
  UpstreamFields taken;
  taken.Take(HeadOnly(std::move(fields)));
  return LimitResetsIn(taken, kNow);
}

std::optional<absl::Duration> OpenAiResetsIn(std::string_view reset) {
  return ResetsIn({{"x-ratelimit-remaining-tokens", "0"},
                   {"x-ratelimit-reset-tokens", reset}});
}

TEST(LimitResetTest, ReadsTheFormOfEachVendor) {
  EXPECT_EQ(OpenAiResetsIn("6m0s"), absl::Minutes(6));
  EXPECT_EQ(OpenAiResetsIn("20ms"), absl::Milliseconds(20));
  EXPECT_EQ(OpenAiResetsIn("1h2m3.5s"), absl::Milliseconds(3723500));
  EXPECT_EQ(ResetsIn({{"X-RateLimit-Remaining", "0"},
                      {"X-RateLimit-Reset", "1767323105000"}}),
            absl::Minutes(1));
  EXPECT_EQ(ResetsIn({{"anthropic-ratelimit-requests-remaining", "0"},
                      {"anthropic-ratelimit-requests-reset",
                       "2026-01-02T03:05:05Z"}}),
            absl::Minutes(1));
  // Others: plain seconds, and seconds since 1970.
  EXPECT_EQ(OpenAiResetsIn("2.5"), absl::Milliseconds(2500));
  EXPECT_EQ(OpenAiResetsIn("1767323046"), absl::Seconds(1));
}

TEST(LimitResetTest, WhatIsNotSpentResetsNothing) {
  EXPECT_EQ(ResetsIn({}), std::nullopt);
  EXPECT_EQ(ResetsIn({{"x-ratelimit-remaining-tokens", "1"},
                      {"x-ratelimit-reset-tokens", "6m0s"}}),
            std::nullopt);
  EXPECT_EQ(ResetsIn({{"x-ratelimit-limit-tokens", "0"},
                      {"x-ratelimit-reset-tokens", "6m0s"}}),
            std::nullopt);
}

TEST(LimitResetTest, OfSeveralThatAreSpentTheLongestCounts) {
  EXPECT_EQ(ResetsIn({{"x-ratelimit-remaining-requests", "0"},
                      {"x-ratelimit-remaining-tokens", "0"},
                      {"x-ratelimit-remaining-images", "5"},
                      {"x-ratelimit-reset-requests", "7s"},
                      {"x-ratelimit-reset-tokens", "2s"},
                      {"x-ratelimit-reset-images", "60s"}}),
            absl::Seconds(7));
}

TEST(LimitResetTest, ATimeThatCannotBeReadIsNone) {
  for (const char* text : {"soon", "nan", "-5", "1h2"}) {
    EXPECT_EQ(OpenAiResetsIn(text), std::nullopt) << text;
  }
  EXPECT_EQ(ResetsIn({{"x-ratelimit-remaining-tokens", "0"}}), std::nullopt);
  EXPECT_EQ(ResetsIn({{"x-ratelimit-remaining-tokens", "0"},
                      {"x-ratelimit-reset-requests", "6m0s"}}),
            std::nullopt);
  EXPECT_LT(*OpenAiResetsIn("1767323000"), absl::ZeroDuration());
}

}  // namespace
}  // namespace gateway
