#include "providers/local_cli/process_slots.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

using Slot = std::shared_ptr<ProcessSlots::Slot>;

class ProcessSlotsTest : public testing::Test {
 protected:
  // Waits for a slot and notes its number when it has it.
  Task<void> TakeOne(int number, CancelSignal* cancel) {
    absl::StatusOr<Slot> slot = co_await ProcessSlots::Take(slots_, *cancel);
    statuses_.push_back(slot.status());
    if (!slot.ok()) co_return;
    order_ += std::to_string(number);
    held_.push_back(*std::move(slot));
  }

  // Lets everything run that can.
  Task<void> Settle() {
    for (int turn = 0; turn < 5; ++turn) co_await YieldToLoop();
  }

  LoopRunner runner_;
  std::shared_ptr<ProcessSlots> slots_ = std::make_shared<ProcessSlots>(2);
  CancelSignal cancel_;
  std::string order_;
  std::vector<Slot> held_;
  std::vector<absl::Status> statuses_;
};

TEST_F(ProcessSlotsTest, AsManyAsThereAreAreTakenAtOnceAndTheRestInTurn) {
  const auto test = [this]() -> Task<void> {
    for (int i = 1; i <= 4; ++i) Spawn(TakeOne(i, &cancel_));
    co_await Settle();
    EXPECT_EQ(order_, "12");
    held_.pop_back();
    co_await Settle();
    EXPECT_EQ(order_, "123");
    held_.clear();
    co_await Settle();
    EXPECT_EQ(order_, "1234");
    held_.clear();
  };
  runner_.Run(test());
  EXPECT_EQ(slots_.use_count(), 1);
}

TEST_F(ProcessSlotsTest, WhoLeavesGivesUpItsPlace) {
  const auto test = [this]() -> Task<void> {
    CancelSignal impatient;
    Spawn(TakeOne(1, &cancel_));
    Spawn(TakeOne(2, &cancel_));
    Spawn(TakeOne(3, &impatient));
    Spawn(TakeOne(4, &cancel_));
    impatient.Cancel(absl::CancelledError("left"));
    co_await Settle();
    EXPECT_EQ(statuses_.back(), absl::CancelledError("left"));
    held_.pop_back();
    co_await Settle();
    EXPECT_EQ(order_, "124");
    held_.clear();
  };
  runner_.Run(test());
}

// The slot is on its way already when the waiter leaves.
TEST_F(ProcessSlotsTest, ASlotForSomebodyWhoHasLeftGoesToTheNext) {
  const auto test = [this]() -> Task<void> {
    CancelSignal impatient;
    Spawn(TakeOne(1, &cancel_));
    Spawn(TakeOne(2, &cancel_));
    Spawn(TakeOne(3, &impatient));
    Spawn(TakeOne(4, &cancel_));
    held_.pop_back();
    impatient.Cancel(absl::CancelledError("left"));
    co_await Settle();
    EXPECT_EQ(order_, "124");
    held_.clear();
  };
  runner_.Run(test());
}

TEST_F(ProcessSlotsTest, NobodyStartsWhoHasLeftBefore) {
  cancel_.Cancel(absl::CancelledError("left"));
  runner_.Run(TakeOne(1, &cancel_));
  EXPECT_EQ(statuses_.back(), absl::CancelledError("left"));
  EXPECT_EQ(order_, "");
}

TEST_F(ProcessSlotsTest, OnlySoManyWait) {
  const auto test = [this]() -> Task<void> {
    const size_t all = 2 + ProcessSlots::kWaitingMax;
    for (size_t i = 0; i < all; ++i) Spawn(TakeOne(0, &cancel_));
    EXPECT_EQ(statuses_.size(), 2u);
    Spawn(TakeOne(9, &cancel_));
    EXPECT_EQ(statuses_.size(), 3u);
    EXPECT_TRUE(absl::IsResourceExhausted(statuses_.back()));
    cancel_.Cancel(absl::CancelledError("all left"));
    co_await Settle();
    EXPECT_EQ(statuses_.size(), all + 1);
    held_.clear();
  };
  runner_.Run(test());
}

}  // namespace
}  // namespace gateway
