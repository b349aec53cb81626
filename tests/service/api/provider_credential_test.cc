#include "service/api/provider_credential.h"

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ProviderCredentialTest, TheSchemeIsTakenOff) {
  EXPECT_EQ(BareCredential("Bearer sk-1"), "sk-1");
  EXPECT_EQ(BareCredential("bearer   sk-1 "), "sk-1");
}

TEST(ProviderCredentialTest, TheSchemeAloneIsNone) {
  EXPECT_EQ(BareCredential("Bearer "), "");
  EXPECT_EQ(BareCredential("bearer"), "");
}

TEST(ProviderCredentialTest, ABareCredentialStaysAsItIs) {
  EXPECT_EQ(BareCredential("sk-1"), "sk-1");
  EXPECT_EQ(BareCredential("Bearersk-1"), "Bearersk-1");
  EXPECT_EQ(BareCredential(""), "");
}

}  // namespace
}  // namespace gateway
