#include "service/identity/issued_key.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/os/random.h"
#include "base/sha256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using ::testing::MatchesRegex;

TEST(IssuedKeyTest, AKeyIsTakenApartAsItWasMade) {
  FakeRandom chance(1);
  const NewIssuedKey key = MakeIssuedKey(chance);
  const std::string text(key.text.Reveal());
  EXPECT_THAT(text, MatchesRegex("llmgw_[a-z2-7]{16}_[0-9A-Za-z]{49}"));
  EXPECT_EQ(text.size(), kIssuedKeyBytes);
  const std::optional<ShownIssuedKey> shown = ParseIssuedKey(text);
  ASSERT_TRUE(shown.has_value());
  EXPECT_EQ(shown->id, key.id);
  EXPECT_EQ(shown->secret, text.substr(text.size() - 49));
  EXPECT_EQ(DigestOfIssuedKey(shown->secret), key.digest);
  EXPECT_EQ(key.digest, Sha256(shown->secret));
}

TEST(IssuedKeyTest, ARequestNamesItsKeyAndNotItsSecret) {
  const std::string id = IssuedKeyIdFor("deploy-7");
  EXPECT_EQ(IssuedKeyIdFor("deploy-7"), id);
  EXPECT_NE(IssuedKeyIdFor("deploy-8"), id);
  const NewIssuedKey one = MakeIssuedKeyOf(id, SecureRandom());
  const NewIssuedKey two = MakeIssuedKeyOf(id, SecureRandom());
  EXPECT_NE(one.digest, two.digest);
  EXPECT_EQ(ParseIssuedKey(one.text.Reveal())->id, id);
}

TEST(IssuedKeyTest, NoTwoKeysAreAlike) {
  std::set<std::string> ids;
  std::set<Sha256Digest> digests;
  for (int i = 0; i < 1000; ++i) {
    const NewIssuedKey key = MakeIssuedKey(SecureRandom());
    ids.insert(key.id);
    digests.insert(key.digest);
  }
  EXPECT_EQ(ids.size(), 1000u);
  EXPECT_EQ(digests.size(), 1000u);
}

// 43 characters of which each is one of 62 with the same probability have 256
// bits; were some likelier, they would have fewer.
TEST(IssuedKeyTest, EveryCharacterOfASecretIsAsLikelyAsEveryOther) {
  FakeRandom chance(3);
  std::map<char, int> counts;
  constexpr int kKeys = 4000;
  for (int i = 0; i < kKeys; ++i) {
    const NewIssuedKey key = MakeIssuedKey(chance);
    for (const char c : key.text.Reveal().substr(23, 43)) ++counts[c];
  }
  EXPECT_EQ(counts.size(), 62u);
  constexpr double kExpected = kKeys * 43 / 62.0;
  double chi_square = 0;
  for (const auto& [c, count] : counts) {
    chi_square += (count - kExpected) * (count - kExpected) / kExpected;
  }
  // With 61 degrees of freedom, more once in 10,000 times.
  EXPECT_LT(chi_square, 112);
}

TEST(IssuedKeyTest, ARotatedKeyKeepsItsId) {
  FakeRandom chance(4);
  const NewIssuedKey first = MakeIssuedKey(chance);
  const NewIssuedKey second = MakeIssuedKeyOf(first.id, chance);
  EXPECT_EQ(second.id, first.id);
  EXPECT_NE(second.digest, first.digest);
  EXPECT_EQ(ParseIssuedKey(second.text.Reveal())->id, first.id);
}

TEST(IssuedKeyTest, WhatIsAlmostAKeyIsNone) {
  FakeRandom chance(5);
  const NewIssuedKey key = MakeIssuedKey(chance);
  const std::string text(key.text.Reveal());
  for (size_t i = 0; i < text.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = text;
      other[i] = static_cast<char>(other[i] ^ (1 << bit));
      EXPECT_FALSE(ParseIssuedKey(other).has_value()) << other;
    }
    EXPECT_FALSE(ParseIssuedKey(text.substr(0, i)).has_value()) << i;
  }
  EXPECT_FALSE(ParseIssuedKey(text + "0").has_value());
  EXPECT_FALSE(ParseIssuedKey(" " + text).has_value());
  EXPECT_FALSE(ParseIssuedKey(text + "\n").has_value());
  EXPECT_FALSE(ParseIssuedKey(std::string(1 << 20, 'a')).has_value());
}

TEST(IssuedKeyTest, OnlyTheSecretsThatAreKeptAreRight) {
  FakeRandom chance(6);
  const NewIssuedKey now = MakeIssuedKey(chance);
  const NewIssuedKey before = MakeIssuedKeyOf(now.id, chance);
  const NewIssuedKey other = MakeIssuedKeyOf(now.id, chance);
  const auto shows = [](const NewIssuedKey& key) {
    return *ParseIssuedKey(key.text.Reveal());
  };
  EXPECT_TRUE(IsIssuedKey(shows(now), &now.digest, nullptr));
  EXPECT_TRUE(IsIssuedKey(shows(now), &now.digest, &before.digest));
  EXPECT_TRUE(IsIssuedKey(shows(before), &now.digest, &before.digest));
  EXPECT_FALSE(IsIssuedKey(shows(before), &now.digest, nullptr));
  EXPECT_FALSE(IsIssuedKey(shows(other), &now.digest, &before.digest));
  EXPECT_FALSE(IsIssuedKey(shows(now), nullptr, nullptr));
}

TEST(IssuedKeyTest, ADigestOfZerosIsNotThatOfAnUnknownKey) {
  FakeRandom chance(7);
  const NewIssuedKey key = MakeIssuedKey(chance);
  const Sha256Digest zeros = {};
  EXPECT_FALSE(IsIssuedKey(*ParseIssuedKey(key.text.Reveal()), &zeros, &zeros));
}

}  // namespace
}  // namespace gateway
