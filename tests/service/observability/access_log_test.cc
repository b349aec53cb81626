#include "service/observability/access_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <limits>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/errors.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/observability/call_record.h"
#include "tests/service/observability/attempt_pointers.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

// Long enough for a loaded machine; a test that needs it has failed.
constexpr absl::Duration kPatience = absl::Seconds(50);

const CallAttempt kAttempt = {
    .provider = "openai",
    .model = "gpt-5-mini",
    .kind = llmgateway::v1::Attempt::KIND_FIRST,
    .answered = true,
    .start_time = absl::FromUnixMicros(1767323045000041),
    .duration = absl::Microseconds(678000),
    .credential = "default",
    .http_status = 200,
    .provider_request_id = "req_1",
    .reused_connection = true};
const CallLabel kLabels[] = {{"team", "search"}, {"\n", "\""}};

CallRecord AnsweredCall() {
  CallRecord record;
  record.request_id = "8c6f";
  record.protocol = Protocol::kHttp;
  record.method = "POST";
  record.path = "/v1/chat/completions";
  record.operation = "POST /v1/chat/completions";
  record.caller = "team-a";
  record.peer = "192.0.2.1:4711";
  record.scope.user_id = "u-1";
  record.labels = kLabels;
  record.start_time = absl::FromUnixMillis(1767323045000);
  record.duration = absl::Microseconds(678123);
  record.time_to_first_token = absl::Microseconds(79001);
  record.model_asked = "fast";
  record.provider = "openai";
  record.model_served = "gpt-5-mini";
  record.route_reason = "model_rule:fast";
  static constexpr const CallAttempt* kAttempts[] = {&kAttempt};
  record.attempts = kAttempts;
  record.http_status = 200;
  static const auto& usage = *[] {
    auto* usage = new llmgateway::v1::Usage;
    usage->set_input_tokens(12);
    usage->set_output_tokens(34);
    usage->set_cached_input_tokens(5);
    usage->set_reasoning_tokens(6);
    return usage;
  }();
  record.usage = &usage;
  record.request_bytes = 321;
  record.response_bytes = 654;
  record.overhead = absl::Microseconds(45);
  record.upstream_first_byte = absl::Microseconds(78310);
  record.finish_reason = llmgateway::v1::FINISH_REASON_STOP;
  return record;
}

TEST(AccessLogLineTest, HoldsAllThatIsKnownOfTheCall) {
  const std::string line = AccessLogLine(AnsweredCall());
  EXPECT_EQ(
      line,
      R"({"ts":"2026-01-02T03:04:05.678Z","request_id":"8c6f","protocol":"http",)"
      R"("method":"POST","path":"/v1/chat/completions",)"
      R"("operation":"POST /v1/chat/completions","peer":"192.0.2.1:4711",)"
      R"("caller":"team-a","user":"u-1",)"
      R"("labels":{"team":"search","\n":"\""},)"
      R"("stream":false,"model":"fast","provider":"openai",)"
      R"("model_served":"gpt-5-mini","route_reason":"model_rule:fast",)"
      R"("status":"OK","http_status":200,"finish_reason":"stop",)"
      R"("upstream_status":200,"upstream_request_id":"req_1",)"
      R"("credential":"default","attempt_count":1,"input_tokens":12,)"
      R"("output_tokens":34,"cached_input_tokens":5,"reasoning_tokens":6,)"
      R"("bytes_in":321,"bytes_out":654,"duration_us":678123,)"
      R"("overhead_us":45,"upstream_first_byte_us":78310,"ttft_us":79001,)"
      R"("upstream_reused":true})"
      "\n");
}

TEST(AccessLogLineTest, NamesTheTraceOfATracedCall) {
  CallRecord record = AnsweredCall();
  record.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  EXPECT_THAT(AccessLogLine(record),
              HasSubstr(R"("request_id":"8c6f",)"
                        R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",)"));
}

TEST(AccessLogLineTest, WritesNumbersOfAllLengths) {
  const auto bytes_in = [](int64_t number) {
    CallRecord record = AnsweredCall();
    record.request_bytes = number;
    const std::string line = AccessLogLine(record);
    const size_t begin = line.find("\"bytes_in\":");
    return line.substr(begin, line.find(',', begin) - begin);
  };
  for (int64_t power = 1; power < std::numeric_limits<int64_t>::max() / 10;
       power *= 10) {
    for (const int64_t number : {power - 1, power, power + 1, 9 * power}) {
      EXPECT_EQ(bytes_in(number), "\"bytes_in\":" + std::to_string(number));
      EXPECT_EQ(bytes_in(-number), "\"bytes_in\":" + std::to_string(-number));
    }
  }
  EXPECT_EQ(bytes_in(std::numeric_limits<int64_t>::max()),
            "\"bytes_in\":9223372036854775807");
  EXPECT_EQ(bytes_in(std::numeric_limits<int64_t>::min()),
            "\"bytes_in\":-9223372036854775808");
}

TEST(AccessLogLineTest, TellsAllOfEachAttemptWhereThereWereSeveral) {
  const CallAttempt attempts[] = {{.provider = "mock"}, kAttempt};
  CallRecord record = AnsweredCall();
  const std::vector<const CallAttempt*> pointers = PointersTo(attempts);
  record.attempts = pointers;
  EXPECT_THAT(
      AccessLogLine(record),
      HasSubstr(
          R"({"start_us":41,"duration_us":678000,"kind":"first",)"
          R"("answered":true,"provider":"openai","model":"gpt-5-mini",)"
          R"("credential":"default","provider_request_id":"req_1",)"
          R"("http_status":200,"reused":true}]})"));
}

TEST(AccessLogLineTest, SaysWhyACallFailedAndHowItsEarlierAttemptsDid) {
  const CallAttempt attempts[] = {
      {.provider = "openai",
       .duration = absl::Microseconds(7),
       .error_reason = llmgateway::v1::ERROR_REASON_PROVIDER_UNAVAILABLE,
       .http_status = 503,
       .provider_request_id = "req_1"},
      {.provider = "openai",
       .error_reason = llmgateway::v1::ERROR_REASON_PROVIDER_RATE_LIMITED,
       .http_status = 429}};
  CallRecord record = AnsweredCall();
  const std::vector<const CallAttempt*> pointers = PointersTo(attempts);
  record.attempts = pointers;
  record.error_reason = llmgateway::v1::ERROR_REASON_PROVIDER_RATE_LIMITED;
  record.error_message = "openai: 429: slow down";
  const std::string line = AccessLogLine(record);
  EXPECT_THAT(line, HasSubstr(R"("error_reason":"PROVIDER_RATE_LIMITED",)"
                              R"("error":"openai: 429: slow down",)"));
  EXPECT_THAT(line, HasSubstr(R"("upstream_status":429,"attempt_count":2,)"));
  EXPECT_THAT(line, HasSubstr(R"("provider":"openai",)"
                              R"("provider_request_id":"req_1",)"
                              R"("http_status":503,)"
                              R"("error_reason":"PROVIDER_UNAVAILABLE",)"));
}

TEST(AccessLogLineTest, LeavesOutWhatDoesNotApply) {
  CallRecord record;
  record.request_id = "1";
  record.status_code = absl::StatusCode::kUnauthenticated;
  record.error_reason = llmgateway::v1::ERROR_REASON_API_KEY_INVALID;
  llmgateway::v1::Usage usage;
  usage.set_estimated(true);
  record.usage = &usage;
  record.stream = true;
  const std::string line = AccessLogLine(record);
  EXPECT_EQ(
      line,
      R"({"ts":"1970-01-01T00:00:00.000Z","request_id":"1","protocol":"grpc",)"
      R"("stream":true,"status":"UNAUTHENTICATED",)"
      R"("error_reason":"API_KEY_INVALID","attempt_count":0,"input_tokens":0,)"
      R"("output_tokens":0,"cached_input_tokens":0,"reasoning_tokens":0,)"
      R"("usage_estimated":true,"bytes_in":0,"bytes_out":0,"duration_us":0})"
      "\n");
}

TEST(AccessLogLineTest, ACallersTextNeitherBreaksTheLineNorFillsTheDisk) {
  CallRecord record;
  const std::string model = "\n\"" + std::string(100000, 'm');
  const std::string path(100000, 'p');
  record.model_asked = model;
  record.path = path;
  const std::string line = AccessLogLine(record);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_THAT(line, HasSubstr(R"("model":"\n\"mmmm)"));
  EXPECT_LT(line.size(), 2000u);
}

llmgateway::v1::ErrorReason LongestReason() {
  llmgateway::v1::ErrorReason longest = llmgateway::v1::ErrorReason_MIN;
  for (int i = 0; i < llmgateway::v1::ErrorReason_ARRAYSIZE; ++i) {
    const auto reason = static_cast<llmgateway::v1::ErrorReason>(i);
    if (ErrorReasonName(reason).size() > ErrorReasonName(longest).size()) {
      longest = reason;
    }
  }
  return longest;
}

// An attempt of which all is as long as it can be.
CallAttempt LongestAttempt(std::string_view worst) {
  CallAttempt attempt = kAttempt;
  for (std::string_view* text :
       {&attempt.provider, &attempt.model, &attempt.credential,
        &attempt.provider_request_id, &attempt.error_message}) {
    *text = worst;
  }
  attempt.error_reason = LongestReason();
  attempt.start_time = absl::InfinitePast();
  attempt.duration = -absl::InfiniteDuration();
  attempt.time_to_first_token = -absl::InfiniteDuration();
  attempt.kind = llmgateway::v1::Attempt::KIND_RECONNECT;
  attempt.http_status = std::numeric_limits<int>::min();
  attempt.answered = attempt.reused_connection = false;
  return attempt;
}

// Every number is as long as it can be.
// What is neither is not in a line.
void FillWorst(google::protobuf::Message* usage) {
  const auto& type = *usage->GetDescriptor();
  const auto& reflection = *usage->GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const auto* const field = type.field(i);
    if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_BOOL) {
      reflection.SetBool(usage, field, true);
    } else if (field->cpp_type() ==
               google::protobuf::FieldDescriptor::CPPTYPE_INT64) {
      reflection.SetInt64(usage, field, std::numeric_limits<int64_t>::min());
    }
  }
}

TEST(AccessLogLineTest, TheLongestLineHasRoom) {
  // Each byte becomes six.
  const std::string worst(100000, '\x01');
  CallRecord record;
  CallScope& scope = record.scope;
  for (std::string_view* text :
       {&record.request_id,    &record.method,       &record.path,
        &record.operation,     &record.caller,       &record.model_asked,
        &record.provider,      &record.model_served, &record.route_reason,
        &record.error_message, &record.peer,         &scope.user_id,
        &scope.session_id,     &scope.work_order_id, &scope.agent_id,
        &scope.agent_type,     &scope.project_id,    &scope.contract_id,
        &scope.framework_id,   &scope.tier}) {
    *text = worst;
  }
  record.error_reason = LongestReason();
  const std::vector<CallLabel> labels(20, CallLabel{worst, worst});
  record.labels = labels;
  llmgateway::v1::Usage usage;
  FillWorst(&usage);
  record.usage = &usage;
  record.request_bytes = std::numeric_limits<int64_t>::min();
  record.response_bytes = std::numeric_limits<int64_t>::min();
  record.duration = -absl::InfiniteDuration();
  record.overhead = -absl::InfiniteDuration();
  record.upstream_first_byte = -absl::InfiniteDuration();
  record.time_to_first_token = -absl::InfiniteDuration();
  record.http_status = std::numeric_limits<int>::min();
  record.status_code = absl::StatusCode::kFailedPrecondition;
  record.finish_reason = llmgateway::v1::FINISH_REASON_CONTENT_FILTER;
  const std::vector<CallAttempt> attempts(20, LongestAttempt(worst));
  const std::vector<const CallAttempt*> pointers = PointersTo(attempts);
  record.attempts = pointers;
  const std::string line = AccessLogLine(record);
  EXPECT_GT(line.size(), ((19 + 20) * 256 + 32 * 64 + 1024 + 512) * 6u);
  EXPECT_LT(line.size(), 128 * 1024u);
  EXPECT_TRUE(line.ends_with("\"reused\":false}]}\n"));
}

TEST(AccessLogRingTest, GivesBackWhatWasPushedAcrossItsEnd) {
  AccessLogRing ring(16);
  std::string pushed;
  std::string popped;
  for (int i = 0; i < 100; ++i) {
    const std::string bytes(1 + i % 9, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(ring.Push(bytes));
    pushed += bytes;
    const AccessLogRing::Parts parts = ring.Peek();
    popped.append(parts.first).append(parts.second);
    EXPECT_EQ(ring.size(), bytes.size());
    ring.Pop(bytes.size());
  }
  EXPECT_EQ(popped, pushed);
  EXPECT_EQ(ring.size(), 0u);
}

TEST(AccessLogRingTest, TakesAllOrNothing) {
  AccessLogRing ring(16);
  EXPECT_FALSE(ring.Push("12345678901234567"));
  EXPECT_TRUE(ring.Push("1234567890123456"));
  EXPECT_FALSE(ring.Push("x"));
  ring.Pop(1);
  EXPECT_TRUE(ring.Push("x"));
  EXPECT_FALSE(ring.Push("y"));
}

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  std::stringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

std::vector<std::string> Lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class AccessLogTest : public testing::Test {
 protected:
  AccessLogTest()
      : path_(testing::TempDir() + "/access_" +
              testing::UnitTest::GetInstance()->current_test_info()->name()) {
    unlink(path_.c_str());
  }

  std::unique_ptr<AccessLog> Open(AccessLog::Options options) {
    options.file = path_;
    absl::StatusOr<std::unique_ptr<AccessLog>> log = AccessLog::Open(options);
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }

  const std::string path_;
};

TEST_F(AccessLogTest, AFlushLosesNothing) {
  std::unique_ptr<AccessLog> log =
      Open({.flush_interval = absl::InfiniteDuration()});
  AccessLogShard& shard = log->AddShard();
  for (size_t i = 1; i <= 3; ++i) {
    shard.Write(AnsweredCall());
    ASSERT_TRUE(log->Flush(kPatience));
    EXPECT_EQ(Lines(Contents(path_)).size(), i);
  }
  EXPECT_EQ(log->DroppedLines(), 0u);
}

TEST_F(AccessLogTest, AFlushOfNothingReturns) {
  std::unique_ptr<AccessLog> log =
      Open({.flush_interval = absl::InfiniteDuration()});
  EXPECT_TRUE(log->Flush(kPatience));
  log->AddShard();
  EXPECT_TRUE(log->Flush(kPatience));
  EXPECT_EQ(Contents(path_), "");
}

TEST_F(AccessLogTest, LinesHaveTheMembersThatAreWanted) {
  std::unique_ptr<AccessLog> log =
      Open({.members = {"status", "request_id", "attempts", "ts"}});
  log->AddShard().Write(AnsweredCall());
  log.reset();
  const std::string line = Contents(path_);
  EXPECT_THAT(line, testing::StartsWith("{\"ts\":\"20"));
  EXPECT_THAT(line, testing::HasSubstr("Z\",\"request_id\":\""));
  EXPECT_THAT(line, testing::EndsWith(",\"status\":\"OK\"}\n"));
  EXPECT_THAT(line, testing::Not(testing::HasSubstr("duration_us")));
}

TEST_F(AccessLogTest, TheEndOfTheLogLosesNothing) {
  std::unique_ptr<AccessLog> log =
      Open({.flush_interval = absl::InfiniteDuration()});
  AccessLogShard& shard = log->AddShard();
  for (int i = 0; i < 100; ++i) shard.Write(AnsweredCall());
  log.reset();
  EXPECT_EQ(Lines(Contents(path_)).size(), 100u);
}

// The output is a pipe, so that its arrival can be awaited.
TEST_F(AccessLogTest, LinesAppearWithoutAFlush) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const int pipe_fd = open(path_.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(pipe_fd, 0);
  fcntl(pipe_fd, F_SETFL, 0);
  std::unique_ptr<AccessLog> log =
      Open({.flush_interval = absl::Milliseconds(1)});
  AccessLogShard& shard = log->AddShard();
  for (int i = 0; i < 3; ++i) {
    shard.Write(AnsweredCall());
    char buffer[4096];
    const ssize_t size = read(pipe_fd, buffer, sizeof(buffer));
    ASSERT_GT(size, 0);
    EXPECT_EQ(buffer[size - 1], '\n');
  }
  // A full batch does not wait for the interval.
  log.reset();
  log = Open({.flush_interval = absl::InfiniteDuration(), .batch_bytes = 1000});
  AccessLogShard& other = log->AddShard();
  for (int i = 0; i < 4; ++i) other.Write(AnsweredCall());
  char byte;
  EXPECT_EQ(read(pipe_fd, &byte, 1), 1);
  EXPECT_EQ(byte, '{');
  close(pipe_fd);
}

TEST_F(AccessLogTest, ManyShardsWriteWholeLines) {
  constexpr int kShards = 4;
  constexpr int kLinesPerShard = 5000;
  std::unique_ptr<AccessLog> log =
      Open({.flush_interval = absl::Milliseconds(1), .ring_bytes = 8 << 20});
  std::vector<Thread> threads;
  for (int shard_number = 0; shard_number < kShards; ++shard_number) {
    AccessLogShard& shard = log->AddShard();
    threads.emplace_back("shard", [&shard, shard_number] {
      for (int i = 0; i < kLinesPerShard; ++i) {
        CallRecord record = AnsweredCall();
        const std::string id =
            std::to_string(shard_number) + "-" + std::to_string(i);
        record.request_id = id;
        shard.Write(record);
      }
    });
  }
  for (Thread& thread : threads) thread.Join();
  ASSERT_TRUE(log->Flush(kPatience));
  EXPECT_EQ(log->DroppedLines(), 0u);

  std::set<std::string> ids;
  for (const std::string& line : Lines(Contents(path_))) {
    ASSERT_TRUE(line.starts_with("{\"ts\":") && line.ends_with("}")) << line;
    const size_t begin = line.find("\"request_id\":\"") + 14;
    ids.insert(line.substr(begin, line.find('"', begin) - begin));
  }
  EXPECT_EQ(ids.size(), kShards * kLinesPerShard + 0u);
}

// Nobody empties the pipe, so the lines can only wait or be dropped.
TEST_F(AccessLogTest, ASlowOutputDropsAndCountsLinesRatherThanCalls) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const int pipe_fd = open(path_.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(pipe_fd, 0);
  constexpr size_t kLines = 2000;
  std::unique_ptr<AccessLog> log =
      Open({.flush_interval = absl::Milliseconds(1), .ring_bytes = 1 << 18});
  AccessLogShard& shard = log->AddShard();
  for (size_t i = 0; i < kLines; ++i) shard.Write(AnsweredCall());
  const uint64_t dropped = log->DroppedLines();
  EXPECT_GT(dropped, 0u);
  EXPECT_FALSE(log->Flush(absl::Milliseconds(1)));
  AccessLog* const left = log.get();
  AccessLog::FlushOrLeave(&log, absl::Milliseconds(1));
  ASSERT_EQ(log, nullptr);
  log.reset(left);

  std::string written;
  Thread reader("reader", [&] {
    fcntl(pipe_fd, F_SETFL, 0);
    char buffer[65536];
    ssize_t size = 0;
    while ((size = read(pipe_fd, buffer, sizeof(buffer))) > 0) {
      written.append(buffer, static_cast<size_t>(size));
    }
  });
  log.reset();
  reader.Join();
  close(pipe_fd);
  EXPECT_EQ(Lines(written).size() + dropped, kLines);
}

// A disk that is always full.
TEST(AccessLogFailureTest, WhatCannotBeWrittenIsCounted) {
  absl::StatusOr<std::unique_ptr<AccessLog>> log =
      AccessLog::Open({.file = "/dev/full"});
  ASSERT_TRUE(log.ok());
  AccessLogShard& shard = (*log)->AddShard();
  for (int i = 0; i < 3; ++i) shard.Write(AnsweredCall());
  EXPECT_TRUE((*log)->Flush(kPatience));
  EXPECT_EQ((*log)->DroppedLines(), 3u);
}

TEST(AccessLogFailureTest, AFileThatCannotBeOpenedIsNamed) {
  const absl::Status status =
      AccessLog::Open({.file = "/no such directory/access.log"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("/no such directory/access.log"));
}

}  // namespace
}  // namespace gateway
