#include "providers/dialects/gemini/gemini_models.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway {
namespace {

TEST(GeminiModelsTest, ReadsNamesWithoutTheirPrefix) {
  std::vector<v1::Model> models;
  const absl::Status status = GeminiModels().ReadModels(
      R"({"models":[{"name":"models/gemini-x","displayName":"Gemini X",
          "version":"001","inputTokenLimit":1048576,"outputTokenLimit":65536,
          "supportedGenerationMethods":["generateContent"],"thinking":true},
          {"name":"bare"}],"nextPageToken":"abc"})",
      &models);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].name(), "gemini-x");
  EXPECT_EQ(models[0].display_name(), "Gemini X");
  EXPECT_EQ(models[0].input_tokens_max(), 1048576);
  EXPECT_EQ(models[0].output_tokens_max(), 65536);
  EXPECT_EQ(models[0].owner(), "google");
  EXPECT_EQ(models[1].name(), "bare");
}

TEST(GeminiModelsTest, WritesOnePageAndOneModel) {
  v1::Model model;
  model.set_name("x");
  model.set_input_tokens_max(7);
  const std::string one =
      R"({"name":"models/x","displayName":"x","inputTokenLimit":7,
          "supportedGenerationMethods":["generateContent","countTokens"]})";
  std::string body;
  GeminiModels().WriteModel(model, &body);
  EXPECT_TRUE(SameJson(body, one));
  std::string page;
  GeminiModels().WriteModels({.models = {&model, 1}}, &page);
  EXPECT_TRUE(SameJson(page, R"({"models":[)" + one + "]}"));
  std::string empty;
  GeminiModels().WriteModels({}, &empty);
  EXPECT_EQ(empty, R"({"models":[]})");
}

TEST(GeminiModelsTest, WhatIsNoListIsTheProvidersFault) {
  for (const std::string_view text :
       {"", "<html>", R"({"models":7})", R"({"models":[{}]})"}) {
    std::vector<v1::Model> models;
    EXPECT_EQ(FaultReason(GeminiModels().ReadModels(text, &models)),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << text;
  }
}

}  // namespace
}  // namespace gateway
