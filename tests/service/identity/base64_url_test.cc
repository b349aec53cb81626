#include "service/identity/base64_url.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "tests/service/identity/token_text.h"

namespace gateway {
namespace {

TEST(Base64UrlTest, BytesComeBackAsTheyWere) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    const std::optional<std::string> decoded =
        DecodeBase64Url(Base64UrlOf(bytes));
    ASSERT_TRUE(decoded.has_value()) << i;
    EXPECT_EQ(*decoded, bytes);
    bytes.push_back(static_cast<char>(i * 167));
  }
}

TEST(Base64UrlTest, IsThatOfRfc4648) {
  EXPECT_EQ(DecodeBase64Url(""), "");
  EXPECT_EQ(DecodeBase64Url("Zg"), "f");
  EXPECT_EQ(DecodeBase64Url("Zm8"), "fo");
  EXPECT_EQ(DecodeBase64Url("Zm9v"), "foo");
  EXPECT_EQ(DecodeBase64Url("Zm9vYg"), "foob");
  EXPECT_EQ(DecodeBase64Url("-_-_"), "\xfb\xff\xbf");
}

TEST(Base64UrlTest, OtherFormsAreRefused) {
  for (const std::string_view text :
       {"Zg==", "Zg=", "Zm9v\n", " Zm9v", "Zm 9v", "+/+/", "Z", "Zm9vY",
        "Zm9v.", "Zm9\xc3"}) {
    EXPECT_FALSE(DecodeBase64Url(text).has_value()) << text;
  }
  EXPECT_FALSE(DecodeBase64Url(std::string_view("Zm9\0", 4)).has_value());
}

TEST(Base64UrlTest, BitsThatAreLeftOverAreZero) {
  // Zg and Zh decode to the same byte elsewhere.
  for (const char c : std::string_view("hijklmnopqrstuv")) {
    EXPECT_FALSE(DecodeBase64Url(std::string("Z") + c).has_value()) << c;
  }
  for (const char c : std::string_view("9-_")) {
    EXPECT_FALSE(DecodeBase64Url(std::string("Zm") + c).has_value()) << c;
  }
}

}  // namespace
}  // namespace gateway
