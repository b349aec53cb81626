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

TEST(ProviderCredentialTest, WhereNobodyShowsAKeyTheVendorsHeaderHasIt) {
  const CallerHead head = {.authorization = "Bearer oauth", .api_key = "key"};
  EXPECT_EQ(ProviderCredentialOf("", head, /*asks_for_keys=*/false), "oauth");
  EXPECT_EQ(ProviderCredentialOf("", {.api_key = "key"}, false), "key");
  EXPECT_EQ(ProviderCredentialOf("", {}, false), "");
  EXPECT_EQ(ProviderCredentialOf("Bearer own", head, false), "own");
}

TEST(ProviderCredentialTest, AKeyOfTheGatewaysIsNeverTakenForAVendors) {
  const CallerHead head = {.authorization = "Bearer ours", .api_key = "ours"};
  EXPECT_EQ(ProviderCredentialOf("", head, /*asks_for_keys=*/true), "");
  EXPECT_EQ(ProviderCredentialOf("own", head, true), "own");
}

}  // namespace
}  // namespace gateway
