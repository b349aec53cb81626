#include "service/http/query_parameter.h"

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(QueryParameterTest, FindsTheFirstOfItsName) {
  EXPECT_EQ(FindParameter("limit=2&after_id=a%2Fb&limit=3", "limit").value(),
            "2");
  EXPECT_EQ(FindParameter("limit=2&after_id=a%2Fb", "after_id").value(),
            "a/b");
}

TEST(QueryParameterTest, OneThatIsNotThereIsEmpty) {
  for (const char* query : {"", "limits=2", "limit", "limit=", "a=limit=2"}) {
    EXPECT_EQ(FindParameter(query, "limit").value(), "") << query;
  }
}

TEST(QueryParameterTest, AnyTellsNoValueFromAnEmptyOne) {
  const auto is = [](std::optional<std::string_view> wanted) {
    return [wanted](std::optional<std::string_view> value) {
      return value == wanted;
    };
  };
  EXPECT_TRUE(AnyParameter("a&b=1", "a", is(std::nullopt)));
  EXPECT_FALSE(AnyParameter("a=&b=1", "a", is(std::nullopt)));
  EXPECT_TRUE(AnyParameter("a=&b=1", "a", is("")));
  EXPECT_TRUE(AnyParameter("a=1&a=%32", "a", is("%32")));
  EXPECT_FALSE(AnyParameter("aa=1", "a", is("1")));
}

TEST(QueryParameterTest, AHalfEncodedValueIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(FindParameter("a=%4", "a").status()));
}

}  // namespace
}  // namespace gateway
