#include "service/http/percent_decode.h"

#include <string>

#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

std::string Decoded(const std::string& text) {
  const absl::StatusOr<std::string> decoded = PercentDecode(text);
  return decoded.ok() ? *decoded : "refused";
}

TEST(PercentDecodeTest, TextWithoutPercentSignsStaysAsItIs) {
  EXPECT_EQ(Decoded(""), "");
  EXPECT_EQ(Decoded("gpt-4.1_mini~x:y/z"), "gpt-4.1_mini~x:y/z");
  // A plus is a space only in forms.
  EXPECT_EQ(Decoded("a+b"), "a+b");
}

TEST(PercentDecodeTest, EscapesBecomeTheirBytes) {
  EXPECT_EQ(Decoded("org%2Fmodel"), "org/model");
  EXPECT_EQ(Decoded("%41%62%7a"), "Abz");
  EXPECT_EQ(Decoded("%c3%A9"), "\xC3\xA9");
  EXPECT_EQ(Decoded("a%00b"), std::string("a\0b", 3));
  EXPECT_EQ(Decoded("%ff"), "\xFF");
}

TEST(PercentDecodeTest, WhatWasEscapedIsNotDecodedAgain) {
  EXPECT_EQ(Decoded("%2541"), "%41");
  EXPECT_EQ(Decoded("%25"), "%");
}

TEST(PercentDecodeTest, APercentSignNeedsTwoDigits) {
  for (const char* wrong :
       {"%", "a%", "%4", "a%4", "%g0", "%0g", "% 1", "%-1", "%4%31"}) {
    const absl::StatusOr<std::string> decoded = PercentDecode(wrong);
    ASSERT_FALSE(decoded.ok()) << wrong;
    EXPECT_EQ(FaultReason(decoded.status()), v1::ERROR_REASON_INVALID_REQUEST);
    EXPECT_EQ(FieldViolations(decoded.status())[0].first, "path");
  }
}

}  // namespace
}  // namespace gateway
