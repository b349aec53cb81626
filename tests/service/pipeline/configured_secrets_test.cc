#include "service/pipeline/configured_secrets.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_reader.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::Contains;
using ::testing::Not;

constexpr char kWithSecrets[] =
    "providers:\n"
    "- {name: p, openai: {api_key: 'env:UPSTREAM'}}\n"
    "auth:\n"
    "  callers: {api_keys: [{id: a, key: 'env:CALLER'},\n"
    // Of the key `hashed-caller-key-1`.
    "    {id: b, key_sha256: "
    "52cf89d254864937f2ee5a03a6ef7a2e89ec7a8aed1ebf6d174734129f12dd53}]}\n"
    "  operators: {api_keys: [{id: o, key: 'env:OPERATOR'}]}\n";

TEST(ConfiguredSecretsTest, AllAreFoundAndShownByNoBody) {
  const auto runtime =
      MakeTestRuntime(kWithSecrets, {{"UPSTREAM", "upstream-key-00001"},
                                     {"CALLER", "caller-key-0000001"},
                                     {"OPERATOR", "operator-key-00001"}});
  std::vector<std::string> all;
  for (const Secret& secret : ConfiguredSecrets(runtime->snapshot())) {
    all.emplace_back(secret.Reveal());
  }
  for (const char* const key :
       {"upstream-key-00001", "caller-key-0000001", "operator-key-00001"}) {
    EXPECT_THAT(all, Contains(key));
    EXPECT_EQ(
        runtime->key_redactor()->RedactText(std::string("openai/") + key).text,
        "openai/[redacted:configured_secret]");
  }
  EXPECT_THAT(all, Not(Contains("hashed-caller-key-1")));
  EXPECT_EQ(runtime->key_redactor()->RedactText("/v1/hashed-caller-key-1").text,
            "/v1/[redacted:configured_secret]");
  EXPECT_EQ(
      runtime->key_redactor()->RedactText("upstream-key-00002").redactions, 0);
}

constexpr char kWithConnections[] =
    "providers: [{name: mock, mock: {}}]\n"
    "redis: {addresses: ['a:1'], password: 'env:REDIS'}\n"
    "tracing: {endpoint: 'https://a:1',"
    " headers: [{name: x-t, value: 'env:TOKEN'}]}\n";

std::shared_ptr<const RuntimeSnapshot> After(const RuntimeSnapshot* before,
                                             const std::string& password,
                                             const std::string& token) {
  const ConfigReading reading = ReadConfigText(
      AllProviderKinds(), kWithConnections, "test.yaml",
      {{"REDIS", password}, {"TOKEN", token}}, absl::UnixEpoch());
  EXPECT_NE(reading.snapshot, nullptr);
  return *RuntimeSnapshot::Make(reading.snapshot, {}, before);
}

TEST(ConfiguredSecretsTest, WhatConnectionsMayStillStandByIsFound) {
  const auto first = After(nullptr, "redis-password-1", "collector-token");
  const auto second = After(&*first, "redis-password-2", "collector-token");
  const auto third = After(&*second, "redis-password-3", "collector-token");
  for (const char* const secret : {"redis-password-1", "redis-password-2",
                                   "redis-password-3", "collector-token"}) {
    EXPECT_EQ(third->key_redactor()->RedactText(secret).text,
              "[redacted:configured_secret]");
  }
  EXPECT_EQ(second->key_redactor()->RedactText("redis-password-3").redactions,
            0);
}

TEST(ConfiguredSecretsTest, OfFormerOnesTheNewestAreKept) {
  auto runtime = After(nullptr, "redis-password-000", "collector-token");
  std::vector<Secret> former;
  for (size_t i = 1; i <= kFormerSecretsMax + 1; ++i) {
    auto next = After(&*runtime, absl::StrCat("redis-password-", 100 + i),
                      "collector-token");
    former = FormerSecrets(next->snapshot(), runtime->snapshot(), former);
    runtime = std::move(next);
  }
  ASSERT_EQ(former.size(), kFormerSecretsMax);
  EXPECT_EQ(former.front().Reveal(),
            absl::StrCat("redis-password-", 100 + kFormerSecretsMax));
  EXPECT_EQ(former.back().Reveal(), "redis-password-101");
  // One that comes back is none.
  const auto back = After(&*runtime, "redis-password-101", "collector-token");
  for (const Secret& each :
       FormerSecrets(back->snapshot(), runtime->snapshot(), former)) {
    EXPECT_NE(each.Reveal(), "redis-password-101");
  }
}

}  // namespace
}  // namespace gateway
