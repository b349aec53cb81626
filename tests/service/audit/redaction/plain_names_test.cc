#include "service/audit/redaction/plain_names.h"

#include <string>

#include "base/os/random.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

TEST(PlainNamesTest, KnowsWhatWasAddedAndNothingElse) {
  PlainNames names(SecureRandom());
  EXPECT_FALSE(names.Has(""));
  EXPECT_FALSE(names.Has("gpt-5-mini"));
  names.Add("gpt-5-mini");
  EXPECT_TRUE(names.Has("gpt-5-mini"));
  EXPECT_FALSE(names.Has("gpt-5"));
  EXPECT_FALSE(names.Has("gpt-5-minI"));
  EXPECT_FALSE(names.Has(""));
  names.Add("");
  EXPECT_TRUE(names.Has(""));
}

TEST(PlainNamesTest, ANewNameTakesAnOldOnesPlace) {
  FakeRandom fake(1);
  PlainNames names(fake);
  constexpr size_t kNames = 10 * PlainNames::kNamesMax;
  for (size_t i = 0; i < kNames; ++i) names.Add(std::to_string(i));
  EXPECT_TRUE(names.Has(std::to_string(kNames - 1)));
  size_t known = 0;
  for (size_t i = 0; i < kNames; ++i) known += names.Has(std::to_string(i));
  EXPECT_GT(known, PlainNames::kNamesMax / 2);
  EXPECT_LE(known, PlainNames::kNamesMax);
}

TEST(PlainNamesTest, WhereANameStandsNobodyCanForetell) {
  // With one seed these take each other's places otherwise than with another.
  PlainNames one(SecureRandom());
  PlainNames other(SecureRandom());
  constexpr size_t kNames = 2 * PlainNames::kNamesMax;
  for (size_t i = 0; i < kNames; ++i) {
    one.Add(std::to_string(i));
    other.Add(std::to_string(i));
  }
  size_t differ = 0;
  for (size_t i = 0; i < kNames; ++i) {
    differ += one.Has(std::to_string(i)) != other.Has(std::to_string(i));
  }
  EXPECT_GT(differ, 0U);
}

}  // namespace
}  // namespace gateway
