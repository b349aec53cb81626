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
using ::testing::Not;

TEST(StateFaultTest, NamesTheFieldAndWhatTheSystemSays) {
  const absl::Status fault = StateNotKept(absl::ResourceExhaustedError(
      "/state/circuits.json: cannot write the file: No space left on device"));
  EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_STATE_NOT_KEPT);
  EXPECT_EQ(fault.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(fault.message()),
              HasSubstr("runtime.state_dir: /state/circuits.json: cannot write "
                        "the file: No space left on device"));
}

TEST(StateFaultTest, SaysThatNothingHasChangedWhereThatIsSure) {
  EXPECT_THAT(std::string(StateNotKept(absl::UnknownError("EIO")).message()),
              HasSubstr("nothing has changed"));
  const std::string unsure(
      StateNotKept(absl::AbortedError("EIO")).message());
  EXPECT_THAT(unsure, Not(HasSubstr("nothing has changed")));
  EXPECT_THAT(unsure, HasSubstr("not known"));
}

TEST(StateFaultTest, ThatTooManyWaitIsAnOverloadAndAllElseAsItIs) {
  EXPECT_EQ(FaultReason(ChangeNotBegun(absl::ResourceExhaustedError("full"))),
            v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(ChangeNotBegun(absl::CancelledError("gone")),
            absl::CancelledError("gone"));
}

}  // namespace
}  // namespace gateway
