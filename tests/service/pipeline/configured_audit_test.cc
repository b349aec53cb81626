#include "service/pipeline/configured_audit.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr char kAudited[] =
    "providers: [{name: mock, mock: {}}]\n"
    "audit:\n"
    "  file: /tmp/audit.db\n"
    "  retention_days: 7\n"
    "  unknown_callers_per_second: 3\n"
    "  refusals_per_second: 4\n"
    "  bodies: [{apis: [grpc], request: true}, {response: true,\n"
    "            body_bytes_limit: 5}]\n"
    "  redaction: {own_patterns: [{name: x, regex: 'x+'}]}\n";

TEST(ConfiguredAuditTest, WithoutASectionThereIsNone) {
  const auto runtime = MakeTestRuntime("providers: [{name: mock, mock: {}}]\n");
  const auto policy = AuditPolicyOf(runtime->snapshot());
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(*policy, nullptr);
  EXPECT_EQ(runtime->audit(), nullptr);
}

TEST(ConfiguredAuditTest, ThePolicyIsWhatIsConfigured) {
  const auto runtime = MakeTestRuntime(kAudited);
  const auto policy = AuditPolicyOf(runtime->snapshot());
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ((*policy)->retention, absl::Hours(7 * 24));
  EXPECT_EQ((*policy)->unknown_callers_per_second, 3);
  EXPECT_EQ((*policy)->refusals_per_second, 4);
  EXPECT_EQ((*policy)->cipher, nullptr);
  EXPECT_EQ((*policy)->redactor.RedactText("axxb a@b.example").text,
            "a[redacted:x]b [redacted:email]");
  const BodyRule* const by_grpc = (*policy)->rules.Match({.api = "grpc"});
  ASSERT_NE(by_grpc, nullptr);
  EXPECT_TRUE(by_grpc->request);
  EXPECT_EQ(by_grpc->bytes_limit, 64 * 1024);
  const BodyRule* const other = (*policy)->rules.Match({.api = "openai"});
  ASSERT_NE(other, nullptr);
  EXPECT_TRUE(other->response);
  EXPECT_EQ(other->bytes_limit, 5);
  const AuditLog::Options options =
      AuditOptionsOf(runtime->config().audit(), "/a/b");
  EXPECT_EQ(options.store.path, "/a/b");
  EXPECT_EQ(options.queue_entries_limit, 10000);
  EXPECT_EQ(options.queue_bytes_limit, 64 << 20);
}

TEST(ConfiguredAuditTest, TheGatewaysOwnSecretsAreTakenOut) {
  constexpr char kSecrets[] =
      "providers: [{name: openai, openai: {api_key: 'env:A'}}]\n"
      "auth:\n"
      "  callers: {api_keys: [{id: team, key: 'env:B'}]}\n"
      "  operators: {api_keys: [{id: ops, key: 'env:C'}]}\n"
      "audit: {file: /tmp/audit.db, encryption: {keys: [{id: k, key: "
      "'env:D'}]}}"
      "\n";
  const std::string key(64, 'd');
  const auto runtime =
      MakeTestRuntime(kSecrets, {{"A", "upstream-credential"},
                                 {"B", "key-of-a-team-123456"},
                                 {"C", "key-of-operators-123456"},
                                 {"D", key}});
  const auto policy = AuditPolicyOf(runtime->snapshot());
  ASSERT_TRUE(policy.ok()) << policy.status();
  for (const std::string& secret :
       {std::string("upstream-credential"), std::string("key-of-a-team-123456"),
        std::string("key-of-operators-123456"), key}) {
    EXPECT_EQ((*policy)->redactor.RedactText("it is " + secret + ".").text,
              "it is [redacted:configured_secret].");
  }
}

TEST(ConfiguredAuditTest, KeysAreThoseThatAreNamed) {
  const std::string yaml = absl::StrCat(
      kAudited, "  encryption: {keys: [{id: k1, key: 'env:AUDIT'}]}\n");
  const auto runtime = MakeTestRuntime(yaml, {{"AUDIT", std::string(64, 'a')}});
  const auto policy = AuditPolicyOf(runtime->snapshot());
  ASSERT_TRUE(policy.ok()) << policy.status();
  ASSERT_NE((*policy)->cipher, nullptr);
  EXPECT_EQ((*policy)->cipher->Encrypt("text", "e")->key_id, "k1");
}

}  // namespace
}  // namespace gateway
