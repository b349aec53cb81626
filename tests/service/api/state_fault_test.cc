#include "service/api/state_fault.h"

#include <string>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/errors.pb.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

TEST(StateFaultTest, NamesTheFieldAndWhatTheSystemSays) {
  const absl::Status fault = StateNotKept(absl::ResourceExhaustedError(
      "/state/circuits.json: cannot write the file: No space left on device"));
  EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_STATE_NOT_KEPT);
  EXPECT_EQ(fault.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(fault.message()),
              HasSubstr("runtime.state_dir: /state/circuits.json: cannot write "
                        "the file: No space left on device"));
}

TEST(StateFaultTest, ThatTooManyWaitIsAnOverloadAndAllElseAsItIs) {
  EXPECT_EQ(FaultReason(ChangeNotBegun(absl::ResourceExhaustedError("full"))),
            v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(ChangeNotBegun(absl::CancelledError("gone")),
            absl::CancelledError("gone"));
}

}  // namespace
}  // namespace gateway
