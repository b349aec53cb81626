#include "service/pipeline/selection_messages.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "service/pipeline/call_directives.h"
#include "service/pipeline/incoming_call.h"
#include "service/routing/selection/node_overrides.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

v1::Selection SelectionOf(const std::string& text) {
  v1::Selection selection;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &selection));
  return selection;
}

// The fields at fault.
std::vector<std::string> FieldsAtFault(const v1::Selection& selection) {
  Violations violations;
  CheckSelection(selection, &violations);
  std::vector<std::string> fields;
  for (const auto& [field, why] :
       FieldViolations(std::move(violations).ToStatus())) {
    fields.push_back(field);
  }
  return fields;
}

TEST(SelectionMessagesTest, WhatIsAskedForIsChecked) {
  EXPECT_THAT(FieldsAtFault(SelectionOf(
                  "node_name: 'n' capabilities: ['vision', 'tools'] strategy: "
                  "STRATEGY_BALANCED cost_tier: COST_TIER_LOW "
                  "budget_remaining_usd_nanos: 0 previous_failures: 'm'")),
              IsEmpty());
  EXPECT_THAT(
      FieldsAtFault(SelectionOf(
          "node_name: 'a\\nb' capabilities: ['vision', 'flying'] strategy: 99 "
          "cost_tier: 99 budget_remaining_usd_nanos: -1")),
      ElementsAre("selection.node_name", "selection.capabilities[1]",
                  "selection.strategy", "selection.cost_tier",
                  "selection.budget_remaining_usd_nanos"));
}

TEST(SelectionMessagesTest, NamesAndListsAreBounded) {
  v1::Selection selection;
  selection.set_node_name(std::string(kNodeNameBytesMax, 'n'));
  for (int i = 0; i < 64; ++i) {
    selection.add_capabilities("vision");
    selection.add_previous_failures(std::string(kNodeNameBytesMax, 'm'));
  }
  EXPECT_THAT(FieldsAtFault(selection), IsEmpty());
  selection.mutable_node_name()->push_back('n');
  selection.mutable_previous_failures(7)->push_back('m');
  EXPECT_THAT(
      FieldsAtFault(selection),
      ElementsAre("selection.node_name", "selection.previous_failures[7]"));
  selection.set_node_name("n");
  selection.add_capabilities("vision");
  selection.add_previous_failures("m");
  EXPECT_THAT(
      FieldsAtFault(selection),
      ElementsAre("selection.capabilities", "selection.previous_failures"));
}

TEST(SelectionMessagesTest, EverythingThatIsAskedForCounts) {
  const v1::Selection selection = SelectionOf(
      "node_name: 'writer' capabilities: ['image_input', 'reasoning'] "
      "strategy: STRATEGY_ADMIN_PREFERRED cost_tier: COST_TIER_HIGH "
      "budget_remaining_usd_nanos: 7 previous_failures: ['a', 'b']");
  const AskedSelection asked(selection, SelectionStrategy::kBalanced);
  const SelectionQuery& query = asked.query();
  EXPECT_EQ(query.node, "writer");
  EXPECT_EQ(query.capabilities, kCapabilityVision | kCapabilityReasoning);
  EXPECT_EQ(query.strategy, SelectionStrategy::kAdminPreferred);
  EXPECT_EQ(query.cost_tier_max, CostTier::kHigh);
  EXPECT_EQ(query.budget_remaining_usd_nanos, 7);
  EXPECT_THAT(query.previous_failures, ElementsAre("a", "b"));
  const AskedSelection nothing(v1::Selection::default_instance(),
                               SelectionStrategy::kCostOptimized);
  EXPECT_EQ(nothing.query().strategy, SelectionStrategy::kCostOptimized);
  EXPECT_FALSE(nothing.query().cost_tier_max.has_value());
  EXPECT_FALSE(nothing.query().budget_remaining_usd_nanos.has_value());
}

class SelectionAskedByTest : public testing::Test {
 protected:
  SelectionAskedByTest() {
    call_.request = &request_;
    call_.facts.directives = &said_;
  }

  LoopClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  v1::GenerateRequest request_;
  CallDirectives said_;
  IncomingCall call_{MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"
                                     "routing: {selection: {default_strategy: "
                                     "cost_optimized}}\n"),
                     client_.loop(),
                     client_.http(),
                     cancel_,
                     arena_,
                     client_.loop().Now()};
};

TEST_F(SelectionAskedByTest, NothingIsNone) {
  EXPECT_FALSE(AsksForSelection(call_));
  request_.mutable_selection();
  said_.Take("x-llmgateway-user", "u");
  EXPECT_FALSE(AsksForSelection(call_));
  EXPECT_EQ(*SelectionAskedBy(call_), nullptr);
}

TEST_F(SelectionAskedByTest, WhatIsSaidBesideTheRequestCompletesIt) {
  request_.mutable_selection()->set_node_name("writer");
  said_.Take("x-llmgateway-capabilities", "vision");
  const absl::StatusOr<const AskedSelection*> asked = SelectionAskedBy(call_);
  ASSERT_TRUE(asked.ok());
  EXPECT_EQ((*asked)->query().node, "writer");
  EXPECT_EQ((*asked)->query().capabilities, kCapabilityVision);
  EXPECT_EQ((*asked)->query().strategy, SelectionStrategy::kCostOptimized);
  said_.Take("x-llmgateway-node", "writer");
  said_.Take("x-llmgateway-strategy", "balanced");
  EXPECT_EQ((*SelectionAskedBy(call_))->query().strategy,
            SelectionStrategy::kBalanced);
}

TEST_F(SelectionAskedByTest, WhatContradictsTheRequestIsRefused) {
  v1::Selection& selection = *request_.mutable_selection();
  selection.set_node_name("writer");
  selection.add_capabilities("vision");
  selection.set_strategy(v1::Selection::STRATEGY_COST_OPTIMIZED);
  for (const auto& [name, value] :
       {std::pair("x-llmgateway-node", "other"),
        std::pair("x-llmgateway-capabilities", "reasoning"),
        std::pair("x-llmgateway-strategy", "balanced")}) {
    CallDirectives said;
    said.Take(name, value);
    call_.facts.directives = &said;
    const absl::Status refused = SelectionAskedBy(call_).status();
    ASSERT_EQ(FaultReason(refused), v1::ERROR_REASON_INVALID_REQUEST);
    EXPECT_EQ(FieldViolations(refused)[0].first, name);
  }
}

TEST_F(SelectionAskedByTest, NoModelIsChosenForEmbeddings) {
  v1::EmbedRequest embed;
  call_.request = nullptr;
  call_.embed = &embed;
  EXPECT_EQ(*SelectionAskedBy(call_), nullptr);
  said_.Take("x-llmgateway-node", "writer");
  EXPECT_EQ(FieldViolations(SelectionAskedBy(call_).status())[0].first,
            "x-llmgateway-node");
}

TEST(SelectionMessagesTest, CallersAreToldHowTheirModelWasChosen) {
  const ModelPolicy chosen = {.id = "a"};
  const ModelPolicy next = {.id = "b"};
  SelectionResult result = {.model = &chosen,
                            .score = 84,
                            .confidence = 0.84,
                            .cost_estimate_usd_nanos = 450'000,
                            .qualified = 2};
  result.alternatives = {&next};
  result.fallback_chain = {&next};
  v1::ModelSelection told;
  FillSelection(result, &told);
  EXPECT_EQ(told.model_id(), "a");
  EXPECT_EQ(told.reasoning(), "balanced: score 84.0, the best of 2 models");
  EXPECT_EQ(told.confidence(), 0.84);
  EXPECT_EQ(told.estimated_cost_usd_nanos(), 450'000);
  EXPECT_THAT(told.alternatives(), ElementsAre("b"));
  EXPECT_THAT(told.fallback_chain(), ElementsAre("b"));
}

TEST(SelectionMessagesTest, WhatIsToldIsOfTheModelThatServes) {
  const ModelPolicy chosen = {.id = "a"};
  const ModelPolicy next = {.id = "b"};
  const ModelPolicy other = {.id = "c"};
  SelectionResult result = {
      .model = &chosen, .score = 84, .confidence = 0.84, .qualified = 3};
  result.alternatives = {&next, &other};
  result.fallback_chain = {&next, &other};
  result.fallback_scores = {60, 50};
  const auto told = [&result](const ModelPolicy& served) {
    v1::ModelSelection selection;
    FillServedSelection(result, &served, &selection);
    return selection;
  };
  EXPECT_EQ(told(chosen).confidence(), 0.84);
  EXPECT_THAT(told(chosen).alternatives(), ElementsAre("b", "c"));
  EXPECT_EQ(told(next).model_id(), "b");
  EXPECT_EQ(told(next).confidence(), 0.6);
  EXPECT_EQ(told(next).reasoning(),
            "in place of a, which was chosen first: balanced: score 84.0, the "
            "best of 3 models; b has 60.0");
  EXPECT_THAT(told(next).alternatives(), ElementsAre("c"));
  EXPECT_THAT(told(next).fallback_chain(), ElementsAre("c"));
  EXPECT_EQ(told(other).confidence(), 0.5);
  EXPECT_THAT(told(other).alternatives(), ElementsAre("b"));
  EXPECT_THAT(told(other).fallback_chain(), IsEmpty());
  // What makes the choice sure, or unsure, whoever serves.
  result.basis = SelectionBasis::kWithinBudget;
  result.in_place_of = &chosen;
  result.confidence = 0.7;
  EXPECT_EQ(told(next).confidence(), 0.7);
  EXPECT_THAT(told(next).reasoning(), Not(HasSubstr("b has")));
}

}  // namespace
}  // namespace gateway
