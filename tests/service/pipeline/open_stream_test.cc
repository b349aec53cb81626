#include "service/pipeline/open_stream.h"

#include <cstddef>
#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(OpenStreamTest, WhatWasHeldBackMovesWithIt) {
  for (const size_t bytes : {5, 100}) {
    const std::string held(bytes, 'x');
    OpenStream from;
    from.held_bytes = held;
    from.first.raw = {from.held_bytes, "rest"};
    from.ended = true;
    OpenStream to;
    from.MoveTo(&to);
    from.held_bytes = "another";
    EXPECT_EQ(to.first.raw[0], held);
    EXPECT_EQ(to.first.raw[1], "rest");
    EXPECT_TRUE(to.ended);
    EXPECT_FALSE(from.ended);
  }
}

TEST(OpenStreamTest, WithoutWhatWasHeldBackNothingIsReplaced) {
  OpenStream from;
  from.first.raw = {"first"};
  OpenStream to;
  from.MoveTo(&to);
  EXPECT_EQ(to.first.raw[0], "first");
}

}  // namespace
}  // namespace gateway
