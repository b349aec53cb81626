#include "service/observability/call_record.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/errors.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "tests/service/observability/attempt_pointers.h"

namespace gateway {
namespace {

TEST(OwnedCallRecordTest, KeepsEveryTextAfterTheOriginalsAreGone) {
  std::unique_ptr<OwnedCallRecord> owned;
  {
    const std::string prefix(100, 'x');
    std::vector<std::string> texts;
    for (int i = 0; i < 13; ++i) texts.push_back(prefix + std::to_string(i));
    const std::vector<CallAttempt> attempts = {
        {.provider = texts[0],
         .model = texts[1],
         .duration = absl::Seconds(1),
         .error_reason = llmgateway::v1::ERROR_REASON_PROVIDER_UNAVAILABLE,
         .error_message = texts[3],
         .http_status = 503},
        {.provider = "", .model = texts[1], .reused_connection = true}};
    CallRecord record;
    record.request_id = texts[4];
    record.operation = texts[5];
    record.path = texts[6];
    record.method = texts[7];
    record.caller = texts[8];
    record.model_asked = texts[9];
    record.provider = texts[10];
    record.model_served = texts[11];
    record.route_reason = texts[12];
    const std::vector<const CallAttempt*> pointers = PointersTo(attempts);
    record.attempts = pointers;
    llmgateway::v1::Usage usage;
    usage.set_output_tokens(7);
    record.usage = &usage;
    record.time_to_first_token = absl::Milliseconds(3);
    owned = std::make_unique<OwnedCallRecord>(record);
    for (std::string& text : texts) text.assign(text.size(), '#');
  }
  const std::string prefix(100, 'x');
  const CallRecord& record = owned->record();
  ASSERT_EQ(record.attempts.size(), 2u);
  EXPECT_EQ(record.attempts[0]->provider, prefix + "0");
  EXPECT_EQ(record.attempts[0]->model, prefix + "1");
  EXPECT_EQ(record.attempts[0]->error_reason,
            llmgateway::v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(record.attempts[0]->error_message, prefix + "3");
  EXPECT_EQ(record.attempts[0]->http_status, 503);
  EXPECT_EQ(record.attempts[1]->provider, "");
  EXPECT_TRUE(record.attempts[1]->reused_connection);
  EXPECT_EQ(record.request_id, prefix + "4");
  EXPECT_EQ(record.operation, prefix + "5");
  EXPECT_EQ(record.path, prefix + "6");
  EXPECT_EQ(record.method, prefix + "7");
  EXPECT_EQ(record.caller, prefix + "8");
  EXPECT_EQ(record.model_asked, prefix + "9");
  EXPECT_EQ(record.provider, prefix + "10");
  EXPECT_EQ(record.model_served, prefix + "11");
  EXPECT_EQ(record.route_reason, prefix + "12");
  EXPECT_EQ(record.usage->output_tokens(), 7);
  EXPECT_EQ(record.time_to_first_token, absl::Milliseconds(3));
}

// A watcher's messages have a limit, which a name from a caller must not break.
TEST(OwnedCallRecordTest, CutsLongTextsBetweenCharacters) {
  std::string name = "m";
  while (name.size() < 8'000) name += "\u00e9";
  const CallAttempt attempt = {.provider = "p", .error_message = name};
  const CallAttempt* const attempts[] = {&attempt};
  CallRecord record;
  record.model_asked = name;
  record.attempts = attempts;
  const OwnedCallRecord owned(record);
  EXPECT_EQ(owned.record().model_asked, name.substr(0, 1023));
  EXPECT_EQ(owned.record().attempts[0]->error_message, name.substr(0, 1023));
}

TEST(ErrorReasonNameTest, IsEmptyForNoReason) {
  EXPECT_EQ(ErrorReasonName(llmgateway::v1::ERROR_REASON_UNSPECIFIED), "");
  EXPECT_EQ(ErrorReasonName(llmgateway::v1::ERROR_REASON_RATE_LIMITED),
            "RATE_LIMITED");
}

TEST(StatusCodeNameTest, AgreesWithAbseilForEveryCode) {
  for (int code = 0; code <= 16; ++code) {
    const auto status_code = static_cast<absl::StatusCode>(code);
    EXPECT_EQ(StatusCodeName(status_code),
              absl::StatusCodeToString(status_code));
  }
  EXPECT_EQ(StatusCodeName(static_cast<absl::StatusCode>(99)), "UNKNOWN");
}

}  // namespace
}  // namespace gateway
