#include "service/audit/redaction/known_secrets.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> SecretsIn(const KnownSecrets& secrets,
                               std::string_view text) {
  std::vector<std::pair<size_t, size_t>> places;
  secrets.Find(text, &places);
  std::vector<std::string> found;
  for (const auto& [begin, end] : places) {
    found.emplace_back(text.substr(begin, end - begin));
  }
  return found;
}

TEST(KnownSecretsTest, SecretsAreFoundWhereverTheyStand) {
  KnownSecrets secrets;
  EXPECT_TRUE(secrets.empty());
  EXPECT_THAT(SecretsIn(secrets, "any text at all"), IsEmpty());
  secrets.Add(Secret("correct horse"));
  secrets.Add(Secret("battery staple"));
  EXPECT_FALSE(secrets.empty());
  EXPECT_THAT(SecretsIn(secrets, "correct horsebattery staple, correct hors"),
              ElementsAre("correct horse", "battery staple"));
  EXPECT_THAT(SecretsIn(secrets, "correct"), IsEmpty());
  EXPECT_THAT(SecretsIn(secrets, "correct horsebattery stapl"),
              ElementsAre("correct horse"));
}

TEST(KnownSecretsTest, OfSeveralTheLongestIsFound) {
  KnownSecrets secrets;
  for (const char* secret : {"key-of-team", "key-of-team-a-1", "key-of-t"}) {
    secrets.Add(Secret(secret));
  }
  EXPECT_THAT(SecretsIn(secrets, "key-of-team-a-1 key-of-team-b key-of-the"),
              ElementsAre("key-of-team-a-1", "key-of-team", "key-of-t"));
}

TEST(KnownSecretsTest, ShortOnesAreNotLookedFor) {
  KnownSecrets secrets;
  secrets.Add(Secret(""));
  secrets.Add(Secret("seven77"));
  EXPECT_TRUE(secrets.empty());
  secrets.Add(Secret("eight888"));
  EXPECT_THAT(SecretsIn(secrets, "seven77 eight888"), ElementsAre("eight888"));
}

TEST(KnownSecretsTest, ThousandsAreFoundToo) {
  KnownSecrets secrets;
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    secrets.Add(Secret(absl::StrCat(i, "-secret-of-many")));
    absl::StrAppend(&text, i, "-secret-of-many ", i, "-secret-of-few ");
  }
  EXPECT_EQ(SecretsIn(secrets, text).size(), 5000u);
}

}  // namespace
}  // namespace gateway
