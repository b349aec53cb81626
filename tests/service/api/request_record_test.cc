#include "service/api/request_record.h"

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/metrics.pb.h"
#include "proto/field_marks.h"
#include "service/observability/access_log.h"
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

using Pointers = std::vector<const CallAttempt*>;

const llmgateway::v1::Usage& KnownUsage() {
  static const auto& known = *[] {
    auto* usage = new llmgateway::v1::Usage;
    usage->set_input_tokens(1);
    usage->set_output_tokens(2);
    usage->set_cached_input_tokens(3);
    usage->set_cache_write_tokens(4);
    usage->set_reasoning_tokens(5);
    usage->set_cost_usd_nanos(6);
    usage->set_cost_known(true);
    usage->set_estimated(true);
    usage->set_cache_write_1h_tokens(7);
    usage->set_audio_input_tokens(8);
    usage->set_audio_output_tokens(9);
    usage->set_accepted_prediction_tokens(10);
    usage->set_rejected_prediction_tokens(11);
    usage->set_image_input_tokens(12);
    usage->set_image_output_tokens(13);
    return usage;
  }();
  return known;
}

// A call of which everything is known. Borrows `attempts`.
CallRecord KnownCall(const Pointers& attempts) {
  CallRecord call;
  call.request_id = "r-1";
  call.protocol = Protocol::kHttp;
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
  call.error_reason = llmgateway::v1::ERROR_REASON_STREAM_INTERRUPTED;
  call.http_status = 200;
  call.usage = &KnownUsage();
  call.scope.user_id = "u";
  call.scope.contract_id = "c";
  static constexpr CallLabel kLabels[] = {{"team", "a"}, {"why", "b"}};
  call.labels = kLabels;
  call.finish_reason = llmgateway::v1::FINISH_REASON_LENGTH;
  call.request_bytes = 100;
  call.response_bytes = 200;
  call.path = "/v1/chat/completions";
  call.method = "POST";
  call.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  return call;
}

// The first failed, the second answered.
std::vector<CallAttempt> KnownAttempts() {
  return {{.provider = "openai",
           .model = "gpt-5",
           .kind = llmgateway::v1::Attempt::KIND_FIRST,
           .start_time = absl::FromUnixMillis(1500),
           .duration = absl::Milliseconds(20),
           .error_reason = llmgateway::v1::ERROR_REASON_PROVIDER_UNAVAILABLE,
           .error_message = "openai: 503",
           .http_status = 503,
           .reused_connection = true},
          {.provider = "openai",
           .model = "gpt-5",
           .kind = llmgateway::v1::Attempt::KIND_RETRY,
           .answered = true,
           .start_time = absl::FromUnixMillis(1600),
           .duration = absl::Seconds(2),
           .time_to_first_token = absl::Milliseconds(350),
           .credential = "second",
           .provider_request_id = "req_1"}};
}

// What is to be said of the known call.
constexpr char kKnownRecord[] = R"pb(
  request_id: "r-1"
  start_time { seconds: 1 nanos: 250000000 }
  operation: "POST /v1/chat/completions"
  caller: "team-a"
  model: "fast"
  stream: true
  route { provider: "openai" model: "gpt-5" reason: "model_rule:fast" }
  attempts {
    provider: "openai"
    model: "gpt-5"
    kind: KIND_FIRST
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
    kind: KIND_RETRY
    answered: true
    start_time { seconds: 1 nanos: 600000000 }
    duration { seconds: 2 }
    time_to_first_token { nanos: 350000000 }
    credential: "second"
    provider_request_id: "req_1"
    usage {
      input_tokens: 1
      output_tokens: 2
      cached_input_tokens: 3
      cache_write_tokens: 4
      reasoning_tokens: 5
      cost_usd_nanos: 6
      cost_known: true
      estimated: true
      cache_write_1h_tokens: 7
      audio_input_tokens: 8
      audio_output_tokens: 9
      accepted_prediction_tokens: 10
      rejected_prediction_tokens: 11
      image_input_tokens: 12
      image_output_tokens: 13
    }
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
    cache_write_1h_tokens: 7
    audio_input_tokens: 8
    audio_output_tokens: 9
    accepted_prediction_tokens: 10
    rejected_prediction_tokens: 11
    image_input_tokens: 12
    image_output_tokens: 13
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
  scope { user_id: "u" contract_id: "c" }
  labels { key: "team" value: "a" }
  labels { key: "why" value: "b" }
  finish_reason: FINISH_REASON_LENGTH
  request_bytes: 100
  response_bytes: 200
  path: "/v1/chat/completions"
  method: "POST"
  trace_id: "4bf92f3577b34da6a3ce929d0e0e4736"
)pb";

TEST(RequestRecordTest, SaysAllThatIsKnownOfACall) {
  const std::vector<CallAttempt> attempts = KnownAttempts();
  RequestRecord record;
  const Pointers pointers = {&attempts[0], &attempts[1]};
  ToRequestRecord(KnownCall(pointers), &record);
  EXPECT_EQ(Difference(kKnownRecord, record), "");
}

// Which key of the access log says what a field says. docs/runbook.md has the
// same table.
const std::map<std::string, std::string>& LogKeys() {
  static const auto& keys = *new std::map<std::string, std::string>{
      {"attempts.answered", "answered"},
      {"attempts.credential", "credential"},
      {"attempts.duration", "duration_us"},
      {"attempts.failure", "error_reason"},
      {"attempts.failure_message", "error"},
      {"attempts.http_status", "http_status"},
      {"attempts.kind", "kind"},
      {"attempts.model", "model"},
      {"attempts.provider", "provider"},
      {"attempts.provider_request_id", "provider_request_id"},
      {"attempts.reused_connection", "reused"},
      {"attempts.start_time", "start_us"},
      {"attempts.time_to_first_token", "ttft_us"},
      {"caller", "caller"},
      {"failure", "error_reason"},
      {"finish_reason", "finish_reason"},
      {"http_status", "http_status"},
      {"labels", "labels"},
      {"method", "method"},
      {"model", "model"},
      {"operation", "operation"},
      {"path", "path"},
      {"request_bytes", "bytes_in"},
      {"request_id", "request_id"},
      {"response_bytes", "bytes_out"},
      {"route.model", "model_served"},
      {"route.provider", "provider"},
      {"route.reason", "route_reason"},
      {"scope.agent_id", "agent_id"},
      {"scope.agent_type", "agent_type"},
      {"scope.contract_id", "contract_id"},
      {"scope.framework_id", "framework_id"},
      {"scope.project_id", "project_id"},
      {"scope.session_id", "session_id"},
      {"scope.tier", "tier"},
      {"scope.user_id", "user"},
      {"scope.work_order_id", "work_order_id"},
      {"start_time", "ts"},
      {"status_code", "status"},
      {"stream", "stream"},
      {"timings.overhead", "overhead_us"},
      {"timings.time_to_first_token", "ttft_us"},
      {"timings.total", "duration_us"},
      {"timings.upstream_first_byte", "upstream_first_byte_us"},
      {"trace_id", "trace_id"},
      {"usage.accepted_prediction_tokens", "accepted_prediction_tokens"},
      {"usage.audio_input_tokens", "audio_input_tokens"},
      {"usage.audio_output_tokens", "audio_output_tokens"},
      {"usage.cache_write_1h_tokens", "cache_write_1h_tokens"},
      {"usage.cache_write_tokens", "cache_write_tokens"},
      {"usage.cached_input_tokens", "cached_input_tokens"},
      {"usage.cost_known", "cost_usd_nanos"},
      {"usage.cost_usd_nanos", "cost_usd_nanos"},
      {"usage.estimated", "usage_estimated"},
      {"usage.image_input_tokens", "image_input_tokens"},
      {"usage.image_output_tokens", "image_output_tokens"},
      {"usage.input_tokens", "input_tokens"},
      {"usage.output_tokens", "output_tokens"},
      {"usage.reasoning_tokens", "reasoning_tokens"},
      {"usage.rejected_prediction_tokens", "rejected_prediction_tokens"},
  };
  return keys;
}

// The paths of all fields, but for what is no fact of a call that has ended:
// its fallbacks, and the usage of the attempt that answered, which is the
// call's.
void CollectFields(const google::protobuf::Descriptor& type,
                   const std::string& prefix, std::set<std::string>* paths) {
  for (int i = 0; i < type.field_count(); ++i) {
    const auto& field = *type.field(i);
    const std::string path = prefix + field.name();
    if (!IsServed(field) || path == "route.fallbacks" ||
        path == "route.selection" || path == "attempts.usage" ||
        // The ledger has these two.
        path == "usage.cost_breakdown" ||
        path == "usage.provider_cost_usd_nanos") {
      continue;
    }
    const bool is_leaf =
        field.cpp_type() !=
            google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE ||
        field.is_map() ||
        field.message_type()->full_name().starts_with("google.protobuf.");
    if (is_leaf) {
      paths->insert(path);
    } else {
      CollectFields(*field.message_type(), path + ".", paths);
    }
  }
}

TEST(RequestRecordTest, TheAccessLogSaysTheSame) {
  std::set<std::string> fields;
  CollectFields(*RequestRecord::descriptor(), "", &fields);
  std::vector<CallAttempt> attempts(2);
  CallAttempt& attempt = attempts[1];
  attempt.provider = attempt.model = attempt.error_message =
      attempt.credential = attempt.provider_request_id = "x";
  attempt.error_reason = llmgateway::v1::ERROR_REASON_INTERNAL;
  attempt.kind = llmgateway::v1::Attempt::KIND_FIRST;
  attempt.http_status = 503;
  attempt.time_to_first_token = absl::Seconds(1);
  const Pointers pointers = {&attempts[0], &attempts[1]};
  CallRecord call = KnownCall(pointers);
  call.scope = {"x", "x", "x", "x", "x", "x", "x", "x", "x"};
  const std::string line = AccessLogLine(call);
  const std::string told_attempts = line.substr(line.find("\"attempts\":"));
  for (const std::string& field : fields) {
    const auto found = LogKeys().find(field);
    ASSERT_NE(found, LogKeys().end()) << field << " has no key in the log";
    const std::string& place =
        field.starts_with("attempts.") ? told_attempts : line;
    EXPECT_NE(place.find("\"" + found->second + "\":"), std::string::npos)
        << field << " is not in " << line;
  }
  EXPECT_EQ(fields.size(), LogKeys().size());
}

TEST(RequestRecordTest, TheRunbookSaysWhichKeyIsWhichField) {
  std::ifstream file("docs/runbook.md");
  std::stringstream text;
  text << file.rdbuf();
  for (const auto& [field, key] : LogKeys()) {
    EXPECT_NE(text.str().find("`" + key + "`"), std::string::npos) << key;
  }
}

TEST(RequestRecordTest, LeavesOutWhatACallThatWentNowhereHasNot) {
  CallRecord call;
  call.start_time = absl::UnixEpoch();
  call.model_asked = "unknown";
  call.status_code = absl::StatusCode::kNotFound;
  call.error_reason = llmgateway::v1::ERROR_REASON_MODEL_NOT_FOUND;
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

}  // namespace
}  // namespace gateway
