#include "service/pipeline/authenticator.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
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

}  // namespace
}  // namespace gateway
