#include "providers/dialects/vendor_name.h"

#include <string_view>

#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"

namespace gateway::wire {
namespace {

constexpr VendorName<v1::Role> kVendorRoles[] = {
    {"user", v1::ROLE_USER},
    {"tool", v1::ROLE_TOOL},
    {"function", v1::ROLE_TOOL},
};

TEST(VendorNameTest, IsReadInBothDirections) {
  EXPECT_EQ(ValueOf(kVendorRoles, "user"), v1::ROLE_USER);
  EXPECT_EQ(ValueOf(kVendorRoles, "function"), v1::ROLE_TOOL);
  EXPECT_EQ(ValueOf(kVendorRoles, "User"), v1::ROLE_UNSPECIFIED);
  EXPECT_EQ(NameOf(kVendorRoles, v1::ROLE_TOOL), "tool");
  EXPECT_EQ(NameOf(kVendorRoles, v1::ROLE_SYSTEM), "");
}

TEST(VendorNameTest, ATurnEndsAsItsPartsSay) {
  EXPECT_EQ(FinishReasonOfTurn(v1::FINISH_REASON_STOP, true, true),
            v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_EQ(FinishReasonOfTurn(v1::FINISH_REASON_LENGTH, true, true),
            v1::FINISH_REASON_LENGTH);
  EXPECT_EQ(FinishReasonOfTurn(v1::FINISH_REASON_UNSPECIFIED, false, true),
            v1::FINISH_REASON_STOP);
  EXPECT_EQ(FinishReasonOfTurn(v1::FINISH_REASON_UNSPECIFIED, false, false),
            v1::FINISH_REASON_ERROR);
}

}  // namespace
}  // namespace gateway::wire
