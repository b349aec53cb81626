#include "service/audit/redaction/key_redactor.h"

#include <utility>

#include "base/os/random.h"
#include "base/secret.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(KeyRedactorTest, KeysAndTokensAreTakenOutAndNothingElse) {
  EXPECT_EQ(KeyRedactor().RedactText("/v1/sk-proj-0123456789abcdefghij/x").text,
            "/v1/[redacted:keys]/x");
  EXPECT_EQ(
      KeyRedactor().RedactText("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOi.c2ln").text,
      "[redacted:tokens]");
  for (const char* const kept :
       {"claude@20260101", "4111111111111111", "a@example.com"}) {
    EXPECT_EQ(KeyRedactor().RedactText(kept).redactions, 0) << kept;
  }
}

TEST(KeyRedactorTest, SecretsOfAConfigurationAreKnownByTheirDigests) {
  SecretDigests secrets(SystemRandom());
  secrets.Add(Secret("caller key of team a"));
  const BodyRedactor redactor = KeyRedactorWith(std::move(secrets));
  EXPECT_EQ(redactor.RedactText("oa/caller key of team a-x").text,
            "oa/[redacted:configured_secret]-x");
  EXPECT_EQ(redactor.RedactText("/v1/caller%20key%20of%20team%20a/y").text,
            "/v1/[redacted:configured_secret]/y");
  EXPECT_EQ(redactor.RedactText("sk-proj-0123456789abcdefghij").text,
            "[redacted:keys]");
  EXPECT_EQ(redactor.RedactText("caller key of team b").redactions, 0);
}

}  // namespace
}  // namespace gateway
