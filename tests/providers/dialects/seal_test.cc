#include "providers/dialects/seal.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(SealTest, ANameComesOffForItsDialectOnly) {
  const std::string named = NamedSeal("a", "x:y");
  EXPECT_TRUE(IsNamedSeal(named));
  std::string_view seal;
  ASSERT_TRUE(ReadNamedSeal(named, "a", &seal));
  EXPECT_EQ(seal, "x:y");
  EXPECT_FALSE(ReadNamedSeal(named, "b", &seal));
  EXPECT_FALSE(ReadNamedSeal("x:y", "a", &seal));
}

TEST(SealTest, OnlyTheBeginningOfAStringIsAMark) {
  for (const std::string_view with :
       {R"({"a":"seal:b"})", R"("seal:")", R"(["xseal:","seal:"])",
        R"(["\"seal:","seal:"])"}) {
    EXPECT_TRUE(HasStringWithMark(with, kNamedSealPrefix)) << with;
  }
  for (const std::string_view without :
       {"", "seal:", R"({"a":"a seal:b"})", R"(["\"seal:"])", R"(["seal"])"}) {
    EXPECT_FALSE(HasStringWithMark(without, kNamedSealPrefix)) << without;
  }
}

}  // namespace
}  // namespace gateway
