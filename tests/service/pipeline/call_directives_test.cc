#include "service/pipeline/call_directives.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/context/context_tier.h"
#include "service/identity/caller.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// "OK", or the reason and the message.
std::string Fault(const CallDirectives& directives) {
  if (directives.status().ok()) return "OK";
  return std::string(ReasonName(FaultReason(directives.status()))) + " " +
         std::string(directives.status().message());
}

std::string Fault(std::string_view name, std::string_view value) {
  CallDirectives directives;
  EXPECT_TRUE(directives.Take(name, value));
  return Fault(directives);
}

TEST(CallDirectivesTest, EachIsTakenWhateverItsCase) {
  CallDirectives said;
  EXPECT_FALSE(said.any());
  said.Take("x-llmgateway-provider", "openai");
  said.Take("X-LLMGateway-User", " u ");
  said.Take("x-llmgateway-session", "s");
  said.Take("x-llmgateway-work-order", "w");
  said.Take("x-llmgateway-agent-id", "i");
  said.Take("x-llmgateway-agent-type", "code-reviewer");
  said.Take("x-llmgateway-project", "p");
  said.Take("x-llmgateway-tags", "law, ,tax");
  said.Take("x-llmgateway-tags", "eu");
  said.Take("x-llmgateway-timeout", "1m30s");
  said.Take("x-llmgateway-strict-output", "True");
  said.Take("x-llmgateway-details", "false");
  EXPECT_EQ(Fault(said), "OK");
  EXPECT_TRUE(said.any());
  EXPECT_EQ(said.provider, "openai");
  EXPECT_EQ(said.scope.user_id, "u");
  EXPECT_EQ(said.scope.session_id, "s");
  EXPECT_EQ(said.scope.work_order_id, "w");
  EXPECT_EQ(said.scope.agent_id, "i");
  EXPECT_EQ(said.scope.agent_type, "code-reviewer");
  EXPECT_EQ(said.scope.project_id, "p");
  EXPECT_THAT(said.domain_tags, ElementsAre("law", "tax", "eu"));
  EXPECT_EQ(said.timeout, absl::Seconds(90));
  EXPECT_TRUE(said.strict_output);
  EXPECT_FALSE(said.details);
}

TEST(CallDirectivesTest, OtherFieldsAreNone) {
  CallDirectives said;
  for (const char* name : {"x-request-id", "x-llmgatewa", "llmgateway-user"}) {
    EXPECT_FALSE(said.Take(name, "v")) << name;
  }
  EXPECT_FALSE(said.any());
}

TEST(CallDirectivesTest, WhatIsNotKnownIsRefusedByName) {
  EXPECT_THAT(Fault("x-llmgateway-Colour", "red"),
              HasSubstr("INVALID_REQUEST x-llmgateway-colour: is not known"));
  EXPECT_THAT(Fault("x-llmgateway-", "red"), HasSubstr("is not known"));
}

TEST(CallDirectivesTest, APriorityIsOneOfFour) {
  CallDirectives said;
  EXPECT_EQ(said.priority, std::nullopt);
  EXPECT_TRUE(said.Take("X-LLMGateway-Priority", "low"));
  EXPECT_EQ(said.priority, CallerPriority::kLow);
  EXPECT_EQ(Fault("x-llmgateway-priority", "urgent"),
            "INVALID_REQUEST x-llmgateway-priority: must be critical, high, "
            "normal or low");
}

TEST(CallDirectivesTest, AContextModeIsAnyText) {
  CallDirectives said;
  EXPECT_EQ(said.context_mode, ContextMode::kAuto);
  EXPECT_TRUE(said.Take("X-CMS-Mode", " None "));
  EXPECT_TRUE(said.any());
  EXPECT_EQ(said.context_mode, ContextMode::kNone);
  EXPECT_TRUE(said.Take("x-cms-mode", "whatever"));
  EXPECT_EQ(said.context_mode, ContextMode::kAuto);
  EXPECT_TRUE(said.status().ok());
}

TEST(CallDirectivesTest, AnIdempotencyKeyMayGoWithoutThePrefix) {
  for (const char* name :
       {"idempotency-key", "Idempotency-Key", "x-llmgateway-idempotency-key"}) {
    CallDirectives said;
    EXPECT_TRUE(said.Take(name, " k-1 "));
    EXPECT_EQ(said.idempotency_key, "k-1");
    EXPECT_TRUE(said.Take("idempotency-key", "k-2"));
    EXPECT_EQ(FaultReason(said.status()), v1::ERROR_REASON_INVALID_REQUEST);
  }
  EXPECT_THAT(Fault("idempotency-key", " "), HasSubstr("is empty"));
  CallDirectives said;
  EXPECT_FALSE(said.Take("x-idempotency-key", "k"));
}

TEST(CallDirectivesTest, ABadIdempotencyKeyIsRefusedInTheNameOfItsField) {
  for (const std::string name :
       {"idempotency-key", "x-llmgateway-idempotency-key"}) {
    const std::string field = absl::StrCat("INVALID_REQUEST ", name, ": ");
    EXPECT_EQ(Fault(name, std::string(128, 'k')), "OK");
    EXPECT_EQ(Fault(name, std::string(129, 'k')),
              field + "must have at most 128 characters");
    EXPECT_EQ(Fault(name, "\xC3\xA4"), field + "must be printable ASCII");
    EXPECT_EQ(Fault(name, "a,b"), field + "must be one value, without a comma");
    EXPECT_EQ(Fault(name, ""),
              field + "is empty; give a value, or leave it out");
    CallDirectives said;
    said.Take(absl::AsciiStrToUpper(name), "k");
    EXPECT_EQ(said.idempotency_field, name);
    said.Take(name, "k");
    EXPECT_EQ(Fault(said), field + "is given twice; give it once");
    // The first fault stays.
    said.Take(name, "\xC3\xA4");
    EXPECT_EQ(Fault(said), field + "is given twice; give it once");
  }
}

TEST(CallDirectivesTest, WhatHasNoMeaningIsRefused) {
  for (const char* bad : {"0s", "-1s", "25h", "soon", "90"}) {
    EXPECT_THAT(Fault("x-llmgateway-timeout", bad), HasSubstr("1ms to 24h"));
  }
  EXPECT_EQ(Fault("x-llmgateway-timeout", "24h"), "OK");
  EXPECT_EQ(Fault("x-llmgateway-timeout", "1ms"), "OK");
  EXPECT_THAT(Fault("x-llmgateway-details", "1"), HasSubstr("true or false"));
  EXPECT_THAT(Fault("x-llmgateway-user", "  "), HasSubstr("is empty"));
  EXPECT_THAT(Fault("x-llmgateway-user", "a\tb"), HasSubstr("printable"));
  EXPECT_EQ(Fault("x-llmgateway-user", std::string(256, 'u')), "OK");
  EXPECT_THAT(Fault("x-llmgateway-user", std::string(257, 'u')),
              HasSubstr("at most 256"));
}

TEST(CallDirectivesTest, AModelIsChosenByWhatIsSaidOfIt) {
  CallDirectives said;
  said.Take("x-llmgateway-user", "u");
  EXPECT_FALSE(said.selects());
  said.Take("x-llmgateway-node", "writer");
  said.Take("x-llmgateway-capabilities", "streaming, tools");
  said.Take("x-llmgateway-capabilities", "vision,");
  said.Take("x-llmgateway-strategy", "cost_optimized");
  EXPECT_EQ(Fault(said), "OK");
  EXPECT_TRUE(said.selects());
  EXPECT_EQ(said.node, "writer");
  EXPECT_EQ(said.capabilities, kCapabilityStreaming |
                                   kCapabilityFunctionCalling |
                                   kCapabilityVision);
  EXPECT_EQ(said.strategy, SelectionStrategy::kCostOptimized);
  EXPECT_THAT(Fault("x-llmgateway-capabilities", "streaming,flying"),
              HasSubstr("'flying' is no capability; there are streaming, "));
  for (const char* name : {"x-llmgateway-capabilities", "x-llmgateway-tags"}) {
    EXPECT_EQ(Fault(name, "tools,,vision"), "OK") << "as in any list of HTTP";
    EXPECT_THAT(Fault(name, " , ,"), HasSubstr("is empty"));
  }
  EXPECT_THAT(Fault("x-llmgateway-strategy", "cheapest"),
              HasSubstr("'cheapest' is no selection strategy; there are "));
  EXPECT_EQ(Fault("x-llmgateway-node", std::string(128, 'n')), "OK");
  EXPECT_THAT(Fault("x-llmgateway-node", std::string(129, 'n')),
              HasSubstr("longer than 128"));
}

TEST(CallDirectivesTest, WhatIsNoListIsGivenOnce) {
  const std::pair<const char*, const char*> singles[] = {
      {"provider", "openai"},   {"user", "u"},       {"session", "s"},
      {"work-order", "w"},      {"agent-id", "i"},   {"agent-type", "t"},
      {"project", "p"},         {"timeout", "30s"},  {"node", "writer"},
      {"strategy", "balanced"}, {"details", "true"}, {"strict-output", "true"}};
  for (const auto& [name, value] : singles) {
    const std::string field = absl::StrCat("x-llmgateway-", name);
    CallDirectives said;
    said.Take(field, value);
    EXPECT_EQ(Fault(said), "OK") << field;
    // Even if it says the same, and in other letters.
    said.Take(absl::AsciiStrToUpper(field), value);
    EXPECT_EQ(Fault(said), absl::StrCat("INVALID_REQUEST ", field,
                                        ": is given twice; give it once"));
    // The first fault stays.
    said.Take("x-llmgateway-nothing", "b");
    EXPECT_THAT(Fault(said), HasSubstr("given twice"));
  }
}

TEST(CallDirectivesTest, TwoThatWereMergedOnTheWayAreRefused) {
  for (const char* name : {"provider", "user", "session", "node"}) {
    EXPECT_THAT(Fault(absl::StrCat("x-llmgateway-", name), "a, b"),
                HasSubstr("must be one value, without a comma"));
  }
}

TEST(CallDirectivesTest, TagsAreAsManyAndAsLongAsThoseOfRequests) {
  std::string tags = "t";
  for (int i = 1; i < 16; ++i) absl::StrAppend(&tags, ",t", i);
  EXPECT_EQ(Fault("x-llmgateway-tags", tags), "OK");
  EXPECT_THAT(Fault("x-llmgateway-tags", tags + ",more"),
              HasSubstr("names more than 16 tags"));
  EXPECT_EQ(Fault("x-llmgateway-tags", std::string(128, 't')), "OK");
  EXPECT_THAT(Fault("x-llmgateway-tags", std::string(129, 't')),
              HasSubstr("not at most 128 printable"));
}

TEST(CallDirectivesTest, TheRequestIsCompletedAndNotContradicted) {
  CallDirectives said;
  said.Take("x-llmgateway-provider", "openai");
  said.Take("x-llmgateway-user", "u");
  std::string_view provider;
  CallScope scope = {.user_id = "u", .project_id = "p"};
  EXPECT_TRUE(said.MergeInto(&provider, &scope).ok());
  EXPECT_EQ(provider, "openai");
  EXPECT_EQ(scope.user_id, "u");
  EXPECT_EQ(scope.project_id, "p");
  scope.user_id = "another";
  const absl::Status refused = said.MergeInto(&provider, &scope);
  EXPECT_EQ(FieldViolations(refused)[0].first, "x-llmgateway-user");
}

TEST(CallDirectivesTest, TagsAreBounded) {
  CallDirectives said;
  for (int i = 0; i < 16; ++i) said.Take("x-llmgateway-tags", "t");
  EXPECT_EQ(Fault(said), "OK");
  said.Take("x-llmgateway-tags", "one-more");
  EXPECT_THAT(Fault(said), HasSubstr("more than 16"));
}

}  // namespace
}  // namespace gateway
