#include "service/config/nearest_name.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(NearestNameTest, ForgivesALetterOrTwo) {
  const std::vector<std::string> names = {"address", "base_url", "tls"};
  EXPECT_EQ(NearestName("adress", names), "address");    // Left out.
  EXPECT_EQ(NearestName("adddress", names), "address");  // Too many.
  EXPECT_EQ(NearestName("addrezs", names), "address");   // Another.
  EXPECT_EQ(NearestName("adrdess", names), "address");   // Swapped.
  EXPECT_EQ(NearestName("baseUrl", names), "base_url");  // Other style.
  EXPECT_EQ(NearestName("BASE-URL", names), "base_url");
  EXPECT_EQ(NearestName("tsl", names), "tls");
}

TEST(NearestNameTest, DoesNotGuessWildly) {
  const std::vector<std::string> names = {"address", "tls"};
  EXPECT_EQ(NearestName("colour", names), "");
  EXPECT_EQ(NearestName("abc", names), "");
  EXPECT_EQ(NearestName("", names), "");
  EXPECT_EQ(NearestName("address", {}), "");
  EXPECT_EQ(NearestName(std::string(100'000, 'a'), names), "");
}

TEST(NearestNameTest, PrefersTheNearest) {
  EXPECT_EQ(NearestName("idle_timeot", {"file_timeout", "idle_timeout"}),
            "idle_timeout");
}

TEST(SuggestionTest, NamesTheNearestOrElseAll) {
  EXPECT_EQ(Suggestion("tsl", {"address", "tls"}), "; did you mean 'tls'?");
  EXPECT_EQ(Suggestion("colour", {"address", "tls"}),
            "; known are 'address', 'tls'");
  EXPECT_EQ(Suggestion("colour", {}), "");
  const std::vector<std::string> many(41, "address");
  EXPECT_TRUE(Suggestion("colour", many).ends_with("'address' and others"));
}

}  // namespace
}  // namespace gateway
