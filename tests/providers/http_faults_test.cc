#include "providers/http_faults.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/http/http_client.h"
#include "base/http/http_timeout.h"
#include "base/secret.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "errors/foreign_words.h"
#include "errors/time_limit.h"
#include "errors/verdict.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/provider.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

const HttpFaults& Faults() {
  static const HttpFaults faults("acme",
                                 {Secret("key-of-one"), Secret("key-of-two")});
  return faults;
}

TEST(HttpFaultsTest, NamesTheProvider) {
  const absl::Status fault = Faults().BadResponse("not JSON");
  EXPECT_EQ(fault.message(), "acme: not JSON");
  EXPECT_EQ(FaultMetadata(fault, "provider"), "acme");
  EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  EXPECT_TRUE(Faults().WrapFault(absl::OkStatus()).ok());
}

TEST(HttpFaultsTest, TellsNobodyACredential) {
  absl::Status told = MakeFault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED,
                                "bad key-of-one, key-of-two, callers-own");
  AddFaultMetadata(told, "said", "key-of-two");
  const std::string text = Faults().WrapFault(told, "callers-own").ToString();
  EXPECT_THAT(text, HasSubstr("acme: bad **********, **********, ***********"));
  EXPECT_THAT(text, Not(HasSubstr("key-of")));
}

TEST(HttpFaultsTest, NorMostOfOne) {
  const HttpFaults faults("acme", {Secret("key-0123456789abcdef")});
  const auto told = [&](std::string_view text) {
    return faults.WithoutCredentials(text, "own-0123456789abcdef");
  };
  EXPECT_EQ(told("no key-0123456789abcde, own-012345!"),
            "no *******************, **********!");
  EXPECT_EQ(told("key-0123456789abcdefg"), "********************g");
  // Too little to be of use.
  EXPECT_EQ(told("key-01234 own-01234"), "key-01234 own-01234");
}

TEST(HttpFaultsTest, NorOneBehindEscapes) {
  const HttpFaults faults("acme", {Secret("key+0123/456789abcdef==")});
  absl::Status told =
      MakeFault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED,
                R"({"detail":"key\u002B0123\/456789abcdef\u003d="} for )"
                "https://a.example/?key=key%2B0123%2F456789abcdef%3D%3D");
  AddFaultMetadata(told, "said", R"(key+0123\/456789abcdef==)");
  const std::string text = faults.WrapFault(told).ToString();
  EXPECT_THAT(text, HasSubstr(absl::StrCat(
                        R"({"detail":")", std::string(34, '*'),
                        R"("} for https://a.example/?key=)",
                        std::string(31, '*'))));
  EXPECT_THAT(text, Not(HasSubstr("456789")));
}

TEST(HttpFaultsTest, KnowsWhatRepeatsACredential) {
  EXPECT_TRUE(Faults().Repeats("Bearer key-of-two", ""));
  EXPECT_TRUE(Faults().Repeats("callers-own", "callers-own"));
  EXPECT_FALSE(Faults().Repeats("req_1", "callers-own"));
  EXPECT_FALSE(Faults().Repeats("", ""));
}

TEST(HttpFaultsTest, ATransportErrorIsTheProvidersUnlessTheCallerLeft) {
  AttemptProgress progress;
  EXPECT_EQ(FaultReason(Faults().OfTransport(absl::UnavailableError("refused"),
                                             progress)),
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(Faults().OfTransport(absl::CancelledError("gone"), progress),
            absl::CancelledError("gone"));
  progress.http.answered = true;
  EXPECT_EQ(FaultReason(Faults().OfTransport(absl::InternalError("not HTTP"),
                                             progress)),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  progress.http.timed_out = true;
  EXPECT_EQ(FaultReason(Faults().OfTransport(
                absl::DeadlineExceededError("slow"), progress)),
            v1::ERROR_REASON_PROVIDER_TIMEOUT);
}

TEST(HttpFaultsTest, ATimeoutSaysWhichLimitItWas) {
  const std::pair<HttpTimeLimit, const char*> kNames[] = {
      {HttpTimeLimit::kConnect, "timeouts.connect"},
      {HttpTimeLimit::kFirstByte, "timeouts.first_byte"},
      {HttpTimeLimit::kCallFirstByte, "timeouts.first_byte"},
      {HttpTimeLimit::kIdle, "timeouts.idle"},
      {HttpTimeLimit::kTotal, "timeouts.total"}};
  AttemptProgress progress;
  progress.http.timed_out = true;
  for (const auto& [limit, name] : kNames) {
    const absl::Status fault = Faults().OfTransport(
        WaitedTooLong(limit, absl::Seconds(7), "the answer"), progress);
    EXPECT_EQ(FaultMetadata(fault, kTimeLimitKey), name);
    // Whoever sees the message alone learns how long, and by which field.
    EXPECT_THAT(std::string(fault.message()),
                AllOf(HasSubstr("7s"),
                      EndsWith(absl::StrCat("the answer (", name, ")"))));
  }
  // A call of a stream has a limit of its own.
  EXPECT_EQ(FaultMetadata(Faults().OfTransport(
                              WaitedTooLong(HttpTimeLimit::kCallFirstByte,
                                            absl::Seconds(7), "the answer"),
                              progress, /*streams=*/true),
                          kTimeLimitKey),
            "timeouts.stream_first_byte");
  EXPECT_EQ(FaultMetadata(Faults().OfTransport(
                              absl::DeadlineExceededError("slow"), progress),
                          kTimeLimitKey),
            "");
}

TEST(HttpFaultsTest, WantOfRoomIsTheGatewaysOwn) {
  AttemptProgress progress;
  progress.http.answered = true;
  const absl::Status fault = Faults().OfTransport(NoRoomForAnswer(), progress);
  EXPECT_EQ(fault, NoRoomFault());
  EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(RetryDelay(fault), absl::Seconds(1));
  EXPECT_EQ(FaultMetadata(fault, "provider"), "");
  EXPECT_FALSE(BlamesTarget(ClassifyFailure(fault)));
  EXPECT_EQ(FaultReason(Faults().OfTransport(
                absl::ResourceExhaustedError("a head too large"), progress)),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST(HttpFaultsTest, AnAnswerOverItsLimitBlamesNobodyAndNamesTheField) {
  // What a head says of the length counts as what has come.
  for (const bool answered : {false, true}) {
    AttemptProgress progress;
    progress.http.answered = answered;
    const absl::Status fault =
        Faults().OfTransport(absl::OutOfRangeError("too large"), progress);
    EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
    EXPECT_THAT(ToStd(fault.message()),
                HasSubstr("limits.response_bytes_limit"));
    EXPECT_EQ(ClassifyFailure(fault), Verdict::kTooLarge);
    EXPECT_FALSE(BlamesTarget(ClassifyFailure(fault)));
    EXPECT_TRUE(MayServeElsewhere(ClassifyFailure(fault)));
  }
}

TEST(HttpFaultsTest, AnAnswerGivenUpForWhatTheModelWroteBlamesNobody) {
  for (const std::string_view word :
       {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS", "LANGUAGE", "NO_IMAGE", "OTHER"}) {
    const absl::Status fault = Faults().GaveUp(word, "");
    EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
    EXPECT_FALSE(BlamesTarget(ClassifyFailure(fault))) << word;
  }
  for (const std::string_view word : {"error", ""}) {
    EXPECT_TRUE(BlamesTarget(ClassifyFailure(Faults().GaveUp(word, ""))));
  }
}

TEST(HttpFaultsTest, APageIsShownAndWhatMayBeAnAnswerIsNot) {
  const auto fault = [](std::string_view type, std::string_view body) {
    return Faults().NotTheAnswer("JSON", type, body, "27", "own");
  };
  const absl::Status page = fault("text/html", "<p>sorry");
  EXPECT_THAT(std::string(page.message()),
              EndsWith("is not JSON but text/html, and begins: <p>sorry"));
  EXPECT_EQ(FindForeignWords(page, ForeignWords::kOfAnswer), "<p>sorry");
  for (const auto& [type, body] :
       {std::pair("application/json", "{\"a\":\"secret\"}"),
        std::pair("application/octet-stream", "secret"),
        std::pair("text/event-stream", "secret"),
        std::pair("text/plain", " {\"a\":\"secret\"}"),
        std::pair("", "data: secret")}) {
    const absl::Status other = fault(type, body);
    EXPECT_THAT(std::string(other.message()),
                AllOf(EndsWith(", of 27 bytes"), Not(HasSubstr("secret"))));
    EXPECT_EQ(FindForeignWords(other, ForeignWords::kOfAnswer), std::nullopt);
  }
}

}  // namespace
}  // namespace gateway
