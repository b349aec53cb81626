#include "service/api/request_record.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/metrics.pb.h"
#include "service/observability/call_record.h"

namespace gateway {
namespace {

using ::google::protobuf::TextFormat;
using ::google::protobuf::util::MessageDifferencer;
using ::llmgateway::v1::RequestRecord;

// What makes `actual` differ from the message in `expected`; empty if nothing.
std::string Difference(const char* expected, const RequestRecord& actual) {
  RequestRecord message;
  EXPECT_TRUE(TextFormat::ParseFromString(expected, &message));
  std::string difference;
  MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  return differencer.Compare(message, actual) ? "" : difference;
}

// A call of which everything is known. Borrows `attempts`.
CallRecord KnownCall(const std::vector<CallAttempt>& attempts) {
  CallRecord call;
  call.request_id = "r-1";
  call.door = Door::kHttp;
  call.operation = "POST /v1/chat/completions";
  call.caller = "team-a";
  call.stream = true;
  call.start_time = absl::FromUnixMillis(1250);
  call.duration = absl::Milliseconds(2500);
  call.overhead = absl::Microseconds(40);
  call.upstream_first_byte = absl::Milliseconds(300);
  call.time_to_first_token = absl::Milliseconds(700);
  call.model_asked = "fast";
  call.provider = "openai";
  call.model_served = "gpt-5";
  call.route_reason = "model_rule:fast";
  call.attempts = attempts;
  call.status_code = absl::StatusCode::kUnavailable;
  call.error_reason = "STREAM_INTERRUPTED";
  call.http_status = 200;
  call.input_tokens = 1;
  call.output_tokens = 2;
  call.cached_input_tokens = 3;
  call.cache_write_tokens = 4;
  call.reasoning_tokens = 5;
  call.cost_usd_nanos = 6;
  call.cost_known = true;
  call.usage_estimated = true;
  return call;
}

TEST(RequestRecordTest, SaysAllThatIsKnownOfACall) {
  const std::vector<CallAttempt> attempts = {
      {.provider = "openai",
       .model = "gpt-5",
       .start_time = absl::FromUnixMillis(1500),
       .duration = absl::Milliseconds(20),
       .error_reason = "PROVIDER_UNAVAILABLE",
       .error_message = "openai: 503",
       .http_status = 503,
       .reused_connection = true},
      {.provider = "openai",
       .model = "gpt-5",
       .start_time = absl::FromUnixMillis(1600),
       .duration = absl::Seconds(2)}};
  RequestRecord record;
  ToRequestRecord(KnownCall(attempts), &record);
  EXPECT_EQ(Difference(R"pb(
                         request_id: "r-1"
                         start_time { seconds: 1 nanos: 250000000 }
                         operation: "POST /v1/chat/completions"
                         caller: "team-a"
                         model: "fast"
                         stream: true
                         route {
                           provider: "openai"
                           model: "gpt-5"
                           reason: "model_rule:fast"
                         }
                         attempts {
                           provider: "openai"
                           model: "gpt-5"
                           start_time { seconds: 1 nanos: 500000000 }
                           duration { nanos: 20000000 }
                           failure: ERROR_REASON_PROVIDER_UNAVAILABLE
                           failure_message: "openai: 503"
                           http_status: 503
                           reused_connection: true
                         }
                         attempts {
                           provider: "openai"
                           model: "gpt-5"
                           start_time { seconds: 1 nanos: 600000000 }
                           duration { seconds: 2 }
                         }
                         usage {
                           input_tokens: 1
                           output_tokens: 2
                           cached_input_tokens: 3
                           cache_write_tokens: 4
                           reasoning_tokens: 5
                           cost_usd_nanos: 6
                           cost_known: true
                           estimated: true
                         }
                         timings {
                           total { seconds: 2 nanos: 500000000 }
                           overhead { nanos: 40000 }
                           upstream_first_byte { nanos: 300000000 }
                           time_to_first_token { nanos: 700000000 }
                         }
                         failure: ERROR_REASON_STREAM_INTERRUPTED
                         status_code: 14
                         http_status: 200
                       )pb",
                       record),
            "");
}

TEST(RequestRecordTest, LeavesOutWhatACallThatWentNowhereHasNot) {
  CallRecord call;
  call.start_time = absl::UnixEpoch();
  call.model_asked = "unknown";
  call.status_code = absl::StatusCode::kNotFound;
  call.error_reason = "MODEL_NOT_FOUND";
  RequestRecord record;
  ToRequestRecord(call, &record);
  EXPECT_EQ(Difference(R"pb(
                         start_time {}
                         model: "unknown"
                         usage {}
                         timings { total {} }
                         failure: ERROR_REASON_MODEL_NOT_FOUND
                         status_code: 5
                       )pb",
                       record),
            "");
}

TEST(RequestRecordTest, AReasonThatTheContractDoesNotHaveIsOurMistake) {
  CallRecord call;
  call.start_time = absl::UnixEpoch();
  call.error_reason = "NO_SUCH_REASON";
  RequestRecord record;
  ToRequestRecord(call, &record);
  EXPECT_EQ(record.failure(), llmgateway::v1::ERROR_REASON_INTERNAL);
}

}  // namespace
}  // namespace gateway
