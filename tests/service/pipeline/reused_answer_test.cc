#include "service/pipeline/reused_answer.h"

#include <memory>
#include <string>
#include <utility>

#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/identity/caller.h"
#include "tests/service/pipeline/planned_call.h"

namespace gateway {
namespace {

class ReusedAnswerTest : public PlannedCallTest {
 protected:
  // An attempt that has ended well.
  void Answer(Attempt* attempt) {
    attempt->provider = "openai";
    attempt->model = "gpt-x";
    v1::Usage& usage = attempt->answer.facts.usage;
    usage.set_input_tokens(12);
    usage.set_cost_usd_nanos(500);
    attempt->answer.facts.kept_id = "resp_1";
    attempt->answer.facts.finish_reason = v1::FINISH_REASON_STOP;
  }

  v1::GenerateResponse response_;
};

TEST_F(ReusedAnswerTest, BytesAreTheSameAndCostNothingAgain) {
  Attempt made;
  Answer(&made);
  made.answer.raw = "{\"id\":\"x\"}";
  const KeptAnswerPtr kept = KeepAnswer(call_, made);
  EXPECT_EQ(kept->request_id, "call_1");
  EXPECT_EQ(kept->body.size(), BytesToKeep(made));
  ASSERT_TRUE(ReuseAnswer(kept, &call_).ok());
  const Attempt* const reused = call_.DecidingAttempt();
  ASSERT_NE(reused, nullptr);
  EXPECT_TRUE(call_.attempts.empty());
  EXPECT_TRUE(reused->forwards);
  EXPECT_EQ(reused->answer.raw.data(), kept->body.data());
  EXPECT_EQ(reused->answer.raw, "{\"id\":\"x\"}");
  EXPECT_EQ(reused->provider, "openai");
  EXPECT_EQ(reused->model, "gpt-x");
  EXPECT_EQ(reused->usage->input_tokens(), 12);
  EXPECT_EQ(reused->usage->cost_usd_nanos(), 0);
  EXPECT_TRUE(reused->usage->cost_known());
  EXPECT_EQ(std::string(reused->answer.facts.kept_id), "resp_1");
  EXPECT_EQ(reused->answer.facts.finish_reason, v1::FINISH_REASON_STOP);
}

TEST_F(ReusedAnswerTest, AMessageForgetsTheCallThatItWasMadeFor) {
  Attempt made;
  Answer(&made);
  response_.set_id("resp_1");
  response_.mutable_usage()->set_cost_usd_nanos(500);
  response_.add_choices()->set_finish_reason(v1::FINISH_REASON_STOP);
  response_.add_attempts()->set_provider("openai");
  response_.mutable_route()->set_reason("default");
  response_.mutable_timings()->mutable_total()->set_seconds(1);
  response_.add_warnings()->set_field("top_k");
  made.warnings.emplace_back().set_field("top_k");
  made.answer.response = &response_;
  const KeptAnswerPtr kept = KeepAnswer(call_, made);
  EXPECT_TRUE(kept->is_message);
  ASSERT_TRUE(ReuseAnswer(kept, &call_).ok());
  const Attempt& reused = *call_.DecidingAttempt();
  EXPECT_FALSE(reused.forwards);
  const v1::GenerateResponse& answer = *reused.answer.response;
  EXPECT_EQ(answer.id(), "resp_1");
  EXPECT_EQ(answer.choices_size(), 1);
  EXPECT_EQ(answer.usage().cost_usd_nanos(), 0);
  EXPECT_TRUE(answer.attempts().empty());
  EXPECT_FALSE(answer.has_route());
  EXPECT_FALSE(answer.has_timings());
  EXPECT_TRUE(answer.warnings().empty());
  ASSERT_EQ(reused.warnings.size(), 1);
  EXPECT_EQ(reused.warnings[0].field(), "top_k");
}

TEST_F(ReusedAnswerTest, WhatIsKeptAgainIsFromWhereItWasMade) {
  Attempt made;
  Answer(&made);
  made.provider = "fallback";
  made.progress.credential = "second";
  made.answer.raw = "{\"id\":\"x\"}";
  Caller alice;
  alice.id = "alice";
  call_.caller = Borrow(alice);
  const KeptAnswerPtr kept = KeepAnswer(call_, made);
  EXPECT_EQ(kept->caller, "alice");
  EXPECT_EQ(kept->credential, "second");

  Caller bob;
  bob.id = "bob";
  call_.caller = Borrow(bob);
  ASSERT_TRUE(ReuseAnswer(kept, &call_).ok());
  const KeptAnswerPtr again = KeepAnswer(call_, *call_.DecidingAttempt());
  EXPECT_EQ(again->caller, "alice");
  EXPECT_EQ(again->provider, "fallback");
  EXPECT_EQ(again->credential, "second");
}

TEST_F(ReusedAnswerTest, WhatCannotBeReadIsAMistakeOfTheGateway) {
  auto kept = std::make_shared<KeptAnswer>();
  kept->is_message = true;
  kept->body = "\xff\xff";
  EXPECT_EQ(FaultReason(ReuseAnswer(std::move(kept), &call_)),
            v1::ERROR_REASON_INTERNAL);
}

TEST_F(ReusedAnswerTest, EveryChoiceHasToEndWell) {
  Attempt made;
  bool stopped = false;
  made.answer.facts.finish_reason = v1::FINISH_REASON_LENGTH;
  FinishReasonOfAll(made, &stopped);
  EXPECT_FALSE(stopped);
  made.answer.facts.finish_reason = v1::FINISH_REASON_STOP;
  FinishReasonOfAll(made, &stopped);
  EXPECT_TRUE(stopped);
  made.answer.facts.other_choice_cut = true;
  FinishReasonOfAll(made, &stopped);
  EXPECT_FALSE(stopped);
  made.answer.response = &response_;
  FinishReasonOfAll(made, &stopped);
  EXPECT_FALSE(stopped);
  response_.add_choices()->set_finish_reason(v1::FINISH_REASON_LENGTH);
  response_.add_choices()->set_finish_reason(v1::FINISH_REASON_STOP);
  FinishReasonOfAll(made, &stopped);
  EXPECT_FALSE(stopped);
  response_.mutable_choices(0)->set_finish_reason(v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_EQ(FinishReasonOfAll(made, &stopped), v1::FINISH_REASON_STOP);
  EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace gateway
