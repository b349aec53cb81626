#include "service/tracing/span_reader.h"

#include <cstddef>
#include <string>

#include "gtest/gtest.h"
#include "service/tracing/span_writer.h"

namespace gateway {
namespace {

// What is read as it was written, span_writer_test.cc shows.
TEST(SpanReaderTest, WhatIsNoSpanIsLeftOut) {
  std::string out;
  SpanWriter spans(&out);
  spans.Begin({.trace = {.high = 1, .low = 2}, .span = 3, .name = "n"});
  spans.End();
  EXPECT_EQ(ReadSpans(out + "\x12\x05").size(), 1u);
  EXPECT_EQ(ReadSpans("nonsense").size(), 0u);
  for (size_t i = 1; i < out.size(); ++i) {
    EXPECT_EQ(ReadSpans(out.substr(0, i)).size(), 0u) << i;
  }
}

}  // namespace
}  // namespace gateway
