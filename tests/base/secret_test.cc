#include "base/secret.h"

#include <memory>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "gtest/gtest.h"

namespace gateway {
namespace {

template <typename T, typename = void>
struct IsPrintable : std::false_type {};
template <typename T>
struct IsPrintable<T, std::void_t<decltype(std::declval<std::ostream&>()
                                           << std::declval<const T&>())>>
    : std::true_type {};

TEST(SecretTest, CannotBePrintedOrTurnedIntoText) {
  static_assert(IsPrintable<std::string>::value);
  static_assert(!IsPrintable<Secret>::value);
  static_assert(!std::is_convertible_v<Secret, std::string>);
  static_assert(!std::is_convertible_v<Secret, std::string_view>);
  static_assert(!std::is_convertible_v<std::string, Secret>);
}

TEST(SecretTest, RevealsWhatItWasGiven) {
  const Secret secret("open sesame");
  EXPECT_EQ(secret.Reveal(), "open sesame");
  EXPECT_FALSE(secret.empty());
  EXPECT_TRUE(Secret("").empty());
}

TEST(SecretTest, EqualsOnlyItself) {
  const Secret secret("open sesame");
  EXPECT_TRUE(secret.Equals("open sesame"));
  EXPECT_FALSE(secret.Equals("Open sesame"));
  EXPECT_FALSE(secret.Equals("open sesamE"));
  EXPECT_FALSE(secret.Equals("open sesam"));
  EXPECT_FALSE(secret.Equals("open sesame "));
  EXPECT_FALSE(secret.Equals(""));
  EXPECT_TRUE(Secret("").Equals(""));
}

TEST(SecretTest, CopiesAreIndependent) {
  auto original = std::make_unique<Secret>("open sesame");
  Secret copy = *original;
  original.reset();
  EXPECT_EQ(copy.Reveal(), "open sesame");
  const Secret& same = copy;
  copy = same;
  EXPECT_EQ(copy.Reveal(), "open sesame");
  copy = Secret("other");
  EXPECT_EQ(copy.Reveal(), "other");
}

TEST(SecretTest, AMoveLeavesNothingBehind) {
  Secret first("open sesame");
  Secret second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(second.Reveal(), "open sesame");
  first = std::move(second);
  EXPECT_EQ(first.Reveal(), "open sesame");
}

}  // namespace
}  // namespace gateway
