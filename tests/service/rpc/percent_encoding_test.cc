#include "service/rpc/percent_encoding.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

std::string PercentEncoded(std::string_view text) {
  std::string out = "before:";
  AppendPercentEncoded(text, &out);
  EXPECT_TRUE(out.starts_with("before:"));
  return out.substr(7);
}

TEST(PercentEncodingTest, PlainTextStaysAsItIs) {
  EXPECT_EQ(PercentEncoded(""), "");
  EXPECT_EQ(PercentEncoded("no such model: \"gpt-x\"~"),
            "no such model: \"gpt-x\"~");
}

TEST(PercentEncodingTest, ASpaceAtEitherEndIsEncoded) {
  // A field with one is malformed, and clients reset the stream for it.
  EXPECT_EQ(PercentEncoded(" "), "%20");
  EXPECT_EQ(PercentEncoded("  "), "%20%20");
  EXPECT_EQ(PercentEncoded("   "), "%20 %20");
  EXPECT_EQ(PercentEncoded(" two words "), "%20two words%20");
  EXPECT_EQ(PercentEncoded(" %"), "%20%25");
}

TEST(PercentEncodingTest, APercentSignIsEncodedAndItsNeighboursAreNot) {
  EXPECT_EQ(PercentEncoded("$%&"), "$%25&");
  EXPECT_EQ(PercentEncoded("%%41"), "%25%2541");
}

TEST(PercentEncodingTest, BothEndsOfPrintableAsciiArePlainAndNothingBeyond) {
  EXPECT_EQ(PercentEncoded("\x1f\x20\x7e\x7f"), "%1F ~%7F");
  EXPECT_EQ(PercentEncoded(std::string_view("\0", 1)), "%00");
  EXPECT_EQ(PercentEncoded("a\r\nb"), "a%0D%0Ab");
  EXPECT_EQ(PercentEncoded("\x80\xff"), "%80%FF");
}

TEST(PercentEncodingTest, Utf8IsEncodedByteByByte) {
  EXPECT_EQ(PercentEncoded("caf\xc3\xa9 \xe2\x9c\x93"), "caf%C3%A9 %E2%9C%93");
}

}  // namespace
}  // namespace gateway
