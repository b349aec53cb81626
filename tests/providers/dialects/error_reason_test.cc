#include "providers/dialects/error_reason.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/errors.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/error_body.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const absl::Time kAnswerTime = absl::FromUnixSeconds(1641038400);

struct Row {
  int status;  // 0 for an error inside of a stream.
  std::string body;
  std::string_view reason;
};

// {"error": {...}} as OpenAI and its kin write it.
std::string OpenAi(std::string_view type, std::string_view code,
                   std::string_view message = "m") {
  return R"({"error":{"message":")" + std::string(message) + R"(","type":")" +
         std::string(type) + R"(","param":null,"code":")" + std::string(code) +
         "\"}}";
}

std::string Anthropic(std::string_view type, std::string_view message = "m") {
  return R"({"type":"error","error":{"type":")" + std::string(type) +
         R"(","message":")" + std::string(message) + R"("},"request_id":"r"})";
}

std::string Google(int code, std::string_view status,
                   std::string_view more = "") {
  return R"({"error":{"code":)" + std::to_string(code) +
         R"(,"message":"m","status":")" + std::string(status) + "\"" +
         std::string(more) + "}}";
}

std::string OpenRouter(int code, std::string_view error_type,
                       std::string_view more = "") {
  return R"({"error":{"code":)" + std::to_string(code) +
         R"(,"message":"m","metadata":{"error_type":")" +
         std::string(error_type) + "\"" + std::string(more) + "}}}";
}

std::string Ollama(std::string_view message) {
  return R"({"error":")" + std::string(message) + "\"}";
}

void Expect(const Row& row) {
  const absl::Status fault =
      row.status == 0
          ? ReadErrorReport(row.body)
          : ReadHttpFailure({.status = row.status, .body = row.body},
                            kAnswerTime);
  EXPECT_EQ(ReasonName(FaultReason(fault)), row.reason)
      << row.status << " " << row.body;
}

TEST(ErrorReasonTest, EveryStatusHasItsReasonWhateverTheBody) {
  const struct {
    int status;
    std::string_view reason;
  } kRows[] = {
      {301, "PROVIDER_BAD_RESPONSE"},
      {400, "INVALID_REQUEST"},
      {401, "PROVIDER_AUTH_FAILED"},
      {402, "PROVIDER_QUOTA_EXHAUSTED"},
      {403, "PROVIDER_AUTH_FAILED"},
      {404, "MODEL_NOT_FOUND"},
      {405, "INVALID_REQUEST"},
      {408, "PROVIDER_TIMEOUT"},
      {409, "PROVIDER_CONFLICT"},
      {412, "INVALID_REQUEST"},
      {413, "REQUEST_TOO_LARGE"},
      {422, "INVALID_REQUEST"},
      {424, "PROVIDER_UNAVAILABLE"},
      {429, "PROVIDER_RATE_LIMITED"},
      {499, "PROVIDER_UNAVAILABLE"},
      {500, "PROVIDER_UNAVAILABLE"},
      {502, "PROVIDER_UNAVAILABLE"},
      {503, "PROVIDER_UNAVAILABLE"},
      {504, "PROVIDER_TIMEOUT"},
      {524, "PROVIDER_TIMEOUT"},
      {529, "PROVIDER_UNAVAILABLE"},
  };
  for (const auto& row : kRows) {
    for (const std::string_view body :
         {"", " ", "{", "[]", "{}", "null", "<html><h1>no</h1></html>",
          R"({"error":{"message":7}})"}) {
      Expect({row.status, std::string(body), row.reason});
    }
  }
}

TEST(ErrorReasonTest, OpenAi) {
  for (const Row& row : {
           Row{400, OpenAi("invalid_request_error", "decimal_below_min_value"),
               "INVALID_REQUEST"},
           Row{400, OpenAi("invalid_request_error", "context_length_exceeded"),
               "CONTEXT_LENGTH_EXCEEDED"},
           Row{400, OpenAi("invalid_request_error", "unsupported_parameter"),
               "INVALID_REQUEST"},
           Row{400, OpenAi("invalid_request_error", "content_policy_violation"),
               "CONTENT_POLICY"},
           Row{401, OpenAi("invalid_request_error", "invalid_api_key"),
               "PROVIDER_AUTH_FAILED"},
           Row{401, OpenAi("authentication_error", ""), "PROVIDER_AUTH_FAILED"},
           Row{403, OpenAi("", "unsupported_country_region_territory"),
               "PROVIDER_AUTH_FAILED"},
           Row{404, OpenAi("invalid_request_error", "model_not_found"),
               "MODEL_NOT_FOUND"},
           Row{409, OpenAi("", ""), "PROVIDER_CONFLICT"},
           Row{413, OpenAi("", ""), "REQUEST_TOO_LARGE"},
           Row{422, OpenAi("", ""), "INVALID_REQUEST"},
           Row{429, OpenAi("rate_limit_error", "rate_limit_exceeded"),
               "PROVIDER_RATE_LIMITED"},
           Row{429, OpenAi("requests", "rate_limit_exceeded"),
               "PROVIDER_RATE_LIMITED"},
           Row{429, OpenAi("insufficient_quota", "insufficient_quota"),
               "PROVIDER_QUOTA_EXHAUSTED"},
           Row{429, OpenAi("insufficient_quota", "credit_balance_exhausted"),
               "PROVIDER_QUOTA_EXHAUSTED"},
           Row{500, OpenAi("server_error", ""), "PROVIDER_UNAVAILABLE"},
           Row{503, OpenAi("service_unavailable_error", "slow_down"),
               "PROVIDER_UNAVAILABLE"},
           Row{503, OpenAi("service_unavailable_error", "server_is_overloaded"),
               "PROVIDER_UNAVAILABLE"},
           // Without a status.
           Row{0, OpenAi("server_error", "rate_limit_exceeded"),
               "PROVIDER_RATE_LIMITED"},
           Row{0, OpenAi("invalid_request_error", "context_length_exceeded"),
               "CONTEXT_LENGTH_EXCEEDED"},
           Row{0, OpenAi("invalid_request_error", "image_parse_error"),
               "INVALID_REQUEST"},
           Row{0, OpenAi("what", "ever"), "PROVIDER_UNAVAILABLE"},
       }) {
    Expect(row);
  }
}

TEST(ErrorReasonTest, CompatibleServers) {
  for (const Row& row : {
           // vLLM, Groq, llama.cpp, Mistral.
           Row{400,
               OpenAi("BadRequestError", "400",
                      "This model's maximum context length is 4096 tokens"),
               "CONTEXT_LENGTH_EXCEEDED"},
           Row{400,
               OpenAi("invalid_request_error", "",
                      "Please reduce the length of the messages"),
               "CONTEXT_LENGTH_EXCEEDED"},
           Row{400, OpenAi("exceed_context_size_error", ""),
               "CONTEXT_LENGTH_EXCEEDED"},
           Row{422, R"({"object":"error","message":"Extra inputs"})",
               "INVALID_REQUEST"},
           // DeepSeek.
           Row{400, OpenAi("invalid_request_error", "invalid_request_error"),
               "INVALID_REQUEST"},
           Row{402, OpenAi("unknown_error", "invalid_request_error"),
               "PROVIDER_QUOTA_EXHAUSTED"},
           Row{422, OpenAi("invalid_request_error", "invalid_request_error"),
               "INVALID_REQUEST"},
           // Ollama's /v1.
           Row{404, OpenAi("not_found_error", ""), "MODEL_NOT_FOUND"},
           Row{500, OpenAi("api_error", ""), "PROVIDER_UNAVAILABLE"},
       }) {
    Expect(row);
  }
}

TEST(ErrorReasonTest, Azure) {
  const std::string filtered =
      R"({"error":{"message":"m","type":null,"param":"prompt","code":)"
      R"("content_filter","status":400,"innererror":{"code":)"
      R"("ResponsibleAIPolicyViolation","content_filter_result":{}}}})";
  const std::string by_inner_code =
      R"({"error":{"message":"m","code":"BadRequest","inner_error":{"code":)"
      R"("ResponsibleAIPolicyViolation","content_filter_results":{}}}})";
  for (const Row& row : {
           Row{400, filtered, "CONTENT_POLICY"},
           Row{400, by_inner_code, "CONTENT_POLICY"},
           Row{400, OpenAi("", "BadRequest"), "INVALID_REQUEST"},
           Row{401, OpenAi("", "401"), "PROVIDER_AUTH_FAILED"},
           Row{401, OpenAi("", "PermissionDenied"), "PROVIDER_AUTH_FAILED"},
           Row{403, OpenAi("", "Forbidden"), "PROVIDER_AUTH_FAILED"},
           Row{404, OpenAi("", "DeploymentNotFound"), "MODEL_NOT_FOUND"},
           Row{404, OpenAi("", "404"), "MODEL_NOT_FOUND"},
           Row{408, OpenAi("", "Timeout"), "PROVIDER_TIMEOUT"},
           Row{424, OpenAi("", "FailedDependency"), "PROVIDER_UNAVAILABLE"},
           Row{429, OpenAi("", "429"), "PROVIDER_RATE_LIMITED"},
           Row{429, OpenAi("", "RateLimitReached"), "PROVIDER_RATE_LIMITED"},
           Row{429, OpenAi("", "no_capacity"), "PROVIDER_RATE_LIMITED"},
           Row{429, OpenAi("", "insufficient_quota"),
               "PROVIDER_QUOTA_EXHAUSTED"},
           Row{500, OpenAi("", "InternalServerError"), "PROVIDER_UNAVAILABLE"},
           Row{503, OpenAi("", "ServiceUnavailable"), "PROVIDER_UNAVAILABLE"},
           Row{401, R"({"statusCode":401,"message":"Access denied"})",
               "PROVIDER_AUTH_FAILED"},
       }) {
    Expect(row);
  }
}

TEST(ErrorReasonTest, Anthropic) {
  for (const Row& row : {
           Row{400, Anthropic("invalid_request_error"), "INVALID_REQUEST"},
           Row{400,
               Anthropic("invalid_request_error",
                         "prompt is too long: 210000 tokens > 200000 maximum"),
               "CONTEXT_LENGTH_EXCEEDED"},
           Row{400,
               Anthropic("invalid_request_error",
                         "Your credit balance is too low"),
               "PROVIDER_QUOTA_EXHAUSTED"},
           Row{400,
               Anthropic("invalid_request_error",
                         "You have reached your specified API usage limits"),
               "PROVIDER_QUOTA_EXHAUSTED"},
           Row{400,
               Anthropic("invalid_request_error",
                         "Output blocked by content filtering policy"),
               "CONTENT_POLICY"},
           Row{401, Anthropic("authentication_error"), "PROVIDER_AUTH_FAILED"},
           Row{402, Anthropic("billing_error"), "PROVIDER_QUOTA_EXHAUSTED"},
           Row{403, Anthropic("permission_error"), "PROVIDER_AUTH_FAILED"},
           Row{404, Anthropic("not_found_error"), "MODEL_NOT_FOUND"},
           Row{409, Anthropic("conflict_error"), "PROVIDER_CONFLICT"},
           Row{413, Anthropic("request_too_large"), "REQUEST_TOO_LARGE"},
           Row{429, Anthropic("rate_limit_error"), "PROVIDER_RATE_LIMITED"},
           Row{429, Anthropic("rate_limit_error", "spend limit reached"),
               "PROVIDER_QUOTA_EXHAUSTED"},
           Row{500, Anthropic("api_error"), "PROVIDER_UNAVAILABLE"},
           Row{504, Anthropic("timeout_error"), "PROVIDER_TIMEOUT"},
           Row{529, Anthropic("overloaded_error"), "PROVIDER_UNAVAILABLE"},
           // Without a status.
           Row{0, Anthropic("overloaded_error"), "PROVIDER_UNAVAILABLE"},
           Row{0, Anthropic("rate_limit_error"), "PROVIDER_RATE_LIMITED"},
           Row{0, Anthropic("permission_error"), "PROVIDER_AUTH_FAILED"},
           Row{0, Anthropic("billing_error"), "PROVIDER_QUOTA_EXHAUSTED"},
           Row{0, Anthropic("not_found_error"), "MODEL_NOT_FOUND"},
           Row{0, Anthropic("conflict_error"), "PROVIDER_CONFLICT"},
           Row{0, Anthropic("request_too_large"), "REQUEST_TOO_LARGE"},
           Row{0, Anthropic("timeout_error"), "PROVIDER_TIMEOUT"},
           Row{0, Anthropic("invalid_request_error", "context window"),
               "CONTEXT_LENGTH_EXCEEDED"},
           Row{0, Anthropic("new_error"), "PROVIDER_UNAVAILABLE"},
       }) {
    Expect(row);
  }
}

TEST(ErrorReasonTest, Gemini) {
  const std::string key_invalid = Google(
      400, "INVALID_ARGUMENT",
      R"(,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo",)"
      R"("reason":"API_KEY_INVALID"}])");
  const std::string of_the_day = Google(
      429, "RESOURCE_EXHAUSTED",
      R"(,"details":[{"violations":[{"quotaId":"RequestsPerDayPerModel"}]}])");
  const std::string too_long =
      R"({"error":{"code":400,"status":"INVALID_ARGUMENT","message":)"
      R"("The input token count (5) exceeds the maximum number of tokens"}})";
  for (const Row& row : {
           Row{400, Google(400, "INVALID_ARGUMENT"), "INVALID_REQUEST"},
           Row{400, key_invalid, "PROVIDER_AUTH_FAILED"},
           Row{400, too_long, "CONTEXT_LENGTH_EXCEEDED"},
           Row{400, Google(400, "FAILED_PRECONDITION"), "INVALID_REQUEST"},
           Row{401, Google(401, "UNAUTHENTICATED"), "PROVIDER_AUTH_FAILED"},
           Row{403, Google(403, "PERMISSION_DENIED"), "PROVIDER_AUTH_FAILED"},
           Row{404, Google(404, "NOT_FOUND"), "MODEL_NOT_FOUND"},
           Row{429, Google(429, "RESOURCE_EXHAUSTED"), "PROVIDER_RATE_LIMITED"},
           Row{429, of_the_day, "PROVIDER_QUOTA_EXHAUSTED"},
           Row{499, Google(499, "CANCELLED"), "PROVIDER_UNAVAILABLE"},
           Row{500, Google(500, "INTERNAL"), "PROVIDER_UNAVAILABLE"},
           Row{503, Google(503, "UNAVAILABLE"), "PROVIDER_UNAVAILABLE"},
           Row{504, Google(504, "DEADLINE_EXCEEDED"), "PROVIDER_TIMEOUT"},
           // In a stream, wrapped in a list.
           Row{0, "[" + Google(429, "RESOURCE_EXHAUSTED") + "]",
               "PROVIDER_RATE_LIMITED"},
       }) {
    Expect(row);
  }
  const struct {
    std::string_view word;
    std::string_view reason;
  } kWords[] = {
      {"INVALID_ARGUMENT", "INVALID_REQUEST"},
      {"FAILED_PRECONDITION", "INVALID_REQUEST"},
      {"OUT_OF_RANGE", "INVALID_REQUEST"},
      {"UNAUTHENTICATED", "PROVIDER_AUTH_FAILED"},
      {"PERMISSION_DENIED", "PROVIDER_AUTH_FAILED"},
      {"NOT_FOUND", "MODEL_NOT_FOUND"},
      {"ABORTED", "PROVIDER_CONFLICT"},
      {"ALREADY_EXISTS", "PROVIDER_CONFLICT"},
      {"RESOURCE_EXHAUSTED", "PROVIDER_RATE_LIMITED"},
      {"CANCELLED", "PROVIDER_UNAVAILABLE"},
      {"INTERNAL", "PROVIDER_UNAVAILABLE"},
      {"UNKNOWN", "PROVIDER_UNAVAILABLE"},
      {"DATA_LOSS", "PROVIDER_UNAVAILABLE"},
      {"UNIMPLEMENTED", "PROVIDER_UNAVAILABLE"},
      {"UNAVAILABLE", "PROVIDER_UNAVAILABLE"},
      {"DEADLINE_EXCEEDED", "PROVIDER_TIMEOUT"},
  };
  for (const auto& each : kWords) {
    Expect({0, R"({"error":{"status":")" + std::string(each.word) + "\"}}",
            each.reason});
  }
}

TEST(ErrorReasonTest, OpenRouter) {
  for (const Row& row : {
           Row{400, OpenRouter(400, "invalid_request"), "INVALID_REQUEST"},
           Row{400, OpenRouter(400, "context_length_exceeded"),
               "CONTEXT_LENGTH_EXCEEDED"},
           Row{400, OpenRouter(400, "token_limit_exceeded"),
               "CONTEXT_LENGTH_EXCEEDED"},
           Row{400, OpenRouter(400, "max_tokens_exceeded"), "INVALID_REQUEST"},
           Row{400, OpenRouter(400, "string_too_long"), "INVALID_REQUEST"},
           Row{400, OpenRouter(400, "invalid_prompt"), "INVALID_REQUEST"},
           Row{400, OpenRouter(400, "content_policy_violation"),
               "CONTENT_POLICY"},
           Row{400, OpenRouter(400, "refusal"), "CONTENT_POLICY"},
           Row{400, OpenRouter(400, "image_too_large"), "INVALID_REQUEST"},
           Row{401, OpenRouter(401, "authentication"), "PROVIDER_AUTH_FAILED"},
           Row{402, OpenRouter(402, "payment_required"),
               "PROVIDER_QUOTA_EXHAUSTED"},
           Row{403, OpenRouter(403, "permission_denied"),
               "PROVIDER_AUTH_FAILED"},
           Row{403, OpenRouter(403, "x", R"(,"reasons":["violence"])"),
               "CONTENT_POLICY"},
           Row{403, OpenRouter(403, "x", R"(,"patterns":["p"])"),
               "CONTENT_POLICY"},
           Row{404, OpenRouter(404, "not_found"), "MODEL_NOT_FOUND"},
           Row{408, OpenRouter(408, "timeout"), "PROVIDER_TIMEOUT"},
           Row{412, OpenRouter(412, "precondition_failed"), "INVALID_REQUEST"},
           Row{413, OpenRouter(413, "payload_too_large"), "REQUEST_TOO_LARGE"},
           Row{422, OpenRouter(422, "unprocessable"), "INVALID_REQUEST"},
           Row{429, OpenRouter(429, "rate_limit_exceeded"),
               "PROVIDER_RATE_LIMITED"},
           Row{500, OpenRouter(500, "unmapped"), "PROVIDER_UNAVAILABLE"},
           Row{502, OpenRouter(502, "provider_unavailable"),
               "PROVIDER_UNAVAILABLE"},
           Row{503, OpenRouter(503, "provider_overloaded"),
               "PROVIDER_UNAVAILABLE"},
           Row{504, OpenRouter(504, "timeout"), "PROVIDER_TIMEOUT"},
           Row{524, OpenRouter(524, "timeout"), "PROVIDER_TIMEOUT"},
           Row{529, OpenRouter(529, "provider_overloaded"),
               "PROVIDER_UNAVAILABLE"},
           Row{400,
               R"({"error":{"code":400,"message":"m","availability":)"
               R"({"code":"model_not_found","retryable":false}}})",
               "MODEL_NOT_FOUND"},
           // Its skins put the word elsewhere.
           Row{400,
               R"({"type":"error","error":{"type":"invalid_request_error",)"
               R"("message":"m","error_type":"context_length_exceeded"}})",
               "CONTEXT_LENGTH_EXCEEDED"},
           Row{400, R"({"error":{"message":"m"},"error_type":"refusal"})",
               "CONTENT_POLICY"},
           // In a stream, the number is the status.
           Row{0, OpenRouter(429, "rate_limit_exceeded"),
               "PROVIDER_RATE_LIMITED"},
           Row{0, OpenRouter(402, "payment_required"),
               "PROVIDER_QUOTA_EXHAUSTED"},
           Row{0, OpenRouter(502, "context_length_exceeded"),
               "PROVIDER_UNAVAILABLE"},
       }) {
    Expect(row);
  }
}

TEST(ErrorReasonTest, Ollama) {
  for (const Row& row : {
           Row{400, Ollama("model is required"), "INVALID_REQUEST"},
           Row{400, Ollama("\\\"m\\\" does not support thinking"),
               "CAPABILITY_UNSUPPORTED"},
           Row{401, Ollama("unauthorized"), "PROVIDER_AUTH_FAILED"},
           Row{403, Ollama("blocked"), "PROVIDER_AUTH_FAILED"},
           Row{404, Ollama("model 'x' not found"), "MODEL_NOT_FOUND"},
           Row{429, Ollama("too many requests"), "PROVIDER_RATE_LIMITED"},
           Row{499, Ollama("request canceled"), "PROVIDER_UNAVAILABLE"},
           Row{500, Ollama("out of memory"), "PROVIDER_UNAVAILABLE"},
           Row{500, Ollama("the prompt exceeds the context length"),
               "CONTEXT_LENGTH_EXCEEDED"},
           Row{502, Ollama("cloud unreachable"), "PROVIDER_UNAVAILABLE"},
           Row{503, Ollama("server busy, please try again."),
               "PROVIDER_UNAVAILABLE"},
           Row{0, Ollama("llama runner terminated"), "PROVIDER_UNAVAILABLE"},
           Row{0, Ollama("context length exceeded"), "CONTEXT_LENGTH_EXCEEDED"},
       }) {
    Expect(row);
  }
}

TEST(ErrorReasonTest, AWordCountsOnlyWhereItCanBeTrue) {
  // A failure of the server is one, whatever it says of the request.
  Expect({500, OpenAi("", "context_length_exceeded"), "PROVIDER_UNAVAILABLE"});
  Expect({503, OpenAi("insufficient_quota", ""), "PROVIDER_UNAVAILABLE"});
  // A rate limit is no bad request, nor the reverse.
  Expect({400, OpenAi("rate_limit_error", "rate_limit_exceeded"),
          "INVALID_REQUEST"});
  Expect({429, OpenAi("", "", "the context window"), "PROVIDER_RATE_LIMITED"});
  // One vendor's phrases are nothing to the next.
  Expect({400, OpenAi("", "", "credit balance"), "INVALID_REQUEST"});
  Expect({400, Anthropic("", "does not support"), "INVALID_REQUEST"});
}

absl::Status Failure(int status, std::string_view body,
                     std::string_view retry_after = "",
                     std::string_view retry_after_ms = "") {
  return ReadHttpFailure({.status = status,
                          .body = body,
                          .retry_after = retry_after,
                          .retry_after_ms = retry_after_ms},
                         kAnswerTime);
}

TEST(ErrorReasonTest, WhatIsMoreThanALimitLetsPassIsTooLarge) {
  const auto reason = [](std::string_view message) {
    return ReasonName(FaultReason(
        Failure(429, OpenAi("tokens", "rate_limit_exceeded", message), "7")));
  };
  constexpr std::string_view kLarge =
      "Request too large for gpt-4o in organization org-x on tokens per min "
      "(TPM): Limit 30000, Requested 52000. The input must be reduced.";
  EXPECT_EQ(reason(kLarge), "REQUEST_TOO_LARGE");
  EXPECT_EQ(RetryDelay(Failure(429, OpenAi("tokens", "rate_limit_exceeded",
                                           kLarge))),
            std::nullopt);
  // It would pass in a while, or nobody knows.
  for (const std::string_view other :
       {"Rate limit reached for gpt-4o: Limit 30, Used 29, Requested 5",
        "Request too large for gpt-4o: Limit 30000, Requested 30000",
        "Request too large for gpt-4o: Limit many, Requested 5",
        "Request too large for gpt-4o"}) {
    EXPECT_EQ(reason(other), "PROVIDER_RATE_LIMITED") << other;
  }
}

TEST(ErrorReasonTest, KnowsWhatAnAnswerEndsByForWhatTheModelWrote) {
  EXPECT_TRUE(IsOfOutput("MALFORMED_FUNCTION_CALL"));
  EXPECT_TRUE(IsOfOutput("OTHER"));
  EXPECT_FALSE(IsOfOutput("error"));
  EXPECT_FALSE(IsOfOutput(""));
}

TEST(ErrorReasonTest, TheFirstHintSaysHowLongToWait) {
  const std::string retry_info = Google(
      429, "RESOURCE_EXHAUSTED", R"(,"details":[{"retryDelay":"1.5s"}])");
  const std::string availability =
      R"({"error":{"code":503,"message":"m","availability":{"code":)"
      R"("temporarily_unavailable","retryable":true,"retry_after":9}}})";
  EXPECT_EQ(RetryDelay(Failure(429, retry_info, "7", "250")),
            absl::Milliseconds(250));
  EXPECT_EQ(RetryDelay(Failure(429, retry_info, "7")), absl::Seconds(7));
  EXPECT_EQ(RetryDelay(Failure(429, retry_info)), absl::Milliseconds(1500));
  EXPECT_EQ(RetryDelay(Failure(503, availability)), absl::Seconds(9));
  EXPECT_EQ(RetryDelay(Failure(504, "", "3")), absl::Seconds(3));
  EXPECT_EQ(RetryDelay(Failure(429, "")), std::nullopt);
}

TEST(ErrorReasonTest, NoWaitMendsARequestOrPaysABill) {
  EXPECT_EQ(RetryDelay(Failure(400, "", "7")), std::nullopt);
  EXPECT_EQ(RetryDelay(Failure(402, "", "7")), std::nullopt);
  EXPECT_EQ(RetryDelay(Failure(429, OpenAi("insufficient_quota", ""), "7")),
            std::nullopt);
}

TEST(ErrorReasonTest, TellsTheVendorsWordsAndTheFieldAtFault) {
  const absl::Status fault = Failure(
      400, R"({"error":{"message":"too hot","type":"invalid_request_error",)"
           R"("param":"temperature","code":"decimal_above_max_value"}})");
  EXPECT_EQ(fault.message(), "400: too hot");
  EXPECT_EQ(FaultMetadata(fault, "http_status"), "400");
  EXPECT_EQ(FaultMetadata(fault, "provider_code"), "decimal_above_max_value");
  EXPECT_EQ(FaultMetadata(fault, "provider_error_type"),
            "invalid_request_error");
  ASSERT_EQ(FieldViolations(fault).size(), 1u);
  EXPECT_EQ(FieldViolations(fault)[0].first, "temperature");
  EXPECT_EQ(FaultMetadata(Failure(429, OpenRouter(429, "rate_limit_exceeded")),
                          "provider_code"),
            "rate_limit_exceeded");
  EXPECT_EQ(Failure(500, "").message(), "500: no reason was given");
  EXPECT_EQ(ReadErrorReport(Anthropic("api_error")).message(), "m");
}

TEST(ErrorReasonTest, AVendorsWordsAreForCallersOfItsOwnApi) {
  const absl::Status fault = Failure(
      400, R"({"error":{"message":"m","type":"t","param":"p","code":"c"}})");
  const VendorError words = VendorErrorOf(fault, ErrorBody::Form::kOpenAi);
  EXPECT_EQ(words.type, "t");
  EXPECT_EQ(words.code, "c");
  EXPECT_EQ(words.param, "p");
  EXPECT_EQ(VendorErrorOf(fault, ErrorBody::Form::kAnthropic).code, "");
  const auto code_of = [](int status, std::string_view code) {
    return VendorErrorOf(Failure(status, OpenAi("t", code)),
                         ErrorBody::Form::kOpenAi)
        .code;
  };
  // The API has a better name for what these say.
  EXPECT_EQ(code_of(429, "rate_limit_error"), "");
  EXPECT_EQ(code_of(429, "429"), "");
  EXPECT_EQ(code_of(429, "new_limit"), "new_limit");
  EXPECT_EQ(code_of(400, "string_too_long"), "string_too_long");
  // Whose key is wrong? Not the caller's.
  EXPECT_EQ(VendorErrorOf(Failure(401, OpenAi("invalid_api_key", "")),
                          ErrorBody::Form::kOpenAi)
                .code,
            "");
}

TEST(ErrorReasonTest, KnowsAnOverloadByItsStatusAndByItsWord) {
  EXPECT_TRUE(IsOverload(Failure(503, "")));
  EXPECT_TRUE(IsOverload(Failure(529, "")));
  EXPECT_TRUE(IsOverload(ReadErrorReport(Anthropic("overloaded_error"))));
  EXPECT_TRUE(IsOverload(ReadErrorReport(OpenAi("slow_down", ""))));
  EXPECT_FALSE(IsOverload(Failure(500, "")));
  EXPECT_FALSE(IsOverload(Failure(429, Anthropic("overloaded_error"))));
  absl::Status broken =
      MakeFault(v1::ERROR_REASON_STREAM_INTERRUPTED, "broke off");
  AddFaultMetadata(broken, "provider_error_type", "overloaded_error");
  EXPECT_FALSE(IsOverload(broken));
  AddFaultMetadata(broken, "cause", "PROVIDER_UNAVAILABLE");
  EXPECT_TRUE(IsOverload(broken));
}

TEST(ErrorReasonTest, VendorTextIsBoundedAndBearsNoKey) {
  const std::string key = "sk-abcdefgh12345678";
  const std::string body =
      R"({"error":{"message":"Incorrect API key: )" + key + " " +
      std::string(5000, 'x') + R"(","type":")" + key + R"(","param":")" + key +
      R"(","code":")" + key + R"(","innererror":{"code":")" + key + R"("},)" +
      R"("metadata":{"error_type":")" + key + R"("}}})";
  for (const int status : {400, 401, 500}) {
    const absl::Status fault = Failure(status, body);
    EXPECT_THAT(fault.ToString(), Not(HasSubstr("abcdefgh")));
    EXPECT_THAT(std::string(fault.message()), HasSubstr("[secret]"));
    EXPECT_LE(fault.message().size(), kErrorMessageBytesMax + 8);
  }
}

}  // namespace
}  // namespace gateway
