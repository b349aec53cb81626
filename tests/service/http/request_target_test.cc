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
  const absl::Status status = DecodeSegment("a%4").status();
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(FieldViolations(status)[0].first, "path");
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

}  // namespace
}  // namespace gateway
