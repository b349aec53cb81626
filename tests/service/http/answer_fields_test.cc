#include "service/http/answer_fields.h"

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/http/http1_codec.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/api/call_report.h"
#include "service/http/http_api.h"
#include "service/pipeline/call_ledger.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::Pair;

using Fields = std::map<std::string, std::string>;

Fields MapOf(absl::Span<const HttpField> fields) {
  Fields map;
  for (const HttpField& field : fields) {
    map[std::string(field.name)] = std::string(field.value);
  }
  return map;
}

TEST(AnswerFieldsTest, EveryAnswerHasItsTypeAndId) {
  const HttpApi plain;
  const AnswerFields fields(plain, "application/json", "req-1",
                            absl::Seconds(1));
  EXPECT_THAT(MapOf(fields),
              ElementsAre(Pair("content-type", "application/json"),
                          Pair("x-request-id", "req-1")));
}

TEST(AnswerFieldsTest, AnApisOwnFieldsAreAdded) {
  const HttpApi api = {.request_id_field = "request-id",
                       .processing_ms_field = "x-ms"};
  AnswerFields fields(api, "text/plain", "req-1", absl::Microseconds(12999));
  fields.Add("cache-control", "no-cache");
  Fields map = MapOf(fields);
  EXPECT_EQ(map["request-id"], "req-1");
  EXPECT_EQ(map["x-request-id"], "req-1");
  EXPECT_EQ(map["x-ms"], "12");
  EXPECT_EQ(map["cache-control"], "no-cache");
}

TEST(AnswerFieldsTest, AFailureTellsWhenToComeBackInWholeSeconds) {
  const HttpApi plain;
  absl::Status limited = MakeFault(v1::ERROR_REASON_RATE_LIMITED, "too many");
  SetRetryDelay(limited, absl::Milliseconds(1001));
  AnswerFields fields(plain, "text/plain", "req-1", absl::ZeroDuration());
  fields.AddFailure(limited);
  Fields map = MapOf(fields);
  EXPECT_EQ(map["retry-after"], "2");
  // It is ours to give: another attempt later may well succeed.
  EXPECT_EQ(map.count("x-should-retry"), 0u);
}

TEST(AnswerFieldsTest, ClientsShallNotMultiplyOurAttempts) {
  const HttpApi plain;
  AnswerFields fields(plain, "text/plain", "req-1", absl::ZeroDuration());
  fields.AddFailure(absl::OkStatus());
  EXPECT_EQ(MapOf(fields).size(), 2u);
  fields.AddFailure(MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"));
  EXPECT_EQ(MapOf(fields)["x-should-retry"], "false");
}

std::string AdviceFor(const absl::Status& failure, int attempts = 0) {
  const HttpApi plain;
  AnswerFields fields(plain, "text/plain", "req-1", absl::ZeroDuration());
  fields.AddFailure(failure, attempts);
  return MapOf(fields)["x-should-retry"];
}

TEST(AnswerFieldsTest, WhatWasTriedOnceIsTheirsToTryAgain) {
  const absl::Status down =
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "");
  EXPECT_EQ(AdviceFor(down, /*attempts=*/1), "");
  EXPECT_EQ(AdviceFor(down, /*attempts=*/2), "false");
  const absl::Status limited =
      MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, "");
  EXPECT_EQ(AdviceFor(limited, /*attempts=*/0), "");
  EXPECT_EQ(AdviceFor(limited, /*attempts=*/1), "");
  EXPECT_EQ(AdviceFor(limited, /*attempts=*/2), "false");
  // One that rests was not asked: whoever waits may ask again.
  absl::Status rests = MakeFault(v1::ERROR_REASON_CIRCUIT_OPEN, "");
  EXPECT_EQ(AdviceFor(rests, /*attempts=*/0), "false");  // Forced open.
  SetRetryDelay(rests, absl::Seconds(30));
  EXPECT_EQ(AdviceFor(rests, /*attempts=*/0), "");
  EXPECT_EQ(AdviceFor(rests, /*attempts=*/2), "false");
  // Another try would repeat work that may still be going on, or help nobody.
  for (const v1::ErrorReason reason :
       {v1::ERROR_REASON_PROVIDER_TIMEOUT, v1::ERROR_REASON_DEADLINE_EXCEEDED,
        v1::ERROR_REASON_PROVIDER_AUTH_FAILED,
        v1::ERROR_REASON_INVALID_REQUEST}) {
    EXPECT_EQ(AdviceFor(MakeFault(reason, ""), /*attempts=*/1), "false");
  }
  EXPECT_EQ(AdviceFor(MakeFault(v1::ERROR_REASON_DEADLINE_EXCEEDED, "")), "");
}

TEST(AnswerFieldsTest, WhatAProviderWasAskedForIsNotToBeBilledAgain) {
  absl::Status failure = MakeFault(v1::ERROR_REASON_LEDGER_UNAVAILABLE, "");
  EXPECT_EQ(AdviceFor(failure, /*attempts=*/0), "") << "it was refused";
  EXPECT_EQ(AdviceFor(failure, /*attempts=*/1), "false");
  // As another call that was asked for the same hears.
  AddFaultMetadata(failure, kAnsweredKey, "true");
  EXPECT_EQ(AdviceFor(failure, /*attempts=*/0), "false");
}

TEST(AnswerFieldsTest, ClientsShallNotRepeatWhatComesOutTheSame) {
  EXPECT_EQ(AdviceFor(MakeFault(v1::ERROR_REASON_UNIMPLEMENTED, "")), "false");
  EXPECT_EQ(AdviceFor(MakeFault(v1::ERROR_REASON_INVALID_REQUEST, "")),
            "false");
  EXPECT_EQ(AdviceFor(MakeFault(v1::ERROR_REASON_BUDGET_EXCEEDED, "")),
            "false");
  // More than a limit ever lets pass at once: there is no time to come back.
  absl::Status limited = MakeFault(v1::ERROR_REASON_RATE_LIMITED, "");
  EXPECT_EQ(AdviceFor(limited), "false");
  SetRetryDelay(limited, absl::Seconds(1));
  EXPECT_EQ(AdviceFor(limited), "");
  EXPECT_EQ(AdviceFor(MakeFault(v1::ERROR_REASON_OVERLOADED, "")), "");
  EXPECT_EQ(AdviceFor(MakeFault(v1::ERROR_REASON_INTERNAL, "")), "");
}

TEST(AnswerFieldsTest, TheVendorsAdviceIsNotContradicted) {
  absl::Status failure = MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "");
  AddFaultMetadata(failure, "provider_should_retry", "true");
  EXPECT_EQ(AdviceFor(failure), "");
  failure = MakeFault(v1::ERROR_REASON_PROVIDER_CONFLICT, "");
  AddFaultMetadata(failure, "provider_should_retry", "false");
  EXPECT_EQ(AdviceFor(failure), "false");
}

std::vector<v1::Warning> Warnings(int count, const std::string& message) {
  std::vector<v1::Warning> warnings(static_cast<size_t>(count));
  for (v1::Warning& warning : warnings) {
    warning.set_field("tools[]");
    warning.set_message(message);
  }
  return warnings;
}

TEST(AnswerFieldsTest, WarningsAreToldInOneField) {
  const HttpApi plain;
  AnswerFields none(plain, "text/plain", "req-1", absl::ZeroDuration());
  none.AddWarnings({});
  EXPECT_EQ(MapOf(none).count(std::string(kWarningsHeader)), 0u);
  AnswerFields two(plain, "text/plain", "req-1", absl::ZeroDuration());
  two.AddWarnings(Warnings(2, "left\r\nout: \xc3\xa9"));
  EXPECT_EQ(MapOf(two)[std::string(kWarningsHeader)],
            "tools[]: left??out: ??; tools[]: left??out: ??");
}

TEST(AnswerFieldsTest, WarningsBeyondAFieldsLengthAreCounted) {
  const HttpApi plain;
  AnswerFields fields(plain, "text/plain", "req-1", absl::ZeroDuration());
  fields.AddWarnings(Warnings(64, std::string(100, 'w')));
  const std::string value = MapOf(fields)[std::string(kWarningsHeader)];
  EXPECT_LT(value.size(), 2200u);
  EXPECT_THAT(value, EndsWith(" more"));
}

}  // namespace
}  // namespace gateway
