// What holds of AdmissionQueue whatever happens to it, step by step.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/identity/caller.h"
#include "service/overload/admission_queue.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using Entry = AdmissionQueue::Entry;

constexpr absl::Duration kRandomBegin = absl::Hours(1);

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
  absl::Duration now_ = kRandomBegin;
  size_t served_ = kCallerPriorities;
  int left_out_[kCallerPriorities] = {};
  AdmissionQueue queue_{{}};
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
