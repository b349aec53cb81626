#include "base/text/unescaped_size.h"

#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(UnescapedSizeTest, AnEscapeIsAsLongAsWhatItStandsFor) {
  struct Case {
    std::string_view json;
    std::string_view said;
  };
  for (const Case& each : {Case{"", ""},
                           {"plain 你", "plain 你"},
                           {R"(a\nb\"c\\d\/)", "a\nb\"c\\d/"},
                           {R"(\u0041\u00e9\u4f60\u4F60)", "Aé你你"},
                           {R"(\ud83d\ude00!)", "😀!"},
                           {R"(\\u4f60)", "\\u4f60"}}) {
    EXPECT_EQ(UnescapedSize(each.json), each.said.size()) << each.json;
  }
}

TEST(UnescapedSizeTest, OfAnEscapeThatIsNoneTheBackslashIsLeftOut) {
  EXPECT_EQ(UnescapedSize(R"(\)"), 0U);
  EXPECT_EQ(UnescapedSize(R"(ab\)"), 2U);
  EXPECT_EQ(UnescapedSize(R"(\u4f)"), 3U);
  EXPECT_EQ(UnescapedSize(R"(\u4f6x)"), 5U);
  EXPECT_EQ(UnescapedSize(R"(\u-123)"), 5U);
}

}  // namespace
}  // namespace gateway
