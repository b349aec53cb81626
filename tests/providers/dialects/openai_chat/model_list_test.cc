#include "providers/dialects/openai_chat/model_list.h"

#include <string>
#include <vector>

#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

using ::testing::StartsWith;

constexpr char kPage[] =
    R"({"object":"list","data":[{"id":"claude-x","object":"model",)"
    R"("created":1770163200,"owned_by":"anthropic"},{"id":"plain",)"
    R"("object":"model","created":0,"owned_by":"anthropic"}]})";

std::vector<v1::Model> TwoModels() {
  std::vector<v1::Model> models(2);
  models[0].set_name("claude-x");
  models[0].set_display_name("Claude X");
  models[0].set_owner("anthropic");
  models[0].mutable_create_time()->set_seconds(1770163200);
  models[0].set_input_tokens_max(200000);
  models[0].set_output_tokens_max(64000);
  models[1].set_name("plain");
  models[1].set_owner("anthropic");
  return models;
}

TEST(OpenAiModelListTest, WritesAPage) {
  std::string body;
  OpenAiModelList().WriteModels({.models = TwoModels()}, &body);
  EXPECT_EQ(body, kPage);
}

TEST(OpenAiModelListTest, APageMayBeEmpty) {
  std::string body;
  OpenAiModelList().WriteModels({}, &body);
  EXPECT_EQ(body, R"({"object":"list","data":[]})");
}

TEST(OpenAiModelListTest, WritesOneModelAlone) {
  std::string body;
  OpenAiModelList().WriteModel(TwoModels()[0], &body);
  EXPECT_THAT(body, StartsWith(R"({"id":"claude-x","object":"model",)"));
}

TEST(OpenAiModelListTest, ReadsWhatItWrites) {
  std::vector<v1::Model> models;
  ASSERT_TRUE(OpenAiModelList().ReadModels(kPage, &models).ok());
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].name(), "claude-x");
  EXPECT_EQ(models[0].owner(), "anthropic");
  EXPECT_EQ(models[0].create_time().seconds(), 1770163200);
  EXPECT_EQ(models[1].name(), "plain");
}

TEST(OpenAiModelListTest, AModelWithoutANameIsLeftOut) {
  std::vector<v1::Model> models;
  ASSERT_TRUE(OpenAiModelList()
                  .ReadModels(R"({"data":[{},{"id":"x","more":{}}]})", &models)
                  .ok());
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].name(), "x");
}

TEST(OpenAiModelListTest, WhatIsNoListIsABadAnswer) {
  for (const char* body : {"", "<html>", "{}", R"({"models":[]})",
                           R"({"data":7})", R"({"data":[{"id":7}]})"}) {
    std::vector<v1::Model> models;
    EXPECT_EQ(FaultReason(OpenAiModelList().ReadModels(body, &models)),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << body;
  }
}

}  // namespace
}  // namespace gateway
