#include "providers/dialects/named_signature.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(SignatureTest, ANameComesOffForItsDialectOnly) {
  const std::string named = NamedSignature("a", "x:y");
  EXPECT_TRUE(IsNamedSignature(named));
  std::string_view signature;
  ASSERT_TRUE(ReadNamedSignature(named, "a", &signature));
  EXPECT_EQ(signature, "x:y");
  EXPECT_FALSE(ReadNamedSignature(named, "b", &signature));
  EXPECT_FALSE(ReadNamedSignature("x:y", "a", &signature));
}

TEST(SignatureTest, OnlyTheBeginningOfAStringIsAMark) {
  for (const std::string_view with :
       {R"({"a":"seal:b"})", R"("seal:")", R"(["xseal:","seal:"])",
        R"(["\"seal:","seal:"])"}) {
    EXPECT_TRUE(HasStringWithMark(with, kNamedSignaturePrefix)) << with;
  }
  for (const std::string_view without :
       {"", "seal:", R"({"a":"a seal:b"})", R"(["\"seal:"])", R"(["seal"])"}) {
    EXPECT_FALSE(HasStringWithMark(without, kNamedSignaturePrefix)) << without;
  }
}

}  // namespace
}  // namespace gateway
