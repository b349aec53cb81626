#include "service/identity/jws_key.h"

#include <openssl/err.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/identity/json_web_key_set.h"
#include "tests/service/identity/token_signer.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

TEST(JwsKeyTest, OnlyThreeAlgorithmsAreKnown) {
  EXPECT_EQ(JwsAlgorithmOf("RS256"), JwsAlgorithm::kRs256);
  EXPECT_EQ(JwsAlgorithmOf("ES256"), JwsAlgorithm::kEs256);
  EXPECT_EQ(JwsAlgorithmOf("EdDSA"), JwsAlgorithm::kEdDsa);
  for (const std::string_view name :
       {"none", "None", "HS256", "RS512", "PS256", "ES384", "rs256", "EDDSA",
        "", "RS256 "}) {
    EXPECT_EQ(JwsAlgorithmOf(name), std::nullopt) << name;
  }
}

TEST(JwsKeyTest, OnlyItsOwnSignatureVerifies) {
  for (const TokenSigner& signer :
       {TokenSigner::Rs256(), TokenSigner::Es256(), TokenSigner::EdDsa()}) {
    SCOPED_TRACE(signer.algorithm());
    const auto keys =
        JsonWebKeySet::Parse("{\"keys\":[" + signer.PublicJwk() + "]}");
    ASSERT_TRUE(keys.ok()) << keys.status();
    const JwsKey& key =
        *keys->Find(*JwsAlgorithmOf(signer.algorithm()), std::nullopt);
    const std::string right = signer.Signature("text");
    EXPECT_TRUE(key.Verifies("text", right));
    EXPECT_FALSE(key.Verifies("texu", right));
    EXPECT_FALSE(key.Verifies("", right));
    EXPECT_FALSE(key.Verifies("text", ""));
    EXPECT_FALSE(key.Verifies("text", right + '\0'));
    EXPECT_FALSE(key.Verifies("text", '\0' + right));
    EXPECT_FALSE(key.Verifies("text", right.substr(1)));
    EXPECT_FALSE(key.Verifies("text", std::string(right.size(), '\0')));
    EXPECT_FALSE(key.Verifies("text", std::string(right.size(), '\xff')));
    for (size_t i = 0; i < right.size(); ++i) {
      std::string wrong = right;
      wrong[i] = static_cast<char>(wrong[i] ^ 1);
      EXPECT_FALSE(key.Verifies("text", wrong)) << i;
    }
    EXPECT_EQ(ERR_peek_error(), 0u);
  }
}

TEST(JwsKeyTest, RsaKeysHaveALength) {
  // 65537, and a modulus of so many bits.
  const std::string e("\x01\x00\x01", 3);
  const auto modulus = [](int bits) {
    std::string n(static_cast<size_t>(bits + 7) / 8, '\xff');
    n[0] = static_cast<char>((1 << ((bits - 1) % 8 + 1)) - 1);
    return n;
  };
  EXPECT_TRUE(JwsKey::Rsa(modulus(2048), e).ok());
  EXPECT_THAT(JwsKey::Rsa(modulus(2047), e).status().message(),
              HasSubstr("is an RSA key of 2047 bits; from 2048 to 8192"));
  EXPECT_TRUE(JwsKey::Rsa(modulus(8192), e).ok());
  EXPECT_FALSE(JwsKey::Rsa(modulus(8193), e).ok());
  EXPECT_FALSE(JwsKey::Rsa(std::string(1 << 20, '\xff'), e).ok());
  // Zeros before a number do not make it longer.
  EXPECT_FALSE(JwsKey::Rsa(std::string(128, '\0') + modulus(1024), e).ok());
}

TEST(JwsKeyTest, RsaExponentsAreOddAndNotOne) {
  const std::string n(256, '\xff');
  EXPECT_TRUE(JwsKey::Rsa(n, "\x03").ok());
  for (const std::string_view e : {"\x01", "\x04", ""}) {
    EXPECT_FALSE(JwsKey::Rsa(n, e).ok());
  }
  EXPECT_FALSE(JwsKey::Rsa(n, std::string(100, '\x03')).ok());
  EXPECT_FALSE(JwsKey::Rsa(n.substr(1) + '\xfe', "\x03").ok());
}

TEST(JwsKeyTest, PointsLieOnTheirCurve) {
  const std::string one = std::string(31, '\0') + '\x01';
  EXPECT_THAT(JwsKey::P256(one, one).status().message(),
              HasSubstr("is no point of P-256"));
  EXPECT_FALSE(JwsKey::P256(std::string(32, '\0'), std::string(32, '\0')).ok());
  EXPECT_FALSE(JwsKey::P256(one.substr(1), one).ok());
  EXPECT_FALSE(JwsKey::P256(one, one + '\0').ok());
  EXPECT_FALSE(JwsKey::Ed25519(one.substr(1)).ok());
  EXPECT_FALSE(JwsKey::Ed25519(one + one).ok());
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace gateway
