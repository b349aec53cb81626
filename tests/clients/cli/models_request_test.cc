#include "clients/cli/models_request.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;

// What a gateway answers is asked of one in alerts_test.py.
TEST(ModelsRequestTest, OnlyWhatIsMeantIsAskedFor) {
  const RpcPlace nobody = {.address = "127.0.0.1:1"};
  std::string note;
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{},
        {"list", "openai"},
        {"get"},
        {"disabled", "openai"},
        {"enable"},
        {"enable", "gpt-5"},
        {"enable", "/gpt-5"},
        {"enable", "openai/"},
        {"disable", "openai/gpt-5", "openai/gpt-4"}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        AskModels(nobody, {.words = wrong}, &note).status()));
  }
  EXPECT_THAT(
      AskModels(nobody, {.words = {"disabled"}}, &note).status().ToString(),
      HasSubstr("127.0.0.1:1"));
  EXPECT_EQ(note, "");
}

TEST(ModelsRequestTest, AModelIsNamedBehindItsProvider) {
  const auto enable =
      SetModelEnabledRequestOf({.words = {"enable", "router/vendor/model"}});
  ASSERT_TRUE(enable.ok());
  EXPECT_EQ(enable->provider(), "router");
  EXPECT_EQ(enable->model(), "vendor/model");
  EXPECT_TRUE(enable->enabled());
  const auto disable =
      SetModelEnabledRequestOf({.words = {"disable", "openai/gpt-5"},
                                .flags = {{"--reason", "it is slow"}}});
  ASSERT_TRUE(disable.ok());
  EXPECT_FALSE(disable->enabled());
  EXPECT_EQ(disable->reason(), "it is slow");
}

TEST(ModelsRequestTest, WhichThereAreIsAskedAsACaller) {
  EXPECT_TRUE(AsksAsCaller({.words = {"list"}}));
  EXPECT_TRUE(AsksAsCaller({.words = {"get", "m"}}));
  EXPECT_FALSE(AsksAsCaller({.words = {"disabled"}}));
  EXPECT_FALSE(AsksAsCaller({}));
}

TEST(ModelsRequestTest, TheTableHasWhatIsKnown) {
  v1::ListModelsResponse response;
  EXPECT_EQ(ModelsTable(response.models()), "no model is configured\n");
  v1::Model& model = *response.add_models();
  model.set_name("gpt-5");
  model.set_provider("openai");
  model.set_input_tokens_max(400000);
  model.add_capabilities("tools");
  model.add_capabilities("vision");
  EXPECT_EQ(ModelsTable(response.models()),
            "MODEL  PROVIDER  OWNER  INPUT   OUTPUT  CAPABILITIES\n"
            "gpt-5  openai    -      400000  -       tools, vision\n");
}

TEST(ModelsRequestTest, TheTableSaysWhyTheyAreDisabled) {
  v1::ListCircuitsResponse response;
  EXPECT_EQ(DisabledModelsTable(response.circuits()), "no model is disabled\n");
  v1::Circuit& circuit = *response.add_circuits();
  circuit.set_provider("openai");
  circuit.set_model("gpt-5");
  circuit.set_disabled_reason("by alert failures");
  EXPECT_EQ(DisabledModelsTable(response.circuits()),
            "MODEL         WHY\n"
            "openai/gpt-5  by alert failures\n");
}

}  // namespace
}  // namespace gateway
