#include "service/http/query_parameter.h"

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

TEST(QueryParameterTest, AHalfEncodedValueIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(FindParameter("a=%4", "a").status()));
}

}  // namespace
}  // namespace gateway
