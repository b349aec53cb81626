#include "providers/dialects/gemini/partial_arguments.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace gateway::gemini {
namespace {

TEST(PartialArgumentsTest, PutsValuesInTheirPlaces) {
  PartialArguments arguments;
  EXPECT_EQ(arguments.Json(), "{}");
  ASSERT_TRUE(arguments
                  .Add(R"([{"jsonPath":"$.city","stringValue":"Os",)"
                       R"("willContinue":true},)"
                       R"({"jsonPath":"$.days[0]","numberValue":3}])")
                  .ok());
  ASSERT_TRUE(arguments
                  .Add(R"([{"jsonPath":"$.city","stringValue":"lo \"x\""},)"
                       R"({"jsonPath":"$.days[1]","nullValue":null},)"
                       R"({"jsonPath":"$['a.b'].c","boolValue":true}])")
                  .ok());
  EXPECT_EQ(arguments.Json(),
            R"({"city":"Oslo \"x\"","days":[3,null],"a.b":{"c":true}})");
}

TEST(PartialArgumentsTest, RefusesWhatIsNoPlace) {
  for (const std::string_view path :
       {"", "city", "$", "$.", "$.a[", "$.a[x]", "$.a[9]", "$.a[-1]",
        "$['a"}) {
    PartialArguments arguments;
    const std::string list = R"([{"numberValue":1,"jsonPath":")" +
                             std::string(path) + "\"}]";
    EXPECT_EQ(arguments.Add(list).code(), absl::StatusCode::kInvalidArgument)
        << path;
  }
  PartialArguments both;
  EXPECT_FALSE(both.Add(R"([{"jsonPath":"$.a[0]","numberValue":1},)"
                        R"({"jsonPath":"$.a.b","numberValue":1}])")
                   .ok());
}

TEST(PartialArgumentsTest, ManyNamesAreFoundAgain) {
  constexpr int kNames = 60'000;
  std::string all = "[";
  for (int i = 0; i < kNames; ++i) {
    all += (i == 0 ? "" : ",");
    all += R"({"jsonPath":"$.n)" + std::to_string(i) + R"(","stringValue":"a"})";
  }
  all += "]";
  PartialArguments arguments;
  ASSERT_TRUE(arguments.Add(all).ok());
  // By looking through all of them it would take minutes.
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(arguments.Add(all).ok());
  EXPECT_TRUE(arguments.Json().starts_with(R"({"n0":"aaaa","n1":"aaaa",)"));
}

TEST(PartialArgumentsTest, TheDepthIsBounded) {
  std::string path = "$";
  for (int i = 0; i <= PartialArguments::kDepthMax; ++i) path += ".a";
  PartialArguments arguments;
  EXPECT_FALSE(
      arguments.Add(R"([{"numberValue":1,"jsonPath":")" + path + "\"}]").ok());
}

}  // namespace
}  // namespace gateway::gemini
