#include "service/overload/admission_queue.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/identity/caller.h"
#include "tests/testing/fake_random.h"

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

// Random loads on small and large queues. What is expected at each step is said
// by lists that are looked through.
class RandomQueue {
 public:
  explicit RandomQueue(uint64_t seed) : random_(seed) {
    options_ = {.waiting_limit = 1 + random_.Below(40),
                .wait_limit = absl::Milliseconds(20 + random_.Below(100)),
                .overload_time = absl::Milliseconds(10 + random_.Below(60))};
    callers_ = 1 + random_.Below(12);
    queue_.SetOptions(options_);
  }
  ~RandomQueue() {
    while (!waiting_.empty()) Leave(*waiting_.front());
  }

  void Step() {
    now_ += absl::Microseconds(random_.Below(3000));
    switch (random_.Below(8)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return AddOne();
      case 4:
      case 5:
        return TakeOne();
      case 6:
        return TakeLateOnes();
      default:
        return Change();
    }
  }

 private:
  struct Waiting {
    Waiting(CallerPriority priority, uint64_t caller, absl::Duration deadline)
        : entry(priority, caller, deadline) {}
    Entry entry;
    // If its caller had none waiting as it came: how many turns of its class
    // each other caller has had since.
    bool is_followed = false;
    std::map<uint64_t, int> turns_of_others;
  };
  using Owner = std::unique_ptr<Waiting>;

  void AddOne() {
    auto added = std::make_unique<Waiting>(
        static_cast<CallerPriority>(random_.Below(kCallerPriorities)),
        random_.Below(callers_),
        random_.Below(4) == 0 ? now_ + absl::Milliseconds(random_.Below(50))
                              : absl::InfiniteDuration());
    Waiting& mine = *added;
    const bool first_of_its_caller =
        CountOf(mine.entry.priority(), mine.entry.caller()) == 0;
    waiting_.push_back(std::move(added));
    Entry* const leaves = queue_.Add(mine.entry, now_);
    mine.is_followed = first_of_its_caller;
    if (leaves == nullptr) {
      EXPECT_LE(queue_.size(), options_.waiting_limit);
      return;
    }
    EXPECT_GE(leaves->priority(), mine.entry.priority());
    if (leaves->priority() == mine.entry.priority() &&
        leaves->caller() != mine.entry.caller() && AllAreInTime()) {
      // It keeps as many as the other has now.
      EXPECT_GE(CountOf(leaves->priority(), leaves->caller()) - 1,
                CountOf(leaves->priority(), mine.entry.caller()));
    }
    Gone(*leaves);
  }

  void TakeOne() {
    const bool somebody = CountServed() > 0;
    Entry* const taken = queue_.Take(now_);
    if (taken == nullptr) {
      EXPECT_EQ(CountServed(), 0);
      std::fill(left_out_, left_out_ + kCallerPriorities, 0);
      return;
    }
    EXPECT_TRUE(somebody);
    EXPECT_GT(taken->deadline(), now_);
    EXPECT_LT(static_cast<size_t>(taken->priority()), served_);
    CheckClassTurns(taken->priority());
    CheckCallerTurns(*taken);
    Gone(*taken);
  }

  // That no class which waits is left out of too many turns.
  void CheckClassTurns(CallerPriority had_turn) {
    for (size_t i = 0; i < kCallerPriorities; ++i) {
      const auto priority = static_cast<CallerPriority>(i);
      const bool waits = i < served_ && queue_.size(priority) > 0;
      left_out_[i] = waits && priority != had_turn ? left_out_[i] + 1 : 0;
      EXPECT_LT(left_out_[i], AdmissionQueue::kTurnsMax);
    }
  }

  // That nobody waits while another caller has more turns than two.
  void CheckCallerTurns(const Entry& taken) {
    for (Owner& each : waiting_) {
      if (each->entry.priority() != taken.priority() || !each->is_followed) {
        continue;
      }
      if (each->entry.caller() == taken.caller()) {
        each->is_followed = false;
        continue;
      }
      const int turns = ++each->turns_of_others[taken.caller()];
      EXPECT_TRUE(turns <= 2 || !IsInTime(each->entry));
    }
  }

  void TakeLateOnes() {
    while (Entry* const late = queue_.TakeLate(now_)) {
      EXPECT_TRUE(now_ - late->arrived() >= options_.wait_limit ||
                  late->deadline() <= now_);
      Gone(*late);
    }
    for (const Owner& each : waiting_) {
      EXPECT_LT(now_ - each->entry.arrived(), options_.wait_limit);
    }
  }

  void Change() {
    if (random_.Below(10) == 0) {
      served_ = 1 + random_.Below(kCallerPriorities);
      queue_.ServeDownTo(static_cast<CallerPriority>(served_ - 1), now_);
      // Turns are counted of classes that are served without a break.
      std::fill(left_out_, left_out_ + kCallerPriorities, 0);
    } else if (!waiting_.empty()) {
      Leave(*waiting_[random_.Below(waiting_.size())]);
    }
  }

  void Leave(Waiting& one) {
    queue_.Remove(one.entry);
    Gone(one.entry);
  }

  void Gone(Entry& entry) {
    EXPECT_FALSE(entry.waits());
    const auto found =
        std::find_if(waiting_.begin(), waiting_.end(),
                     [&](const Owner& each) { return &each->entry == &entry; });
    ASSERT_NE(found, waiting_.end()) << "left twice";
    if (queue_.size(entry.priority()) == 0) {
      left_out_[static_cast<size_t>(entry.priority())] = 0;
    }
    waiting_.erase(found);
    size_t in_lines = 0;
    for (const Owner& each : waiting_) in_lines += each->entry.waits();
    EXPECT_EQ(in_lines, waiting_.size());
  }

  bool IsInTime(const Entry& entry) const { return entry.deadline() > now_; }
  bool AllAreInTime() const {
    return std::all_of(
        waiting_.begin(), waiting_.end(),
        [&](const Owner& each) { return IsInTime(each->entry); });
  }
  size_t CountOf(CallerPriority priority, uint64_t caller) const {
    return std::count_if(waiting_.begin(), waiting_.end(),
                         [&](const Owner& each) {
                           return each->entry.priority() == priority &&
                                  each->entry.caller() == caller;
                         });
  }
  // Those in time.
  size_t CountServed() const {
    return std::count_if(
        waiting_.begin(), waiting_.end(), [&](const Owner& each) {
          return static_cast<size_t>(each->entry.priority()) < served_ &&
                 IsInTime(each->entry);
        });
  }

  FakeRandom random_;
  AdmissionQueue::Options options_;
  uint64_t callers_ = 1;
  absl::Duration now_ = kBegin;
  size_t served_ = kCallerPriorities;
  int left_out_[kCallerPriorities] = {};
  AdmissionQueue queue_{kOptions};
  std::vector<Owner> waiting_;  // In the order in which they came.
};

TEST(RandomQueueTest, NoneIsLostNoneStarvesAndCallersTakeTurns) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    RandomQueue queue(seed);
    for (int i = 0; i < 2000; ++i) queue.Step();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace gateway
