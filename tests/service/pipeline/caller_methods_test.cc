#include "service/pipeline/caller_methods.h"

#include <memory>
#include <vector>

#include "base/async/blocking_worker.h"
#include "gtest/gtest.h"
#include "service/identity/key_registry.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

class CallerMethodsTest : public testing::Test {
 protected:
  CallerMethodsTest() {
    ports_.clock = &clock_;
    ports_.secure_random = &chance_;
    ports_.issued_keys = &registry_;
    ports_.key_sets = &key_sets_;
  }
  CallerMethods Methods() {
    key_sets_access_.resize(static_cast<size_t>(config_.jwt_issuers().size()));
    return CallerMethodsOf(config_, key_sets_access_, nullptr, counts_, ports_);
  }

  FakeClock clock_;
  FakeRandom chance_{1};
  KeyRegistry registry_{clock_};
  BlockingWorker worker_{{.name = "test"}};
  KeySets key_sets_{clock_, chance_, worker_};
  const std::shared_ptr<AuthenticationCounts> counts_ =
      std::make_shared<AuthenticationCounts>();
  Ports ports_;
  configv1::AuthMethods config_;
  std::vector<KeySetAccess> key_sets_access_;
};

TEST_F(CallerMethodsTest, WithoutAnyNobodyIsAsked) {
  const CallerMethods none = Methods();
  EXPECT_FALSE(none.AreThere());
  EXPECT_EQ(none.counts, counts_);
  none.Use();
}

TEST_F(CallerMethodsTest, EachIsThereIfItIsConfigured) {
  config_.mutable_issued_keys();
  EXPECT_EQ(Methods().issued, &registry_);
  EXPECT_EQ(Methods().tokens, nullptr);
  EXPECT_EQ(Methods().certificates, nullptr);
  EXPECT_TRUE(Methods().AreThere());
  config_.Clear();
  config_.mutable_client_certificates()->add_names("CN=a");
  EXPECT_EQ(Methods().issued, nullptr);
  EXPECT_NE(Methods().certificates, nullptr);
  EXPECT_TRUE(Methods().AreThere());
  config_.Clear();
  config_.add_jwt_issuers()->set_issuer("https://id.example");
  EXPECT_NE(Methods().tokens, nullptr);
  EXPECT_TRUE(Methods().AreThere());
}

TEST_F(CallerMethodsTest, CallersAreAskedEvenWhereNobodyCouldKnowThem) {
  config_.add_jwt_issuers()->set_issuer("https://id.example");
  ports_.key_sets = nullptr;
  EXPECT_EQ(Methods().tokens, nullptr);
  EXPECT_TRUE(Methods().AreThere());
  // A key of the configuration is known elsewhere.
  config_.Clear();
  config_.add_api_keys();
  EXPECT_TRUE(Methods().AreThere());
}

TEST_F(CallerMethodsTest, GuessesAreLimitedAsConfigured) {
  configv1::AuthConfig auth;
  EXPECT_EQ(GuessLimitOf(auth, ports_), nullptr);
  auth.mutable_guess_limit()->set_failures_limit(2);
  auth.mutable_guess_limit()->mutable_base_delay()->set_seconds(30);
  const std::shared_ptr<GuessLimit> guesses = GuessLimitOf(auth, ports_);
  EXPECT_EQ(guesses->RecordFailure("192.0.2.1:1"), absl::ZeroDuration());
  EXPECT_EQ(guesses->RecordFailure("192.0.2.1:2"), absl::ZeroDuration());
  EXPECT_EQ(guesses->RecordFailure("192.0.2.1:3"), absl::Seconds(30));
}

}  // namespace
}  // namespace gateway
