#include "service/cache/kept_answer.h"

#include <cstddef>
#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(KeptAnswerTest, WhatItHoldsIsCounted) {
  KeptAnswer answer;
  const size_t empty = HeldBytes(answer);
  EXPECT_GT(empty, sizeof(KeptAnswer));
  answer.body = "short";
  EXPECT_EQ(HeldBytes(answer), empty);
  answer.body = std::string(1000, 'x');
  const size_t with_body = HeldBytes(answer);
  EXPECT_GE(with_body, empty + 1000);
  answer.body.reserve(100'000);
  EXPECT_GE(HeldBytes(answer), empty + 100'000);
  const size_t before = HeldBytes(answer);
  answer.event_ends.resize(100);
  EXPECT_GE(HeldBytes(answer), before + 100 * sizeof(size_t));
  EXPECT_TRUE(answer.is_stream());
}

}  // namespace
}  // namespace gateway
