#include "service/pipeline/provider_policy.h"

#include <memory>

#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

constexpr char kProviders[] =
    "providers:\n"
    "- name: plain\n"
    "  mock: {}\n"
    "- name: special\n"
    "  openai: {api_key: 'env:A', http: {timeouts: {connect: 2s, "
    "first_content: 9s}}}\n"
    "  credentials: [{api_key: 'env:B', name: other, weight: 3}]\n"
    "  credential_passthrough: true\n"
    "  resilience: {retry: {attempts_limit: 2, backoff_base: 1s}, "
    "concurrent_attempts_limit: 4, models: [{model: slow, retry: "
    "{backoff_base: "
    "2s}, concurrent_attempts_limit: 1, timeouts: {first_byte: 3s, "
    "stream_first_byte: 4s, first_content: 5s}}]}\n"
    "routing: {default_target: plain}\n"
    "resilience: {credential_cooling: {default_cooling: 2s, cooling_limit: "
    "60s}}\n";

const ProviderPolicy& PolicyOf(const RuntimeSnapshot& runtime,
                               const char* name) {
  return runtime.PolicyOf(*runtime.providers().Find(name));
}

TEST(ProviderPolicyTest, IsAsConfiguredForAllWhereNothingElseIsSaid) {
  const auto runtime = MakeTestRuntime(kProviders, {{"A", "a"}, {"B", "b"}});
  const ProviderPolicy& plain = PolicyOf(*runtime, "plain");
  EXPECT_EQ(plain.common.retry.attempts_limit(), 3);
  ASSERT_NE(plain.credentials, nullptr);
  EXPECT_TRUE(plain.credentials->is_keyless());
  EXPECT_FALSE(plain.takes_callers_credential);
  EXPECT_EQ(plain.load, nullptr);
  EXPECT_EQ(plain.common.limits, AttemptLimits());
}

TEST(ProviderPolicyTest, AProviderHasWhatItSays) {
  const auto runtime = MakeTestRuntime(kProviders, {{"A", "a"}, {"B", "b"}});
  const ProviderPolicy& special = PolicyOf(*runtime, "special");
  EXPECT_EQ(special.common.retry.attempts_limit(), 2);
  EXPECT_EQ(special.common.retry.retry_after_limit(), absl::Seconds(60));
  EXPECT_TRUE(special.takes_callers_credential);
  EXPECT_EQ(special.concurrent_attempts_limit, 4);
  EXPECT_EQ(special.load, runtime->resilience().providers.LoadOf("special"));
  EXPECT_EQ(special.common.limits.connect, absl::Seconds(2));
  EXPECT_EQ(special.common.limits.first_content, absl::Seconds(9));
  EXPECT_EQ(special.common.limits.total, absl::InfiniteDuration())
      << "which the client for HTTP keeps to";
  ASSERT_EQ(special.credentials->size(), 2u);
  EXPECT_EQ(special.credentials->NameOf(1), "other");
  EXPECT_EQ(
      special.CredentialsRest(absl::Hours(1), special.takes_callers_credential),
      absl::ZeroDuration());
  const absl::Duration now = absl::Hours(1);
  special.credentials->Record(
      0, now, MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, ""));
  EXPECT_EQ(special.credentials->CoolsFor(0, now), absl::Seconds(2));
  absl::Status long_wait =
      MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, "");
  SetRetryDelay(long_wait, absl::Hours(1));
  special.credentials->Record(1, now, long_wait);
  EXPECT_EQ(special.credentials->CoolsFor(1, now), absl::Seconds(60));
}

TEST(ProviderPolicyTest, AModelHasWhatItSaysAndElseWhatItsProviderHas) {
  const auto runtime = MakeTestRuntime(kProviders, {{"A", "a"}, {"B", "b"}});
  const ProviderPolicy& special = PolicyOf(*runtime, "special");
  EXPECT_EQ(&special.Of("other"), &special.common);
  EXPECT_EQ(special.common.load, nullptr);
  EXPECT_EQ(special.common.first_byte, absl::ZeroDuration());
  const TargetPolicy& slow = special.Of("slow");
  EXPECT_EQ(slow.retry.attempts_limit(), 2) << "as the provider says";
  EXPECT_EQ(slow.limits.connect, absl::Seconds(2));
  EXPECT_EQ(slow.limits.first_content, absl::Seconds(5));
  EXPECT_EQ(slow.first_byte, absl::Seconds(3));
  EXPECT_EQ(slow.stream_first_byte, absl::Seconds(4));
  EXPECT_EQ(slow.concurrent_attempts_limit, 1);
  EXPECT_EQ(slow.load,
            runtime->resilience().providers.LoadOf("special", "slow"));
  EXPECT_NE(slow.load, special.load);
}

TEST(ProviderPolicyTest, CredentialsRestUntilOneOfThemMayBeSent) {
  const auto runtime = MakeTestRuntime(
      "providers: [{name: lone, openai: {api_key: 'env:A'}}, {name: open, "
      "credential_passthrough: true, openai: {api_key: 'env:A'}}]\n"
      "routing: {default_target: lone}\n",
      {{"A", "a"}});
  const absl::Duration now = absl::Hours(1);
  absl::Status limited = MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, "");
  SetRetryDelay(limited, absl::Seconds(7));
  for (const char* name : {"lone", "open"}) {
    PolicyOf(*runtime, name).credentials->Record(0, now, limited);
  }
  const ProviderPolicy& lone = PolicyOf(*runtime, "lone");
  EXPECT_EQ(lone.CredentialsRest(now, false), absl::Seconds(7));
  EXPECT_EQ(lone.CredentialsRest(now + absl::Seconds(7), false),
            absl::ZeroDuration());
  const ProviderPolicy& open = PolicyOf(*runtime, "open");
  EXPECT_EQ(open.CredentialsRest(now, open.takes_callers_credential),
            absl::ZeroDuration());
  lone.credentials->Record(
      0, now, MakeFault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED, ""));
  EXPECT_EQ(lone.CredentialsRest(now, false), absl::InfiniteDuration());
}

TEST(ProviderPolicyTest, CredentialsWithoutASecretAreNotThere) {
  const auto runtime = MakeTestRuntime(kProviders, {{"B", "b"}});
  ASSERT_EQ(PolicyOf(*runtime, "special").credentials->size(), 1u);
  EXPECT_EQ(PolicyOf(*runtime, "special").credentials->NameOf(0), "other");
}

}  // namespace
}  // namespace gateway
