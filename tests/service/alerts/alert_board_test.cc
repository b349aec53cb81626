#include "service/alerts/alert_board.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

AlertRule Rule(const std::string& name, const std::string& condition) {
  return {.name = name,
          .text = condition,
          .condition = *ParseAlertCondition(condition),
          .action = "page"};
}

// Time passes and calls come as a test says.
class AlertBoardTest : public testing::Test {
 protected:
  AlertBoardTest() { Begin({Rule("errors", "error_rate > 5%")}); }

  void Begin(std::vector<AlertRule> rules) {
    rules_ = std::move(rules);
    board_ = std::make_unique<AlertBoard>(kStart);
    board_->SetRules(rules_, kStart + passed_);
  }

  // As a process that comes after this one's end.
  void Restart() {
    const std::string kept = board_->Write();
    board_ = std::make_unique<AlertBoard>(kStart + passed_);
    board_->SetRules(rules_, kStart + passed_);
    const absl::Status read = board_->Read(kept);
    EXPECT_TRUE(read.ok()) << read;
    totals_ = {};
    steady_ = absl::Hours(9) - passed_;
  }

  void Calls(int64_t good, int64_t bad) {
    totals_.calls += good + bad;
    totals_.failures += bad;
  }

  // Looks after `time`, and tells as an action that works: `errors firing`.
  std::vector<std::string> Look(absl::Duration time = absl::Seconds(15)) {
    passed_ += time;
    std::vector<std::string> told;
    for (const AlertEvent& event : board_->Look({.now = kStart + passed_,
                                                 .steady = steady_ + passed_,
                                                 .totals = totals_,
                                                 .failures = failures_})) {
      std::string text = event.alert;
      if (!event.subject.empty()) absl::StrAppend(&text, " ", event.subject);
      told.push_back(text + (event.firing ? " fires" : " is resolved"));
      if (action_works_) board_->Told(event.id, absl::OkStatus());
    }
    return told;
  }

  AlertBoard::View View() {
    const std::vector<AlertBoard::View> views = board_->List(kStart + passed_);
    EXPECT_THAT(views, SizeIs(1));
    return views.at(0);
  }

  std::vector<AlertRule> rules_;
  std::unique_ptr<AlertBoard> board_;
  AlertTotals totals_;
  std::vector<FailureRow> failures_;
  absl::Duration passed_;
  absl::Duration steady_ = absl::Hours(2);
  bool action_works_ = true;
};

TEST_F(AlertBoardTest, ItFiresOnceAndIsResolvedOnceAfterItsWindow) {
  Calls(100, 0);
  EXPECT_THAT(Look(), IsEmpty());
  Calls(0, 10);
  EXPECT_THAT(Look(), ElementsAre("errors fires"));
  EXPECT_TRUE(View().firing);
  EXPECT_EQ(View().since, kStart + absl::Seconds(30));
  for (int i = 0; i < 4; ++i) EXPECT_THAT(Look(), IsEmpty());
  Calls(1000, 0);
  // The condition is not true from here on.
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_TRUE(View().firing);
  EXPECT_THAT(Look(absl::Minutes(5) - absl::Seconds(1)), IsEmpty());
  EXPECT_THAT(Look(absl::Seconds(1)), ElementsAre("errors is resolved"));
  EXPECT_FALSE(View().firing);
  EXPECT_THAT(Look(absl::Hours(1)), IsEmpty());
}

TEST_F(AlertBoardTest, WhatComesBackWithinTheWindowNeverWent) {
  Calls(0, 10);
  EXPECT_THAT(Look(), ElementsAre("errors fires"));
  Calls(1000, 0);
  EXPECT_THAT(Look(), IsEmpty());
  Calls(0, 1000);
  EXPECT_THAT(Look(absl::Minutes(4)), IsEmpty());
  // It counts anew from the last time that it was true.
  Calls(100'000, 0);
  EXPECT_THAT(Look(absl::Minutes(4)), IsEmpty());
  EXPECT_THAT(Look(absl::Minutes(4)), IsEmpty());
  EXPECT_THAT(Look(absl::Minutes(1)), ElementsAre("errors is resolved"));
}

TEST_F(AlertBoardTest, AFewCallsMeanNothing) {
  Calls(0, 9);
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_EQ(View().value, std::nullopt);
  Calls(0, 1);
  EXPECT_THAT(Look(), ElementsAre("errors fires"));
  EXPECT_EQ(View().value, 100);
}

TEST_F(AlertBoardTest, LatencyIsOfTheCallsThatEndedWell) {
  Begin({Rule("slow", "avg_latency > 10s")});
  Calls(10, 1000);
  totals_.took_us = int64_t{100} * 1'000'000;
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_EQ(View().value, 10);
  Calls(10, 0);
  totals_.took_us += int64_t{101} * 1'000'000;
  EXPECT_THAT(Look(), ElementsAre("slow fires"));
}

TEST_F(AlertBoardTest, WhatWasSpentInTheHourCountsWhateverTheWindow) {
  Begin({Rule("spend", "hourly_cost > $50")});
  totals_.cost_usd_nanos = int64_t{50} * 1'000'000'000;
  EXPECT_THAT(Look(), IsEmpty());
  totals_.cost_usd_nanos += 1'000'000;
  EXPECT_THAT(Look(absl::Minutes(30)), ElementsAre("spend fires"));
  EXPECT_THAT(Look(absl::Minutes(29)), IsEmpty());
  // The first fifty dollars are more than an hour ago.
  EXPECT_THAT(Look(absl::Minutes(5)), IsEmpty());
  EXPECT_THAT(Look(absl::Minutes(5)), ElementsAre("spend is resolved"));
}

TEST_F(AlertBoardTest, AnHourThatCostMoreThanCanBeCountedFires) {
  Begin({Rule("spend", "hourly_cost > $50")});
  totals_.cost_usd_nanos = kCostNanosMax - 1;
  EXPECT_THAT(Look(), ElementsAre("spend fires"));
  totals_.cost_usd_nanos = kCostNanosMax;
  EXPECT_THAT(Look(absl::Minutes(1)), IsEmpty());
  EXPECT_DOUBLE_EQ(View().value.value_or(0), 9'223'372'036.854775807);
  // What came since nobody knows; that it was nothing is not said.
  EXPECT_THAT(Look(absl::Hours(2)), IsEmpty());
  EXPECT_TRUE(View().firing);
}

TEST_F(AlertBoardTest, EachModelStandsForItself) {
  Begin({Rule("models", "model_consecutive_failures > 5")});
  failures_ = {{"a", "m", 5}, {"b", "n", 0}};
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_EQ(View().subject, "");
  failures_ = {{"a", "m", 6}, {"b", "n", 7}};
  EXPECT_THAT(Look(), ElementsAre("models a/m fires", "models b/n fires"));
  EXPECT_THAT(board_->List(kStart + passed_), SizeIs(2));
  failures_ = {{"a", "m", 0}, {"b", "n", 8}};
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_THAT(Look(absl::Minutes(5)), ElementsAre("models a/m is resolved"));
  // Of a provider that is gone nothing is known.
  failures_.clear();
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_THAT(Look(absl::Minutes(5)), ElementsAre("models b/n is resolved"));
}

TEST_F(AlertBoardTest, WhoIsSilencedTellsNobodyUntilTheSilenceEnds) {
  EXPECT_FALSE(board_->Silence("error", kStart, kStart + absl::Hours(1)));
  EXPECT_TRUE(board_->Silence("errors", kStart, kStart + absl::Minutes(2)));
  Calls(0, 10);
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_TRUE(View().firing);
  EXPECT_EQ(View().silence_end, kStart + absl::Minutes(2));
  EXPECT_THAT(Look(absl::Minutes(2)), ElementsAre("errors fires"));
  EXPECT_EQ(View().silence_end, std::nullopt);
}

TEST_F(AlertBoardTest, WhatWaitsToBeToldIsWithdrawnByASilence) {
  action_works_ = false;
  Calls(0, 10);
  EXPECT_THAT(Look(), ElementsAre("errors fires"));
  const AlertEvent event = board_->Pending().at(0);
  const absl::Time now = kStart + passed_;
  EXPECT_TRUE(board_->Silence("errors", now, now + absl::Minutes(2)));
  EXPECT_THAT(board_->Pending(), IsEmpty());
  Restart();
  EXPECT_THAT(board_->Pending(), IsEmpty());
  Calls(0, 10);
  EXPECT_THAT(Look(absl::Minutes(1)), IsEmpty());
  // It fires still, and has the same id.
  EXPECT_THAT(Look(absl::Minutes(1)), ElementsAre("errors fires"));
  EXPECT_EQ(board_->Pending().at(0).id, event.id);
  EXPECT_EQ(board_->Pending().at(0).due, now + absl::Minutes(2));
}

TEST_F(AlertBoardTest, OfWhatWasWithdrawnNobodyIsToldThatItIsResolved) {
  action_works_ = false;
  Calls(0, 10);
  Look();
  const absl::Time now = kStart + passed_;
  board_->Silence("errors", now, now + absl::Minutes(1));
  Calls(10'000, 0);
  EXPECT_THAT(Look(absl::Seconds(30)), IsEmpty());
  board_->Silence("errors", kStart + passed_, kStart + absl::Hours(2));
  EXPECT_THAT(Look(absl::Hours(1)), IsEmpty());
  EXPECT_FALSE(View().firing);
  EXPECT_THAT(Look(absl::Hours(2)), IsEmpty());
  EXPECT_THAT(board_->Pending(), IsEmpty());
}

TEST_F(AlertBoardTest, TheEndOfASilenceWithdrawsNothing) {
  action_works_ = false;
  Calls(0, 10);
  Look();
  const absl::Time now = kStart + passed_;
  board_->Silence("errors", now, now);
  EXPECT_THAT(board_->Pending(), SizeIs(1));
}

TEST_F(AlertBoardTest, OfWhatWasNeverToldNobodyIsToldThatItIsResolved) {
  board_->Silence("errors", kStart, kStart + absl::Hours(1));
  Calls(0, 10);
  EXPECT_THAT(Look(), IsEmpty());
  Calls(1000, 0);
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_THAT(Look(absl::Minutes(10)), IsEmpty());
  EXPECT_FALSE(View().firing);
  EXPECT_THAT(Look(absl::Hours(1)), IsEmpty());
}

TEST_F(AlertBoardTest, ARestartFiresNothingTwice) {
  Calls(0, 10);
  EXPECT_THAT(Look(), ElementsAre("errors fires"));
  const absl::Time since = View().since;
  Restart();
  Calls(0, 10);
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_TRUE(View().firing);
  EXPECT_EQ(View().since, since);
  Calls(1000, 0);
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_THAT(Look(absl::Minutes(5)), ElementsAre("errors is resolved"));
}

TEST_F(AlertBoardTest, SilencesAndTheCostOfTheHourOutlastARestart) {
  Begin({Rule("spend", "hourly_cost > $50")});
  totals_.cost_usd_nanos = int64_t{40} * 1'000'000'000;
  EXPECT_THAT(Look(), IsEmpty());
  board_->Silence("spend", kStart, kStart + absl::Minutes(10));
  Restart();
  totals_.cost_usd_nanos = int64_t{11} * 1'000'000'000;
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_EQ(View().value, 51);
  EXPECT_THAT(Look(absl::Minutes(10)), ElementsAre("spend fires"));
}

TEST_F(AlertBoardTest, WhatWasNotToldIsLeftToTheNextWithTheSameId) {
  action_works_ = false;
  Calls(0, 10);
  EXPECT_THAT(Look(), ElementsAre("errors fires"));
  const std::vector<AlertEvent> pending = board_->Pending();
  ASSERT_THAT(pending, SizeIs(1));
  EXPECT_EQ(pending[0].value, 100);
  Restart();
  EXPECT_EQ(board_->Pending(), pending);
  board_->Told(pending[0].id, absl::OkStatus());
  EXPECT_THAT(board_->Pending(), IsEmpty());
  EXPECT_EQ(board_->counts().told, 1);
  board_->Told(pending[0].id, absl::OkStatus());
  EXPECT_EQ(board_->counts().told, 1);
}

TEST_F(AlertBoardTest, AnActionIsInUseUntilItIsToldThatAllIsWell) {
  EXPECT_THAT(board_->ActionsInUse(), IsEmpty());
  Calls(0, 10);
  Look();
  EXPECT_THAT(board_->ActionsInUse(), ElementsAre("page"));
  board_->SetRules({}, kStart + passed_);
  EXPECT_THAT(board_->ActionsInUse(), ElementsAre("page"));
  board_->Told(board_->Pending().at(0).id, absl::OkStatus());
  EXPECT_THAT(board_->ActionsInUse(), IsEmpty());
}

TEST_F(AlertBoardTest, WhatIsRedirectedIsResolvedThereToo) {
  action_works_ = false;
  Calls(0, 10);
  Look();
  const std::string id = board_->Pending().at(0).id;
  board_->Redirect(id, "call");
  EXPECT_EQ(board_->Pending().at(0).id, id);
  EXPECT_THAT(board_->ActionsInUse(), ElementsAre("call"));
  board_->Begun(id);
  board_->Redirect(id, "other");
  EXPECT_THAT(board_->ActionsInUse(), ElementsAre("call"));
  board_->Told(id, absl::OkStatus());
  board_->SetRules({}, kStart + passed_);
  EXPECT_EQ(board_->Pending().at(0).action, "call");
}

TEST_F(AlertBoardTest, WhatNobodyCanBeToldIsNotGivenUp) {
  Calls(0, 10);
  Look();
  board_->SetRules({}, kStart + passed_);
  board_->Withdraw(board_->Pending().at(0).id);
  EXPECT_THAT(board_->Pending(), IsEmpty());
  EXPECT_EQ(board_->counts().given_up, 0);
  EXPECT_EQ(board_->counts().action_gone, 1);
}

TEST_F(AlertBoardTest, WhyAnActionCouldNotBeToldIsShownUntilItCan) {
  action_works_ = false;
  Calls(0, 10);
  Look();
  board_->Told(board_->Pending().at(0).id, absl::UnavailableError("no route"));
  EXPECT_EQ(View().action_error, "no route");
  EXPECT_EQ(board_->counts().given_up, 1);
  action_works_ = true;
  Calls(1000, 0);
  Look();
  EXPECT_THAT(Look(absl::Minutes(5)), ElementsAre("errors is resolved"));
  EXPECT_EQ(View().action_error, "");
}

TEST_F(AlertBoardTest, WhatWasGivenUpAndFiresStillIsToldAgain) {
  action_works_ = false;
  Calls(0, 10);
  Look();
  const std::string id = board_->Pending().at(0).id;
  for (const bool restarts : {false, true}) {
    board_->Told(id, absl::UnavailableError("no route"));
    EXPECT_THAT(board_->Pending(), IsEmpty());
    if (restarts) Restart();
    EXPECT_THAT(Look(), ElementsAre("errors fires"));
    EXPECT_EQ(board_->Pending().at(0).id, id);
    EXPECT_EQ(board_->Pending().at(0).due, kStart + passed_);
    EXPECT_THAT(Look(), IsEmpty());
  }
}

TEST_F(AlertBoardTest, ItIsToldAgainByTheActionThatItsRuleHasThen) {
  action_works_ = false;
  Calls(0, 10);
  Look();
  AlertRule rule = Rule("errors", "error_rate > 5%");
  rule.action = "renamed";
  board_->SetRules({rule}, kStart + passed_);
  board_->Told(board_->Pending().at(0).id, absl::NotFoundError("it is gone"));
  EXPECT_THAT(Look(), ElementsAre("errors fires"));
  EXPECT_EQ(board_->Pending().at(0).action, "renamed");
}

TEST_F(AlertBoardTest, OfWhatWasGivenUpNobodyIsToldThatItIsResolved) {
  action_works_ = false;
  Calls(0, 10);
  Look();
  const std::string id = board_->Pending().at(0).id;
  Calls(10'000, 0);
  Look();
  EXPECT_THAT(Look(absl::Minutes(5)), ElementsAre("errors is resolved"));
  EXPECT_THAT(board_->Pending(), SizeIs(2));
  board_->Told(id, absl::UnavailableError("no route"));
  EXPECT_THAT(board_->Pending(), IsEmpty());
  EXPECT_EQ(board_->counts().given_up, 1);
  EXPECT_THAT(Look(), IsEmpty());
}

TEST_F(AlertBoardTest, WhatIsToldAgainSaysWhyAndWaits) {
  action_works_ = false;
  Calls(0, 10);
  Look();
  const std::string id = board_->Pending().at(0).id;
  board_->Failed(id, absl::UnavailableError("no route"));
  EXPECT_EQ(View().action_error, "no route");
  EXPECT_THAT(board_->Pending(), SizeIs(1));
  EXPECT_EQ(board_->counts().failed_attempts, 1);
  board_->Told(id, absl::OkStatus());
  EXPECT_EQ(View().action_error, "");
}

TEST_F(AlertBoardTest, NoMoreThanSoManyEventsWait) {
  action_works_ = false;
  Begin({Rule("models", "model_consecutive_failures > 5")});
  for (size_t i = 0; i < AlertBoard::kPendingMax + 3; ++i) {
    failures_.push_back({"p", absl::StrCat("m", i), 6});
  }
  EXPECT_THAT(Look(), SizeIs(AlertBoard::kPendingMax + 3));
  EXPECT_THAT(board_->Pending(), SizeIs(AlertBoard::kPendingMax));
  EXPECT_EQ(board_->counts().given_up, 3);
}

TEST_F(AlertBoardTest, WhatWasCrowdedOutIsToldOnceThereIsRoom) {
  action_works_ = false;
  Begin({Rule("models", "model_consecutive_failures > 5")});
  for (size_t i = 0; i < AlertBoard::kPendingMax + 3; ++i) {
    failures_.push_back({"p", absl::StrCat("m", i), 6});
  }
  Look();
  EXPECT_THAT(Look(), IsEmpty());
  const std::vector<AlertEvent> pending = board_->Pending();
  for (int i = 0; i < 2; ++i) {
    board_->Told(pending[i].id, absl::OkStatus());
  }
  EXPECT_THAT(Look(), SizeIs(2));
  board_->Told(pending[2].id, absl::OkStatus());
  EXPECT_THAT(Look(), SizeIs(1));
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_EQ(board_->counts().given_up, 3);
}

TEST_F(AlertBoardTest, AnAlertOfManySubjectsCrowdsOutNoOther) {
  action_works_ = false;
  Begin({Rule("spend", "hourly_cost > $50"),
         Rule("models", "model_consecutive_failures > 5")});
  totals_.cost_usd_nanos = int64_t{51} * 1'000'000'000;
  EXPECT_THAT(Look(), ElementsAre("spend fires"));
  const std::string spend = board_->Pending().at(0).id;
  for (size_t i = 0; i < 2 * AlertBoard::kPendingMax; ++i) {
    failures_.push_back({"p", absl::StrCat("m", i), 6});
  }
  Look();
  EXPECT_THAT(board_->Pending(), SizeIs(AlertBoard::kPendingMax));
  EXPECT_EQ(board_->Pending().at(0).id, spend);
  EXPECT_EQ(board_->counts().given_up,
            static_cast<int64_t>(AlertBoard::kPendingMax) + 1);
  board_->Told(spend, absl::OkStatus());
  EXPECT_EQ(board_->counts().told, 1);
}

TEST_F(AlertBoardTest, WhatIsBeingToldIsNotGivenUp) {
  action_works_ = false;
  Begin({Rule("models", "model_consecutive_failures > 5")});
  for (size_t i = 0; i < AlertBoard::kPendingMax; ++i) {
    failures_.push_back({"p", absl::StrCat("m", i), 6});
  }
  Look();
  const std::vector<AlertEvent> pending = board_->Pending();
  board_->Begun(pending[0].id);
  board_->Begun(pending[1].id);
  board_->Failed(pending[1].id, absl::UnavailableError("down"));
  failures_.push_back({"q", "m", 6});
  Look();
  EXPECT_EQ(board_->counts().given_up, 1);
  EXPECT_EQ(board_->Pending().at(0), pending[0]);
  EXPECT_EQ(board_->Pending().at(1), pending[2]);
  // Of what was given up nobody says that it was told.
  board_->Told(pending[1].id, absl::OkStatus());
  board_->Told(pending[0].id, absl::OkStatus());
  EXPECT_EQ(board_->counts().told, 1);
  EXPECT_EQ(board_->counts().given_up, 1);
}

TEST_F(AlertBoardTest, AnotherConditionBeginsAnewAndTheSameOneGoesOn) {
  Calls(0, 10);
  EXPECT_THAT(Look(), ElementsAre("errors fires"));
  AlertRule same = Rule("errors", "error_rate > 5%");
  same.window = absl::Minutes(1);
  board_->SetRules({same}, kStart + passed_);
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_TRUE(View().firing);
  board_->SetRules({Rule("errors", "error_rate > 6%")}, kStart + passed_);
  EXPECT_FALSE(View().firing);
  EXPECT_THAT(Look(), ElementsAre("errors fires"));
}

TEST_F(AlertBoardTest, WhatFiresOfARuleThatIsGoneIsResolvedWhereItWasTold) {
  Calls(0, 10);
  EXPECT_THAT(Look(), ElementsAre("errors fires"));
  AlertRule other = Rule("errors", "error_rate > 6%");
  other.action = "chat";
  board_->SetRules({other}, kStart + passed_);
  const std::vector<AlertEvent> pending = board_->Pending();
  ASSERT_THAT(pending, SizeIs(1));
  EXPECT_FALSE(pending[0].firing);
  EXPECT_EQ(pending[0].condition, "error_rate > 5%");
  EXPECT_EQ(pending[0].action, "page");
  board_->Told(pending[0].id, absl::OkStatus());
  board_->SetRules({}, kStart + passed_);
  EXPECT_THAT(board_->Pending(), IsEmpty());  // It was not told that it fires.
}

TEST_F(AlertBoardTest, AProcessThatComesWithoutTheRuleResolvesIt) {
  Calls(0, 10);
  Look();
  rules_.clear();
  Restart();
  ASSERT_THAT(board_->Pending(), SizeIs(1));
  EXPECT_EQ(board_->Pending()[0].action, "page");
  EXPECT_FALSE(board_->Pending()[0].firing);
}

TEST_F(AlertBoardTest, WhoWasToldThatItFiresIsToldThatItIsResolved) {
  Calls(0, 10);
  Look();
  AlertRule other = Rule("errors", "error_rate > 5%");
  other.action = "chat";
  board_->SetRules({other}, kStart + passed_);
  action_works_ = false;
  Calls(1000, 0);
  Look();
  EXPECT_THAT(Look(absl::Minutes(5)), ElementsAre("errors is resolved"));
  EXPECT_EQ(board_->Pending().at(0).action, "page");
}

TEST_F(AlertBoardTest, ASilenceIsWrittenBeforeItIsInForce) {
  const absl::Time end = kStart + absl::Hours(1);
  const std::string silenced = board_->WriteSilenced("errors", kStart, end);
  EXPECT_EQ(View().silence_end, std::nullopt);
  EXPECT_NE(board_->Write(), silenced);
  EXPECT_TRUE(board_->Silence("errors", kStart, end));
  EXPECT_EQ(board_->Write(), silenced);
}

TEST_F(AlertBoardTest, ItKnowsTheNamesOfItsRules) {
  EXPECT_THAT(board_->Names(), ElementsAre("errors"));
}

TEST_F(AlertBoardTest, WhatItDoesNotWriteItDoesNotRead) {
  for (const char* text : {"", "{", "[]", "{\"rules\":[]}"}) {
    EXPECT_FALSE(board_->Read(text).ok()) << text;
  }
  EXPECT_TRUE(board_->Read("{}").ok());
}

TEST_F(AlertBoardTest, TheyAreListedByName) {
  Begin({Rule("b", "error_rate > 5%"), Rule("a", "hourly_cost > $1")});
  const std::vector<AlertBoard::View> views = board_->List(kStart);
  ASSERT_THAT(views, SizeIs(2));
  EXPECT_EQ(views[0].rule.name, "a");
  EXPECT_EQ(views[0].since, kStart);
  EXPECT_EQ(views[1].rule.text, "error_rate > 5%");
  EXPECT_EQ(views[1].value, std::nullopt);
}

}  // namespace
}  // namespace gateway
