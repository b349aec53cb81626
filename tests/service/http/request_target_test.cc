#include "service/http/request_target.h"

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(RequestTargetTest, ASegmentIsDecodedOrAtFault) {
  EXPECT_EQ(DecodeSegment("org%2Fmodel").value(), "org/model");
  for (const char* const wrong : {"a%4", "a%ff", "a\xff"}) {
    const absl::Status status = DecodeSegment(wrong).status();
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST) << wrong;
    EXPECT_EQ(FieldViolations(status)[0].first, "path") << wrong;
  }
}

TEST(RequestTargetTest, FindsTheFirstOfItsName) {
  EXPECT_EQ(FindParameter("limit=2&after_id=a%2Fb&limit=3", "limit").value(),
            "2");
  EXPECT_EQ(FindParameter("limit=2&after_id=a%2Fb", "after_id").value(),
            "a/b");
}

TEST(RequestTargetTest, OneThatIsNotThereIsEmpty) {
  for (const char* query : {"", "limits=2", "limit", "limit=", "a=limit=2"}) {
    EXPECT_EQ(FindParameter(query, "limit").value(), "") << query;
  }
}

TEST(RequestTargetTest, AnyTellsNoValueFromAnEmptyOne) {
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

TEST(RequestTargetTest, AHalfEncodedValueIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(FindParameter("a=%4", "a").status()));
}

TEST(RequestTargetTest, ParametersThatNobodyReadsAreRefusedByName) {
  const auto fault_of = [](std::string_view query) {
    const auto violations =
        FieldViolations(CheckParameters(query, {"node_name", "strategy"}));
    return violations.empty() ? "" : violations[0].first;
  };
  for (const char* query :
       {"", "&", "node_name=a", "strategy=b&node_name=a&", "node%5Fname=a"}) {
    EXPECT_EQ(fault_of(query), "") << query;
  }
  EXPECT_EQ(fault_of("node=a"), "node");
  EXPECT_EQ(fault_of("strategy=b&x"), "x");
  EXPECT_EQ(fault_of("strategy=b&strategy=b"), "strategy");
  EXPECT_EQ(fault_of("%ff=b"), "query");
}

}  // namespace
}  // namespace gateway
