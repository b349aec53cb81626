#include "service/config/config_names.h"

#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ConfigNamesTest, NamesAreShortAndPlain) {
  EXPECT_TRUE(IsConfigName("open-ai_2", "-_", /*upper_case=*/false));
  EXPECT_FALSE(IsConfigName("", "-_", false));
  EXPECT_FALSE(IsConfigName("Open", "-_", false));
  EXPECT_TRUE(IsConfigName("Open", "-_", true));
  EXPECT_FALSE(IsConfigName("a.b", "-_", true));
  EXPECT_TRUE(IsConfigName(std::string(64, 'a'), "", false));
  EXPECT_FALSE(IsConfigName(std::string(65, 'a'), "", false));
}

TEST(ConfigNamesTest, NamesOfModelsHaveNoWhiteSpace) {
  EXPECT_TRUE(IsModelName("meta/llama-3:8b@q4"));
  EXPECT_FALSE(IsModelName(""));
  EXPECT_FALSE(IsModelName("a b"));
  EXPECT_FALSE(IsModelName("a\x7f"));
  EXPECT_TRUE(IsModelName(std::string(256, 'm')));
  EXPECT_FALSE(IsModelName(std::string(257, 'm')));
}

TEST(ConfigNamesTest, TextIsPrintableWithoutAccentsAndLineEnds) {
  EXPECT_TRUE(IsPrintableText(""));
  EXPECT_TRUE(IsPrintableText(" a~"));
  for (const char* bad : {"a\n", "\t", "\x7f", "\xc3\xa4"}) {
    EXPECT_FALSE(IsPrintableText(bad)) << bad;
  }
}

}  // namespace
}  // namespace gateway
