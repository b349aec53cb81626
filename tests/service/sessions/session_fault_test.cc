#include "service/sessions/session_fault.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(SessionFaultTest, LimitsNameTheFieldThatSaysThem) {
  EXPECT_EQ(FaultReason(TooManySessions(7)), v1::ERROR_REASON_SESSION_LIMITED);
  EXPECT_EQ(FaultMetadata(TooManySessions(7), "limit"),
            "sessions.sessions_limit");
  EXPECT_EQ(FaultMetadata(TooManyMessages("s", 7), "limit"),
            "sessions.messages_limit");
  EXPECT_EQ(FaultMetadata(SessionTooLarge("s", 7), "limit"),
            "sessions.session_bytes_limit");
  EXPECT_THAT(std::string(SessionTooLarge("s", 4096).message()),
              HasSubstr("4096 bytes"));
}

TEST(SessionFaultTest, ConflictsNameTheSession) {
  for (const absl::Status& fault :
       {SessionIsBusy("s-1"), SessionWasChanged("s-1")}) {
    EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_CONFLICT);
    EXPECT_EQ(FaultMetadata(fault, "resource"), "sessions/s-1");
  }
}

TEST(SessionFaultTest, OfALongIdOnlyTheBeginningIsRepeated) {
  const std::string id(1000, 'x');
  EXPECT_THAT(std::string(NoSuchSession(id).message()), Not(HasSubstr(id)));
}

TEST(SessionFaultTest, AFullStoreIsNoMoreTheCallersFaultThanABrokenOne) {
  for (const absl::Status& store :
       {absl::ResourceExhaustedError("/data/gateway.db: full"),
        absl::DataLossError("/data/gateway.db: torn")}) {
    const absl::Status fault = SessionNotKept(store);
    EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_STORE_UNAVAILABLE);
    EXPECT_EQ(RetryDelay(fault), absl::Seconds(1));
    // Where it is concerns operators alone.
    EXPECT_THAT(std::string(fault.message()), Not(HasSubstr("gateway.db")));
  }
}

TEST(SessionFaultTest, WithoutSessionsTheSectionIsNamed) {
  EXPECT_EQ(FaultReason(NoSessions()), v1::ERROR_REASON_NOT_CONFIGURED);
  EXPECT_EQ(FaultMetadata(NoSessions(), "field"), "sessions");
}

}  // namespace
}  // namespace gateway
