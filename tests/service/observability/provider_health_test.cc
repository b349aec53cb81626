#include "service/observability/provider_health.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/thread.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/errors.pb.h"

namespace gateway {
namespace {

constexpr char kProvider[] = "openai";

absl::Time At(int seconds) { return absl::FromUnixSeconds(1000 + seconds); }

absl::Status Fails(v1::ErrorReason reason) { return MakeFault(reason, "no"); }

class ProviderHealthTest : public testing::Test {
 protected:
  ProviderHealth Read() { return board_.Read(kProvider); }

  ProviderHealthBoard board_;
  ProviderHealthShard& shard_ = board_.AddShard();
  ProviderHealthShard& other_shard_ = board_.AddShard();
};

TEST_F(ProviderHealthTest, KnowsNothingOfAProviderThatWasNotTried) {
  shard_.Count("another", absl::OkStatus(), At(1));
  const ProviderHealth health = Read();
  EXPECT_EQ(health.attempts, 0);
  EXPECT_EQ(health.failures, 0);
  EXPECT_EQ(health.consecutive_failures, 0);
  EXPECT_EQ(health.attempts_in_flight, 0);
  EXPECT_EQ(health.last_success, std::nullopt);
  EXPECT_EQ(health.last_failure, std::nullopt);
  EXPECT_EQ(health.last_failure_reason, v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(ProviderHealthTest, AddsUpWhatAllLoopsSaw) {
  shard_.Count(kProvider, absl::OkStatus(), At(3));
  other_shard_.Count(kProvider, absl::OkStatus(), At(2));
  shard_.Count(kProvider, Fails(v1::ERROR_REASON_PROVIDER_TIMEOUT), At(4));
  other_shard_.Count(kProvider, Fails(v1::ERROR_REASON_PROVIDER_UNAVAILABLE),
                     At(5));
  const ProviderHealth health = Read();
  EXPECT_EQ(health.attempts, 4);
  EXPECT_EQ(health.failures, 2);
  EXPECT_EQ(health.consecutive_failures, 2);
  EXPECT_EQ(health.last_success, At(3));
  EXPECT_EQ(health.last_failure, At(5));
  EXPECT_EQ(health.last_failure_reason, v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
}

TEST_F(ProviderHealthTest, ASuccessOnAnyLoopEndsTheRowOfFailures) {
  for (int i = 0; i < 3; ++i) {
    shard_.Count(kProvider, Fails(v1::ERROR_REASON_PROVIDER_UNAVAILABLE),
                 At(i));
  }
  EXPECT_EQ(Read().consecutive_failures, 3);
  other_shard_.Count(kProvider, absl::OkStatus(), At(9));
  EXPECT_EQ(Read().consecutive_failures, 0);
  EXPECT_EQ(Read().failures, 3);
  EXPECT_EQ(Read().last_failure, At(2));
}

TEST_F(ProviderHealthTest, ACallersMistakeShowsThatTheProviderAnswers) {
  shard_.Count(kProvider, Fails(v1::ERROR_REASON_PROVIDER_UNAVAILABLE), At(1));
  shard_.Count(kProvider, Fails(v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED),
               At(2));
  const ProviderHealth health = Read();
  EXPECT_EQ(health.attempts, 2);
  EXPECT_EQ(health.failures, 1);
  EXPECT_EQ(health.consecutive_failures, 0);
  EXPECT_EQ(health.last_success, std::nullopt);
  EXPECT_EQ(health.last_failure_reason, v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
}

TEST_F(ProviderHealthTest, WhatACredentialMayNotDoIsNoFailureOfTheProvider) {
  for (const v1::ErrorReason reason :
       {v1::ERROR_REASON_PROVIDER_RATE_LIMITED,
        v1::ERROR_REASON_PROVIDER_AUTH_FAILED,
        v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED}) {
    shard_.Count(kProvider, Fails(v1::ERROR_REASON_PROVIDER_UNAVAILABLE),
                 At(1));
    shard_.Count(kProvider, Fails(reason), At(2), "default");
    const ProviderHealth health = Read();
    EXPECT_EQ(health.consecutive_failures, 0) << reason;
    EXPECT_EQ(health.last_failure, At(1)) << reason;
    EXPECT_EQ(health.last_failure_reason,
              v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  }
  EXPECT_EQ(Read().failures, 3);
  EXPECT_EQ(Read().attempts, 6);
}

TEST_F(ProviderHealthTest, ACallerWhoGaveUpSaysNothingOfTheProvider) {
  shard_.Count(kProvider, Fails(v1::ERROR_REASON_PROVIDER_UNAVAILABLE), At(1));
  for (const v1::ErrorReason reason :
       {v1::ERROR_REASON_CANCELLED, v1::ERROR_REASON_DEADLINE_EXCEEDED,
        v1::ERROR_REASON_DRAINING}) {
    shard_.Count(kProvider, Fails(reason), At(2));
  }
  const ProviderHealth health = Read();
  EXPECT_EQ(health.attempts, 4);
  EXPECT_EQ(health.failures, 1);
  EXPECT_EQ(health.consecutive_failures, 1);
  EXPECT_EQ(health.last_failure, At(1));
}

TEST_F(ProviderHealthTest, CountsATryAsInFlightWhileItLives) {
  {
    InflightAttempt first = shard_.StartAttempt(kProvider);
    const InflightAttempt second = other_shard_.StartAttempt(kProvider);
    EXPECT_EQ(Read().attempts_in_flight, 2);
    const InflightAttempt moved = std::move(first);
    EXPECT_EQ(Read().attempts_in_flight, 2);
    EXPECT_EQ(board_.Read("another").attempts_in_flight, 0);
  }
  EXPECT_EQ(Read().attempts_in_flight, 0);
}

TEST_F(ProviderHealthTest, TellsProvidersApart) {
  shard_.Count(kProvider, Fails(v1::ERROR_REASON_PROVIDER_UNAVAILABLE), At(1));
  shard_.Count("anthropic", absl::OkStatus(), At(2));
  EXPECT_EQ(Read().consecutive_failures, 1);
  EXPECT_EQ(board_.Read("anthropic").attempts, 1);
  EXPECT_EQ(board_.Read("anthropic").failures, 0);
}

TEST_F(ProviderHealthTest, LeavesOutWhatExceedsItsMemory) {
  for (size_t i = 0; i < ProviderHealthBoard::kProvidersLimit; ++i) {
    shard_.Count(absl::StrCat("p", i), absl::OkStatus(), At(1));
  }
  shard_.Count(kProvider, absl::OkStatus(), At(1));
  const InflightAttempt inflight = shard_.StartAttempt(kProvider);
  EXPECT_EQ(Read().attempts, 0);
  EXPECT_EQ(Read().attempts_in_flight, 0);
  EXPECT_EQ(board_.Read("p0").attempts, 1);
}

TEST_F(ProviderHealthTest, CanBeReadWhileLoopsCount) {
  constexpr int kAttempts = 20000;
  const auto count = [](ProviderHealthShard& shard) {
    for (int i = 0; i < kAttempts; ++i) {
      const InflightAttempt inflight = shard.StartAttempt(kProvider);
      shard.Count(kProvider,
                  i % 2 == 0 ? Fails(v1::ERROR_REASON_PROVIDER_UNAVAILABLE)
                             : absl::OkStatus(),
                  At(i));
    }
  };
  Thread first("first", [&] { count(shard_); });
  Thread second("second", [&] { count(other_shard_); });
  int64_t seen = 0;
  while (seen < 2 * kAttempts) {
    const ProviderHealth health = Read();
    ASSERT_GE(health.attempts, seen);
    seen = health.attempts;
  }
  first.Join();
  second.Join();
  EXPECT_EQ(Read().failures, kAttempts);
  EXPECT_EQ(Read().attempts_in_flight, 0);
}

}  // namespace
}  // namespace gateway
