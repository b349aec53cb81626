#include "service/pipeline/attempts.h"

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"
#include "base/os/thread.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/call_record.h"
#include "tests/service/pipeline/upstream_calls.h"
#include "tests/testing/call_runner.h"
#include "tests/testing/mock_upstream_process.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class AttemptsTest : public UpstreamCalls {
 protected:
  // Cancels the next call once the upstream has begun to serve it. The loop
  // goes on meanwhile, since it may not have sent the call yet.
  void CancelOnceStarted() {
    EventLoop& loop = runner_->client().loop();
    watcher_ = Thread("watcher", [this, &loop] {
      EXPECT_TRUE(upstream_->WaitFor("started", "", 1).ok());
      loop.Post([this] {
        runner_->cancel().Cancel(absl::CancelledError("the client left"));
      });
    });
  }

  // Cancels the running call once the answer to its first attempt has been read
  // whole, so that it waits for another.
  void CancelOnceItWaits() {
    timer_ = std::make_unique<Timer>([this] {
      EventLoop& loop = runner_->client().loop();
      const bool waits = Stat("", "total.requests") > 0 &&
                         runner_->client().http().stats().active == 0;
      if (!waits) return loop.ArmTimer(*timer_, absl::Milliseconds(1));
      runner_->cancel().Cancel(absl::CancelledError("the client left"));
    });
    runner_->client().loop().ArmTimer(*timer_, absl::Milliseconds(1));
  }

  std::unique_ptr<Timer> timer_;
  Thread watcher_;
};

TEST_F(AttemptsTest, AResetBeforeTheFirstByteIsTriedAgain) {
  for (const char* fault : {"reset_before_first_byte",
                            "close_before_first_byte"}) {
    for (const bool stream : {false, true}) {
      for (const CallQuestion& question : stream ? Streams() : Wholes()) {
        ScriptBoth(absl::StrCat("[{\"", fault, "\": true}, ",
                                "{\"text\": \"second\"}]"));
        const CallResult result = runner_->Run(question);
        EXPECT_EQ(Reason(result.status), "OK") << result.status;
        EXPECT_EQ(AttemptsOf(result), "0 PROVIDER_UNAVAILABLE, 200 OK");
        EXPECT_TRUE(absl::StrContains(result.Text() + result.bytes, "second"));
        EXPECT_FALSE(result.attempts[1].reused_connection());
        ExpectToldOnce(result, stream);
        EXPECT_EQ(result.record().attempts[0]->error_reason,
                  v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
        EXPECT_EQ(result.record().attempts[1]->error_reason,
                  v1::ERROR_REASON_UNSPECIFIED);
      }
    }
  }
}

TEST_F(AttemptsTest, AStaleConnectionIsReplacedAtOnceAndCostsNoTry) {
  // One try is all there is, and still the call succeeds.
  Rewire("", "resilience: {retry: {attempts_limit: 1}}\n");
  for (const char* fault : {"reset_reused_connection",
                            "close_reused_connection"}) {
    ScriptBoth(absl::StrCat("{\"", fault, "\": true}"));
    for (const CallQuestion& question : Wholes()) {
      ASSERT_EQ(Reason(runner_->Run(question).status), "OK");
      const CallResult result = runner_->Run(question);
      EXPECT_EQ(Reason(result.status), "OK") << result.status;
      EXPECT_EQ(AttemptsOf(result), "0 PROVIDER_UNAVAILABLE, 200 OK");
      EXPECT_TRUE(result.attempts[0].reused_connection());
      EXPECT_FALSE(result.attempts[1].reused_connection());
      EXPECT_EQ(result.attempts[0].kind(), v1::Attempt::KIND_FIRST);
      EXPECT_EQ(result.attempts[1].kind(), v1::Attempt::KIND_RECONNECT);
      ExpectToldOnce(result, /*stream=*/false);
    }
  }
}

TEST_F(AttemptsTest, CallsThatFailInARowShareAConnection) {
  for (const char* fault : {R"({"status": 503})", R"({"status": 429})"}) {
    ScriptBoth(fault);
    const int64_t before = Stat("", "connections.open");
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(runner_->Run(Whole("o-1")).attempts.size(), 3u);
      EXPECT_EQ(runner_->Run(Streamed("o-1")).attempts.size(), 3u);
    }
    EXPECT_LE(Stat("", "connections.open") - before, 1) << fault;
  }
}

TEST_F(AttemptsTest, NorDoThoseWhoseConnectionsBreakLeaveMoreBehind) {
  ScriptBoth(R"({"reset_before_first_byte": true})");
  const int64_t before = Stat("", "connections.open");
  for (int i = 0; i < 10; ++i) runner_->Run(Whole("o-1"));
  EXPECT_LE(Stat("", "connections.open") - before, 1);
}

TEST_F(AttemptsTest, APromptThatWasSentAndTimedOutIsNotSentAgain) {
  Rewire("timeouts: {first_byte: 50ms}");
  for (const bool stream : {false, true}) {
    for (const CallQuestion& question : stream ? Streams() : Wholes()) {
      ASSERT_TRUE(upstream_->Reset().ok());
      ScriptBoth(R"([{"stall_before_first_byte": true}, {}])");
      const CallResult result = runner_->Run(question);
      EXPECT_EQ(Reason(result.status), "PROVIDER_TIMEOUT") << result.status;
      EXPECT_EQ(AttemptsOf(result), "0 PROVIDER_TIMEOUT");
      EXPECT_EQ(Requests(), 1);
      ExpectToldOnce(result, stream);
    }
  }
}

TEST_F(AttemptsTest, NorIsOneWhoseProviderSaysThatItTimedOut) {
  for (const int status : {408, 504, 524}) {
    ASSERT_TRUE(upstream_->Reset().ok());
    ScriptBoth(absl::StrCat("{\"status\": ", status, "}"));
    const CallResult result = runner_->Run(Whole("o-1"));
    EXPECT_EQ(Reason(result.status), "PROVIDER_TIMEOUT") << result.status;
    EXPECT_EQ(Requests(), 1) << status;
  }
}

TEST_F(AttemptsTest, UnlessTheConfigurationSaysSo) {
  Rewire("timeouts: {first_byte: 50ms}",
         "resilience: {retry: {backoff_base: 1ms, backoff_limit: 4ms, "
         "resend_after_timeout: true}}\n");
  Script("o-1", R"([{"status": 504}, {}])");
  EXPECT_EQ(AttemptsOf(runner_->Run(Whole("o-1"))),
            "504 PROVIDER_TIMEOUT, 200 OK");
  Script("o-1", R"([{"stall_before_first_byte": true}, {}])");
  const CallResult result = runner_->Run(Whole("o-1"));
  EXPECT_EQ(AttemptsOf(result), "0 PROVIDER_TIMEOUT, 200 OK");
  EXPECT_EQ(result.record().attempts[1]->kind, v1::Attempt::KIND_RETRY);
}

TEST_F(AttemptsTest, AStreamHasATimeOfItsOwnToBegin) {
  Rewire("timeouts: {first_byte: 30s, stream_first_byte: 50ms}");
  ScriptBoth(R"({"first_byte_delay_ms": 400})");
  for (const CallQuestion& question : Wholes()) {
    EXPECT_EQ(Reason(runner_->Run(question).status), "OK");
  }
  for (const CallQuestion& question : Streams()) {
    EXPECT_EQ(Reason(runner_->Run(question).status), "PROVIDER_TIMEOUT");
  }
}

TEST_F(AttemptsTest, ACallWithoutADeadlineHasOneAllTheSame) {
  Rewire("", "resilience: {call_timeout: 100ms, retry: {backoff_base: 1ms}}\n");
  for (const char* script :
       {R"({"stall_before_first_byte": true})",
        R"({"text": "one two three", "stall_after_chunks": 1})"}) {
    for (const bool stream : {false, true}) {
      for (const CallQuestion& question : stream ? Streams() : Wholes()) {
        ScriptBoth(script);
        runner_->RenewCancel();
        const CallResult result = runner_->Run(question);
        EXPECT_EQ(Reason(result.status), "DEADLINE_EXCEEDED")
            << script << result.status;
        EXPECT_THAT(std::string(result.status.message()),
                    HasSubstr("resilience.call_timeout"));
        ExpectToldOnce(result, stream);
      }
    }
  }
}

TEST_F(AttemptsTest, AWaitThatTheDeadlineCutsOffIsNotBegun) {
  Rewire("", "resilience: {call_timeout: 10s}\n");
  ScriptBoth(R"({"status": 503, "retry_after": "30"})");
  for (const CallQuestion& question : Wholes()) {
    const CallResult result = runner_->Run(question);
    EXPECT_EQ(Reason(result.status), "PROVIDER_UNAVAILABLE");
    EXPECT_EQ(RetryDelay(result.status), absl::Seconds(30));
    EXPECT_EQ(result.attempts.size(), 1u);
  }
}

TEST_F(AttemptsTest, WhatMayPassIsTriedAgainUntilItHasPassed) {
  for (const int status : {429, 500, 502, 503, 529}) {
    for (const bool stream : {false, true}) {
      for (const CallQuestion& question : stream ? Streams() : Wholes()) {
        ScriptBoth(absl::StrCat("[{\"status\": ", status,
                                ", \"times\": 2}, {}]"));
        const CallResult result = runner_->Run(question);
        EXPECT_EQ(Reason(result.status), "OK") << result.status;
        ASSERT_EQ(result.attempts.size(), 3u) << status;
        EXPECT_EQ(result.attempts[0].http_status(), status);
        EXPECT_EQ(result.attempts[1].http_status(), status);
        EXPECT_EQ(result.attempts[2].http_status(), 200);
        EXPECT_EQ(result.attempts[0].kind(), v1::Attempt::KIND_FIRST);
        EXPECT_EQ(result.attempts[2].kind(), v1::Attempt::KIND_RETRY);
        EXPECT_FALSE(result.attempts[1].answered());
        EXPECT_TRUE(result.attempts[2].answered());
        EXPECT_GT(result.attempts[2].usage().output_tokens(), 0);
        EXPECT_EQ(result.attempts[2].has_time_to_first_token(), stream);
        EXPECT_EQ(result.attempts[2].credential(), "default");
        ExpectToldOnce(result, stream);
      }
    }
  }
}

TEST_F(AttemptsTest, WhatDoesNotPassIsToldAfterTheLastTry) {
  ScriptBoth(R"({"status": 503})");
  for (const bool stream : {false, true}) {
    for (const CallQuestion& question : stream ? Streams() : Wholes()) {
      const CallResult result = runner_->Run(question);
      EXPECT_EQ(Reason(result.status), "PROVIDER_UNAVAILABLE");
      EXPECT_EQ(result.attempts.size(), 3u);
      EXPECT_EQ(result.batches, 0);
      ExpectToldOnce(result, stream);
    }
  }
  EXPECT_EQ(Requests(), 24);
}

TEST_F(AttemptsTest, WhatWouldNotPassIsTriedOnce) {
  for (const char* script :
       {R"({"status": 400})", R"({"status": 401})", R"({"status": 402})",
        R"({"status": 403})", R"({"status": 404})", R"({"status": 413})",
        R"({"status": 307, "location": "http://127.0.0.1:1/"})",
        R"({"garbage": "html"})"}) {
    for (const bool stream : {false, true}) {
      for (const CallQuestion& question : stream ? Streams() : Wholes()) {
        ScriptBoth(script);
        const CallResult result = runner_->Run(question);
        EXPECT_FALSE(result.status.ok());
        EXPECT_EQ(result.attempts.size(), 1u) << script;
        ExpectToldOnce(result, stream);
      }
    }
  }
  Script("o-1", R"({"status": 429, "error": {"code": "insufficient_quota"}})");
  const CallResult result = runner_->Run(Whole("o-1"));
  EXPECT_EQ(Reason(result.status), "PROVIDER_QUOTA_EXHAUSTED");
  EXPECT_EQ(result.attempts.size(), 1u);
}

TEST_F(AttemptsTest, AShortRetryAfterIsWaitedForAndALongOneIsTold) {
  Script("o-1", R"([{"status": 429, "retry_after_ms": "60"}, {}])");
  const CallResult waited = runner_->Run(Whole("o-1"));
  EXPECT_EQ(Reason(waited.status), "OK");
  EXPECT_GE(waited.record().duration, absl::Milliseconds(60));
  // The wait is no overhead of the gateway's.
  EXPECT_LT(*waited.record().overhead, absl::Milliseconds(60));
  Script("o-1", R"([{"status": 429, "retry_after": "3"}, {}])");
  const CallResult told = runner_->Run(Whole("o-1"));
  EXPECT_EQ(Reason(told.status), "PROVIDER_RATE_LIMITED");
  EXPECT_EQ(told.attempts.size(), 1u);
  EXPECT_EQ(RetryDelay(told.status), absl::Seconds(3));
}

TEST_F(AttemptsTest, AnErrorEventBeforeContentIsTriedAgain) {
  ScriptBoth(R"([{"error_after_chunks": 0}, {"text": "second"}])");
  for (const CallQuestion& question : Streams()) {
    ScriptBoth(R"([{"error_after_chunks": 0}, {"text": "second"}])");
    const CallResult result = runner_->Run(question);
    EXPECT_EQ(Reason(result.status), "OK") << result.status;
    EXPECT_EQ(AttemptsOf(result), "200 PROVIDER_UNAVAILABLE, 200 OK");
    EXPECT_TRUE(absl::StrContains(result.Text() + result.bytes, "second"));
    ExpectToldOnce(result, /*stream=*/true);
  }
}

TEST_F(AttemptsTest, NothingIsTriedAgainAfterTheFirstContent) {
  for (const char* fault :
       {"reset_after_chunks", "close_after_chunks", "half_close_after_chunks",
        "end_after_chunks", "error_after_chunks"}) {
    for (const CallQuestion& question : Streams()) {
      ScriptBoth(absl::StrCat("[{\"text\": \"one two three\", \"", fault,
                              "\": 2}, {}]"));
      const int64_t before = Requests();
      const CallResult result = runner_->Run(question);
      SCOPED_TRACE(fault);
      EXPECT_EQ(Requests(), before + 1);
      EXPECT_EQ(Reason(result.status), "STREAM_INTERRUPTED") << result.status;
      EXPECT_EQ(result.status.code(), absl::StatusCode::kUnavailable);
      EXPECT_EQ(FaultMetadata(result.status, "cause"), "PROVIDER_UNAVAILABLE");
      EXPECT_FALSE(FaultMetadata(result.status, "provider").empty());
      // What was said stays said.
      EXPECT_THAT(result.Text() + result.bytes, HasSubstr("two"));
      EXPECT_EQ(result.stream_end.outcome(),
                v1::StreamEnd::OUTCOME_TRUNCATED);
      EXPECT_EQ(result.stream_end.error().reason(),
                v1::ERROR_REASON_STREAM_INTERRUPTED);
      EXPECT_EQ(AttemptsOf(result), "200 STREAM_INTERRUPTED");
      ExpectToldOnce(result, /*stream=*/true);
      // What was delivered was paid for, though nobody has counted it.
      EXPECT_GT(result.record().usage->input_tokens(), 0);
      EXPECT_GE(result.record().usage->output_tokens(), 2);
      EXPECT_LE(result.record().usage->output_tokens(), 60);
      EXPECT_TRUE(result.record().usage->estimated());
    }
  }
}

TEST_F(AttemptsTest, GarbageAfterContentIsAnInterruptionToo) {
  Rewire("", absl::StrCat(kQuickRetries,
                          "limits: {sse_event_bytes_limit: 64KiB}\n"));
  for (const CallQuestion& question : Streams()) {
    ScriptBoth(R"({"text": "one two", "garbage": "huge_line"})");
    const CallResult result = runner_->Run(question);
    EXPECT_TRUE(Reason(result.status) == "STREAM_INTERRUPTED" ||
                Reason(result.status) == "PROVIDER_BAD_RESPONSE")
        << result.status;
    EXPECT_EQ(result.attempts.size(), 1u);
    ExpectToldOnce(result, /*stream=*/true);
  }
}

TEST_F(AttemptsTest, CancelWhileWaitingForAnAnswerReachesTheUpstream) {
  for (const bool stream : {false, true}) {
    for (const CallQuestion& question : stream ? Streams() : Wholes()) {
      ASSERT_TRUE(upstream_->Reset().ok());
      ScriptBoth(R"({"stall_before_first_byte": true})");
      runner_->RenewCancel();
      CancelOnceStarted();
      const CallResult result = runner_->Run(question);
      EXPECT_EQ(result.status.message(), "the client left");
      EXPECT_EQ(AttemptsOf(result), "0 CANCELLED");
      EXPECT_TRUE(upstream_->WaitFor("cancelled", "", 1).ok());
      ExpectToldOnce(result, stream);
    }
  }
}

TEST_F(AttemptsTest, CancelWhileAnAnswerComesReachesTheUpstream) {
  for (const bool stream : {false, true}) {
    for (const CallQuestion& question : stream ? Streams() : Wholes()) {
      ASSERT_TRUE(upstream_->Reset().ok());
      ScriptBoth(R"({"text": "one two three", "stall_after_chunks": 1})");
      runner_->RenewCancel();
      CancelOnceStarted();
      const CallResult result = runner_->Run(question);
      EXPECT_EQ(result.status.message(), "the client left");
      EXPECT_TRUE(upstream_->WaitFor("cancelled", "", 1).ok());
      if (stream) {
        EXPECT_EQ(result.stream_end.outcome(),
                  v1::StreamEnd::OUTCOME_CANCELLED);
      }
      ExpectToldOnce(result, stream);
    }
  }
}

TEST_F(AttemptsTest, CancelEndsTheWaitForAnotherTry) {
  Rewire("", "resilience: {retry: {retry_after_limit: 600s}}\n");
  ScriptBoth(R"({"status": 503, "retry_after": "500"})");
  for (const bool stream : {false, true}) {
    for (const CallQuestion& question : stream ? Streams() : Wholes()) {
      ASSERT_TRUE(upstream_->Reset(/*keep_scripts=*/true).ok());
      runner_->RenewCancel();
      CancelOnceItWaits();
      const CallResult result = runner_->Run(question);
      // The caller hears why the call ended, not of the attempt before.
      EXPECT_EQ(result.status.message(), "the client left");
      EXPECT_EQ(AttemptsOf(result), "503 PROVIDER_UNAVAILABLE");
      ExpectToldOnce(result, stream);
    }
  }
}

TEST_F(AttemptsTest, ACallThatIsOverIsNotSent) {
  runner_->cancel().Cancel(absl::DeadlineExceededError("the deadline passed"));
  for (const CallQuestion& question : Wholes()) {
    const CallResult result = runner_->Run(question);
    EXPECT_EQ(Reason(result.status), "DEADLINE_EXCEEDED");
    ExpectToldOnce(result, /*stream=*/false);
  }
  EXPECT_EQ(Requests(), 0);
}

TEST_F(AttemptsTest, ADeadlineIsToldAsOne) {
  ScriptBoth(R"({"stall_before_first_byte": true})");
  for (const CallQuestion& question : Wholes()) {
    runner_->RenewCancel();
    Timer deadline([this] {
      runner_->cancel().Cancel(
          absl::DeadlineExceededError("the deadline passed"));
    });
    runner_->client().loop().ArmTimer(deadline, absl::Milliseconds(20));
    const CallResult result = runner_->Run(question);
    EXPECT_EQ(Reason(result.status), "DEADLINE_EXCEEDED");
    EXPECT_EQ(AttemptsOf(result), "0 DEADLINE_EXCEEDED");
  }
}

// A comment that fills 6000 bytes, thrice.
constexpr char kPreface[] = R"({"content_type": "text/event-stream", "body":
    ")";

TEST_F(AttemptsTest, NoMoreThanTheLimitIsHeldBack) {
  Rewire("", std::string(kQuickRetries) +
                 "limits: {hold_back_bytes_limit: 16384}\n");
  std::string comments;
  for (int i = 0; i < 3; ++i) {
    comments += ": " + std::string(6000, 'x') + "\\n\\n";
  }
  Script("o-1", kPreface + comments + "\"}");
  const CallResult raw =
      runner_->Run(RawOpenAi("o-1", R"(,"stream":true)"));
  EXPECT_EQ(Reason(raw.status), "PROVIDER_BAD_RESPONSE") << raw.status;
  EXPECT_THAT(std::string(raw.status.message()), HasSubstr("16384"));
  EXPECT_EQ(raw.attempts.size(), 1u);
  // Parsed, comments are nothing; usage without end is something.
  std::string usages =
      R"(data: {\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,)"
      R"(\"delta\":{\"role\":\"assistant\"}}]}\n\n)";
  for (int i = 0; i < 5000; ++i) {
    usages += R"(data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,)"
              R"(\"completion_tokens\":1}}\n\n)";
  }
  Script("o-1", kPreface + usages + "\"}");
  const CallResult parsed = runner_->Run(Streamed("o-1"));
  EXPECT_EQ(Reason(parsed.status), "PROVIDER_BAD_RESPONSE") << parsed.status;
  EXPECT_EQ(parsed.batches, 0);
}

TEST_F(AttemptsTest, WhatWasHeldBackComesFirstAndUnchanged) {
  Script("o-1", R"({"text": "one two", "comments": 2, "split_bytes": 1})");
  const CallQuestion question =
      RawOpenAi("o-1", R"(,"stream":true,"stream_options":)"
                       R"({"include_usage":true})");
  const CallResult split = runner_->Run(question);
  ASSERT_EQ(Reason(split.status), "OK") << split.status;
  Script("o-1", R"({"text": "one two", "comments": 2})");
  EXPECT_EQ(split.bytes, runner_->Run(question).bytes);
}

}  // namespace
}  // namespace gateway
