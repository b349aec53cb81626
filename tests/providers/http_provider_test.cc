#include "providers/http_provider.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "base/async/timer_wheel.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "tests/providers/upstream_test.h"
#include "tests/testing/mock_upstream_process.h"
#include "tests/testing/provider_calls.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class HttpProviderTest : public UpstreamTest {};

TEST_F(HttpProviderTest, ReadsAnAnswer) {
  Script("m", R"({"text": "forty-two", "usage": {"prompt_tokens": 30,
                  "completion_tokens": 4, "cached_tokens": 10}})");
  for (const Provider* provider : {openai_.get(), anthropic_.get()}) {
    const ProviderOutcome outcome = calls_.Generate(*provider, Parsed("m"));
    ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
    EXPECT_EQ(TextOf(outcome.response), "forty-two");
    EXPECT_EQ(outcome.response.usage().input_tokens(), 30);
    EXPECT_EQ(outcome.facts.usage.output_tokens(), 4);
    EXPECT_EQ(outcome.facts.usage.cached_input_tokens(), 10);
    EXPECT_TRUE(outcome.facts.has_usage);
    EXPECT_EQ(outcome.progress.http_status, 200);
    EXPECT_GE(outcome.progress.first_byte, outcome.progress.dispatched);
  }
}

TEST_F(HttpProviderTest, ForwardsTheBytesOfBothWays) {
  Script("m", R"({"text": "caf\u00e9 \ud83d\ude00", "usage":
                  {"prompt_tokens": 30, "completion_tokens": 4}})");
  for (const Provider* provider : {openai_.get(), anthropic_.get()}) {
    const ProviderQuestion question = Raw("m");
    const std::string expected = Directly(*provider, question.body);
    const ProviderOutcome outcome = calls_.Generate(*provider, question);
    ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
    EXPECT_EQ(outcome.bytes, expected);
    EXPECT_EQ(*upstream_->LastBody("m"), question.body);
    EXPECT_EQ(outcome.facts.usage.input_tokens(), 30);
    EXPECT_EQ(outcome.facts.usage.output_tokens(), 4);
    EXPECT_TRUE(outcome.facts.has_usage);
    EXPECT_EQ(outcome.facts.finish_reason, v1::FINISH_REASON_STOP);
  }
}

TEST_F(HttpProviderTest, ALargeBodyGoesThroughWhole) {
  Script("m", R"({"reply_bytes": 3000000})");
  ProviderQuestion question =
      Raw("m", ",\"pad\":\"" + std::string(3'000'000, 'x') + "\"");
  const ProviderOutcome outcome = calls_.Generate(*openai_, question);
  ASSERT_EQ(Reason(outcome.status), "OK") << outcome.status;
  EXPECT_GT(outcome.bytes.size(), 3'000'000u);
  EXPECT_EQ(*upstream_->LastBody("m"), question.body);
}

TEST_F(HttpProviderTest, ChangesNothingButTheModelsName) {
  for (const Provider* provider : {openai_.get(), anthropic_.get()}) {
    ProviderQuestion question = Raw("alias", R"(,"model2":"alias")");
    question.model = "real \"one\"";
    ASSERT_EQ(Reason(calls_.Generate(*provider, question).status), "OK");
    EXPECT_EQ(*upstream_->LastBody("real \"one\""),
              absl::StrReplaceAll(question.body,
                                  {{"\"model\" : \"alias\"",
                                    "\"model\" : \"real \\\"one\\\"\""}}));
  }
}

class ToldDeparture final : public Departure {
 public:
  int departures = 0;
  absl::Status verdict;

 private:
  bool BeginDeparture(std::coroutine_handle<>) override {
    ++departures;
    return false;
  }
  absl::Status EndDeparture() override { return verdict; }
};

TEST_F(HttpProviderTest, NothingLeavesThatMustNot) {
  ToldDeparture told;
  ProviderQuestion question = Raw("m");
  question.departure = &told;
  for (const Provider* provider : {openai_.get(), anthropic_.get()}) {
    told = ToldDeparture();
    question.body = Raw("m").body;
    EXPECT_EQ(Reason(calls_.Generate(*provider, question).status), "OK");
    question.body = Raw("m", R"(,"stream":true)").body;
    EXPECT_EQ(Reason(calls_.Stream(*provider, question).status), "OK");
    EXPECT_EQ(told.departures, 2);
    told.verdict = absl::UnavailableError("not written down");
    const int64_t asked = *upstream_->Stat("m", "requests");
    const ProviderOutcome outcome = calls_.Generate(*provider, question);
    EXPECT_EQ(outcome.status, told.verdict);
    EXPECT_EQ(calls_.Stream(*provider, question).status, told.verdict);
    EXPECT_EQ(outcome.progress.dispatched, -absl::InfiniteDuration());
    EXPECT_EQ(*upstream_->Stat("m", "requests"), asked);
  }
}

TEST_F(HttpProviderTest, SendsTheRequestIdAndTheCredential) {
  ASSERT_EQ(Reason(calls_.Generate(*openai_, Raw("o")).status), "OK");
  EXPECT_THAT(*upstream_->Last("o"),
              AllOf(HasSubstr("req-test-1"), HasSubstr("x-request-id"),
                    HasSubstr(absl::StrCat("Bearer ", std::string(kTestKey))),
                    HasSubstr("/v1/chat/completions"),
                    HasSubstr("application/json"),
                    Not(HasSubstr("x-api-key"))));
  ASSERT_EQ(Reason(calls_.Generate(*anthropic_, Raw("a")).status), "OK");
  EXPECT_THAT(*upstream_->Last("a"),
              AllOf(HasSubstr("req-test-1"), HasSubstr("x-api-key"),
                    HasSubstr(std::string(kTestKey)),
                    HasSubstr("anthropic-version"), HasSubstr("2023-06-01"),
                    HasSubstr("\"/v1/messages\""), Not(HasSubstr("Bearer"))));
}

TEST_F(HttpProviderTest, AWrongKeyIsTheGatewaysFault) {
  Script("m", R"({"require_key": "another"})");
  for (const Provider* provider : {openai_.get(), anthropic_.get()}) {
    const ProviderOutcome outcome = calls_.Generate(*provider, Raw("m"));
    EXPECT_EQ(Reason(outcome.status), "PROVIDER_AUTH_FAILED");
    EXPECT_EQ(FaultMetadata(outcome.status, "http_status"), "401");
  }
}

// Vendors do repeat keys in their complaints.
TEST_F(HttpProviderTest, AKeyInAnErrorIsBlottedOut) {
  const std::string complaint = absl::StrCat(
      "Incorrect API key provided: ", std::string(kTestKey), "; see above");
  Script("m", absl::StrCat(R"({"status": 401, "error": {"message": ")",
                           complaint, R"("}})"));
  for (const Provider* provider : {openai_.get(), anthropic_.get()}) {
    const ProviderOutcome outcome = calls_.Generate(*provider, Raw("m"));
    EXPECT_EQ(Reason(outcome.status), "PROVIDER_AUTH_FAILED");
    EXPECT_THAT(std::string(outcome.status.message()),
                HasSubstr("key provided: ***"));
    EXPECT_THAT(std::string(outcome.status.message()),
                HasSubstr("***; see above"));
  }
  // In a detail too.
  Script("m", absl::StrCat(R"({"status": 400, "error": {"param": "k",
                               "message": ")", complaint, R"("}})"));
  const absl::Status status = calls_.Generate(*openai_, Raw("m")).status;
  EXPECT_EQ(Reason(status), "INVALID_REQUEST");
  ASSERT_EQ(FieldViolations(status).size(), 1u);
  EXPECT_THAT(FieldViolations(status)[0].second,
              AllOf(HasSubstr("provided: ***"),
                    Not(HasSubstr(std::string(kTestKey)))));
}

struct StatusCase {
  const char* script;
  const char* reason;
  absl::Duration retry_delay = -absl::InfiniteDuration();  // None.
};

TEST_F(HttpProviderTest, AFailureSaysWhyAndHowLongToWait) {
  const StatusCase kCases[] = {
      {R"({"status": 400})", "INVALID_REQUEST"},
      {R"({"status": 401})", "PROVIDER_AUTH_FAILED"},
      {R"({"status": 402})", "PROVIDER_QUOTA_EXHAUSTED"},
      {R"({"status": 403})", "PROVIDER_AUTH_FAILED"},
      {R"({"status": 404})", "MODEL_NOT_FOUND"},
      {R"({"status": 413})", "REQUEST_TOO_LARGE"},
      {R"({"status": 429})", "PROVIDER_RATE_LIMITED"},
      {R"({"status": 429, "retry_after": "7"})", "PROVIDER_RATE_LIMITED",
       absl::Seconds(7)},
      {R"({"status": 429, "retry_after": "0"})", "PROVIDER_RATE_LIMITED",
       absl::ZeroDuration()},
      {R"({"status": 429, "retry_after": "-1"})", "PROVIDER_RATE_LIMITED"},
      {R"({"status": 429, "retry_after": "soon"})", "PROVIDER_RATE_LIMITED"},
      {R"({"status": 429, "retry_after_ms": "1500"})",
       "PROVIDER_RATE_LIMITED", absl::Milliseconds(1500)},
      {R"({"status": 500})", "PROVIDER_UNAVAILABLE"},
      {R"({"status": 502})", "PROVIDER_UNAVAILABLE"},
      {R"({"status": 503, "retry_after": "3"})", "PROVIDER_UNAVAILABLE",
       absl::Seconds(3)},
      {R"({"status": 504})", "PROVIDER_TIMEOUT"},
      {R"({"status": 529})", "PROVIDER_UNAVAILABLE"},
  };
  for (const StatusCase& each : kCases) {
    Script("m", each.script);
    for (const Provider* provider : {openai_.get(), anthropic_.get()}) {
      for (const ProviderQuestion& question : {Raw("m"), Parsed("m")}) {
        for (const ProviderOutcome& outcome :
             {calls_.Generate(*provider, question),
              calls_.Stream(*provider, question)}) {
          SCOPED_TRACE(absl::StrCat(each.script, " ",
                                    std::string(provider->name())));
          EXPECT_EQ(Reason(outcome.status), each.reason) << outcome.status;
          EXPECT_EQ(FaultMetadata(outcome.status, "http_status"),
                    absl::StrCat(outcome.progress.http_status));
          EXPECT_EQ(
              RetryDelay(outcome.status).value_or(-absl::InfiniteDuration()),
              each.retry_delay);
        }
      }
    }
  }
}

TEST_F(HttpProviderTest, ASpentQuotaIsNoRateLimit) {
  Script("m", R"({"status": 429, "retry_after": "7",
                  "error": {"code": "insufficient_quota"}})");
  const ProviderOutcome outcome = calls_.Generate(*openai_, Raw("m"));
  EXPECT_EQ(Reason(outcome.status), "PROVIDER_QUOTA_EXHAUSTED");
  EXPECT_EQ(RetryDelay(outcome.status), std::nullopt);
}

TEST_F(HttpProviderTest, WhatIsNoAnswerIsABadResponse) {
  for (const char* garbage :
       {"html", "wrong_content_type", "empty_body", "invalid_json",
        "wrong_shape", "bad_status_line", "bad_header_line",
        "bad_chunk_size", "oversize_headers"}) {
    Script("m", absl::StrCat(R"({"garbage": ")", garbage, R"("})"));
    for (const Provider* provider : {openai_.get(), anthropic_.get()}) {
      for (const ProviderQuestion& question : {Raw("m"), Parsed("m")}) {
        const absl::Status status =
            calls_.Generate(*provider, question).status;
        EXPECT_EQ(Reason(status), "PROVIDER_BAD_RESPONSE")
            << garbage << " " << status;
        // The next one is served as if nothing had been.
        EXPECT_TRUE(calls_.Generate(*provider, Raw("good")).status.ok());
      }
    }
  }
}

TEST_F(HttpProviderTest, AnAnswerThatBreaksOffIsTheProvidersFailure) {
  for (const char* script :
       {R"({"garbage": "short_body"})", R"({"reset_after_chunks": 1})",
        R"({"close_after_chunks": 1})", R"({"reset_before_first_byte": true})",
        R"({"close_before_first_byte": true})"}) {
    Script("m", script);
    for (const Provider* provider : {openai_.get(), anthropic_.get()}) {
      for (const ProviderQuestion& question : {Raw("m"), Parsed("m")}) {
        EXPECT_EQ(Reason(calls_.Generate(*provider, question).status),
                  "PROVIDER_UNAVAILABLE")
            << script;
      }
    }
  }
}

TEST_F(HttpProviderTest, AnAnswerOfTheWrongMediaTypeIsNotRead) {
  for (const char* type : {"text/plain", "application/jsonp",
                           "application/json-seq", "text/event-stream"}) {
    Script("m", absl::StrCat(R"({"content_type": ")", type, R"("})"));
    EXPECT_EQ(Reason(calls_.Generate(*openai_, Raw("m")).status),
              "PROVIDER_BAD_RESPONSE")
        << type;
  }
  for (const char* type : {"application/json", "Application/JSON",
                           "application/json; charset=utf-8",
                           "application/json ;charset=utf-8"}) {
    Script("m", absl::StrCat(R"({"content_type": ")", type, R"("})"));
    EXPECT_EQ(Reason(calls_.Generate(*openai_, Raw("m")).status), "OK")
        << type;
  }
}

// Nobody gets such an answer, but the model has made it.
TEST_F(HttpProviderTest, WhatAnAnswerInTheOtherFormHasCostIsRead) {
  const std::string usage =
      R"(\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":500})";
  const auto check = [&](const ProviderOutcome& outcome, int64_t output,
                         bool is_final) {
    EXPECT_EQ(Reason(outcome.status), "PROVIDER_BAD_RESPONSE");
    ASSERT_NE(outcome.progress.unasked, nullptr);
    const UnaskedAnswer& unasked = *outcome.progress.unasked;
    EXPECT_EQ(unasked.response.usage().output_tokens(), output);
    EXPECT_EQ(unasked.usage_is_final, is_final);
    EXPECT_GT(unasked.output_tokens, 0);
  };
  const std::string content =
      R"(\"content\":\"some words\"},\"finish_reason\":)";
  const auto stream = [&](std::string_view at_first, std::string_view at_last) {
    Script("m", absl::StrCat(
                    R"({"content_type": "text/event-stream", "body": ")",
                    R"(data: {\"id\":\"c\",)", std::string(at_first),
                    R"(\"choices\":[{\"index\":0,\"delta\":{)", content,
                    R"(null}]}\n\ndata: {\"id\":\"c\",)", std::string(at_last),
                    R"(\"choices\":[{\"index\":0,\"delta\":{},)",
                    R"(\"finish_reason\":\"stop\"}]}\n\n)",
                    R"(data: [DONE]\n\n"})"));
  };
  for (const ProviderQuestion& question : {Raw("m"), Parsed("m")}) {
    stream("", absl::StrCat(usage, ","));
    check(calls_.Generate(*openai_, question), 500, true);
    stream("", "");
    check(calls_.Generate(*openai_, question), 0, false);
    Script("m",
           absl::StrCat(R"({"content_type": "application/json", "body": ")",
                        R"({\"id\":\"c\",\"choices\":[{\"index\":0,)",
                        R"(\"message\":{\"role\":\"assistant\",)", content,
                        R"(\"stop\"}],)", usage, R"(}"})"));
    check(calls_.Stream(*openai_, question), 500, true);
  }
}

// Some compatible servers answer 200 with an error in it.
TEST_F(HttpProviderTest, AnErrorWithinASuccessKeepsItsReason) {
  Script("m", R"({"content_type": "application/json", "body":
      "{\"error\":{\"message\":\"slow down\",\"code\":429}}"})");
  for (const ProviderQuestion& question : {Raw("m"), Parsed("m")}) {
    for (const absl::Status& status :
         {calls_.Generate(*openai_, question).status,
          calls_.Stream(*openai_, question).status}) {
      EXPECT_EQ(Reason(status), "PROVIDER_RATE_LIMITED") << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr("slow down"));
    }
  }
}

TEST_F(HttpProviderTest, ARedirectIsNotFollowed) {
  for (const int status : {301, 302, 307, 308}) {
    Script("m", absl::StrCat(R"({"status": )", status, R"(, "location": "http://)",
                             upstream_->address(), R"(/v1/elsewhere"})"));
    const ProviderOutcome outcome = calls_.Generate(*openai_, Raw("m"));
    EXPECT_EQ(Reason(outcome.status), "PROVIDER_BAD_RESPONSE");
    EXPECT_EQ(FaultMetadata(outcome.status, "http_status"),
              absl::StrCat(status));
  }
  EXPECT_EQ(Stat("m", "requests"), 4);
  EXPECT_EQ(Stat("", "total.requests"), 4);
}

TEST_F(HttpProviderTest, ATimeoutIsTheProviders) {
  MakeProviders("timeouts { first_byte { nanos: 50000000 } "
                "idle { nanos: 50000000 } }");
  Script("m", R"({"stall_before_first_byte": true})");
  Script("n", R"({"stall_after_chunks": 1})");
  for (const Provider* provider : {openai_.get(), anthropic_.get()}) {
    EXPECT_EQ(Reason(calls_.Generate(*provider, Raw("m")).status),
              "PROVIDER_TIMEOUT");
    EXPECT_EQ(Reason(calls_.Generate(*provider, Parsed("n")).status),
              "PROVIDER_TIMEOUT");
  }
}

TEST_F(HttpProviderTest, NobodyAtThePortIsUnavailable) {
  const std::unique_ptr<Provider> nobody =
      Make("name: 'gone' openai { base_url: 'http://127.0.0.1:1/v1' }");
  const ProviderOutcome outcome = calls_.Generate(*nobody, Raw("m"));
  EXPECT_EQ(Reason(outcome.status), "PROVIDER_UNAVAILABLE");
  EXPECT_EQ(outcome.progress.http_status, 0);
}

TEST_F(HttpProviderTest, AnAnswerAboveTheLimitIsRefused) {
  MakeProviders("response_bytes_limit: 65536");
  Script("m", R"({"reply_bytes": 100000})");
  for (const ProviderQuestion& question : {Raw("m"), Parsed("m")}) {
    EXPECT_EQ(Reason(calls_.Generate(*openai_, question).status),
              "PROVIDER_BAD_RESPONSE");
  }
}

TEST_F(HttpProviderTest, CancelReachesTheUpstream) {
  Script("m", R"({"stall_before_first_byte": true})");
  Timer soon([this] {
    ASSERT_TRUE(upstream_->WaitFor("started", "m", 1).ok());
    calls_.cancel().Cancel(absl::CancelledError("the client left"));
  });
  client_.loop().ArmTimer(soon, absl::Milliseconds(1));
  const ProviderOutcome outcome = calls_.Generate(*openai_, Raw("m"));
  EXPECT_EQ(outcome.status.message(), "the client left");
  EXPECT_EQ(outcome.status.code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(upstream_->WaitFor("cancelled", "m", 1).ok());
}

TEST_F(HttpProviderTest, CountsTokensWhereTheVendorDoes) {
  Script("m", R"({"usage": {"prompt_tokens": 321}})");
  const absl::StatusOr<int64_t> count =
      calls_.CountTokens(*anthropic_, Parsed("m"));
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(*count, 321);
  EXPECT_EQ(Stat("m", "paths./v1/messages/count_tokens"), 1);
  EXPECT_EQ(*calls_.CountTokens(*openai_, Parsed("m")), 321);
  EXPECT_EQ(Stat("m", "paths./v1/responses/input_tokens"), 1);
  // A service that only speaks like the vendor.
  Script("m", R"({"status": 404, "body": "no such path"})");
  EXPECT_EQ(FaultReason(calls_.CountTokens(*openai_, Parsed("m")).status()),
            v1::ERROR_REASON_UNIMPLEMENTED);
  Script("m", R"({"garbage": "wrong_shape"})");
  EXPECT_EQ(Reason(calls_.CountTokens(*anthropic_, Parsed("m")).status()),
            "PROVIDER_BAD_RESPONSE");
}

TEST_F(HttpProviderTest, WholeAnswersShareAConnection) {
  for (int i = 0; i < 5; ++i) {
    const ProviderOutcome outcome = calls_.Generate(*openai_, Raw("m"));
    EXPECT_EQ(outcome.progress.http.reused_connection, i > 0);
  }
  ProviderQuestion fresh = Raw("m");
  fresh.fresh_connection = true;
  EXPECT_FALSE(
      calls_.Generate(*openai_, fresh).progress.http.reused_connection);
}

}  // namespace
}  // namespace gateway
