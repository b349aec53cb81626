#include "service/audit/redaction/key_redactor.h"

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

}  // namespace
}  // namespace gateway
