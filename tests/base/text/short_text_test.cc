#include "base/text/short_text.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"

namespace gateway {
namespace {

// Whether the text lies in the object.
bool IsInside(const ShortText& text) {
  const auto* const begin = reinterpret_cast<const char*>(&text);
  const char* const data = std::string_view(text).data();
  return data >= begin && data < begin + sizeof(text);
}

TEST(ShortTextTest, IsEmptyAtFirst) {
  const ShortText text;
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(text, "");
}

TEST(ShortTextTest, LiesInTheObjectUpToItsLimit) {
  for (const size_t size : {size_t{1}, kShortTextBytes, kShortTextBytes + 1}) {
    const std::string whole(size, 'x');
    const ShortText text(whole);
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(text, whole);
    EXPECT_EQ(IsInside(text), size <= kShortTextBytes);
  }
}

TEST(ShortTextTest, BecomesAnyOtherText) {
  ShortText text(std::string(100, 'x'));
  text = "y";
  EXPECT_EQ(text, "y");
  text = std::string(100, 'z');
  EXPECT_EQ(text, std::string(100, 'z'));
}

TEST(ShortTextTest, CopiesHaveBytesOfTheirOwn) {
  for (const size_t size : {size_t{3}, 2 * kShortTextBytes}) {
    ShortText text(std::string(size, 'x'));
    const ShortText copy = text;
    text = "y";
    EXPECT_EQ(copy, std::string(size, 'x'));
    const ShortText moved = std::move(text);
    EXPECT_EQ(moved, "y");
  }
}

TEST(ShortTextTest, IsTakenForAString) {
  const ShortText text("order-7");
  const std::string kept = text;
  EXPECT_EQ(kept, "order-7");
  const std::string_view view = text;
  EXPECT_EQ(view, "order-7");
  EXPECT_NE(text, "order-8");
}

}  // namespace
}  // namespace gateway
