#include "service/resilience/target_board.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/thread.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::SizeIs;

TEST(TargetBoardTest, ATargetIsTheSameForAll) {
  TargetBoard board({});
  TargetState& target = board.Find("openai", "gpt");
  EXPECT_EQ(target.provider, "openai");
  EXPECT_EQ(target.model, "gpt");
  EXPECT_EQ(&board.Find("openai", "gpt"), &target);
  EXPECT_NE(&board.Find("openai", "gpt-5"), &target);
  EXPECT_NE(&board.Find("azure", "gpt"), &target);
  // Not only what both texts together say.
  EXPECT_NE(&board.Find("openaig", "pt"), &target);
  EXPECT_THAT(board.All(), SizeIs(4));
}

TEST(TargetBoardTest, AfterTheLimitAProvidersModelsShareOneState) {
  TargetBoard board({});
  for (size_t i = 0; i < TargetBoard::kTargetsMax; ++i) {
    EXPECT_EQ(board.Find("p", std::to_string(i)).model, std::to_string(i));
  }
  TargetState& shared = board.Find("p", "one more");
  EXPECT_EQ(shared.model, "");
  EXPECT_EQ(&board.Find("p", "another"), &shared);
  EXPECT_NE(&board.Find("q", "another"), &shared);
  // Those that were there before keep their own.
  EXPECT_EQ(board.Find("p", "17").model, "17");
}

TEST(TargetBoardTest, ManyProvidersDoNotFillIt) {
  TargetBoard board({});
  for (size_t i = 0; i < 4 * TargetBoard::kTargetsMax; ++i) {
    board.Find(std::to_string(i), "m");
  }
  EXPECT_THAT(board.All(), SizeIs(3 * TargetBoard::kTargetsMax + 1));
}

void SetConfigured(TargetBoard& board, ConfiguredModels models) {
  board.SetConfigured(
      std::make_shared<const ConfiguredModels>(std::move(models)));
}

// As a caller does who makes up names.
void Flood(TargetBoard& board, std::string_view provider) {
  for (size_t i = 0; i < 2 * TargetBoard::kTargetsMax; ++i) {
    board.Find(provider, "made up " + std::to_string(i));
  }
  EXPECT_EQ(board.Find(provider, "one more").model, "");
}

TEST(TargetBoardTest, NamesOfOneProviderTakeNoPlaceOfAnothers) {
  TargetBoard board({});
  SetConfigured(board, {{"p", {}}, {"q", {}}, {"r", {}}, {"s", {}}});
  for (const char* provider : {"p", "q", "r"}) Flood(board, provider);
  for (size_t i = 0; i < TargetBoard::kTargetsMax / 4; ++i) {
    ASSERT_EQ(board.Find("s", std::to_string(i)).model, std::to_string(i));
  }
  EXPECT_EQ(board.Find("s", "one more").model, "");
}

TEST(TargetBoardTest, WhatIsConfiguredHasAPlaceOfItsOwnWhateverComesBefore) {
  TargetBoard board({.common = {.consecutive_failures = 1}});
  SetConfigured(board, {{"p", {"named"}}, {"q", {}}});
  Flood(board, "p");
  TargetState& named = board.Find("p", "named");
  EXPECT_EQ(named.model, "named");
  // Its breaker is its own, too.
  board.Find("p", "one more")
      .breaker.TryAcquire(absl::Hours(1))
      ->Fail(absl::Hours(1));
  EXPECT_FALSE(board.Find("p", "another").breaker.IsAskable(absl::Hours(1)));
  EXPECT_TRUE(named.breaker.IsAskable(absl::Hours(1)));
  EXPECT_EQ(board.Find("p", "later").model, "");
  // What another configuration names.
  SetConfigured(board, {{"p", {"later"}}, {"q", {}}});
  EXPECT_EQ(board.Find("p", "later").model, "later");
  EXPECT_EQ(&board.Find("p", "named"), &named);
}

TEST(TargetBoardTest, WhatIsConfiguredTakesNoPlaceOfOthers) {
  TargetBoard board({});
  std::set<std::string, std::less<>> names;
  for (size_t i = 0; i < TargetBoard::kTargetsMax; ++i) {
    names.insert(std::to_string(i));
  }
  SetConfigured(board, {{"p", names}});
  for (const std::string& name : names) {
    ASSERT_EQ(board.Find("p", name).model, name);
  }
  EXPECT_EQ(board.Find("p", "other").model, "other");
  // Once they are no longer, they do.
  SetConfigured(board, {{"p", {}}});
  EXPECT_EQ(board.Find("p", "one more").model, "");
}

TEST(TargetBoardTest, UsesAreCountedWhileTheyLive) {
  TargetBoard board({});
  TargetState& target = board.Find("p", "m");
  {
    TargetUse use(target);
    EXPECT_EQ(target.in_flight, 1u);
    TargetUse other(target);
    TargetUse moved = std::move(use);
    EXPECT_EQ(target.in_flight, 2u);
  }
  EXPECT_EQ(target.in_flight, 0u);
}

TEST(TargetBoardTest, OptionsAreForThoseThereAndThoseToCome) {
  TargetBoard board({.common = {.consecutive_failures = 5}});
  TargetState& old = board.Find("p", "old");
  board.SetOptions({.common = {.consecutive_failures = 1}},
                   absl::ZeroDuration());
  TargetState& fresh = board.Find("p", "fresh");
  for (TargetState* target : {&old, &fresh}) {
    target->breaker.TryAcquire(absl::ZeroDuration())
        ->Fail(absl::ZeroDuration());
    EXPECT_FALSE(target->breaker.TryAcquire(absl::ZeroDuration()).has_value());
  }
}

TEST(TargetBoardTest, HowLongWholeAnswersTakeIsKnownFromTheFirstOn) {
  TargetBoard board({});
  TargetState& target = board.Find("p", "m");
  const absl::Duration now = absl::Hours(1);
  EXPECT_EQ(target.WholePercentile(now), std::nullopt);
  const TargetUse use(target);
  for (int i = 0; i < 20; ++i) {
    TargetUse(target).RecordWhole(now, absl::Seconds(1));
  }
  EXPECT_GE(*target.WholePercentile(now), absl::Seconds(1));
  EXPECT_LE(*target.WholePercentile(now), absl::Milliseconds(1126));
  EXPECT_EQ(target.latency.Percentile(now), std::nullopt);
}

TEST(TargetBoardTest, ThreadsThatMeetGetTheSame) {
  TargetBoard board({});
  constexpr int kThreads = 4;
  std::vector<std::vector<TargetState*>> found(kThreads);
  {
    std::vector<Thread> threads;
    threads.reserve(kThreads);
    for (std::vector<TargetState*>& mine : found) {
      threads.emplace_back("finder", [&board, &mine] {
        for (int i = 0; i < 1000; ++i) {
          mine.push_back(&board.Find("p", std::to_string(i)));
        }
      });
    }
  }
  for (int t = 1; t < kThreads; ++t) EXPECT_EQ(found[t], found[0]);
}

absl::Status TargetIsDown() {
  return MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down");
}

void End(TargetState& target, const absl::Status& outcome,
         GroupMember* member = nullptr) {
  TargetUse(target, member)
      .RecordOutcome(absl::Hours(1), outcome, /*abandoned=*/false,
                     std::nullopt);
}

TEST(TargetBoardTest, AnOperatorMeansOneTargetAloneWhateverTheLimit) {
  TargetBoard board({});
  for (size_t i = 0; i < TargetBoard::kTargetsMax; ++i) {
    board.Find("p", std::to_string(i));
  }
  board.Find("p", "one more");
  EXPECT_EQ(board.FindKnown("p", "one more"), nullptr);
  TargetState* const own = board.FindOwn("p", "one more");
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(own->model, "one more");
  EXPECT_EQ(&board.Find("p", "one more"), own);
  EXPECT_EQ(board.Find("p", "another").model, "");
}

TEST(TargetBoardTest, WhatOperatorsNameHasALimitToo) {
  TargetBoard board({});
  TargetState* last = nullptr;
  size_t named = 0;
  do {
    last = board.FindOwn("p", std::to_string(named));
  } while (last != nullptr && ++named <= 4 * TargetBoard::kTargetsMax);
  EXPECT_EQ(named, 3 * TargetBoard::kTargetsMax + TargetBoard::kOwnMax);
  EXPECT_NE(board.FindOwn("p", "0"), nullptr);
  // Others still find a state.
  EXPECT_EQ(board.Find("q", "m").model, "");
}

TEST(TargetBoardTest, TargetsOfAProviderShareWhatItsProbesSay) {
  TargetBoard board({});
  TargetState& target = board.Find("p", "a");
  EXPECT_EQ(&target.probes, &board.ProbesOf("p"));
  EXPECT_EQ(&board.Find("p", "b").probes, &target.probes);
  EXPECT_NE(&board.Find("q", "a").probes, &target.probes);
}

TEST(TargetBoardTest, WhatIsSweptIsForgottenAndStaysForWhoHasFoundIt) {
  TargetBoard board({});
  TargetState& kept = board.Find("kept", "m");
  TargetState& gone = board.Find("gone", "m");
  board.ProbesOf("gone").RecordFailure(absl::FromUnixSeconds(1));
  const auto keeps = [](std::string_view provider) {
    return provider != "gone";
  };
  const auto forgotten = board.Sweep(keeps, absl::ZeroDuration());
  ASSERT_NE(forgotten, nullptr);
  EXPECT_EQ(board.All(), std::vector<TargetState*>{&kept});
  EXPECT_EQ(board.FindKnown("gone", "m"), nullptr);
  EXPECT_EQ(&board.Find("kept", "m"), &kept);
  gone.RecordFailure();
  EXPECT_EQ(gone.probes.Read().failures, 1);
  EXPECT_EQ(board.Find("gone", "m").probes.Read().failures, 0);
  // The one of that name that is there now.
  EXPECT_NE(board.Sweep(keeps, absl::ZeroDuration()), nullptr);
  EXPECT_EQ(board.Sweep(keeps, absl::ZeroDuration()), nullptr);
}

TEST(TargetBoardTest, EachIsFoundHoweverManyThereAre) {
  TargetBoard board({});
  std::vector<TargetState*> found;
  for (size_t i = 0; i < TargetBoard::kTargetsMax; ++i) {
    found.push_back(&board.Find("p", std::to_string(i)));
    EXPECT_EQ(board.FindKnown("p", std::to_string(i / 2)), found[i / 2]);
  }
  EXPECT_EQ(board.All(), found);
}

TEST(TargetBoardTest, SweepsMakeRoom) {
  TargetBoard board({});
  const auto none = [](std::string_view) { return false; };
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < TargetBoard::kTargetsMax; ++i) {
      ASSERT_EQ(board.Find("p", std::to_string(i)).model, std::to_string(i));
    }
    EXPECT_NE(board.Sweep(none, absl::ZeroDuration()), nullptr);
    EXPECT_THAT(board.All(), SizeIs(0));
  }
}

TEST(TargetBoardTest, WhatOperatorsHaveSaidIsNotSwept) {
  TargetBoard board({.common = {.consecutive_failures = 1}});
  const absl::Duration now = absl::Hours(1);
  board.Find("p", "disabled")
      .availability.Disable(TargetAvailability::By::kOperator, "by alice");
  board.Find("p", "forced")
      .breaker.Force(CircuitBreaker::State::kForcedOpen, now);
  board.Find("p", "open").breaker.TryAcquire(now)->Fail(now);
  board.Find("p", "disabled").breaker.TryAcquire(now)->Fail(now);
  const auto forgotten =
      board.Sweep([](std::string_view) { return false; }, now);
  EXPECT_EQ(board.Find("p", "disabled").availability.Read().why, "by alice");
  EXPECT_TRUE(board.Find("p", "disabled").breaker.IsAskable(now));
  EXPECT_EQ(board.Find("p", "forced").breaker.Read(now).state,
            CircuitBreaker::State::kForcedOpen);
  EXPECT_EQ(board.FindKnown("p", "open"), nullptr);
}

TEST(TargetBoardTest, TargetsAreFoundWhileOthersAreSwept) {
  TargetBoard board({});
  TargetState& kept = board.Find("kept", "m");
  std::atomic<bool> done = false;
  Thread finds("finds", [&] {
    while (!done) EXPECT_EQ(&board.Find("kept", "m"), &kept);
  });
  std::vector<std::shared_ptr<const void>> forgotten;
  for (int i = 0; i < 200; ++i) {
    board.Find(std::to_string(i), "m");
    forgotten.push_back(board.Sweep(
        [](std::string_view provider) { return provider == "kept"; },
        absl::ZeroDuration()));
  }
  done = true;
  finds.Join();
}

TEST(TargetBoardTest, SoManyFailuresInARowDisableATarget) {
  TargetBoard board({});
  board.SetFailuresLimit(3);
  TargetState& target = board.Find("p", "m");
  End(target, TargetIsDown());
  End(target, TargetIsDown());
  End(target, absl::OkStatus());
  End(target, TargetIsDown());
  End(target, TargetIsDown());
  // Neither a fault of the target's, nor an answer.
  End(target, MakeFault(v1::ERROR_REASON_INVALID_REQUEST, "no"));
  EXPECT_FALSE(target.availability.disabled());
  End(target, TargetIsDown());
  EXPECT_TRUE(target.availability.disabled());
  EXPECT_EQ(target.availability.Read().why,
            "by 3 failures of its own in a row");
  EXPECT_EQ(board.rules().disabled_by_failures, 1);
  End(target, TargetIsDown());
  EXPECT_EQ(board.rules().disabled_by_failures, 1);
  EXPECT_FALSE(board.Find("p", "other").availability.disabled());
}

TEST(TargetBoardTest, WithoutALimitNoneIsDisabled) {
  TargetBoard board({});
  TargetState& target = board.Find("p", "m");
  for (int i = 0; i < 100; ++i) End(target, TargetIsDown());
  EXPECT_FALSE(target.availability.disabled());
}

TEST(TargetBoardTest, AnotherConfigurationEnablesWhatFailuresDisabled) {
  TargetBoard board({});
  board.SetFailuresLimit(1);
  TargetState& failed = board.Find("p", "m");
  End(failed, TargetIsDown());
  TargetState& told = board.Find("p", "told");
  told.availability.Disable(TargetAvailability::By::kOperator, "by alice");
  board.SetFailuresLimit(1);
  EXPECT_FALSE(failed.availability.disabled());
  EXPECT_TRUE(told.availability.disabled());
}

TEST(TargetBoardTest, WhoKeepsWhatFailuresDisabledIsTold) {
  TargetBoard board({});
  board.SetFailuresLimit(2);
  int told = 0;
  board.TellOfDisabled([&told] { ++told; });
  TargetState& target = board.Find("openai", "m");
  target.RecordFailure();
  EXPECT_EQ(told, 0);
  target.RecordFailure();
  target.RecordFailure();
  EXPECT_EQ(told, 1);
  board.SetFailuresLimit(2);
  EXPECT_EQ(told, 2);
  // Nothing was disabled any more.
  board.SetFailuresLimit(2);
  EXPECT_EQ(told, 2);
}

TEST(TargetBoardTest, ATargetIsProvenOnceItAnswersOrFailsByItself) {
  TargetBoard board({});
  TargetState& made_up = board.Find("p", "made up");
  End(made_up, MakeFault(v1::ERROR_REASON_MODEL_NOT_FOUND, "404"));
  EXPECT_FALSE(made_up.proven);
  TargetState& answers = board.Find("p", "answers");
  End(answers, absl::OkStatus());
  EXPECT_TRUE(answers.proven);
  TargetState& fails = board.Find("p", "fails");
  End(fails, TargetIsDown());
  EXPECT_TRUE(fails.proven);
}

TEST(TargetBoardTest, WhatCameOfAnAttemptIsToldToItsGroup) {
  TargetBoard board({});
  OutlierGroups groups(OutlierEjection::Options{.consecutive_faults = 1});
  GroupMember* const member =
      groups.Find({{"p", "m"}, {"q", "m"}}, absl::Hours(1))[0];
  TargetState& target = board.Find("p", "m");
  End(target, absl::OkStatus(), member);
  EXPECT_EQ(member->WeightPermille(absl::Hours(1)), 1000);
  End(target, TargetIsDown(), member);
  EXPECT_EQ(member->WeightPermille(absl::Hours(1)), 0);
}

}  // namespace
}  // namespace gateway
