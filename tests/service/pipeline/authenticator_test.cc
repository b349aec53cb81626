#include "service/pipeline/authenticator.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/random.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/identity/issued_key.h"
#include "service/identity/issued_key_record.pb.h"
#include "service/identity/key_registry.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kAliceKey[] = "alice-0123456789";
constexpr char kBobKey[] = "bob-0123456789-and-more";

class AuthenticatorTest : public testing::Test {
 protected:
  // The caller's name in brackets, or the refusal.
  std::string Show(std::string_view authorization,
                   std::string_view api_key = "") {
    const absl::StatusOr<CallerRef> caller =
        Authenticator(runtime_->snapshot().caller_keys(), clock_)
            .Authenticate(authorization, api_key);
    if (caller.ok()) return "[" + (*caller)->id + "]";
    EXPECT_EQ(FaultReason(caller.status()), v1::ERROR_REASON_API_KEY_INVALID);
    EXPECT_EQ(caller.status().code(), absl::StatusCode::kUnauthenticated);
    EXPECT_THAT(caller.status().ToString(), Not(HasSubstr("0123456789")));
    return std::string(caller.status().message());
  }

  std::string Bearer(std::string_view key) {
    return "Bearer " + std::string(key);
  }

  FakeClock clock_;
  std::shared_ptr<const RuntimeSnapshot> runtime_ = MakeTestRuntime(
      "providers: [{name: mock, mock: {}}]\n"
      "auth:\n"
      "  callers:\n"
      "    api_keys:\n"
      "    - {id: alice, key: 'env:ALICE'}\n"
      "    - {id: bob, key: 'env:BOB'}\n",
      {{"ALICE", kAliceKey}, {"BOB", kBobKey}});

  static constexpr char kUnknown[] = "the API key is not known";
  static constexpr char kMissing[] =
      "no API key: send `authorization: Bearer <key>`";
};

TEST_F(AuthenticatorTest, TellsCallersApartByTheirKeys) {
  EXPECT_EQ(Show(Bearer(kAliceKey)), "[alice]");
  EXPECT_EQ(Show(Bearer(kBobKey)), "[bob]");
  EXPECT_EQ(Show("", kAliceKey), "[alice]");
  EXPECT_EQ(Show("", kBobKey), "[bob]");
}

TEST_F(AuthenticatorTest, RefusesWhoShowsNoKey) {
  EXPECT_EQ(Show(""), kMissing);
  EXPECT_EQ(Show("Bearer"), kMissing);
  EXPECT_EQ(Show("Bearer "), kMissing);
  EXPECT_EQ(Show(std::string("Basic ") + kAliceKey), kMissing);
  EXPECT_EQ(Show(kAliceKey), kMissing);
}

TEST_F(AuthenticatorTest, RefusesWhatIsAlmostAKey) {
  const std::string key = kAliceKey;
  EXPECT_EQ(Show(Bearer(key.substr(1))), kUnknown);
  EXPECT_EQ(Show(Bearer(key.substr(0, key.size() - 1))), kUnknown);
  EXPECT_EQ(Show(Bearer(key + "x")), kUnknown);
  EXPECT_EQ(Show(Bearer("ALICE-0123456789")), kUnknown);
  EXPECT_EQ(Show(Bearer(key + std::string(1, '\0'))), kUnknown);
  EXPECT_EQ(Show(Bearer(std::string(1 << 20, 'k'))), kUnknown);
  EXPECT_EQ(Show("", key + "x"), kUnknown);
}

TEST_F(AuthenticatorTest, TheSchemeHasNoCaseAndAnySpaceBehindIt) {
  EXPECT_EQ(Show(std::string("bearer ") + kAliceKey), "[alice]");
  EXPECT_EQ(Show(std::string("BEARER ") + kAliceKey), "[alice]");
  EXPECT_EQ(Show(std::string("Bearer   ") + kAliceKey + " "), "[alice]");
}

TEST_F(AuthenticatorTest, AnotherSchemeLeavesTheOtherHeaderItsSay) {
  EXPECT_EQ(Show("Basic dXNlcjpwYXNz", kBobKey), "[bob]");
}

TEST_F(AuthenticatorTest, ABearerKeyThatIsWrongIsNotSavedByTheOtherHeader) {
  EXPECT_EQ(Show(Bearer("wrong"), kBobKey), kUnknown);
  EXPECT_EQ(Show(Bearer(kAliceKey), kBobKey), "[alice]");
}

TEST_F(AuthenticatorTest, WithoutKeysEverybodyIsLetInNameless) {
  runtime_ = MakeTestRuntime("providers: [{name: mock, mock: {}}]");
  EXPECT_EQ(Show(""), "[]");
  EXPECT_EQ(Show(Bearer("anything")), "[]");
}

// What becomes of keys as time goes by.
class KeyLifeTest : public testing::Test {
 protected:
  static ConfigSnapshot::AccessKey Key(const std::string& id,
                                       bool only_digest = false) {
    const std::string text = id + "-0123456789";
    ConfigSnapshot::AccessKey key;
    key.caller.id = id;
    if (!only_digest) key.key.emplace(text);
    key.digest = Sha256(text);
    return key;
  }

  // The caller's name.
  absl::StatusOr<std::string> Show(const std::string& key) {
    GATEWAY_ASSIGN_OR_RETURN(
        const CallerRef caller,
        Authenticator(keys_, clock_).Authenticate("Bearer " + key, ""));
    return caller->id;
  }

  FakeClock clock_;
  std::vector<ConfigSnapshot::AccessKey> keys_;
};

TEST_F(KeyLifeTest, AKeyIsKnownByItsDigest) {
  keys_ = {Key("full"), Key("hashed", /*only_digest=*/true)};
  EXPECT_EQ(*Show("full-0123456789"), "full");
  EXPECT_EQ(*Show("hashed-0123456789"), "hashed");
  for (const std::string& wrong :
       {std::string("hashed-012345678"), std::string("x"),
        std::string("hashed")}) {
    EXPECT_EQ(FaultReason(Show(wrong).status()),
              v1::ERROR_REASON_API_KEY_INVALID);
  }
}

TEST_F(KeyLifeTest, AKeyExpiresAtItsTimeAndOnlyItsOwnerIsTold) {
  keys_ = {Key("old"), Key("hashed", /*only_digest=*/true)};
  for (ConfigSnapshot::AccessKey& key : keys_) {
    key.caller.expire_time = clock_.WallTime() + absl::Seconds(1);
    key.caller.owner = "team@example.com";
  }
  clock_.Advance(absl::Seconds(1) - absl::Nanoseconds(1));
  EXPECT_TRUE(Show("old-0123456789").ok());
  EXPECT_TRUE(Show("hashed-0123456789").ok());
  clock_.Advance(absl::Nanoseconds(1));
  const absl::Status expired = Show("old-0123456789").status();
  EXPECT_EQ(FaultReason(expired), v1::ERROR_REASON_API_KEY_EXPIRED);
  EXPECT_EQ(expired.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(expired.message(),
            "the API key 'old' has expired; ask team@example.com");
  EXPECT_EQ(FaultReason(Show("hashed-0123456789").status()),
            v1::ERROR_REASON_API_KEY_EXPIRED);
  EXPECT_EQ(Show("old-012345678x").status().message(),
            "the API key is not known");
}

TEST_F(KeyLifeTest, ADisabledKeySaysSoToWhoeverShowsIt) {
  keys_ = {Key("off")};
  keys_[0].disabled = true;
  const absl::Status disabled = Show("off-0123456789").status();
  EXPECT_EQ(FaultReason(disabled), v1::ERROR_REASON_API_KEY_DISABLED);
  EXPECT_EQ(disabled.message(), "the API key 'off' is disabled");
  // It is no way in for those who show none.
  EXPECT_EQ(FaultReason(Show("").status()), v1::ERROR_REASON_API_KEY_INVALID);
}

// Keys of the configuration beside those that operators have issued.
class IssuedKeysTest : public testing::Test {
 protected:
  IssuedKeysTest() {
    llmgateway::kept::IssuedKeyRecord record;
    record.mutable_key()->set_id(issued_.id);
    record.mutable_key()->set_state(v1::Key::STATE_ACTIVE);
    record.set_secret_sha256(
        std::string(issued_.digest.begin(), issued_.digest.end()));
    EXPECT_TRUE(registry_.Take(record, 1).ok());
  }

  // The caller's name, or the reason.
  std::string Show(std::string_view key, const KeyRegistry* registry) {
    const absl::StatusOr<CallerRef> caller =
        Authenticator(keys_, clock_, {.issued = registry})
            .Authenticate("", key);
    return caller.ok() ? (*caller)->id
                       : std::string(ReasonName(FaultReason(caller.status())));
  }

  FakeClock clock_;
  std::vector<ConfigSnapshot::AccessKey> keys_;
  KeyRegistry registry_{clock_};
  NewIssuedKey issued_ = MakeIssuedKey(SecureRandom());
};

TEST_F(IssuedKeysTest, BothKindsOfKeyOpen) {
  keys_.resize(1);
  keys_[0].caller.id = "alice";
  keys_[0].key.emplace(kAliceKey);
  EXPECT_EQ(Show(kAliceKey, &registry_), "alice");
  EXPECT_EQ(Show(issued_.text.Reveal(), &registry_), issued_.id);
  EXPECT_EQ(Show(issued_.text.Reveal(), nullptr), "API_KEY_INVALID");
  EXPECT_EQ(Show("llmgw_wrong", &registry_), "API_KEY_INVALID");
}

TEST_F(IssuedKeysTest, AKeyIsAskedForWhereNoneIsIssuedYet) {
  KeyRegistry none(clock_);
  EXPECT_TRUE(Authenticator(keys_, clock_, {.issued = &none}).required());
  EXPECT_EQ(Show("", &none), "API_KEY_INVALID");
  EXPECT_EQ(Show(issued_.text.Reveal(), &none), "API_KEY_INVALID");
}

TEST_F(IssuedKeysTest, AConfiguredKeyMayLookLikeAnIssuedOne) {
  keys_.resize(1);
  keys_[0].caller.id = "moved";
  keys_[0].key.emplace("llmgw_of-another-gateway");
  EXPECT_EQ(Show("llmgw_of-another-gateway", &registry_), "moved");
}

}  // namespace
}  // namespace gateway
