#include "service/audit/redaction/card_number.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Found(std::string_view text) {
  std::vector<std::pair<size_t, size_t>> spans;
  FindCardNumbers(text, &spans);
  std::vector<std::string> found;
  for (const auto& [begin, end] : spans) {
    found.emplace_back(text.substr(begin, end - begin));
  }
  return found;
}

TEST(CardNumberTest, TheCheckDigitIsLuhns) {
  EXPECT_TRUE(HasLuhnDigit("79927398713"));
  EXPECT_FALSE(HasLuhnDigit("79927398710"));
  EXPECT_TRUE(HasLuhnDigit("4111111111111111"));
  EXPECT_FALSE(HasLuhnDigit("4111111111111112"));
}

TEST(CardNumberTest, NumbersAreFoundInGroupsAndWithout) {
  EXPECT_THAT(Found("pay 4111111111111111 now"),
              ElementsAre("4111111111111111"));
  EXPECT_THAT(Found("pay 4111 1111 1111 1111."),
              ElementsAre("4111 1111 1111 1111"));
  EXPECT_THAT(Found("3782-822463-10005"), ElementsAre("3782-822463-10005"));
  EXPECT_THAT(Found("4111111111111111,5555555555554444"),
              ElementsAre("4111111111111111", "5555555555554444"));
}

TEST(CardNumberTest, ANumberIsFoundBesideOtherDigits) {
  EXPECT_THAT(Found("1 4111 1111 1111 1111 123"),
              ElementsAre("4111 1111 1111 1111"));
}

TEST(CardNumberTest, DotsStandBetweenGroupsAsCardsHaveThem) {
  EXPECT_THAT(Found("4111.1111.1111.1111."),
              ElementsAre("4111.1111.1111.1111"));
  EXPECT_THAT(Found("3782.822463.10005"), ElementsAre("3782.822463.10005"));
  EXPECT_THAT(Found("6304.0000.0000.0000.000"),
              ElementsAre("6304.0000.0000.0000.000"));
  // An address, and a number: their digits together are right by Luhn.
  EXPECT_TRUE(HasLuhnDigit("192168100126"));
  EXPECT_THAT(Found("192.168.100.126"), IsEmpty());
  EXPECT_TRUE(HasLuhnDigit("4111111111111111"));
  EXPECT_THAT(Found("4111.111111111111"), IsEmpty());
  EXPECT_THAT(Found("41111111.1111.1111"), IsEmpty());
}

TEST(CardNumberTest, OtherNumbersAreNone) {
  EXPECT_THAT(Found("4111111111111112"), IsEmpty());
  EXPECT_THAT(Found("0000000000000000"), IsEmpty());
  EXPECT_THAT(Found("4111  1111  1111  1111"), IsEmpty());
  // 11 digits and 20, though Luhn's formula is right for them.
  EXPECT_THAT(Found("79927398713"), IsEmpty());
  EXPECT_THAT(Found("41111111111111111115"), IsEmpty());
  EXPECT_TRUE(HasLuhnDigit("41111111111111111115"));
}

TEST(CardNumberTest, TwelveAndNineteenDigitsAreEnoughAndNotTooMany) {
  EXPECT_THAT(Found("501800000009"), ElementsAre("501800000009"));
  EXPECT_THAT(Found("6304000000000000000"), ElementsAre("6304000000000000000"));
}

}  // namespace
}  // namespace gateway
