#include "service/overload/admission_queue.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/identity/caller.h"

namespace gateway {
namespace {

using Entry = AdmissionQueue::Entry;

constexpr absl::Duration kBegin = absl::Hours(1);
constexpr absl::Duration kTurnSecond = absl::Seconds(1);
constexpr AdmissionQueue::Options kOptions = {
    .waiting_limit = 100,
    .wait_limit = absl::Seconds(5),
    .overload_time = absl::Milliseconds(500)};

// A queue, what is in it, and the time. Entries are named by caller and number,
// such as `7.0`, the first of caller 7.
class QueueTest : public testing::Test {
 protected:
  ~QueueTest() override { Empty(); }

  void Use(const AdmissionQueue::Options& options) {
    queue_.SetOptions(options);
  }
  void Pass(absl::Duration time) { now_ += time; }

  // Returns who has to go for it.
  std::string Add(uint64_t caller,
                  CallerPriority priority = CallerPriority::kNormal,
                  absl::Duration deadline = absl::InfiniteDuration()) {
    Entry& entry = entries_.emplace_back(priority, caller, deadline);
    names_[&entry] = absl::StrCat(caller, ".", count_[caller]++);
    return NameOf(queue_.Add(entry, now_));
  }
  std::string Take() { return NameOf(queue_.Take(now_)); }
  std::string TakeLate() { return NameOf(queue_.TakeLate(now_)); }

  // All that are taken one after the other.
  std::string TakeAll() {
    std::string names;
    while (Entry* const entry = queue_.Take(now_)) {
      absl::StrAppend(&names, names.empty() ? "" : " ", NameOf(entry));
    }
    return names;
  }

  std::string NameOf(const Entry* entry) {
    return entry == nullptr ? "nobody" : names_[entry];
  }
  Entry& Called(const std::string& name) {
    for (Entry& each : entries_) {
      if (names_[&each] == name) return each;
    }
    ADD_FAILURE() << name;
    return entries_.front();
  }
  void Empty() {
    for (Entry& each : entries_) {
      if (each.waits()) queue_.Remove(each);
    }
  }

  absl::Duration now_ = kBegin;
  std::deque<Entry> entries_;
  std::map<const Entry*, std::string> names_;
  std::map<uint64_t, int> count_;
  AdmissionQueue queue_{kOptions};
};

TEST_F(QueueTest, NobodyIsNextInAnEmptyQueue) {
  EXPECT_EQ(Take(), "nobody");
  EXPECT_EQ(TakeLate(), "nobody");
}

TEST_F(QueueTest, OfOneCallerTheOldestIsFirst) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Add(1), "nobody");
  EXPECT_EQ(queue_.size(), 3);
  EXPECT_EQ(TakeAll(), "1.0 1.1 1.2");
  EXPECT_EQ(queue_.size(), 0);
}

TEST_F(QueueTest, CallersTakeTurnsHoweverManyCallsTheyHave) {
  for (int i = 0; i < 4; ++i) Add(1);
  Add(2);
  Add(3);
  Add(3);
  EXPECT_EQ(TakeAll(), "1.0 2.0 3.0 1.1 3.1 1.2 1.3");
}

TEST_F(QueueTest, ACallerWhoComesAgainGoesBehindTheOthers) {
  Add(1);
  Add(2);
  EXPECT_EQ(Take(), "1.0");
  Add(1);
  Add(3);
  EXPECT_EQ(TakeAll(), "2.0 3.0 1.1");
}

TEST_F(QueueTest, WhoComesNewGoesBeforeThoseWhoHadATurn) {
  for (int i = 0; i < 4; ++i) Add(1);
  EXPECT_EQ(Take(), "1.0");
  Add(2);
  Add(3);
  EXPECT_EQ(TakeAll(), "2.0 3.0 1.1 1.2 1.3");
}

TEST_F(QueueTest, ARoundEndsHoweverManyComeNew) {
  Add(1);
  Add(1);
  EXPECT_EQ(Take(), "1.0");
  int turns = 1;
  for (uint64_t caller = 2;; ++caller, ++turns) {
    Add(caller);
    Add(caller + 1000);
    const std::string taken = Take();
    if (taken == "1.1") break;
    ASSERT_LT(turns, 1000);
  }
  EXPECT_GT(turns, 128);
  EXPECT_LT(turns, 300);
}

TEST_F(QueueTest, TheClassThatMattersMostIsFirst) {
  Add(1, CallerPriority::kLow);
  Add(2, CallerPriority::kNormal);
  Add(3, CallerPriority::kCritical);
  Add(4, CallerPriority::kHigh);
  EXPECT_EQ(TakeAll(), "3.0 4.0 2.0 1.0");
}

TEST_F(QueueTest, ClassesAreCountedApart) {
  Add(1, CallerPriority::kLow);
  Add(1, CallerPriority::kLow);
  Add(1, CallerPriority::kHigh);
  EXPECT_EQ(queue_.size(CallerPriority::kLow), 2);
  EXPECT_EQ(queue_.size(CallerPriority::kHigh), 1);
  EXPECT_EQ(queue_.size(CallerPriority::kNormal), 0);
  EXPECT_EQ(queue_.size(), 3);
}

TEST_F(QueueTest, AClassThatIsPassedOverComesFirstAtLast) {
  for (int i = 0; i < 40; ++i) Add(1, CallerPriority::kCritical);
  Add(2, CallerPriority::kLow);
  Add(3, CallerPriority::kNormal);
  std::vector<std::string> taken;
  for (int i = 0; i < AdmissionQueue::kTurnsMax; ++i) taken.push_back(Take());
  EXPECT_EQ(std::count(taken.begin(), taken.end(), "2.0"), 1);
  EXPECT_EQ(std::count(taken.begin(), taken.end(), "3.0"), 1);
  EXPECT_LT(std::find(taken.begin(), taken.end(), "3.0"),
            std::find(taken.begin(), taken.end(), "2.0"));
}

TEST_F(QueueTest, TheNewestIsFirstWhileTheQueueIsOverloaded) {
  Add(1);
  Pass(kOptions.overload_time);
  Add(1);
  Add(1);
  EXPECT_FALSE(queue_.IsOverloaded(now_));
  EXPECT_EQ(Take(), "1.0");
  Pass(absl::Nanoseconds(1));
  EXPECT_TRUE(queue_.IsOverloaded(now_));
  Add(1);
  EXPECT_EQ(TakeAll(), "1.3 1.2 1.1");
}

TEST_F(QueueTest, AQueueThatWasEmptyIsNotOverloaded) {
  Add(1);
  Pass(absl::Minutes(1));
  EXPECT_TRUE(queue_.IsOverloaded(now_));
  Take();
  EXPECT_FALSE(queue_.IsOverloaded(now_));
  Add(1);
  Add(1);
  EXPECT_EQ(TakeAll(), "1.1 1.2");
}

TEST_F(QueueTest, CallersTakeTurnsInAnOverloadToo) {
  for (int i = 0; i < 3; ++i) Add(1);
  Add(2);
  Pass(absl::Seconds(1));
  EXPECT_EQ(TakeAll(), "1.2 2.0 1.1 1.0");
}

TEST_F(QueueTest, WhoHasWaitedForItsTimeIsLate) {
  Add(1);
  Pass(absl::Seconds(1));
  Add(2);
  Pass(absl::Seconds(4) - absl::Nanoseconds(1));
  EXPECT_EQ(TakeLate(), "nobody");
  Pass(absl::Nanoseconds(1));
  EXPECT_EQ(TakeLate(), "1.0");
  EXPECT_EQ(TakeLate(), "nobody");
  EXPECT_EQ(TakeAll(), "2.0");
}

// Lets turns take so long.
class SlowQueueTest : public QueueTest {
 protected:
  void LetTurnsTake(absl::Duration time) {
    Use({.waiting_limit = 1000,
         .wait_limit = absl::Hours(10),
         .overload_time = absl::InfiniteDuration()});
    for (int i = 0; i < 300; ++i) Add(99);
    for (int i = 0; i < 300; ++i) {
      EXPECT_EQ(Take(), absl::StrCat("99.", i));
      // As long as somebody waits.
      if (i < 299) Pass(time);
    }
    Use(kOptions);
  }
};

TEST_F(SlowQueueTest, OneWhoseTurnWouldComeTooLateGoesWithoutAtOnce) {
  LetTurnsTake(kTurnSecond);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Add(1), "nobody") << i;
  EXPECT_EQ(Add(1), "1.5");
  EXPECT_EQ(TakeAll(), "1.0 1.1 1.2 1.3 1.4");
}

TEST_F(SlowQueueTest, WhoAsksForLittleWaitsBesideOneWhoAsksForMuch) {
  LetTurnsTake(kTurnSecond);
  for (int i = 0; i < 20; ++i) Add(1);
  EXPECT_EQ(queue_.size(), 5);
  EXPECT_EQ(Add(2), "nobody");
  // Its second would have to wait for four turns, its third for six.
  EXPECT_EQ(Add(2), "nobody");
  EXPECT_EQ(Add(2), "2.2");
}

TEST_F(SlowQueueTest, HigherClassesComeBefore) {
  LetTurnsTake(kTurnSecond);
  for (int i = 0; i < 5; ++i) Add(1, CallerPriority::kHigh);
  EXPECT_EQ(Add(2, CallerPriority::kNormal), "2.0");
  EXPECT_EQ(Add(2, CallerPriority::kCritical), "nobody");
}

TEST_F(SlowQueueTest, OneMayAlwaysWait) {
  LetTurnsTake(absl::Minutes(1));
  EXPECT_EQ(Add(1), "nobody");
  EXPECT_EQ(Add(2), "2.0");
}

TEST_F(SlowQueueTest, InAnOverloadTheOldestOfItsCallerGoesForTheNewest) {
  LetTurnsTake(kTurnSecond);
  for (int i = 0; i < 5; ++i) Add(1);
  Pass(kOptions.overload_time + absl::Nanoseconds(1));
  EXPECT_EQ(Add(1), "1.0");
  EXPECT_EQ(Take(), "1.5");
}

TEST_F(SlowQueueTest, AnOverloadedQueueIsShort) {
  constexpr auto kShort = static_cast<int>(AdmissionQueue::kOverloadedTurns);
  LetTurnsTake(absl::Milliseconds(10));
  for (int i = 0; i < kShort + 4; ++i) EXPECT_EQ(Add(1), "nobody") << i;
  Pass(kOptions.overload_time + absl::Nanoseconds(1));
  // Those who wait stay, but one of them goes for each that comes.
  EXPECT_EQ(Add(1), "1.0");
  EXPECT_EQ(queue_.size(), kShort + 4);
  // Who asks for little waits beside them; many together do not.
  for (uint64_t caller = 2; caller <= kShort; ++caller) {
    EXPECT_EQ(Add(caller), "nobody") << caller;
  }
  EXPECT_EQ(Add(98), "98.0");
}

TEST_F(SlowQueueTest, AnOverloadedQueueIsAsLongAsItsTurnsAreShort) {
  LetTurnsTake(absl::Milliseconds(1));
  Add(1);
  Pass(kOptions.overload_time + absl::Nanoseconds(1));
  for (int i = 1; i < 50; ++i) EXPECT_EQ(Add(1), "nobody") << i;
  EXPECT_EQ(Add(1), "1.0");
}

TEST_F(SlowQueueTest, WhereNoTurnComesForLongNobodyMoreWaits) {
  Add(1);
  Pass(kOptions.wait_limit);
  EXPECT_EQ(Add(2), "nobody");
  Pass(absl::Nanoseconds(1));
  EXPECT_EQ(Add(3), "3.0");
}

TEST_F(SlowQueueTest, ThatNobodyWaitedSaysNothingOfTurns) {
  Add(1);
  Take();
  Pass(absl::Hours(1));
  Add(1);
  Take();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Add(1), "nobody") << i;
}

TEST_F(QueueTest, ACallWhoseDeadlineIsGoneHasNoTurn) {
  Add(1, CallerPriority::kNormal, now_ + absl::Milliseconds(400));
  Add(1);
  Add(2);
  Pass(absl::Milliseconds(400));
  EXPECT_EQ(Take(), "1.1");
  EXPECT_EQ(TakeLate(), "1.0");
  EXPECT_EQ(TakeAll(), "2.0");
}

TEST_F(QueueTest, ACallerOfWhomAllAreLateIsPassedOver) {
  Add(1, CallerPriority::kCritical, now_ + absl::Seconds(1));
  Add(2);
  Pass(absl::Seconds(1));
  EXPECT_EQ(Take(), "2.0");
  EXPECT_EQ(queue_.size(), 0);
  EXPECT_EQ(TakeLate(), "1.0");
  EXPECT_EQ(TakeLate(), "nobody");
}

TEST_F(QueueTest, OneThatGivesUpIsGone) {
  Add(1);
  Add(1);
  Add(2, CallerPriority::kNormal, now_);
  queue_.Remove(Called("1.0"));
  EXPECT_FALSE(Called("1.0").waits());
  EXPECT_EQ(Take(), "1.1");
  EXPECT_EQ(Take(), "nobody");
  // Late, and not told yet.
  EXPECT_TRUE(Called("2.0").waits());
  queue_.Remove(Called("2.0"));
  EXPECT_EQ(TakeLate(), "nobody");
}

TEST_F(QueueTest, ClassesThatAreHeldBackWait) {
  Add(1, CallerPriority::kLow);
  Add(2, CallerPriority::kNormal);
  queue_.ServeDownTo(CallerPriority::kNormal, now_);
  EXPECT_EQ(TakeAll(), "2.0");
  EXPECT_EQ(queue_.size(), 1);
  queue_.ServeDownTo(CallerPriority::kLow, now_);
  EXPECT_EQ(TakeAll(), "1.0");
}

TEST_F(QueueTest, ClassesThatAreHeldBackMakeNoOverload) {
  queue_.ServeDownTo(CallerPriority::kNormal, now_);
  Add(1, CallerPriority::kLow);
  Pass(absl::Seconds(4));
  EXPECT_FALSE(queue_.IsOverloaded(now_));
  // From now on they count.
  queue_.ServeDownTo(CallerPriority::kLow, now_);
  Pass(kOptions.overload_time);
  EXPECT_FALSE(queue_.IsOverloaded(now_));
  Pass(absl::Nanoseconds(1));
  EXPECT_TRUE(queue_.IsOverloaded(now_));
}

TEST_F(SlowQueueTest, WhoseOnlyCallIsReplacedKeepsItsTurn) {
  LetTurnsTake(kTurnSecond);
  Add(1);
  Add(2);
  Pass(kOptions.overload_time + absl::Nanoseconds(1));
  Use({.wait_limit = absl::Milliseconds(2500)});
  EXPECT_EQ(Add(1), "1.0");
  EXPECT_EQ(Take(), "1.1");
  EXPECT_EQ(Take(), "2.0");
}

class FullQueueTest : public QueueTest {
 protected:
  FullQueueTest() { Use({.waiting_limit = 4}); }
};

TEST_F(FullQueueTest, OneMoreGoesWithout) {
  for (int i = 0; i < 4; ++i) Add(1);
  EXPECT_EQ(Add(1), "1.4");
  EXPECT_EQ(TakeAll(), "1.0 1.1 1.2 1.3");
}

TEST_F(FullQueueTest, WhereNobodyMayWaitNobodyDoes) {
  Use({.waiting_limit = 0});
  EXPECT_EQ(Add(1, CallerPriority::kCritical), "1.0");
  EXPECT_EQ(queue_.size(), 0);
}

TEST_F(FullQueueTest, ALowerClassMakesRoom) {
  Add(1, CallerPriority::kNormal);
  Add(2, CallerPriority::kLow);
  Add(3, CallerPriority::kLow);
  Add(3, CallerPriority::kLow);
  EXPECT_EQ(Add(4, CallerPriority::kNormal), "3.1");
  EXPECT_EQ(Add(4, CallerPriority::kCritical), "2.0");
  EXPECT_EQ(Add(5, CallerPriority::kLow), "5.0");
  EXPECT_EQ(TakeAll(), "4.1 1.0 4.0 3.0");
}

TEST_F(FullQueueTest, TheCallerWithMostCallsMakesRoom) {
  for (int i = 0; i < 3; ++i) Add(1);
  Add(2);
  EXPECT_EQ(Add(3), "1.2");
  // Nobody has two more than the new call's caller.
  EXPECT_EQ(Add(3), "3.1");
  EXPECT_EQ(Add(4), "1.1");
  EXPECT_EQ(Add(5), "5.0");
  EXPECT_EQ(TakeAll(), "1.0 2.0 3.0 4.0");
}

TEST_F(FullQueueTest, InAnOverloadTheOldestOfItsCallersMakesRoom) {
  for (int i = 0; i < 3; ++i) Add(1);
  Add(2);
  Pass(absl::Seconds(1));
  EXPECT_EQ(Add(1), "1.0");
  EXPECT_EQ(Add(3), "1.1");
  EXPECT_EQ(TakeAll(), "1.3 2.0 3.0 1.2");
}

TEST_F(FullQueueTest, AHigherClassMakesNoRoom) {
  for (int i = 0; i < 4; ++i) Add(1, CallerPriority::kHigh);
  EXPECT_EQ(Add(2, CallerPriority::kNormal), "2.0");
}

}  // namespace
}  // namespace gateway
