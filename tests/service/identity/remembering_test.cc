#include "service/identity/remembering.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

constexpr uint64_t kGeneration = uint64_t{7} << 32;

class RememberingTest : public testing::Test {
 protected:
  RememberingTest() { RememberedCallers::SetCurrent(&remembered_); }
  ~RememberingTest() override { RememberedCallers::SetCurrent(nullptr); }

  absl::StatusOr<CallerRef> Ask(std::string_view credential,
                                uint64_t generation = kGeneration) {
    return FindOrRemember(
        credential, generation,
        [&]() -> absl::StatusOr<std::shared_ptr<const Caller>> {
          ++found_out_;
          if (!fault_.ok()) return fault_;
          auto caller = std::make_shared<Caller>();
          caller->id = std::string(credential.substr(0, 16));
          caller->expire_time = expire_time_;
          return caller;
        });
  }

  FakeClock clock_;
  FakeRandom chance_{1};
  const std::unique_ptr<CredentialDigester> digester_ =
      std::make_unique<CredentialDigester>(chance_);
  RememberedCallers remembered_{64, *digester_, clock_};
  absl::Status fault_;
  absl::Time expire_time_ = absl::InfiniteFuture();
  int found_out_ = 0;
};

TEST_F(RememberingTest, IdsAreAllDifferent) {
  EXPECT_NE(NewRememberingId(), NewRememberingId());
}

TEST_F(RememberingTest, WhoWasFoundOutIsNotFoundOutAgain) {
  const auto first = Ask("a");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(Ask("a")->get(), first->get());
  EXPECT_EQ(found_out_, 1);
  EXPECT_EQ((*Ask("b"))->id, "b");
  EXPECT_EQ(found_out_, 2);
}

TEST_F(RememberingTest, UnderAnotherGenerationItIs) {
  ASSERT_TRUE(Ask("a").ok());
  ASSERT_TRUE(Ask("a", kGeneration + 1).ok());
  EXPECT_EQ(found_out_, 2);
}

TEST_F(RememberingTest, OneThatHasExpiredIsFoundOutAnew) {
  expire_time_ = clock_.WallTime() + absl::Seconds(10);
  ASSERT_TRUE(Ask("a").ok());
  clock_.Advance(absl::Seconds(9));
  ASSERT_TRUE(Ask("a").ok());
  EXPECT_EQ(found_out_, 1);
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(Ask("a").ok());
  EXPECT_EQ(found_out_, 2);
}

TEST_F(RememberingTest, FaultsAreNotRemembered) {
  fault_ = absl::UnauthenticatedError("wrong");
  EXPECT_EQ(Ask("a").status(), fault_);
  fault_ = absl::OkStatus();
  EXPECT_TRUE(Ask("a").ok());
  EXPECT_EQ(found_out_, 2);
}

TEST_F(RememberingTest, ThreadsThatRememberNobodyFindOutEachTime) {
  RememberedCallers::SetCurrent(nullptr);
  ASSERT_TRUE(Ask("a").ok());
  ASSERT_TRUE(Ask("a").ok());
  EXPECT_EQ(found_out_, 2);
}

TEST_F(RememberingTest, WhatHasNoDigestIsFoundOutEachTime) {
  const std::string longest(kDigestedBytesMax, 'a');
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(Ask(longest).ok());
  EXPECT_EQ(found_out_, 1);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Ask(longest + "a").ok());
    ASSERT_TRUE(Ask("").ok());
  }
  EXPECT_EQ(found_out_, 5);
}

}  // namespace
}  // namespace gateway
