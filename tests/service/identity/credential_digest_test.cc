#include "service/identity/credential_digest.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "tests/testing/exact_copy.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

class CredentialDigestTest : public testing::Test {
 protected:
  CredentialDigest DigestOf(const std::string& text) const {
    return digester_->DigestOf(ExactCopy(text).view());
  }

  FakeRandom chance_{1};
  const std::unique_ptr<CredentialDigester> digester_ =
      std::make_unique<CredentialDigester>(chance_);
};

TEST_F(CredentialDigestTest, TheSameTextHasTheSameDigest) {
  for (const size_t size : {1, 7, 8, 15, 16, 17, 72, 900, 16384}) {
    const std::string text(size, 'x');
    EXPECT_EQ(DigestOf(text), DigestOf(text)) << size;
    EXPECT_EQ(DigestOf(text).size, size);
  }
}

TEST_F(CredentialDigestTest, EveryBitChangesIt) {
  for (const size_t size : {1, 8, 16, 23, 72, 333}) {
    std::string text(size, 'k');
    std::set<std::array<uint64_t, 4>> seen = {DigestOf(text).words};
    for (size_t i = 0; i < size * 8; ++i) {
      text[i / 8] = static_cast<char>(text[i / 8] ^ (1 << i % 8));
      EXPECT_TRUE(seen.insert(DigestOf(text).words).second) << i;
      text[i / 8] = static_cast<char>(text[i / 8] ^ (1 << i % 8));
    }
  }
}

TEST_F(CredentialDigestTest, ZerosAtTheEndCount) {
  std::set<std::string> seen;
  std::string text = "key";
  const CredentialDigest first = DigestOf(text);
  for (int i = 0; i < 64; ++i) {
    text.push_back('\0');
    EXPECT_NE(DigestOf(text), first) << i;
  }
}

TEST_F(CredentialDigestTest, WordsThatChangePlacesChangeIt) {
  const std::string a = "12345678";
  const std::string b = "abcdefgh";
  EXPECT_NE(DigestOf(a + b), DigestOf(b + a));
  EXPECT_NE(DigestOf(a + a + b + b), DigestOf(b + b + a + a));
}

TEST_F(CredentialDigestTest, OtherKeysMakeOthers) {
  const auto other = std::make_unique<CredentialDigester>(chance_);
  EXPECT_NE(DigestOf("key"), other->DigestOf("key"));
}

TEST_F(CredentialDigestTest, WhatIsTooLongOrEmptyHasNone) {
  EXPECT_EQ(DigestOf("").size, 0u);
  EXPECT_NE(DigestOf(std::string(kDigestedBytesMax, 'x')).size, 0u);
  EXPECT_EQ(DigestOf(std::string(kDigestedBytesMax + 1, 'x')),
            CredentialDigest());
}

// The definition, word by word: the sum of (m0 + k0)(m1 + k1) over all pairs.
TEST_F(CredentialDigestTest, IsTheNhOfThePaper) {
  FakeRandom keys(1);
  const uint64_t k[6] = {keys.Bits(), keys.Bits(), keys.Bits(),
                         keys.Bits(), keys.Bits(), keys.Bits()};
  const std::string text("\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3", 17);
  __extension__ using Wide = unsigned __int128;
  const Wide first = Wide{1 + k[0]} * (2 + k[1]) + Wide{3 + k[2]} * (0 + k[3]);
  const Wide second = Wide{1 + k[2]} * (2 + k[3]) + Wide{3 + k[4]} * (0 + k[5]);
  const CredentialDigest digest = DigestOf(text);
  EXPECT_EQ(digest.words[0], static_cast<uint64_t>(first));
  EXPECT_EQ(digest.words[1], static_cast<uint64_t>(first >> 64));
  EXPECT_EQ(digest.words[2], static_cast<uint64_t>(second));
  EXPECT_EQ(digest.words[3], static_cast<uint64_t>(second >> 64));
}

}  // namespace
}  // namespace gateway
