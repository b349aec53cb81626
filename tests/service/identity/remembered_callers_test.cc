#include "service/identity/remembered_callers.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/identity/caller.h"
#include "service/identity/credential_digest.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

class RememberedCallersTest : public testing::Test {
 protected:
  static std::shared_ptr<const Caller> CallerOf(std::string_view id) {
    auto caller = std::make_shared<Caller>();
    caller->id = id;
    return caller;
  }

  void Remember(const std::string& credential, uint64_t generation = 1,
                absl::Time until = absl::InfiniteFuture()) {
    remembered_->Remember(digester_->DigestOf(credential), generation,
                          CallerOf("of " + credential), until);
  }

  // Whom the credential is remembered as; empty if as nobody.
  std::string Find(const std::string& credential, uint64_t generation = 1) {
    const auto* const found = remembered_->Find(credential, generation);
    return found == nullptr ? "" : (*found)->id;
  }

  FakeRandom chance_{1};
  FakeClock clock_;
  const std::unique_ptr<CredentialDigester> digester_ =
      std::make_unique<CredentialDigester>(chance_);
  std::unique_ptr<RememberedCallers> remembered_ =
      std::make_unique<RememberedCallers>(64, *digester_, clock_);
};

TEST_F(RememberedCallersTest, WhoWasFoundOutIsFoundAgain) {
  EXPECT_EQ(Find("a"), "");
  Remember("a");
  Remember("b");
  EXPECT_EQ(Find("a"), "of a");
  EXPECT_EQ(Find("b"), "of b");
  EXPECT_EQ(Find("ab"), "");
  EXPECT_EQ(Find(""), "");
}

TEST_F(RememberedCallersTest, NobodyIsFoundByWhatIsTooLongOrEmpty) {
  const std::string longest(kDigestedBytesMax, 'x');
  Remember(longest);
  EXPECT_EQ(Find(longest), "of " + longest);
  Remember(longest + "x");
  EXPECT_EQ(Find(longest + "x"), "");
  EXPECT_EQ(Find(longest + "y"), "");
  Remember("");
  EXPECT_EQ(Find(""), "");
}

TEST_F(RememberedCallersTest, ACallerIsRememberedUntilItsTime) {
  Remember("a", 1, clock_.WallTime() + absl::Seconds(10));
  clock_.Advance(absl::Seconds(10) - absl::Nanoseconds(1));
  EXPECT_EQ(Find("a"), "of a");
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_EQ(Find("a"), "");
  // Nor does a clock that is set back bring it to life.
  clock_.StepWallTime(clock_.WallTime() - absl::Hours(1));
  EXPECT_EQ(Find("a"), "");
}

TEST_F(RememberedCallersTest, AnotherGenerationKnowsNobody) {
  Remember("a", 1);
  Remember("b", 1);
  EXPECT_EQ(Find("a", 2), "");
  // Gone for good, since a generation does not come back.
  EXPECT_EQ(Find("a", 1), "");
  Remember("a", 2);
  EXPECT_EQ(Find("a", 2), "of a");
  EXPECT_EQ(Find("b", 2), "");
  // What was verified before the change is not believed after it.
  Remember("c", 1);
  EXPECT_EQ(Find("c", 2), "");
}

TEST_F(RememberedCallersTest, WhatIsForgottenHoldsNoCallerAlive) {
  auto caller = CallerOf("a");
  const std::weak_ptr<const Caller> watched = caller;
  remembered_->Remember(digester_->DigestOf("a"), 1, std::move(caller),
                        absl::InfiniteFuture());
  EXPECT_FALSE(watched.expired());
  EXPECT_EQ(Find("a", 2), "");
  EXPECT_TRUE(watched.expired());
}

TEST_F(RememberedCallersTest, ACredentialHasOnePlace) {
  Remember("a");
  remembered_->Remember(digester_->DigestOf("a"), 1, CallerOf("another"),
                        absl::InfiniteFuture());
  EXPECT_EQ(Find("a"), "another");
  EXPECT_EQ(Find("a", 2), "");
  EXPECT_EQ(Find("a", 1), "");
}

TEST_F(RememberedCallersTest, ThereIsRoomForAsManyAsWereWanted) {
  EXPECT_EQ(RememberedCallers(1, *digester_, clock_).capacity(), 8u);
  EXPECT_EQ(RememberedCallers(64, *digester_, clock_).capacity(), 64u);
  EXPECT_EQ(RememberedCallers(65, *digester_, clock_).capacity(), 128u);
  EXPECT_EQ(RememberedCallers(4096, *digester_, clock_).capacity(), 4096u);
}

TEST_F(RememberedCallersTest, AFloodDoesNotGrowIt) {
  for (int i = 0; i < 10000; ++i) Remember("flood " + std::to_string(i));
  size_t found = 0;
  for (int i = 0; i < 10000; ++i) {
    found += Find("flood " + std::to_string(i)).empty() ? 0 : 1;
  }
  EXPECT_EQ(found, remembered_->capacity());
}

TEST_F(RememberedCallersTest, WhoCallsOftenStaysWhenOthersCome) {
  remembered_ = std::make_unique<RememberedCallers>(1024, *digester_, clock_);
  for (int i = 0; i < 100; ++i) Remember("often " + std::to_string(i));
  size_t found = 0;
  for (int i = 0; i < 20000; ++i) {
    Remember("once " + std::to_string(i));
    found += Find("often " + std::to_string(i % 100)).empty() ? 0 : 1;
    if (i % 100 == 99) {
      for (int j = 0; j < 100; ++j) {
        if (Find("often " + std::to_string(j)).empty()) {
          Remember("often " + std::to_string(j));
        }
      }
    }
  }
  EXPECT_GT(found, 19000u);
}

// The lower bits of a digest choose the place: all places must be used.
TEST_F(RememberedCallersTest, CredentialsSpreadOverAllPlaces) {
  remembered_ = std::make_unique<RememberedCallers>(8192, *digester_, clock_);
  for (int i = 0; i < 4096; ++i) Remember("key-" + std::to_string(i));
  size_t found = 0;
  for (int i = 0; i < 4096; ++i) {
    found += Find("key-" + std::to_string(i)).empty() ? 0 : 1;
  }
  // With a mean of four in each set of eight, 0.9 % do not find room.
  EXPECT_GT(found, 3950u);
}

}  // namespace
}  // namespace gateway
