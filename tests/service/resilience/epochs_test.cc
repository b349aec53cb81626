#include "service/resilience/epochs.h"

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "base/os/thread.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

// Retires something, and returns how to see whether it is there.
std::weak_ptr<const int> RetireOne(Epochs& epochs) {
  auto thing = std::make_shared<const int>(1);
  std::weak_ptr<const int> seen = thing;
  epochs.Retire(std::move(thing));
  return seen;
}

TEST(EpochsTest, WhatNobodyCanHaveFoundGoesAtOnce) {
  Epochs epochs;
  EXPECT_TRUE(RetireOne(epochs).expired());
  epochs.Enter().reset();
  EXPECT_TRUE(RetireOne(epochs).expired());
}

TEST(EpochsTest, WhoCameBeforeKeepsItAndWhoCameAfterDoesNot) {
  Epochs epochs;
  std::shared_ptr<const void> before = epochs.Enter();
  const std::weak_ptr<const int> thing = RetireOne(epochs);
  const std::shared_ptr<const void> after = epochs.Enter();
  EXPECT_FALSE(thing.expired());
  before.reset();
  EXPECT_TRUE(thing.expired());
}

TEST(EpochsTest, AllWhoCameInBetweenKeepIt) {
  Epochs epochs;
  std::shared_ptr<const void> one = epochs.Enter();
  std::shared_ptr<const void> other = epochs.Enter();
  const std::weak_ptr<const int> thing = RetireOne(epochs);
  one.reset();
  EXPECT_FALSE(thing.expired());
  other.reset();
  EXPECT_TRUE(thing.expired());
}

TEST(EpochsTest, TheFirstKeepsWhatIsRetiredLater) {
  Epochs epochs;
  std::shared_ptr<const void> first = epochs.Enter();
  const std::weak_ptr<const int> one = RetireOne(epochs);
  std::shared_ptr<const void> second = epochs.Enter();
  const std::weak_ptr<const int> two = RetireOne(epochs);
  std::shared_ptr<const void> third = epochs.Enter();
  // Whoever is there still has found neither.
  second.reset();
  EXPECT_FALSE(two.expired());
  first.reset();
  EXPECT_TRUE(one.expired());
  EXPECT_TRUE(two.expired());
}

TEST(EpochsTest, WhoStaysOutlivesTheEpochs) {
  std::shared_ptr<const void> stay;
  std::weak_ptr<const int> thing;
  {
    Epochs epochs;
    stay = epochs.Enter();
    thing = RetireOne(epochs);
  }
  EXPECT_FALSE(thing.expired());
  stay.reset();
  EXPECT_TRUE(thing.expired());
}

TEST(EpochsTest, VeryManyGoWithTheOneWhoKeptThem) {
  Epochs epochs;
  std::shared_ptr<const void> first = epochs.Enter();
  std::vector<std::weak_ptr<const int>> things;
  // So many that destructors within destructors would take the whole stack.
  for (int i = 0; i < 300'000; ++i) {
    const std::shared_ptr<const void> stay = epochs.Enter();
    things.push_back(RetireOne(epochs));
  }
  first.reset();
  for (const auto& thing : things) EXPECT_TRUE(thing.expired());
}

TEST(EpochsTest, WhatIsFoundIsThereWhileOthersAreRetired) {
  Epochs epochs;
  std::atomic<int*> present = new int(0);
  std::atomic<bool> done = false;
  const auto use = [&] {
    while (!done) {
      const std::shared_ptr<const void> stay = epochs.Enter();
      EXPECT_GE(*present.load(std::memory_order_acquire), 0);
    }
  };
  Thread one("one", use);
  Thread other("other", use);
  for (int i = 1; i < 2000; ++i) {
    int* const before = present.exchange(new int(i), std::memory_order_acq_rel);
    epochs.Retire(std::shared_ptr<const int>(before));
  }
  done = true;
  one.Join();
  other.Join();
  delete present.load();
}

}  // namespace
}  // namespace gateway
