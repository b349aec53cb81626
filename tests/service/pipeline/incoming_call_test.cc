#include "service/pipeline/incoming_call.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

class IncomingCallTest : public testing::Test {
 protected:
  // Reads `body` as a raw request, as the protocol does.
  void SetRaw(const std::string& body) {
    body_ = body;
    raw_.dialect = &dialect_;
    raw_.body = body_;
    call_.raw = &raw_;
  }

  LoopClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  const OpenAiChat dialect_;
  std::string body_;
  RawRequest raw_;
  IncomingCall call_{MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"),
                     client_.loop(),
                     client_.http(),
                     cancel_,
                     arena_,
                     client_.loop().Now()};
};

TEST_F(IncomingCallTest, ReadsARawRequestOnce) {
  SetRaw(R"({"model":"m","messages":[{"role":"user","content":"hi"}]})");
  const absl::StatusOr<const v1::GenerateRequest*> first =
      call_.ParsedRequest();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ((*first)->messages(0).parts(0).text(), "hi");
  EXPECT_EQ(*call_.ParsedRequest(), *first);
}

TEST_F(IncomingCallTest, ARawRequestThatCannotBeReadIsTheCallersFault) {
  SetRaw(R"({"model":"m","messages":[{"role":7}]})");
  EXPECT_EQ(FaultReason(call_.ParsedRequest().status()),
            v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(call_.request, nullptr);
}

TEST_F(IncomingCallTest, TheLimitOfOutputIsTheSameReadOrNot) {
  for (const char* body : {R"({"model":"m","messages":[],"max_tokens":9})",
                           R"({"max_completion_tokens":9,"model":"m"})"}) {
    raw_.scan = {};
    SetRaw(body);
    ASSERT_TRUE(dialect_.ScanRequest(body_, &raw_.scan).ok());
    EXPECT_EQ(call_.OutputTokensLimit(), 9) << body;
  }
  raw_.scan = {};
  SetRaw(R"({"model":"m","messages":[]})");
  EXPECT_EQ(call_.OutputTokensLimit(), std::nullopt);
  call_.raw = nullptr;
  v1::GenerateRequest request;
  call_.request = &request;
  EXPECT_EQ(call_.OutputTokensLimit(), std::nullopt);
  request.set_max_output_tokens(9);
  EXPECT_EQ(call_.OutputTokensLimit(), 9);
}

TEST_F(IncomingCallTest, ALimitThatIsNotPositiveIsNone) {
  for (const char* limit : {"-1", "0", "-9223372036854775808"}) {
    raw_.scan = {};
    SetRaw(absl::StrCat(R"({"model":"m","messages":[],"max_tokens":)", limit,
                        "}"));
    ASSERT_TRUE(dialect_.ScanRequest(body_, &raw_.scan).ok());
    EXPECT_EQ(call_.OutputTokensLimit(), std::nullopt) << limit;
    EXPECT_EQ(call_.ExpectedOutputTokens(500), 500) << limit;
  }
}

TEST_F(IncomingCallTest, OutputIsExpectedOfEachAnswerThatIsAskedFor) {
  EXPECT_EQ(call_.ExpectedOutputTokens(500), 500);
  const std::pair<const char*, int64_t> cases[] = {
      {"1", 500}, {"8", 4000}, {"null", 500},
      {"0", 500}, {"-7", 500}, {"9223372036854775807", 5'000'000},
  };
  for (const auto& [count, tokens] : cases) {
    raw_.scan = {};
    SetRaw(absl::StrCat(R"({"model":"m","messages":[],"n":)", count, "}"));
    ASSERT_TRUE(dialect_.ScanRequest(body_, &raw_.scan).ok());
    EXPECT_EQ(call_.ExpectedOutputTokens(500), tokens) << count;
  }
  SetRaw(R"({"model":"m","messages":[],"n":3,"max_completion_tokens":9})");
  ASSERT_TRUE(dialect_.ScanRequest(body_, &raw_.scan).ok());
  EXPECT_EQ(call_.ExpectedOutputTokens(500), 27);
  EXPECT_EQ(call_.ExpectedOutputTokens(5), 15);
  call_.raw = nullptr;
  v1::GenerateRequest request;
  call_.request = &request;
  EXPECT_EQ(call_.ExpectedOutputTokens(500), 500);
  request.mutable_sampling()->set_choice_count(3);
  request.set_max_output_tokens(9);
  EXPECT_EQ(call_.ExpectedOutputTokens(500), 27);
}

TEST_F(IncomingCallTest, BytesMayGoThroughUnlessTheyMustBeRead) {
  EXPECT_FALSE(call_.may_forward());
  SetRaw("{}");
  EXPECT_TRUE(call_.may_forward());
  call_.facts.strict_output = true;
  EXPECT_FALSE(call_.may_forward());
  call_.facts.strict_output = false;
  call_.facts.parsed_only = true;
  EXPECT_FALSE(call_.may_forward());
}

TEST_F(IncomingCallTest, APathIsKeptAsFarAsItIsRecorded) {
  call_.SetPath("/", std::string("a.Service/M\x01\n\xc3\xa9"));
  EXPECT_EQ(call_.facts.path, "/a.Service/M????");
  const std::string longer(3000, 'x');
  call_.SetPath("/", longer);
  EXPECT_EQ(call_.facts.path, "/" + longer.substr(0, 1023));
}

}  // namespace
}  // namespace gateway
