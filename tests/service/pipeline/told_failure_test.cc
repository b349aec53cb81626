#include "service/pipeline/told_failure.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "errors/foreign_words.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "service/pipeline/call.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

constexpr std::string_view kPrompt = "what nobody else may see";

// As a provider puts it.
absl::Status Refused(std::string_view words) {
  absl::Status fault = MakeFault(v1::ERROR_REASON_INVALID_REQUEST,
                                 absl::StrCat("acme: 400: ", ToAbsl(words)));
  MarkForeignWords(fault, ForeignWords::kOfProvider, words);
  return fault;
}

class ToldFailureTest : public testing::Test {
 protected:
  ToldFailureTest() {
    request_.set_model("acme-large-2026-01-02");
    request_.add_messages()->add_parts()->set_text(std::string(kPrompt));
  }

  void TakeRaw(std::string_view body) {
    raw_ = {.dialect = &dialect_, .body = body, .scan = {}};
    call_.raw = &raw_;
  }

  LoopClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  v1::GenerateRequest request_;
  OpenAiChat dialect_;
  RawRequest raw_;
  Call call_{MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"),
             client_.loop(),
             client_.http(),
             cancel_,
             arena_,
             client_.loop().Now()};
};

TEST_F(ToldFailureTest, WhatQuotesARequestIsCut) {
  const absl::Status failure =
      Refused(absl::StrCat("no such '", ToAbsl(kPrompt), "'"));
  call_.request = &request_;
  EXPECT_EQ(ToldFailure(call_, "m", failure), "acme: 400: no such '[quoted]'");
  call_.request = nullptr;
  const std::string body =
      absl::StrCat(R"({"input":")", ToAbsl(kPrompt), R"("})");
  TakeRaw(body);
  EXPECT_EQ(ToldFailure(call_, "m", failure), "acme: 400: no such '[quoted]'");
  v1::EmbedRequest embed;
  embed.add_inputs()->set_text(std::string(kPrompt));
  call_.raw = nullptr;
  call_.embed = &embed;
  EXPECT_EQ(ToldFailure(call_, "m", failure), "acme: 400: no such '[quoted]'");
}

// Less of it than is a quote by itself.
TEST_F(ToldFailureTest, WordsOfARequestThatAProviderRepeatsAreCut) {
  TakeRaw(R"({"model":"m","messages":[{"content":"my pass is Hunter2!"}]})");
  EXPECT_EQ(ToldFailure(call_, "m",
                        Refused("Your prompt contains the word HUNTER2! This "
                                "model does not accept it.")),
            "acme: 400: Your prompt contains the word [quoted]! This model "
            "does not accept it.");
  // Where the gateway's own words end is not known.
  absl::Status failure =
      MakeFault(v1::ERROR_REASON_INVALID_REQUEST, "acme: hunter2 is...");
  MarkForeignWords(failure, ForeignWords::kOfProvider, "hunter2 is none");
  EXPECT_EQ(ToldFailure(call_, "m", failure), "acme: [quoted] is...");
}

TEST_F(ToldFailureTest, ACallersOwnNamesOfMembersAreCut) {
  TakeRaw(R"({"giraffe":1,"giraffe":2,"messages":[]})");
  EXPECT_EQ(ToldFailure(call_, "m", InvalidField("giraffe", "given twice")),
            "[quoted]: given twice");
  EXPECT_EQ(ToldFailure(call_, "m", InvalidField("messages", "given twice")),
            "messages: given twice");
}

TEST_F(ToldFailureTest, NamesOfModelsStay) {
  call_.request = &request_;
  call_.facts.model = "acme-large-2026-01-02";
  const absl::Status failure = Refused("acme-large-2026-01-02 is away");
  EXPECT_EQ(ToldFailure(call_, "m", failure), failure.message());
}

TEST_F(ToldFailureTest, SecretsAreCutWhateverTheyQuote) {
  call_.request = &request_;
  EXPECT_EQ(ToldFailure(call_, "m",
                        Refused("by bob@mail.example, 4111 1111 1111 1111")),
            "acme: 400: by [redacted:email], [redacted:card_number]");
}

TEST_F(ToldFailureTest, WithoutARequestAProvidersWordsAreWithheld) {
  absl::Status failure = Refused("no such thing");
  EXPECT_EQ(ToldFailure(failure), "acme: 400: [withheld]");
  AddFaultMetadata(failure, kProviderCodeKey, "went_wrong");
  EXPECT_EQ(ToldFailure(failure), "acme: 400: [withheld; code went_wrong]");
  for (const char* code : {"some words of it", "hunter2", "no_hunter_found"}) {
    AddFaultMetadata(failure, kProviderCodeKey, code);
    EXPECT_EQ(ToldFailure(failure), "acme: 400: [withheld]") << code;
  }
  // The gateway's own are not.
  EXPECT_EQ(ToldFailure(MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE,
                                  "the connection closed")),
            "the connection closed");
}

TEST_F(ToldFailureTest, WordsThatAreNotFoundTakeAllWithThem) {
  absl::Status failure =
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "acme: no such t...");
  MarkForeignWords(failure, ForeignWords::kOfProvider, "no such thing");
  EXPECT_EQ(ToldFailure(failure), "PROVIDER_UNAVAILABLE: [withheld]");
}

TEST_F(ToldFailureTest, HowAnAnswerBeginsIsWithheldAlways) {
  call_.request = &request_;
  absl::Status failure = MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                                   "not JSON, and begins: <p>hello");
  MarkForeignWords(failure, ForeignWords::kOfAnswer, "<p>hello");
  for (const std::string& told :
       {ToldFailure(failure), ToldFailure(call_, "m", failure)}) {
    EXPECT_EQ(told, "not JSON, and begins: [withheld]");
  }
}

TEST_F(ToldFailureTest, AnAttemptAndItsCallTellTheSame) {
  call_.request = &request_;
  const absl::Status failure = Refused(kPrompt);
  Attempt& attempt = call_.attempts.Add();
  attempt.End(failure, absl::Seconds(1));
  EXPECT_EQ(attempt.error_message, "acme: 400: [withheld]");
  client_.Run([&] { return TellFailures(call_, failure); });
  EXPECT_EQ(attempt.error_message, "acme: 400: [quoted]");
  EXPECT_EQ(ToldOutcome(call_, failure), "acme: 400: [quoted]");
  // What its caller gets is whole.
  EXPECT_EQ(call_.MakeEnd(failure).end().attempts(0).failure_message(),
            failure.message());
}

TEST_F(ToldFailureTest, ARefusalIsComparedToo) {
  call_.request = &request_;
  const absl::Status refusal =
      InvalidField("tier", absl::StrCat("is none: ", ToAbsl(kPrompt)));
  client_.Run([&] { return TellFailures(call_, refusal); });
  call_.request = nullptr;
  EXPECT_EQ(ToldOutcome(call_, refusal).find(kPrompt), std::string::npos);
  EXPECT_NE(ToldOutcome(call_, refusal).find("[quoted]"), std::string::npos);
}

}  // namespace
}  // namespace gateway
