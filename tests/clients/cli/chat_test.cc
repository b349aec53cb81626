#include "clients/cli/chat.h"

#include <grpcpp/support/status.h>

#include <algorithm>
#include <cstddef>
#include <istream>
#include <iterator>
#include <sstream>
#include <streambuf>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "clients/cli/failure_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/errors.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "tests/clients/cpp/scripted_gateway.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

namespace v1 = ::llmgateway::v1;

// What a gateway answers is asked of one in gatewayctl_chat_test.py.
class ChatTest : public testing::Test {
 protected:
  absl::Status Ask(const OperatorWords& words) {
    return Chat({.address = "127.0.0.1:1"}, words, {in_, out_, err_});
  }

  // What becomes of a stream of these events.
  absl::Status Hear(const std::vector<v1::GenerateEvent>& events) {
    ScriptedGateway gateway;
    gateway.stream_generate = [&events](auto&, const auto&, auto& writer) {
      for (const v1::GenerateEvent& event : events) writer.Write(event);
      return grpc::Status::OK;
    };
    out_.str("");
    return Chat({.address = gateway.address()}, {.words = {"Hi"}},
                {in_, out_, err_});
  }

  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
};

// Standard input that has no end.
class Endless : public std::streambuf {
 public:
  size_t bytes_read() const { return bytes_read_; }

 protected:
  int_type underflow() override {
    bytes_read_ += sizeof(piece_);
    std::fill(std::begin(piece_), std::end(piece_), 'a');
    setg(piece_, piece_, piece_ + sizeof(piece_));
    return traits_type::to_int_type('a');
  }

 private:
  char piece_[64 * 1024];
  size_t bytes_read_ = 0;
};

TEST_F(ChatTest, OfAPromptThatIsTooLongNoMoreIsRead) {
  Endless endless;
  std::istream in(&endless);
  const absl::Status refused =
      Chat({.address = "127.0.0.1:1"}, {}, {in, out_, err_});
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_THAT(refused.ToString(), HasSubstr("more than 33554432 bytes"));
  EXPECT_LE(endless.bytes_read(), size_t{33} * 1024 * 1024);
}

TEST_F(ChatTest, SomethingMustBeAsked) {
  EXPECT_THAT(Ask({}).ToString(), HasSubstr("there is nothing to ask"));
  in_.str(" \n");
  EXPECT_TRUE(absl::IsInvalidArgument(Ask({})));
  EXPECT_TRUE(absl::IsInvalidArgument(
      Ask({.words = {"Hi"}, .flags = {{"--max_tokens", "0"}}})));
  EXPECT_TRUE(absl::IsInvalidArgument(
      Ask({.words = {"Hi"}, .flags = {{"--owner", "ann"}}})));
}

TEST_F(ChatTest, AFailureNamesTheGateway) {
  EXPECT_THAT(Ask({.words = {"Hi"}}).ToString(), HasSubstr("127.0.0.1:1"));
  in_.str("Hi");
  EXPECT_TRUE(absl::IsUnavailable(Ask({})));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(ChatTest, AnAnswerHasItsEventsInOrderAndAnEnd) {
  constexpr auto kFinished = v1::StreamEnd::OUTCOME_FINISHED;
  EXPECT_TRUE(Hear({TextEvent(1, "One."), EndEvent(2, kFinished)}).ok());
  EXPECT_EQ(out_.str(), "One.\n");
  const std::vector<std::vector<v1::GenerateEvent>> disorders = {
      {TextEvent(1, "One."), TextEvent(1, "One."), EndEvent(2, kFinished)},
      {TextEvent(1, "One."), TextEvent(3, "Three."), EndEvent(4, kFinished)},
      {TextEvent(1, "One."), EndEvent(2, kFinished), TextEvent(3, "Three.")}};
  for (const std::vector<v1::GenerateEvent>& events : disorders) {
    const absl::Status lost = Hear(events);
    EXPECT_TRUE(absl::IsDataLoss(lost)) << lost;
    EXPECT_EQ(FailureReason(lost), "STREAM_INTERRUPTED");
    // What came before stays.
    EXPECT_EQ(out_.str(), "One.\n");
  }
}

TEST_F(ChatTest, AnAnswerWithoutATruthfulEndIsNotWhole) {
  const absl::Status silent = Hear({});
  EXPECT_TRUE(absl::IsUnavailable(silent)) << silent;
  EXPECT_EQ(FailureReason(silent), "STREAM_INTERRUPTED");
  const absl::Status endless = Hear({TextEvent(1, "One.")});
  EXPECT_THAT(endless.ToString(), HasSubstr("broke off without its end"));
  EXPECT_EQ(out_.str(), "One.\n");
  v1::GenerateEvent end = EndEvent(2, v1::StreamEnd::OUTCOME_TRUNCATED);
  end.mutable_end()->mutable_error()->set_reason(
      v1::ERROR_REASON_CONTENT_POLICY);
  const absl::Status cut = Hear({TextEvent(1, "One."), end});
  EXPECT_EQ(cut.code(), absl::StatusCode::kUnknown) << cut;
  EXPECT_EQ(FailureReason(cut), "CONTENT_POLICY");
  EXPECT_THAT(cut.ToString(), HasSubstr("the model did not finish"));
  EXPECT_EQ(out_.str(), "One.\n");
}

}  // namespace
}  // namespace gateway
