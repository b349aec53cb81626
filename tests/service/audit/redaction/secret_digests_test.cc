#include "service/audit/redaction/secret_digests.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/os/random.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> DigestedIn(const SecretDigests& secrets,
                                    std::string_view text) {
  std::vector<std::pair<size_t, size_t>> places;
  secrets.Find(text, &places);
  std::sort(places.begin(), places.end());
  std::vector<std::string> found;
  for (const auto& [begin, end] : places) {
    found.emplace_back(text.substr(begin, end - begin));
  }
  return found;
}

TEST(SecretDigestsTest, SecretsAreFoundWhereverTheyStand) {
  SecretDigests secrets(SecureRandom());
  EXPECT_TRUE(secrets.empty());
  EXPECT_THAT(DigestedIn(secrets, "any text at all"), IsEmpty());
  secrets.Add(Secret("correct horse"));
  secrets.Add(Secret("battery staple"));
  EXPECT_FALSE(secrets.empty());
  EXPECT_THAT(DigestedIn(secrets, "correct horsebattery staple, correct hors"),
              ElementsAre("correct horse", "battery staple"));
  EXPECT_THAT(DigestedIn(secrets, "xcorrect horse"),
              ElementsAre("correct horse"));
  EXPECT_THAT(DigestedIn(secrets, "correct horsf"), IsEmpty());
  EXPECT_THAT(DigestedIn(secrets, ""), IsEmpty());
}

TEST(SecretDigestsTest, WhatIsTooShortOrTooLongIsNotLookedFor) {
  SecretDigests secrets(SecureRandom());
  secrets.Add(Secret(""));
  secrets.Add(Secret("seven77"));
  const std::string longest(SecretDigests::kBytesMax, 'x');
  secrets.Add(Secret(longest + "x"));
  EXPECT_TRUE(secrets.empty());
  secrets.Add(Secret("eight888"));
  secrets.Add(Secret(longest));
  EXPECT_THAT(DigestedIn(secrets, "seven77 eight888"), ElementsAre("eight888"));
  EXPECT_THAT(DigestedIn(secrets, absl::StrCat("y", longest)),
              ElementsAre(longest));
}

TEST(SecretDigestsTest, ThousandsAreFoundWhateverTheirBytes) {
  SecretDigests secrets(SecureRandom());
  std::string text;
  for (int i = 0; i < 2000; ++i) {
    const std::string secret = absl::StrCat(i, "\xff\x01-secret-of-many");
    secrets.Add(Secret(secret));
    absl::StrAppend(&text, "_", secret, "_", i, "\xff\x02-secret-of-many");
  }
  // `17...` ends with the secret `7...`.
  EXPECT_GE(DigestedIn(secrets, text).size(), 2000u);
  EXPECT_THAT(DigestedIn(secrets, "7\xff\x02-secret-of-many"), IsEmpty());
}

TEST(SecretDigestsTest, WhatIsKnownByItsSha256IsFoundAsAWholePart) {
  SecretDigests secrets(SecureRandom());
  secrets.AddSha256(Sha256("key-of-team-a"));
  EXPECT_FALSE(secrets.empty());
  EXPECT_THAT(DigestedIn(secrets, "key-of-team-a"),
              ElementsAre("key-of-team-a"));
  EXPECT_THAT(DigestedIn(secrets, "/v1/models/key-of-team-a:generate?x=1"),
              ElementsAre("key-of-team-a"));
  EXPECT_THAT(DigestedIn(secrets, "xkey-of-team-a"), IsEmpty());
}

}  // namespace
}  // namespace gateway
