#include "service/identity/token_issuers.h"

#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/os/clock.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/identity/credential_digest.h"
#include "service/identity/remembered_callers.h"
#include "tests/service/identity/token_signer.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/no_http_client.h"

namespace gateway {
namespace {

class TokenIssuersTest : public testing::Test {
 protected:
  TokenIssuersTest() {
    path_ = absl::StrCat(testing::TempDir(), "/set.json");
    std::ofstream(path_) << absl::StrCat(
        R"({"keys":[)", signer_.PublicJwk(R"("kid":"k")"), "]}");
    auto& issuer = *configs_.Add();
    issuer.set_issuer("https://id.example");
    issuer.add_audiences("us");
    issuer.set_key_set(absl::StrCat("file:", path_));
    issuer.set_caller_claim("sub");
    issuer.set_scopes_claim("scope");
    issuer.set_caller_prefix("id:");
    issuer.mutable_key_set_interval()->set_seconds(600);
    issuer.mutable_grants()->add_scopes("model:cheap*");
    issuer.mutable_grants()->set_owner("somebody");
    RememberedCallers::SetCurrent(&remembered_);
  }
  ~TokenIssuersTest() override {
    RememberedCallers::SetCurrent(nullptr);
    if (running_) sets_.Stop(thread_.loop());
  }

  void Run(const TokenIssuers& issuers) {
    issuers.Use();
    running_ = true;
    thread_.loop().Post([this] { Spawn(sets_.Run(thread_.loop(), http_)); });
    ASSERT_TRUE(sets_.AwaitFirst(absl::Seconds(30)));
  }
  std::string Sign(std::string_view kid, std::string_view more = "") const {
    return signer_.Sign(
        absl::StrCat(R"({"alg":"ES256","kid":")", std::string(kid), R"("})"),
        absl::StrCat(R"({"iss":"https://id.example","aud":"us",)"
                     R"("sub":"alice","exp":4102444800)",
                     std::string(more), "}"));
  }
  static v1::ErrorReason ReasonOf(const absl::StatusOr<CallerRef>& caller) {
    return FaultReason(caller.status());
  }

  const TokenSigner signer_ = TokenSigner::Es256();
  std::string path_;
  TokenIssuers::Configs configs_;
  const std::vector<KeySetAccess> access_{1};
  FakeRandom chance_{1};
  const std::unique_ptr<CredentialDigester> digester_ =
      std::make_unique<CredentialDigester>(chance_);
  RememberedCallers remembered_{64, *digester_, SystemClock()};
  NoHttpClient http_;
  BlockingWorker worker_{{.name = "test"}};
  KeySets sets_{SystemClock(), chance_, worker_};
  bool running_ = false;
  LoopThread thread_;
};

TEST_F(TokenIssuersTest, OnlyWhatLooksLikeATokenIsTakenForOne) {
  EXPECT_TRUE(TokenIssuers::HasForm(Sign("k")));
  EXPECT_TRUE(TokenIssuers::HasForm("eyJ.."));
  for (const char* key : {"", "eyJ", "eyJ.a", "sk-a.b.c", "llmgw_a_b"}) {
    EXPECT_FALSE(TokenIssuers::HasForm(key)) << key;
  }
}

TEST_F(TokenIssuersTest, ATokenNamesItsCallerUnderTheIssuersPrefix) {
  const TokenIssuers issuers(configs_, access_, sets_, SystemClock());
  Run(issuers);
  const auto caller =
      issuers.Authenticate(Sign("k", R"(,"scope":"model:*-1 email")"));
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ((*caller)->id, "id:alice");
  EXPECT_EQ((*caller)->owner, "somebody");
  EXPECT_EQ((*caller)->method, CallerMethod::kJwt);
  // The issuer's grants and the token's scopes both hold.
  EXPECT_TRUE((*caller)->scopes.AllowsModel("cheap-1"));
  EXPECT_FALSE((*caller)->scopes.AllowsModel("cheap-2"));
  EXPECT_FALSE((*caller)->scopes.AllowsModel("dear-1"));
}

TEST_F(TokenIssuersTest, OneThatWasVerifiedIsRememberedByTheseIssuersAlone) {
  const TokenIssuers issuers(configs_, access_, sets_, SystemClock());
  Run(issuers);
  const std::string token = Sign("k");
  const auto first = issuers.Authenticate(token);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(issuers.Authenticate(token)->get(), first->get());
  const TokenIssuers others(configs_, access_, sets_, SystemClock());
  EXPECT_NE(others.Authenticate(token)->get(), first->get());
  configs_[0].set_issuer("https://other.example");
  EXPECT_EQ(ReasonOf(TokenIssuers(configs_, access_, sets_, SystemClock())
                         .Authenticate(token)),
            v1::ERROR_REASON_API_KEY_INVALID);
}

TEST_F(TokenIssuersTest, WithoutKeysATokenMayBeShownAgainSoon) {
  const TokenIssuers issuers(configs_, access_, sets_, SystemClock());
  const auto refused = issuers.Authenticate(Sign("k"));
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_IDENTITY_UNAVAILABLE);
  EXPECT_EQ(RetryDelay(refused.status()), absl::Seconds(1));
  // What no keys could make right is refused for good.
  EXPECT_EQ(ReasonOf(issuers.Authenticate("eyJ.a.b")),
            v1::ERROR_REASON_API_KEY_INVALID);
}

TEST_F(TokenIssuersTest, AKeyThatIsGoneOpensNothingAnyMore) {
  const TokenIssuers issuers(configs_, access_, sets_, SystemClock());
  Run(issuers);
  const std::string token = Sign("k");
  ASSERT_TRUE(issuers.Authenticate(token).ok());
  std::ofstream(path_) << absl::StrCat(
      R"({"keys":[)", signer_.PublicJwk(R"("kid":"next")"), "]}");
  // The first that is signed with a new key has the set read.
  while (ReasonOf(issuers.Authenticate(Sign("next"))) ==
         v1::ERROR_REASON_IDENTITY_UNAVAILABLE) {
  }
  EXPECT_TRUE(issuers.Authenticate(Sign("next")).ok());
  EXPECT_EQ(ReasonOf(issuers.Authenticate(token)),
            v1::ERROR_REASON_API_KEY_INVALID);
}

}  // namespace
}  // namespace gateway
