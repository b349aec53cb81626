#include "service/identity/json_web_key_set.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/identity/rfc_vectors.h"
#include "tests/service/identity/token_signer.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class JsonWebKeySetTest : public testing::Test {
 protected:
  static std::string SetOf(const std::vector<std::string>& keys) {
    std::string json = "{\"keys\":[";
    for (const std::string& key : keys) {
      if (json.back() == '}') json += ",";
      json += key;
    }
    return json + "]}";
  }

  static JsonWebKeySet Parsed(const std::vector<std::string>& keys) {
    absl::StatusOr<JsonWebKeySet> set = JsonWebKeySet::Parse(SetOf(keys));
    EXPECT_TRUE(set.ok()) << set.status();
    return *std::move(set);
  }

  // Why the key is passed over, beside one that is good.
  std::string Skipped(const std::string& key) {
    const JsonWebKeySet set = Parsed({ed_.PublicJwk(), key});
    EXPECT_EQ(set.size(), 1u) << key;
    EXPECT_EQ(set.skipped().size(), 1u) << key;
    return set.skipped().empty() ? "" : set.skipped()[0];
  }

  static std::string Problem(std::string_view json) {
    const absl::StatusOr<JsonWebKeySet> set = JsonWebKeySet::Parse(json);
    EXPECT_EQ(set.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(set.status().message());
  }

  const TokenSigner ec_ = TokenSigner::Es256();
  const TokenSigner ed_ = TokenSigner::EdDsa();
};

TEST_F(JsonWebKeySetTest, KeysOfEachTypeAreRead) {
  const absl::StatusOr<JsonWebKeySet> set = JsonWebKeySet::Parse(kRfcKeySet);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->size(), 3u);
  EXPECT_THAT(set->skipped(), IsEmpty());
  for (const JwsAlgorithm algorithm :
       {JwsAlgorithm::kRs256, JwsAlgorithm::kEs256, JwsAlgorithm::kEdDsa}) {
    const JwsKey* const key = set->Find(algorithm, std::nullopt);
    ASSERT_NE(key, nullptr);
    EXPECT_EQ(key->algorithm(), algorithm);
    // A name that no key has is that of a key that is not here.
    EXPECT_EQ(set->Find(algorithm, "a"), nullptr);
  }
}

TEST_F(JsonWebKeySetTest, AKeyIsFoundByItsNameAndItsAlgorithm) {
  const TokenSigner other = TokenSigner::Es256();
  const JsonWebKeySet set =
      Parsed({ec_.PublicJwk(R"("kid":"a")"), other.PublicJwk(R"("kid":"b")"),
              ed_.PublicJwk(R"("kid":"a")")});
  const std::string signature = other.Signature("text");
  EXPECT_TRUE(set.Find(JwsAlgorithm::kEs256, "b")->Verifies("text", signature));
  EXPECT_FALSE(
      set.Find(JwsAlgorithm::kEs256, "a")->Verifies("text", signature));
  EXPECT_EQ(set.Find(JwsAlgorithm::kEdDsa, "a")->algorithm(),
            JwsAlgorithm::kEdDsa);
  EXPECT_EQ(set.Find(JwsAlgorithm::kEdDsa, "b"), nullptr);
  EXPECT_EQ(set.Find(JwsAlgorithm::kRs256, "a"), nullptr);
  EXPECT_EQ(set.Find(JwsAlgorithm::kEs256, ""), nullptr);
}

TEST_F(JsonWebKeySetTest, WithoutANameThereMustBeOneKeyOfTheAlgorithm) {
  const JsonWebKeySet set =
      Parsed({ec_.PublicJwk(R"("kid":"a")"),
              TokenSigner::Es256().PublicJwk(R"("kid":"b")"),
              ed_.PublicJwk(R"("kid":"c")")});
  EXPECT_EQ(set.Find(JwsAlgorithm::kEs256, std::nullopt), nullptr);
  EXPECT_NE(set.Find(JwsAlgorithm::kEdDsa, std::nullopt), nullptr);
}

TEST_F(JsonWebKeySetTest, KeysForOtherThingsArePassedOver) {
  EXPECT_EQ(Skipped(ec_.PublicJwk(R"("kid":"e","use":"enc")")),
            "keys[1] (kid 'e'): is for 'enc', by its `use`");
  EXPECT_EQ(Skipped(ec_.PublicJwk(R"("key_ops":["sign","encrypt"])")),
            "keys[1]: is not for `verify`, by its `key_ops`");
  EXPECT_EQ(Skipped(ec_.PublicJwk(R"("alg":"ES384")")),
            "keys[1]: is for 'ES384', by its `alg`; of its type ES256 is "
            "accepted");
  EXPECT_EQ(Skipped(R"({"kty":"oct","k":"c2VjcmV0","kid":"h"})")
                .find("keys[1] (kid 'h'): "),
            0u);
  EXPECT_EQ(Skipped(R"({"kty":"AKP","kid":"p"})"),
            "keys[1] (kid 'p'): is of the type 'AKP'; RSA, EC and OKP are "
            "accepted");
  EXPECT_THAT(Skipped(R"({"kty":"EC","crv":"P-384"})"),
              HasSubstr("is of the curve 'P-384'; of the type EC P-256"));
  EXPECT_THAT(Skipped(R"({"kty":"OKP","crv":"X25519"})"),
              HasSubstr("is of the curve 'X25519'; of the type OKP Ed25519"));
}

TEST_F(JsonWebKeySetTest, KeysThatSayWhatTheyAreForAreUsed) {
  EXPECT_EQ(Parsed({ec_.PublicJwk(
                       R"("use":"sig","alg":"ES256","key_ops":["verify"])")})
                .size(),
            1u);
}

TEST_F(JsonWebKeySetTest, AKeyThatIsNoGoodSaysWhyAndHarmsNoOther) {
  EXPECT_THAT(Skipped("1"), HasSubstr("keys[1]: is no object"));
  EXPECT_THAT(Skipped("{}"), HasSubstr("has no `kty`"));
  EXPECT_THAT(Skipped(R"({"kty":7})"), HasSubstr("a `kty` that is no text"));
  EXPECT_THAT(Skipped(R"({"kty":"RSA","e":"AQAB"})"), HasSubstr("has no `n`"));
  EXPECT_THAT(Skipped(R"({"kty":"RSA","n":"AQAB="})"),
              HasSubstr("`n` that is not base64url"));
  EXPECT_THAT(Skipped(TokenSigner::Rs256(1024).PublicJwk()),
              HasSubstr("is an RSA key of 1024 bits; from 2048"));
  EXPECT_THAT(Skipped(ec_.PublicJwk(R"("key_ops":"verify")")),
              HasSubstr("`key_ops` that are no list"));
  EXPECT_THAT(Skipped(ec_.PublicJwk(R"("key_ops":["verify",1])")),
              HasSubstr("not all texts"));
  EXPECT_THAT(Skipped(ec_.PublicJwk(R"("d":"AAAA")")),
              HasSubstr("whoever could read the set can sign tokens"));
  EXPECT_THAT(
      Skipped(ec_.PublicJwk("\"kid\":\"" + std::string(257, 'k') + "\"")),
      HasSubstr("`kid` of more than 256 bytes"));
}

TEST_F(JsonWebKeySetTest, OfTwoKeysOfOneNameTheFirstIsUsed) {
  const TokenSigner second = TokenSigner::Es256();
  const JsonWebKeySet set =
      Parsed({ec_.PublicJwk(R"("kid":"a")"), second.PublicJwk(R"("kid":"a")")});
  EXPECT_THAT(set.skipped(),
              ElementsAre("keys[1] (kid 'a'): has the same `kid` as one before "
                          "it of its algorithm"));
  EXPECT_TRUE(set.Find(JwsAlgorithm::kEs256, "a")
                  ->Verifies("text", ec_.Signature("text")));
}

TEST_F(JsonWebKeySetTest, ASetWithoutAUsableKeyIsAnErrorThatSaysWhy) {
  EXPECT_EQ(Problem(R"({"keys":[]})"), "a key set without a usable key");
  EXPECT_EQ(Problem(R"({"keys":[{"kty":"X"},{"kid":"b"}]})"),
            "a key set without a usable key: keys[0]: is of the type 'X'; RSA, "
            "EC and OKP are accepted; keys[1] (kid 'b'): has no `kty`");
}

TEST_F(JsonWebKeySetTest, WhatIsNoSetIsAnError) {
  for (const std::string_view json :
       {"", "[]", "<html>", "{", R"({"keys":[],"keys":[]})",
        R"({"keys":[{"kty":"EC","kty":"RSA"}]})"}) {
    EXPECT_THAT(Problem(json), HasSubstr("no key set: it must be a JSON"));
  }
  EXPECT_EQ(Problem("{}"), "no key set: has no `keys`");
  EXPECT_THAT(Problem(R"({"keys":{}})"), HasSubstr("must be a list"));
}

TEST_F(JsonWebKeySetTest, SetsHaveASizeAndANumberOfKeys) {
  std::vector<std::string> keys(kKeySetKeysMax - 1, "{}");
  keys.push_back(ec_.PublicJwk());
  EXPECT_EQ(Parsed(keys).size(), 1u);
  keys.insert(keys.begin(), "{}");
  EXPECT_EQ(Problem(SetOf(keys)), "no key set: has more than 100 keys");

  const std::string good = SetOf({ec_.PublicJwk()});
  const std::string space(kKeySetBytesMax - good.size(), ' ');
  EXPECT_TRUE(JsonWebKeySet::Parse(good + space).ok());
  EXPECT_THAT(Problem(good + space + " "), HasSubstr("at most 262144"));
}

// An error is for the log: what stands there must not break its lines.
TEST_F(JsonWebKeySetTest, NamesAreQuotedAndCut) {
  const std::string why =
      Skipped("{\"kty\":\"A\\nB" + std::string(1000, 'x') + "\"}");
  EXPECT_THAT(why, HasSubstr("'A\\nB"));
  EXPECT_LT(why.size(), 200u);
}

}  // namespace
}  // namespace gateway
