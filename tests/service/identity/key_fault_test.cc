#include "service/identity/key_fault.h"

#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(KeyFaultTest, AnUnknownKeyHasNoMetadata) {
  const absl::Status fault = UnknownKey();
  EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_API_KEY_INVALID);
  EXPECT_EQ(FaultMetadata(fault, "key"), "");
}

TEST(KeyFaultTest, WhoHasShownTheSecretIsToldWhomToAsk) {
  Caller caller;
  caller.id = "search";
  absl::Status fault =
      KeyIsNoGood(v1::ERROR_REASON_API_KEY_EXPIRED, caller, "has expired");
  EXPECT_EQ(fault.message(), "the API key 'search' has expired");
  EXPECT_EQ(FaultMetadata(fault, "key"), "search");
  caller.owner = "ops";
  fault = KeyIsNoGood(v1::ERROR_REASON_API_KEY_EXPIRED, caller, "has expired");
  EXPECT_EQ(fault.message(), "the API key 'search' has expired; ask ops");
}

}  // namespace
}  // namespace gateway
