#include "clients/cli/chat.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/failure_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.grpc.pb.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

namespace v1 = ::llmgateway::v1;

v1::GenerateEvent Text(int64_t seq, const std::string& text) {
  v1::GenerateEvent event;
  event.set_seq(seq);
  event.mutable_delta()->set_text(text);
  return event;
}

v1::GenerateEvent End(int64_t seq, v1::StreamEnd::Outcome outcome) {
  v1::GenerateEvent event;
  event.set_seq(seq);
  event.mutable_end()->set_outcome(outcome);
  return event;
}

// A gateway whose calls all go well, with these events. Its port is its own.
class WellMeaningGateway final : public v1::GatewayService::Service {
 public:
  explicit WellMeaningGateway(std::vector<v1::GenerateEvent> events)
      : events_(std::move(events)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~WellMeaningGateway() override { server_->Shutdown(); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  grpc::Status StreamGenerate(
      grpc::ServerContext* /*context*/,
      const v1::GenerateRequest* /*request*/,
      grpc::ServerWriter<v1::GenerateEvent>* writer) override {
    for (const v1::GenerateEvent& event : events_) writer->Write(event);
    return grpc::Status::OK;
  }

 private:
  const std::vector<v1::GenerateEvent> events_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// What a gateway answers is asked of one in gatewayctl_chat_test.py.
class ChatTest : public testing::Test {
 protected:
  absl::Status Ask(const OperatorWords& words) {
    return Chat({.address = "127.0.0.1:1"}, words, {in_, out_, err_});
  }

  // What becomes of a stream of these events.
  absl::Status Hear(std::vector<v1::GenerateEvent> events) {
    const WellMeaningGateway gateway(std::move(events));
    out_.str("");
    return Chat({.address = gateway.address()}, {.words = {"Hi"}},
                {in_, out_, err_});
  }

  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
};

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
  EXPECT_TRUE(Hear({Text(1, "One."), End(2, kFinished)}).ok());
  EXPECT_EQ(out_.str(), "One.\n");
  const std::vector<std::vector<v1::GenerateEvent>> disorders = {
      {Text(1, "One."), Text(1, "One."), End(2, kFinished)},
      {Text(1, "One."), Text(3, "Three."), End(4, kFinished)},
      {Text(1, "One."), End(2, kFinished), Text(3, "Three.")}};
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
  const absl::Status endless = Hear({Text(1, "One.")});
  EXPECT_THAT(endless.ToString(), HasSubstr("broke off without its end"));
  EXPECT_EQ(out_.str(), "One.\n");
  const absl::Status cut =
      Hear({Text(1, "One."), End(2, v1::StreamEnd::OUTCOME_TRUNCATED)});
  EXPECT_THAT(cut.ToString(), HasSubstr("its end is OUTCOME_TRUNCATED"));
  EXPECT_EQ(out_.str(), "One.\n");
}

}  // namespace
}  // namespace gateway
