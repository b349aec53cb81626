#include "providers/dialects/anthropic_messages/model_limits.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/models/model_family.h"

namespace gateway::anthropic {
namespace {

class ModelLimitsTest : public testing::Test {
 protected:
  WireReasoning Reasoning(std::string_view model, const std::string& settings,
                          const std::string& more = "") {
    v1::GenerateRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        "reasoning {" + settings + "} " + more, &request));
    warnings_.clear();
    DroppedFields dropped(kDialect, &warnings_);
    const ModelFamily* const family = FamilyOf(model);
    return FitReasoning(request, LimitOf(request, 0, family), family, dropped);
  }

  WireSampling Sampling(std::string_view model, const std::string& text,
                        const WireReasoning& reasoning = {}) {
    v1::Sampling sampling;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &sampling));
    warnings_.clear();
    DroppedFields dropped(kDialect, &warnings_);
    return FitSampling(sampling, reasoning, FamilyOf(model), dropped);
  }

  std::set<std::string> Warned() const {
    std::set<std::string> fields;
    for (const v1::Warning& warning : warnings_) fields.insert(warning.field());
    return fields;
  }

  std::vector<v1::Warning> warnings_;
};

TEST_F(ModelLimitsTest, NothingIsChangedForAModelThatNobodyKnows) {
  WireReasoning got = Reasoning("claude-x", "effort: EFFORT_XHIGH");
  EXPECT_EQ(got.type, "");
  EXPECT_EQ(got.effort, "xhigh");
  got = Reasoning("claude-x", "budget_tokens: 5000");
  EXPECT_EQ(got.type, "enabled");
  EXPECT_EQ(got.budget_tokens, 5000);
  EXPECT_EQ(Reasoning("claude-x", "mode: MODE_DISABLED").type, "disabled");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(ModelLimitsTest, ABudgetGoesToThoseWhoTakeIt) {
  WireReasoning got = Reasoning("claude-sonnet-4-5", "budget_tokens: 5000");
  EXPECT_EQ(got.type, "enabled");
  EXPECT_EQ(got.budget_tokens, 5000);
  EXPECT_TRUE(warnings_.empty());
  got = Reasoning("claude-opus-4-7", "budget_tokens: 5000");
  EXPECT_EQ(got.type, "adaptive");
  EXPECT_EQ(got.budget_tokens, 0);
  EXPECT_EQ(got.effort, "low");
  EXPECT_EQ(Warned(), std::set<std::string>{"reasoning.budget_tokens"});
  // What the caller says of the effort counts.
  EXPECT_EQ(Reasoning("claude-opus-4-7",
                      "budget_tokens: 5000 effort: EFFORT_HIGH")
                .effort,
            "high");
  got = Reasoning("claude-3-haiku-20240307", "budget_tokens: 5000");
  EXPECT_EQ(got.type, "");
  EXPECT_EQ(Warned(), std::set<std::string>{"reasoning.budget_tokens"});
}

TEST_F(ModelLimitsTest, ABudgetFitsIntoTheLimitOfTheAnswer) {
  EXPECT_EQ(Reasoning("claude-sonnet-4-5", "effort: EFFORT_HIGH",
                      "max_output_tokens: 4000")
                .budget_tokens,
            2000);
  const WireReasoning none = Reasoning("claude-sonnet-4-5",
                                       "effort: EFFORT_HIGH",
                                       "max_output_tokens: 1500");
  EXPECT_EQ(none.type, "");
  EXPECT_EQ(Warned(), std::set<std::string>{"reasoning.effort"});
}

TEST_F(ModelLimitsTest, AnEffortAloneTurnsThinkingOn) {
  WireReasoning got = Reasoning("claude-opus-4-8", "effort: EFFORT_LOW");
  EXPECT_EQ(got.type, "adaptive");
  EXPECT_EQ(got.effort, "low");
  got = Reasoning("claude-opus-4-5", "effort: EFFORT_HIGH");
  EXPECT_EQ(got.type, "enabled");
  EXPECT_EQ(got.budget_tokens, 24576);
  EXPECT_EQ(got.effort, "high");
  EXPECT_TRUE(warnings_.empty());
  EXPECT_EQ(Reasoning("claude-opus-4-8", "effort: EFFORT_MINIMAL").type, "");
  EXPECT_EQ(Reasoning("claude-sonnet-5", "effort: EFFORT_HIGH").type, "");
  // Unless it is to be said how thoughts are shown.
  EXPECT_EQ(Reasoning("claude-sonnet-5", "display: 'summarized'").type,
            "adaptive");
}

TEST_F(ModelLimitsTest, ABudgetNeedsTheThoughtsOfTheTurnThatGoesOn) {
  const auto turn = [this](const std::string& thoughts) {
    return Reasoning("claude-opus-4-5", "effort: EFFORT_HIGH", R"pb(
      messages { role: ROLE_USER parts { text: 'a' } }
      messages { role: ROLE_ASSISTANT )pb" + thoughts + R"pb(
                 parts { tool_call { id: 'c' name: 'f' } } }
      messages { role: ROLE_TOOL parts { tool_result { tool_call_id: 'c' } } }
    )pb");
  };
  EXPECT_EQ(turn("").type, "");
  EXPECT_EQ(Warned(), std::set<std::string>{"reasoning.effort"});
  EXPECT_EQ(turn("parts { reasoning { text: 't' } }").type, "");
  EXPECT_EQ(turn("parts { reasoning { text: 't' signature: 's' } }").type,
            "enabled");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(ModelLimitsTest, TheLimitLeavesRoomForAPromptWhereItHasTo) {
  const auto limit = [](std::string_view model, size_t prompt_bytes) {
    v1::GenerateRequest request;
    request.add_messages()->add_parts()->set_text(
        std::string(prompt_bytes, 'x'));
    return LimitOf(request, 32000, FamilyOf(model));
  };
  EXPECT_EQ(limit("claude-opus-4-1", 1000), 32000);
  EXPECT_GT(limit("claude-opus-4-1", 350000), 24000);
  EXPECT_LT(limit("claude-opus-4-1", 350000), 25000);
  EXPECT_EQ(limit("claude-opus-4-1", 1000000), kOutputTokensUsual);
  EXPECT_EQ(limit("claude-opus-4-5", 1000000), 32000);
}

TEST_F(ModelLimitsTest, NotToThinkIsSaidAsTheModelTakesIt) {
  EXPECT_EQ(Reasoning("claude-opus-4-8", "mode: MODE_DISABLED").type,
            "disabled");
  const WireReasoning high =
      Reasoning("claude-opus-5", "mode: MODE_DISABLED effort: EFFORT_MAX");
  EXPECT_EQ(high.type, "disabled");
  EXPECT_EQ(high.effort, "high");
  EXPECT_EQ(Warned(), std::set<std::string>{"reasoning.effort"});
  const WireReasoning always =
      Reasoning("claude-fable-5", "effort: EFFORT_NONE");
  EXPECT_EQ(always.type, "");
  EXPECT_EQ(always.effort, "low");
  EXPECT_EQ(Warned(), std::set<std::string>{"reasoning.mode"});
  // There is nothing to turn off.
  EXPECT_EQ(Reasoning("claude-3-haiku-20240307", "mode: MODE_DISABLED").type,
            "");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(ModelLimitsTest, SamplingIsLeftOutWhereItIsRefused) {
  const WireSampling got =
      Sampling("claude-opus-5", "temperature: 0.3 top_p: 0.5 top_k: 7");
  EXPECT_FALSE(got.temperature.has_value());
  EXPECT_FALSE(got.top_p.has_value());
  EXPECT_FALSE(got.top_k.has_value());
  EXPECT_EQ(Warned(),
            (std::set<std::string>{"sampling.temperature", "sampling.top_p",
                                   "sampling.top_k"}));
  Sampling("claude-opus-5", "temperature: 1 top_p: 1");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(ModelLimitsTest, OfTwoThatExcludeEachOtherTheTemperatureIsKept) {
  const WireSampling got =
      Sampling("claude-opus-4-1", "temperature: 0.3 top_p: 0.5 top_k: 7");
  EXPECT_EQ(got.temperature, 0.3);
  EXPECT_FALSE(got.top_p.has_value());
  EXPECT_EQ(got.top_k, 7);
  EXPECT_EQ(Warned(), std::set<std::string>{"sampling.top_p"});
  EXPECT_EQ(Sampling("claude-opus-4-1", "top_p: 0.5").top_p, 0.5);
}

TEST_F(ModelLimitsTest, BesideABudgetSamplingIsLeftOut) {
  const WireReasoning reasoning = {.type = "enabled", .budget_tokens = 2000};
  const WireSampling got =
      Sampling("claude-sonnet-4-20250514",
               "temperature: 0.3 top_p: 0.99 top_k: 7", reasoning);
  EXPECT_FALSE(got.temperature.has_value());
  EXPECT_EQ(got.top_p, 0.99);
  EXPECT_FALSE(got.top_k.has_value());
}

}  // namespace
}  // namespace gateway::anthropic
