#include "service/limits/counter_key.h"

#include <cstdint>
#include <string>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(CounterKeyTest, IsSipHashAsItsAuthorsPublishIt) {
  // The first vectors of vectors_sip128 of the reference implementation: the
  // key is 00 01 ... 0f, the text empty and 00.
  const KeySecret secret = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
  EXPECT_EQ(
      (SipHash128<2, 4>("", secret)),
      (CounterKey{.low = 0xe6a825ba047f81a3, .high = 0x930255c71472f66d}));
  EXPECT_EQ(
      (SipHash128<2, 4>(std::string(1, '\0'), secret)),
      (CounterKey{.low = 0x44af996bd8c187da, .high = 0x45fc229b11597634}));
}

TEST(CounterKeyTest, EachByteOfATextAndItsLengthCount) {
  const KeySecret secret = {1, 2};
  std::string text;
  std::unordered_set<uint64_t> seen;
  for (int length = 0; length < 40; ++length) {
    EXPECT_TRUE(seen.insert(KeyOfText(text, secret).low).second) << length;
    for (size_t i = 0; i < text.size(); ++i) {
      std::string other = text;
      other[i] ^= 1;
      EXPECT_TRUE(seen.insert(KeyOfText(other, secret).low).second)
          << length << " " << i;
    }
    text.push_back('\0');
  }
}

TEST(CounterKeyTest, AnotherSecretIsAnotherKey) {
  EXPECT_NE(KeyOfText("a", {1, 2}), KeyOfText("a", {1, 3}));
  EXPECT_NE(KeyOfText("a", {1, 2}), KeyOfText("a", {0, 2}));
}

TEST(CounterKeyTest, TheOrderOfWhatIsCombinedMatters) {
  const KeySecret secret = {5, 6};
  const CounterKey seed = KeyOfText("rule", secret);
  const CounterKey a = KeyOfText("a", secret);
  const CounterKey b = KeyOfText("b", secret);
  EXPECT_NE(Combine(Combine(seed, a), b), Combine(Combine(seed, b), a));
  EXPECT_NE(Combine(seed, a), Combine(seed, b));
  EXPECT_NE(Combine(seed, a), seed);
}

TEST(CounterKeyTest, ManyCombinedKeysAreAllDifferent) {
  const KeySecret secret = {11, 12};
  std::unordered_set<uint64_t> lows;
  std::unordered_set<uint64_t> highs;
  const CounterKey seed = KeyOfText("rule", secret);
  for (int i = 0; i < 300; ++i) {
    const CounterKey caller = KeyOfText(absl::StrCat("caller-", i), secret);
    for (int k = 0; k < 300; ++k) {
      const CounterKey key = Combine(
          Combine(seed, caller), KeyOfText(absl::StrCat("model-", k), secret));
      EXPECT_TRUE(lows.insert(key.low).second);
      EXPECT_TRUE(highs.insert(key.high).second);
    }
  }
}

}  // namespace
}  // namespace gateway
