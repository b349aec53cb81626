#include "service/pipeline/configured_secrets.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
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

}  // namespace
}  // namespace gateway
