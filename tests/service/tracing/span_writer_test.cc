#include "service/tracing/span_writer.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/tracing/span_reader.h"
#include "tests/service/tracing/traced_calls.h"

namespace gateway {
namespace {

SpanHead HeadOf(std::string_view name) {
  return {.trace = {.high = 0x4bf92f3577b34da6, .low = 0xa3ce929d0e0e4736},
          .span = 0x00f067aa0ba902b7,
          .name = name,
          .start_time = absl::FromUnixNanos(1767323045000000001),
          .duration = absl::Nanoseconds(999)};
}

TEST(SpanWriterTest, WritesTheBytesOfOtlp) {
  std::string out;
  SpanWriter spans(&out);
  spans.Begin(HeadOf("n"));
  spans.End();
  EXPECT_EQ(spans.count(), 1);
  // By hand, from the numbers of trace.proto: spans = 2, then each field.
  const std::string span =
      std::string(
          "\x0a\x10\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6"
          "\xa3\xce\x92\x9d\x0e\x0e\x47\x36",
          18) +
      std::string("\x12\x08\x00\xf0\x67\xaa\x0b\xa9\x02\xb7", 10) +
      std::string("\x2a\x01n\x30\x01", 5) +
      std::string("\x39\x01\xf2\x42\x4b\xd9\xc4\x86\x18", 9) +
      std::string("\x41\xe8\xf5\x42\x4b\xd9\xc4\x86\x18", 9) +
      std::string("\x85\x01\x00\x01\x00\x00", 6);
  EXPECT_EQ(out.substr(0, 2),
            std::string("\x12") + static_cast<char>(span.size()));
  const std::string written = out.substr(2);
  EXPECT_EQ(written.substr(0, 33), span.substr(0, 33));
  EXPECT_EQ(written.size(), span.size());
  EXPECT_EQ(written.substr(51), span.substr(51));
}

TEST(SpanWriterTest, IsReadAsItWasWritten) {
  std::string out;
  SpanWriter spans(&out);
  SpanHead head = HeadOf("chat gpt-x");
  head.parent = 7;
  head.parent_is_remote = true;
  head.flags = kSampledFlag;
  head.state = "a=b";
  head.kind = SpanKind::kClient;
  head.failed = true;
  head.failure_message = "it broke";
  spans.Begin(head);
  AttributeWriter& to = spans.attributes();
  to.Text("text", "t\xc3\xa9xt");
  to.Text("empty", "");
  to.Number("negative", -3);
  to.Number("large", int64_t{1} << 40);
  to.Real("real", 0.25);
  to.Flag("yes", true);
  to.Flag("no", false);
  to.TextList("list", "stop");
  spans.End();
  spans.Begin(HeadOf("another"));
  spans.End();

  const std::vector<ReadSpan> read = ReadSpans(out);
  ASSERT_EQ(read.size(), 2u);
  const ReadSpan& one = read[0];
  EXPECT_EQ(one.trace, head.trace);
  EXPECT_EQ(one.span, head.span);
  EXPECT_EQ(one.parent, 7u);
  EXPECT_EQ(one.state, "a=b");
  EXPECT_EQ(one.name, "chat gpt-x");
  EXPECT_EQ(one.kind, SpanKind::kClient);
  EXPECT_EQ(one.start_time, head.start_time);
  EXPECT_EQ(one.end_time - one.start_time, absl::Nanoseconds(999));
  EXPECT_EQ(one.flags, 0x301u);
  EXPECT_TRUE(one.failed);
  EXPECT_EQ(one.failure_message, "it broke");
  EXPECT_EQ(AttributeOf(one, "text"), "t\xc3\xa9xt");
  EXPECT_EQ(AttributeOf(one, "empty"), "none");
  EXPECT_EQ(AttributeOf(one, "negative"), "-3");
  EXPECT_EQ(AttributeOf(one, "large"), "1099511627776");
  EXPECT_EQ(AttributeOf(one, "real"), "0.250000");
  EXPECT_EQ(AttributeOf(one, "yes"), "true");
  EXPECT_EQ(AttributeOf(one, "no"), "false");
  EXPECT_EQ(AttributeOf(one, "list"), "stop");
  EXPECT_EQ(read[1].name, "another");
  EXPECT_EQ(read[1].parent, 0u);
  EXPECT_FALSE(read[1].failed);
}

TEST(SpanWriterTest, TextsAreShortAndUtf8) {
  std::string out;
  SpanWriter spans(&out);
  spans.Begin(HeadOf("n\xff"));
  const std::string long_text(1000, 'x');
  spans.attributes().Text("long", long_text);
  spans.attributes().Text("bad", "a\xff\xfe");
  // The limit splits no character.
  spans.attributes().Text("split", std::string(255, 'x') + "\xc3\xa9");
  spans.End();
  const std::vector<ReadSpan> read = ReadSpans(out);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].name, "n?");
  EXPECT_EQ(AttributeOf(read[0], "long"), std::string(256, 'x'));
  EXPECT_EQ(AttributeOf(read[0], "bad"), "a??");
  EXPECT_EQ(AttributeOf(read[0], "split"), std::string(255, 'x'));
}

TEST(SpanWriterTest, NoSpanEndsBeforeItBegins) {
  std::string out;
  SpanWriter spans(&out);
  SpanHead head = HeadOf("n");
  head.duration = absl::Seconds(-5);
  spans.Begin(head);
  spans.End();
  const std::vector<ReadSpan> read = ReadSpans(out);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].end_time, read[0].start_time);
}

}  // namespace
}  // namespace gateway
