#include "service/pipeline/authenticator.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/pipeline/wiring.h"
#include "tests/testing/test_wiring.h"

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
    const absl::StatusOr<std::string_view> caller =
        wiring_->authenticator().Authenticate(authorization, api_key);
    if (caller.ok()) return "[" + std::string(*caller) + "]";
    EXPECT_EQ(FaultReason(caller.status()), v1::ERROR_REASON_API_KEY_INVALID);
    EXPECT_EQ(caller.status().code(), absl::StatusCode::kUnauthenticated);
    EXPECT_THAT(caller.status().ToString(), Not(HasSubstr("0123456789")));
    return std::string(caller.status().message());
  }

  std::string Bearer(std::string_view key) {
    return "Bearer " + std::string(key);
  }

  std::shared_ptr<const Wiring> wiring_ = MakeTestWiring(
      "providers: [{name: mock, mock: {}}]\n"
      "auth:\n"
      "  api_keys:\n"
      "  - {name: alice, key: 'env:ALICE'}\n"
      "  - {name: bob, key: 'env:BOB'}\n",
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
  wiring_ = MakeTestWiring("providers: [{name: mock, mock: {}}]");
  EXPECT_EQ(Show(""), "[]");
  EXPECT_EQ(Show(Bearer("anything")), "[]");
}

TEST_F(AuthenticatorTest, ModeNoneAsksForNothingThoughThereAreKeys) {
  wiring_ = MakeTestWiring(
      "providers: [{name: mock, mock: {}}]\n"
      "auth: {mode: none, api_keys: [{name: alice, key: 'env:ALICE'}]}",
      {{"ALICE", kAliceKey}});
  EXPECT_EQ(Show(""), "[]");
}

}  // namespace
}  // namespace gateway
