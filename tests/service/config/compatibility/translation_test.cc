#include "service/config/compatibility/translation.h"

#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/map.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class TranslationTest : public ::testing::Test {
 protected:
  std::string FirstProblem() { return problems_.Sorted().at(0).ToString(); }

  llmgateway::config::v1::GatewayConfig config_;
  FieldPlaces places_;
  ConfigProblems problems_{"f"};
  Translation translation_{&config_, &places_, &problems_};
};

TEST_F(TranslationTest, AFieldIsFoundWhereItWasWritten) {
  places_.Add("llmGateway.providers.a", {3, 5});
  translation_.From("llmGateway.providers.a.baseUrl", "providers[0].openai");
  const TextPlace place = places_.Find("providers[0].openai.base_url");
  EXPECT_EQ(place.line, 3);
  problems_.Add(place, "providers[0].openai.base_url", "is bad");
  EXPECT_EQ(FirstProblem(), "f:3:5: llmGateway.providers.a.baseUrl: is bad");
}

TEST_F(TranslationTest, ANumberIsHeldToBothEndsOfItsRange) {
  EXPECT_TRUE(translation_.CheckRange("a", 1, 1, 3));
  EXPECT_TRUE(translation_.CheckRange("a", 3, 1, 3));
  EXPECT_TRUE(problems_.empty());
  EXPECT_FALSE(translation_.CheckRange("a", 4, 1, 3));
  EXPECT_EQ(FirstProblem(), "f: a: must be 1 to 3");
  EXPECT_FALSE(translation_.CheckRange("b", 0, 1, 3));
}

TEST_F(TranslationTest, WarningsAreNoProblems) {
  places_.Add("a", {1, 2});
  translation_.Warn("a", "is not followed");
  EXPECT_TRUE(problems_.empty());
  EXPECT_EQ(problems_.SortedWarnings().at(0).ToString(),
            "f:1:2: a: is not followed");
}

TEST_F(TranslationTest, EntriesComeInTheOrderOfTheFile) {
  google::protobuf::Map<std::string, std::string> map;
  map["x"] = "1";
  map["y z"] = "2";
  map["w"] = "3";
  places_.Add(R"(m["y z"])", {1, 2});
  places_.Add("m.x", {1, 9});
  places_.Add("m.w", {2, 1});
  EXPECT_THAT(translation_.InOrder(map, "m"),
              ElementsAre(Pair("y z", "2"), Pair("x", "1"), Pair("w", "3")));
}

}  // namespace
}  // namespace gateway
