#include "service/http/body_fault.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::StartsWith;

// Of a body whose field `n` is to be a text.
absl::Status FaultOf(std::string_view body) {
  return BodyFault(ReadJson(body, [](JsonValue& root) {
    return root.EachField([](std::string_view, JsonValue& value) {
      return value.String().status();
    });
  }));
}

TEST(BodyFaultTest, ThePlaceIsNamed) {
  const absl::Status fault = FaultOf(R"({"n": 1})");
  EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_THAT(std::string(fault.message()), StartsWith("n: "));
}

TEST(BodyFaultTest, OrTheWhole) {
  EXPECT_THAT(std::string(FaultOf("{").message()), StartsWith("body: "));
}

}  // namespace
}  // namespace gateway
