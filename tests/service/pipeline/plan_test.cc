#include "service/pipeline/plan.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "service/pipeline/admission.h"
#include "service/pipeline/incoming_call.h"
#include "service/pipeline/response_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

class PlanTest : public testing::Test {
 protected:
  PlanTest() { call_.facts.model = "gpt-x"; }

  // As an API takes in the bytes of a chat in this dialect.
  void SetRaw(const Dialect& dialect) {
    body_ = R"({"model":"gpt-x","max_tokens":9,)"
            R"("messages":[{"role":"user","content":"hi"}]})";
    raw_.dialect = &dialect;
    raw_.body = body_;
    EXPECT_TRUE(dialect.ScanRequest(raw_.body, &raw_.scan).ok());
    call_.raw = &raw_;
    call_.facts.dialect = dialect.name();
  }

  absl::StatusOr<Planned> Run() { return Plan(call_, alice_, admitted_); }

  const Caller alice_ = [] {
    Caller caller;
    caller.id = "alice";
    return caller;
  }();

  const OpenAiChat openai_;
  const AnthropicMessages anthropic_;
  FakeClock clock_;
  ResponseStore store_{
      {.ttl = absl::Hours(1), .entries = 10, .size_bytes = 10'000}, clock_};
  LoopClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  v1::GenerateRequest request_;
  std::string body_;
  RawRequest raw_;
  Admitted admitted_;
  IncomingCall call_{MakeTestRuntime("providers:\n"
                                     "- name: openai\n"
                                     "  openai: {api_key: 'env:KEY'}\n"
                                     "  model_aliases: {fast: gpt-mini}\n"
                                     "routing: {default_target: openai}\n",
                                     {{"KEY", "sk-test-secret-0123456789"}}),
                     client_.loop(),
                     client_.http(),
                     cancel_,
                     arena_,
                     client_.loop().Now()};
};

TEST_F(PlanTest, SaysWhereAndWhy) {
  call_.facts.model = "fast";
  call_.request = &request_;
  const absl::StatusOr<Planned> planned = Run();
  ASSERT_TRUE(planned.ok()) << planned.status();
  EXPECT_EQ(planned->next, nullptr);
  EXPECT_EQ(planned->first.provider->name, "openai");
  EXPECT_EQ(planned->first.model, "fast");
  EXPECT_EQ(planned->first.upstream_model, "gpt-mini");
  EXPECT_EQ(planned->reason, "default");
  EXPECT_EQ(planned->stored_at, nullptr);
}

TEST_F(PlanTest, BytesGoToAProviderOfTheirDialectUnlessTheyMustBeRead) {
  SetRaw(openai_);
  EXPECT_TRUE(Run()->first.forwards);
  call_.facts.parsed_only = true;
  EXPECT_FALSE(Run()->first.forwards);
  // What belongs to the dialect beside the body goes along all the same.
  EXPECT_TRUE(Run()->first.speaks_dialect);
}

TEST_F(PlanTest, OthersAreTranslated) {
  SetRaw(anthropic_);
  EXPECT_FALSE(Run()->first.forwards);
  EXPECT_FALSE(Run()->first.speaks_dialect);
  call_.raw = nullptr;
  call_.request = &request_;
  call_.facts.dialect = {};
  EXPECT_FALSE(Run()->first.forwards);
}

TEST_F(PlanTest, AStoredResponseIsAskedForWhereItLives) {
  const StoredResponseQuery asked{.id = "resp_1"};
  call_.stored_query = &asked;
  EXPECT_EQ(FaultReason(Run().status()), v1::ERROR_REASON_NOT_FOUND);
  call_.responses = &store_;
  StoredResponse kept;
  kept.provider = "openai";
  kept.credential = "second";
  store_.Put("bob", "resp_1", kept);
  EXPECT_EQ(FaultReason(Run().status()), v1::ERROR_REASON_NOT_FOUND);
  store_.Put("alice", "resp_1", kept);
  const absl::StatusOr<Planned> planned = Run();
  ASSERT_TRUE(planned.ok()) << planned.status();
  EXPECT_EQ(planned->first.provider->name, "openai");
  EXPECT_EQ(planned->stored_at->credential, "second");
  EXPECT_EQ(planned->reason, "kept");
}

}  // namespace
}  // namespace gateway
