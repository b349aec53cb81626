#include "service/observability/record_messages.h"

#include <string>

#include "absl/time/time.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/errors.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/observability/call_record.h"

namespace gateway {
namespace {

using ::google::protobuf::TextFormat;
using ::google::protobuf::util::MessageDifferencer;

// What makes `actual` differ from the message in `expected`; empty if nothing.
template <typename Message>
std::string DifferenceFrom(const char* expected, const Message& actual) {
  Message message;
  EXPECT_TRUE(TextFormat::ParseFromString(expected, &message));
  std::string difference;
  MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  return differencer.Compare(message, actual) ? "" : difference;
}

TEST(RecordMessagesTest, AnAttemptThatAnsweredHasTheUsage) {
  const CallAttempt attempt = {.provider = "openai",
                               .model = "gpt-5",
                               .kind = llmgateway::v1::Attempt::KIND_RETRY,
                               .answered = true,
                               .start_time = absl::FromUnixMillis(1600),
                               .duration = absl::Seconds(2),
                               .time_to_first_token = absl::Milliseconds(350),
                               .credential = "second",
                               .http_status = 200,
                               .provider_request_id = "req_1",
                               .reused_connection = true};
  llmgateway::v1::Usage usage;
  usage.set_output_tokens(2);
  llmgateway::v1::Attempt message;
  FillAttempt(attempt, usage, &message);
  EXPECT_EQ(DifferenceFrom(R"pb(
                             provider: "openai"
                             model: "gpt-5"
                             kind: KIND_RETRY
                             answered: true
                             start_time { seconds: 1 nanos: 600000000 }
                             duration { seconds: 2 }
                             time_to_first_token { nanos: 350000000 }
                             credential: "second"
                             http_status: 200
                             provider_request_id: "req_1"
                             reused_connection: true
                             usage { output_tokens: 2 }
                           )pb",
                           message),
            "");
}

TEST(RecordMessagesTest, AnAttemptThatFailedSaysWhy) {
  const CallAttempt attempt = {
      .provider = "openai",
      .start_time = absl::UnixEpoch(),
      .error_reason = llmgateway::v1::ERROR_REASON_PROVIDER_UNAVAILABLE,
      .error_message = "openai: 503"};
  llmgateway::v1::Attempt message;
  FillAttempt(attempt, llmgateway::v1::Usage(), &message);
  EXPECT_EQ(DifferenceFrom(R"pb(
                             provider: "openai"
                             start_time {}
                             duration {}
                             failure: ERROR_REASON_PROVIDER_UNAVAILABLE
                             failure_message: "openai: 503"
                           )pb",
                           message),
            "");
}

TEST(RecordMessagesTest, TimesThatDoNotApplyAreLeftOut) {
  CallTimes times;
  times.duration = absl::Milliseconds(2500);
  llmgateway::v1::Timings message;
  FillTimings(times, &message);
  EXPECT_EQ(DifferenceFrom("total { seconds: 2 nanos: 500000000 }", message),
            "");
  times.overhead = absl::Microseconds(40);
  times.upstream_first_byte = absl::Milliseconds(300);
  times.time_to_first_token = absl::Milliseconds(700);
  FillTimings(times, &message);
  EXPECT_EQ(DifferenceFrom(R"pb(
                             total { seconds: 2 nanos: 500000000 }
                             overhead { nanos: 40000 }
                             upstream_first_byte { nanos: 300000000 }
                             time_to_first_token { nanos: 700000000 }
                           )pb",
                           message),
            "");
}

TEST(RecordMessagesTest, ARouteSaysWhereAndWhy) {
  llmgateway::v1::Route route;
  FillRoute("openai", "gpt-5", "default", &route);
  EXPECT_EQ(
      DifferenceFrom(
          R"pb(provider: "openai" model: "gpt-5" reason: "default")pb", route),
      "");
}

}  // namespace
}  // namespace gateway
