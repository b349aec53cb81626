#include "providers/dialects/ollama/model_list.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(OllamaModelListTest, ReadsWhatIsAtHand) {
  std::vector<v1::Model> models(1);
  const absl::Status status = OllamaModelList().ReadModels(
      R"({"models":[
            {"name":"qwen3:latest","model":"qwen3:latest",
             "modified_at":"2026-01-01T02:00:00.5+02:00","size":5200000000,
             "digest":"500a1f067a9f","capabilities":["completion","tools"],
             "details":{"parent_model":"","family":"qwen3",
                        "families":["qwen3"],"parameter_size":"8.2B"}},
            {"name":"plain","modified_at":"never","details":null}]})",
      &models);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(models.size(), 3u);
  EXPECT_EQ(models[1].name(), "qwen3:latest");
  EXPECT_EQ(models[1].owner(), "library");
  EXPECT_EQ(models[1].display_name(), "qwen3 8.2B");
  EXPECT_EQ(models[1].create_time().seconds(), 1767225600);
  EXPECT_THAT(models[1].capabilities(), ElementsAre("completion", "tools"));
  EXPECT_EQ(models[2].name(), "plain");
  EXPECT_FALSE(models[2].has_create_time());
}

TEST(OllamaModelListTest, AServerWithoutModelsHasNone) {
  std::vector<v1::Model> models;
  EXPECT_TRUE(OllamaModelList().ReadModels(R"({"models":[]})", &models).ok());
  EXPECT_TRUE(OllamaModelList().ReadModels(R"({"models":null})", &models).ok());
  EXPECT_THAT(models, IsEmpty());
}

TEST(OllamaModelListTest, ABadListAddsNothing) {
  for (const char* body :
       {"{}", "no JSON", R"({"models":[{"name":"a"},{"model":"b"}]})",
        R"({"models":[{"name":5}]})", R"({"models":"a"})"}) {
    std::vector<v1::Model> models;
    EXPECT_EQ(FaultReason(OllamaModelList().ReadModels(body, &models)),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << body;
    EXPECT_THAT(models, IsEmpty());
  }
}

TEST(OllamaModelListTest, ReadsWhatItWrites) {
  std::vector<v1::Model> models(2);
  models[0].set_name("a:latest");
  models[0].mutable_create_time()->set_seconds(1767225600);
  models[1].set_name("b");
  std::string body;
  OllamaModelList().WriteModels({.models = models}, &body);
  std::vector<v1::Model> again;
  ASSERT_TRUE(OllamaModelList().ReadModels(body, &again).ok());
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].name(), "a:latest");
  EXPECT_EQ(again[0].create_time().seconds(), 1767225600);
  EXPECT_EQ(again[1].name(), "b");

  std::string one;
  OllamaModelList().WriteModel(models[0], &one);
  EXPECT_EQ(one, R"({"name":"a:latest","model":"a:latest",)"
                 R"("modified_at":"2026-01-01T00:00:00.000Z"})");
}

}  // namespace
}  // namespace gateway
