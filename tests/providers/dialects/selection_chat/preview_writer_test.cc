#include "providers/dialects/selection_chat/preview_writer.h"

#include <string>

#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::selection_chat {
namespace {

TEST(PreviewWriterTest, AChoiceHasAllItsFields) {
  llmgateway::v1::Route route;
  route.set_provider("openrouter");
  route.set_model("google/gemini");
  route.set_reason("selection:balanced");
  llmgateway::v1::ModelSelection& selection = *route.mutable_selection();
  selection.set_model_id("gemini");
  selection.set_reasoning("the best");
  selection.set_confidence(0.6);
  selection.set_estimated_cost_usd_nanos(450'000);
  selection.add_alternatives("sonnet");
  selection.add_fallback_chain("opus");
  const Ability kAbilities[] = {{"streaming", true}, {"vision", false}};
  std::string body;
  WritePreview(route, kAbilities, &body);
  EXPECT_TRUE(SameJson(body,
                       R"({"selected_model":"gemini","provider":"openrouter",)"
                       R"("reasoning":"the best","confidence_score":0.6,)"
                       R"("estimated_cost":0.00045,"alternatives":["sonnet"],)"
                       R"("fallback_chain":["opus"],)"
                       R"("capabilities":{"streaming":true,"vision":false}})"))
      << body;
}

TEST(PreviewWriterTest, WhatIsNotKnownIsNull) {
  llmgateway::v1::Route route;
  route.set_provider("p");
  route.set_model("m");
  route.set_reason("default");
  std::string body;
  WritePreview(route, {}, &body);
  EXPECT_TRUE(SameJson(
      body,
      R"({"selected_model":"m","provider":"p","reasoning":"default",)"
      R"("confidence_score":null,"estimated_cost":null,"alternatives":[],)"
      R"("fallback_chain":[],"capabilities":null})"))
      << body;
}

TEST(PreviewWriterTest, AnOfferIsTwoLists) {
  const OfferedCapability kCapabilities[] = {{.name = "vision",
                                              .description = "Sees",
                                              .category = "multimodal",
                                              .models = {"a", "b"}}};
  const OfferedStrategy kStrategies[] = {
      {.name = "balanced", .description = "Weighed"}};
  std::string body;
  WriteOffer(kCapabilities, kStrategies, &body);
  EXPECT_TRUE(SameJson(
      body, R"({"capabilities":[{"name":"vision","description":"Sees",)"
            R"("category":"multimodal","models":["a","b"]}],)"
            R"("strategies":[{"name":"balanced","description":"Weighed"}]})"))
      << body;
}

}  // namespace
}  // namespace gateway::selection_chat
