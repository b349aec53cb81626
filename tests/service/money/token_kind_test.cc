#include "service/money/token_kind.h"

#include <cstddef>
#include <set>
#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(TokenKindTest, EachKindIsInTheListAtItsPlaceWithAName) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kTokenKinds.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(kTokenKinds[i].kind), i);
    names.insert(kTokenKinds[i].name);
  }
  EXPECT_EQ(names.size(), kTokenKinds.size());
}

TEST(PerTokenKindTest, HoldsAValueForEachKind) {
  PerTokenKind<int> values;
  for (const NamedTokenKind& each : kTokenKinds) {
    EXPECT_EQ(values[each.kind], 0);
    values[each.kind] = static_cast<int>(each.kind) + 1;
  }
  const PerTokenKind<int> copy = values;
  EXPECT_EQ(copy, values);
  values[TokenKind::kAudioOutput] = 0;
  EXPECT_NE(copy, values);
  EXPECT_EQ(copy[TokenKind::kOutput], 2);
}

}  // namespace
}  // namespace gateway
