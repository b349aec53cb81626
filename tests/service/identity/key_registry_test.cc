#include "service/identity/key_registry.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/thread.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/proto_time.h"
#include "service/identity/credential_digest.h"
#include "service/identity/remembered_callers.h"
#include "tests/service/identity/issued_records.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Key = ::llmgateway::v1::Key;

class KeyRegistryTest : public testing::Test {
 protected:
  // The caller's id, or the reason of the refusal.
  std::string Show(std::string_view text) {
    const absl::StatusOr<CallerRef> caller = registry_.Find(text);
    if (caller.ok()) return (*caller)->id;
    EXPECT_EQ(caller.status().code(), absl::StatusCode::kUnauthenticated);
    EXPECT_THAT(std::string(caller.status().message()),
                Not(HasSubstr(std::string(text.substr(text.size() / 2)))));
    return std::string(ReasonName(FaultReason(caller.status())));
  }
  void Take(const IssuedForTest& key, int64_t version = 1) {
    ASSERT_TRUE(registry_.Take(key.record, version).ok());
  }

  FakeClock clock_;
  FakeRandom random_{7};
  KeyRegistry registry_{clock_};
  IssuedForTest key_ = IssueForTest(random_);
  IssuedForTest other_ = IssueForTest(random_);
};

TEST_F(KeyRegistryTest, AKeyIsWhomItsRecordSays) {
  Key& kept = *key_.record.mutable_key();
  kept.set_owner("search team");
  kept.add_scopes("api:openai");
  (*kept.mutable_labels())["team"] = "search";
  (*kept.mutable_labels())["stage"] = "prod";
  kept.set_priority(llmgateway::config::v1::PRIORITY_HIGH);
  kept.add_limits()->set_limit(5);
  kept.set_budget("b1");
  Take(key_);
  const absl::StatusOr<CallerRef> found = registry_.Find(key_.shown());
  ASSERT_TRUE(found.ok()) << found.status();
  const Caller& caller = **found;
  EXPECT_EQ(caller.id, key_.id());
  EXPECT_EQ(caller.method, CallerMethod::kIssuedKey);
  EXPECT_EQ(caller.owner, "search team");
  EXPECT_TRUE(caller.scopes.AllowsApi(ScopedApi::kOpenAi));
  EXPECT_FALSE(caller.scopes.AllowsApi(ScopedApi::kGrpc));
  EXPECT_EQ(caller.Label("team"), "search");
  EXPECT_EQ(caller.Label("stage"), "prod");
  EXPECT_EQ(caller.priority, CallerPriority::kHigh);
  ASSERT_EQ(caller.limits.size(), 1u);
  EXPECT_EQ(caller.limits[0].limit(), 5);
  EXPECT_EQ(caller.budget, "b1");
  EXPECT_EQ(caller.expire_time, absl::InfiniteFuture());
  EXPECT_EQ(registry_.CallerOf(key_.id())->owner, "search team");
  EXPECT_EQ(registry_.CallerOf(other_.id()), nullptr);
}

TEST_F(KeyRegistryTest, WhatIsNotTheSecretOfAKnownKeyIsUnknown) {
  Take(key_);
  EXPECT_EQ(Show(other_.shown()), "API_KEY_INVALID");
  // Well formed, with the id of one and the secret of another.
  const NewIssuedKey forged = MakeIssuedKeyOf(key_.id(), random_);
  EXPECT_EQ(Show(forged.text.Reveal()), "API_KEY_INVALID");
  std::string text(key_.shown());
  text.back() = text.back() == 'a' ? 'b' : 'a';
  EXPECT_EQ(Show(text), "API_KEY_INVALID");
  EXPECT_EQ(Show("llmgw_"), "API_KEY_INVALID");
  EXPECT_EQ(Show(key_.shown()), key_.id());
}

TEST_F(KeyRegistryTest, OnlyWhatBeginsAsAnIssuedKeyHasItsForm) {
  EXPECT_TRUE(KeyRegistry::HasForm(key_.shown()));
  EXPECT_FALSE(KeyRegistry::HasForm("sk-0123456789abcdef"));
  EXPECT_FALSE(KeyRegistry::HasForm("llmgw"));
}

TEST_F(KeyRegistryTest, ToldOnlyToWhoShowsTheSecretWhyAKeyDoesNotOpen) {
  const NewIssuedKey forged = MakeIssuedKeyOf(key_.id(), random_);
  key_.record.mutable_key()->set_owner("ops@example.org");
  key_.record.mutable_key()->set_state(Key::STATE_DISABLED);
  Take(key_, 1);
  EXPECT_EQ(Show(key_.shown()), "API_KEY_DISABLED");
  EXPECT_EQ(Show(forged.text.Reveal()), "API_KEY_INVALID");
  const absl::Status disabled = registry_.Find(key_.shown()).status();
  EXPECT_THAT(std::string(disabled.message()),
              HasSubstr("is disabled; ask ops@example.org"));
  EXPECT_EQ(FaultMetadata(disabled, "key"), key_.id());

  key_.record.mutable_key()->set_state(Key::STATE_REVOKED);
  Take(key_, 2);
  EXPECT_EQ(Show(key_.shown()), "API_KEY_DISABLED");
  EXPECT_THAT(std::string(registry_.Find(key_.shown()).status().message()),
              HasSubstr("has been revoked"));
  EXPECT_EQ(Show(forged.text.Reveal()), "API_KEY_INVALID");
}

TEST_F(KeyRegistryTest, AKeyIsGoodUntilItExpires) {
  const absl::Time end = clock_.WallTime() + absl::Hours(1);
  *key_.record.mutable_key()->mutable_expire_time() = ToProto(end);
  Take(key_);
  EXPECT_EQ((*registry_.Find(key_.shown()))->expire_time, end);
  clock_.Advance(absl::Hours(1) - absl::Nanoseconds(1));
  EXPECT_EQ(Show(key_.shown()), key_.id());
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_EQ(Show(key_.shown()), "API_KEY_EXPIRED");
}

TEST_F(KeyRegistryTest, TheSecretThatWasRotatedAwayIsGoodForAGrace) {
  const absl::Time grace = clock_.WallTime() + absl::Minutes(5);
  const NewIssuedKey next = MakeIssuedKeyOf(key_.id(), random_);
  key_.record.set_previous_secret_sha256(key_.record.secret_sha256());
  key_.record.set_secret_sha256(DigestBytesOf(next.digest));
  *key_.record.mutable_key()->mutable_previous_secret_expire_time() =
      ToProto(grace);
  Take(key_, 2);
  EXPECT_EQ((*registry_.Find(next.text.Reveal()))->expire_time,
            absl::InfiniteFuture());
  // So that who remembers the caller does not remember it for too long.
  EXPECT_EQ((*registry_.Find(key_.shown()))->expire_time, grace);
  clock_.Advance(absl::Minutes(5) - absl::Nanoseconds(1));
  EXPECT_EQ(Show(key_.shown()), key_.id());
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_EQ(Show(key_.shown()), "API_KEY_EXPIRED");
  EXPECT_EQ(Show(next.text.Reveal()), key_.id());
}

TEST_F(KeyRegistryTest, AGraceEndsWithItsKey) {
  const absl::Time end = clock_.WallTime() + absl::Minutes(1);
  const NewIssuedKey next = MakeIssuedKeyOf(key_.id(), random_);
  key_.record.set_previous_secret_sha256(DigestBytesOf(next.digest));
  Key& kept = *key_.record.mutable_key();
  *kept.mutable_previous_secret_expire_time() = ToProto(end + absl::Hours(1));
  *kept.mutable_expire_time() = ToProto(end);
  Take(key_);
  EXPECT_EQ((*registry_.Find(next.text.Reveal()))->expire_time, end);
}

TEST_F(KeyRegistryTest, TheLatestVersionCountsWhateverComesLast) {
  Take(key_, 1);
  IssuedForTest revoked = key_;
  revoked.record.mutable_key()->set_state(Key::STATE_REVOKED);
  Take(revoked, 3);
  Take(key_, 2);
  Take(key_, 3);
  EXPECT_EQ(Show(key_.shown()), "API_KEY_DISABLED");
  Take(key_, 4);
  EXPECT_EQ(Show(key_.shown()), key_.id());
}

TEST_F(KeyRegistryTest, EveryChangeGrowsTheGeneration) {
  auto grows = [&, last = registry_.generation()]() mutable {
    const uint64_t before = last;
    last = registry_.generation();
    return last > before;
  };
  EXPECT_FALSE(grows());
  Take(key_, 1);
  EXPECT_TRUE(grows());
  Take(key_, 1);
  EXPECT_FALSE(grows());
  Take(key_, 2);
  EXPECT_TRUE(grows());
  registry_.Drop(other_.id());
  EXPECT_FALSE(grows());
  registry_.Drop(key_.id());
  EXPECT_TRUE(grows());
}

TEST_F(KeyRegistryTest, CountsTheKeysThatAreNotRevokedAndThoseOfEachState) {
  Take(key_);
  Take(other_);
  EXPECT_EQ(registry_.size(), 2u);
  EXPECT_EQ(registry_.size(Key::STATE_ACTIVE), 2u);
  key_.record.mutable_key()->set_state(Key::STATE_DISABLED);
  Take(key_, 2);
  EXPECT_EQ(registry_.size(), 2u);
  EXPECT_EQ(registry_.size(Key::STATE_ACTIVE), 1u);
  EXPECT_EQ(registry_.size(Key::STATE_DISABLED), 1u);
  key_.record.mutable_key()->set_state(Key::STATE_REVOKED);
  Take(key_, 3);
  EXPECT_EQ(registry_.size(), 1u);
  EXPECT_EQ(registry_.size(Key::STATE_REVOKED), 1u);
  registry_.Drop(other_.id());
  EXPECT_EQ(registry_.size(), 0u);
  EXPECT_EQ(registry_.size(Key::STATE_ACTIVE), 0u);
  registry_.Drop(key_.id());
  EXPECT_EQ(registry_.size(Key::STATE_REVOKED), 0u);
}

TEST_F(KeyRegistryTest, AStateThatIsNoneOpensNothing) {
  key_.record.mutable_key()->set_state(static_cast<Key::State>(77));
  Take(key_);
  EXPECT_EQ(Show(key_.shown()), "API_KEY_DISABLED");
  EXPECT_EQ(registry_.size(), 1u);
}

TEST_F(KeyRegistryTest, WhatIsNotAmongAllKeysAnewIsDropped) {
  Take(key_, 7);
  Take(other_, 7);
  registry_.BeginAnew();
  // The store has gone back to an earlier state: that counts.
  key_.record.mutable_key()->set_state(Key::STATE_DISABLED);
  Take(key_, 3);
  registry_.EndAnew();
  EXPECT_EQ(Show(key_.shown()), "API_KEY_DISABLED");
  EXPECT_EQ(Show(other_.shown()), "API_KEY_INVALID");
  EXPECT_EQ(registry_.size(), 1u);
}

TEST_F(KeyRegistryTest, WhatMayBeForgottenIsReplacedAndForgotten) {
  const absl::Time later = clock_.WallTime() + absl::Hours(1);
  ASSERT_TRUE(registry_.Take(key_.record, 9, later).ok());
  ASSERT_TRUE(registry_.Take(other_.record, 9, later).ok());
  for (size_t i = 0; i < KeyRegistry::kShards; ++i) registry_.ForgetSome();
  EXPECT_EQ(Show(other_.shown()), other_.id());
  clock_.Advance(absl::Hours(1));
  // Its id was taken for another key, whose versions begin anew.
  const NewIssuedKey next = MakeIssuedKeyOf(key_.id(), random_);
  key_.record.set_secret_sha256(DigestBytesOf(next.digest));
  Take(key_, 1);
  EXPECT_EQ(Show(next.text.Reveal()), key_.id());
  for (size_t i = 0; i < KeyRegistry::kShards; ++i) registry_.ForgetSome();
  EXPECT_EQ(Show(other_.shown()), "API_KEY_INVALID");
  EXPECT_EQ(Show(next.text.Reveal()), key_.id());
}

TEST_F(KeyRegistryTest, ARecordThatIsNoneIsRefusedByTheFieldAtFault) {
  const auto refusal = [&](const IssuedForTest& key) {
    return std::string(registry_.Take(key.record, 1).message());
  };
  IssuedForTest bad = key_;
  bad.record.mutable_key()->set_id("short");
  EXPECT_THAT(refusal(bad), HasSubstr("key.id"));
  bad = key_;
  bad.record.set_secret_sha256("short");
  EXPECT_THAT(refusal(bad), HasSubstr("secret_sha256"));
  bad = key_;
  bad.record.set_previous_secret_sha256("short");
  EXPECT_THAT(refusal(bad), HasSubstr("previous_secret_sha256"));
  bad = key_;
  bad.record.mutable_key()->add_scopes("api:telepathy");
  EXPECT_THAT(refusal(bad), HasSubstr("key.scopes[0]"));
  EXPECT_EQ(registry_.size(), 0u);
}

TEST_F(KeyRegistryTest, HundredThousandKeysAreAllFound) {
  constexpr int kKeys = 100'000;
  std::vector<std::string> shown;
  for (int i = 0; i < kKeys; ++i) {
    const IssuedForTest each = IssueForTest(random_);
    ASSERT_TRUE(registry_.Take(each.record, 1).ok());
    if (i % 1000 == 0) shown.emplace_back(each.shown());
  }
  EXPECT_EQ(registry_.size(), static_cast<size_t>(kKeys));
  for (const std::string& each : shown) {
    EXPECT_TRUE(registry_.Find(each).ok());
  }
}

TEST_F(KeyRegistryTest, WhoReadsWhileKeysChangeSeesOneOrTheOther) {
  Take(key_, 1);
  std::atomic<bool> over = false;
  const auto read = [&] {
    while (!over) {
      const absl::StatusOr<CallerRef> found = registry_.Find(key_.shown());
      EXPECT_TRUE(found.ok() || FaultReason(found.status()) ==
                                    v1::ERROR_REASON_API_KEY_DISABLED);
    }
  };
  std::vector<Thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back("reader", read);
  for (int64_t version = 2; version < 2000; ++version) {
    IssuedForTest changed = key_;
    changed.record.mutable_key()->set_state(
        version % 2 == 0 ? Key::STATE_DISABLED : Key::STATE_ACTIVE);
    EXPECT_TRUE(registry_.Take(changed.record, version).ok());
    registry_.ForgetSome();
  }
  over = true;
  readers.clear();
}

// On a loop that remembers whom it knows.
class RememberedKeysTest : public KeyRegistryTest {
 protected:
  RememberedKeysTest() { RememberedCallers::SetCurrent(&remembered_); }
  ~RememberedKeysTest() override { RememberedCallers::SetCurrent(nullptr); }

  void TakeIn(Key::State state, int64_t version) {
    key_.record.mutable_key()->set_state(state);
    Take(key_, version);
  }

  const std::unique_ptr<CredentialDigester> digester_ =
      std::make_unique<CredentialDigester>(random_);
  RememberedCallers remembered_{64, *digester_, clock_};
};

TEST_F(RememberedKeysTest, WhoIsRememberedIsTheSame) {
  Take(key_);
  Take(other_);
  const absl::StatusOr<CallerRef> first = registry_.Find(key_.shown());
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(registry_.Find(key_.shown())->get(), first->get());
  EXPECT_NE(remembered_.Find(key_.shown(), registry_.generation()), nullptr);
  EXPECT_EQ(Show(other_.shown()), other_.id());
}

TEST_F(RememberedKeysTest, AChangeIsInForceAtOnce) {
  TakeIn(Key::STATE_ACTIVE, 1);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Show(key_.shown()), key_.id());
  TakeIn(Key::STATE_DISABLED, 2);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Show(key_.shown()), "API_KEY_DISABLED");
  TakeIn(Key::STATE_ACTIVE, 3);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Show(key_.shown()), key_.id());
  TakeIn(Key::STATE_REVOKED, 4);
  EXPECT_EQ(Show(key_.shown()), "API_KEY_DISABLED");
  registry_.Drop(key_.id());
  EXPECT_EQ(Show(key_.shown()), "API_KEY_INVALID");
}

TEST_F(RememberedKeysTest, TheEndOfAKeyIsInForceAtOnce) {
  SetProto(clock_.WallTime() + absl::Seconds(10),
           key_.record.mutable_key()->mutable_expire_time());
  Take(key_);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Show(key_.shown()), key_.id());
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(Show(key_.shown()), "API_KEY_EXPIRED");
}

TEST_F(RememberedKeysTest, AnotherRegistryDoesNotKnowWhomThisOneKnows) {
  Take(key_);
  EXPECT_EQ(Show(key_.shown()), key_.id());
  // It has changed as often.
  KeyRegistry other(clock_);
  ASSERT_TRUE(other.Take(other_.record, 1).ok());
  EXPECT_EQ(FaultReason(other.Find(key_.shown()).status()),
            v1::ERROR_REASON_API_KEY_INVALID);
}

}  // namespace
}  // namespace gateway
