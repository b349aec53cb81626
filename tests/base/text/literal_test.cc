#include "base/text/literal.h"

#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(LiteralTest, ATextIsALiteralOfTheSameBytes) {
  EXPECT_TRUE(Is("model", "model"));
  EXPECT_TRUE(Is("", ""));
  EXPECT_TRUE(Is(std::string_view(), ""));
}

TEST(LiteralTest, AByteMoreLessOrOtherIsAnother) {
  EXPECT_FALSE(Is("mode", "model"));
  EXPECT_FALSE(Is("models", "model"));
  EXPECT_FALSE(Is("Model", "model"));
  EXPECT_FALSE(Is("", "model"));
}

}  // namespace
}  // namespace gateway
