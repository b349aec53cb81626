#include "providers/dialects/anthropic_messages/model_list.h"

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
    R"({"data":[{"type":"model","id":"claude-x","display_name":"Claude X",)"
    R"("created_at":"2026-02-04T00:00:00Z","max_input_tokens":200000,)"
    R"("max_tokens":64000,"capabilities":null},{"type":"model","id":"plain",)"
    R"("display_name":"plain","created_at":"1970-01-01T00:00:00Z",)"
    R"("max_input_tokens":null,"max_tokens":null,"capabilities":null}],)"
    R"("has_more":false,"first_id":"claude-x","last_id":"plain"})";

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

TEST(AnthropicModelListTest, WritesAPage) {
  std::string body;
  AnthropicModelList().WriteModels({.models = TwoModels()}, &body);
  EXPECT_EQ(body, kPage);
}

TEST(AnthropicModelListTest, APageMayBeEmpty) {
  std::string body;
  AnthropicModelList().WriteModels({}, &body);
  EXPECT_EQ(body,
            R"({"data":[],"has_more":false,"first_id":null,"last_id":null})");
}

TEST(AnthropicModelListTest, WritesOneModelAlone) {
  std::string body;
  AnthropicModelList().WriteModel(TwoModels()[0], &body);
  EXPECT_THAT(body, StartsWith(R"({"type":"model","id":"claude-x",)"));
}

TEST(AnthropicModelListTest, ReadsWhatItWrites) {
  std::vector<v1::Model> models;
  ASSERT_TRUE(AnthropicModelList().ReadModels(kPage, &models).ok());
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].name(), "claude-x");
  EXPECT_EQ(models[0].owner(), "anthropic");
  EXPECT_EQ(models[0].create_time().seconds(), 1770163200);
  EXPECT_EQ(models[0].display_name(), "Claude X");
  EXPECT_EQ(models[0].input_tokens_max(), 200000);
  EXPECT_EQ(models[0].output_tokens_max(), 64000);
  EXPECT_EQ(models[1].name(), "plain");
}

TEST(AnthropicModelListTest, AModelWithoutANameIsLeftOut) {
  std::vector<v1::Model> models;
  ASSERT_TRUE(AnthropicModelList()
                  .ReadModels(R"({"data":[{},{"id":"x","more":{}}]})", &models)
                  .ok());
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].name(), "x");
}

TEST(AnthropicModelListTest, WhatIsNoListIsABadAnswer) {
  for (const char* body : {"", "<html>", "{}", R"({"models":[]})",
                           R"({"data":7})", R"({"data":[{"id":7}]})"}) {
    std::vector<v1::Model> models;
    EXPECT_EQ(FaultReason(AnthropicModelList().ReadModels(body, &models)),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << body;
  }
}

}  // namespace
}  // namespace gateway
