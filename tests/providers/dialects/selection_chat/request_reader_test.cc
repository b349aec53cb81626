#include "providers/dialects/selection_chat/request_reader.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway::selection_chat {
namespace {

using ::testing::ElementsAre;

constexpr char kHello[] = R"("messages":[{"role":"user","content":"hi"}])";

struct Asked {
  v1::GenerateRequest request;
  RequestWishes wishes;
};

using Reader = absl::Status (*)(std::string_view, v1::GenerateRequest*,
                                RequestWishes*);

absl::StatusOr<Asked> TryToRead(const std::string& body,
                                Reader reader = ReadRequest) {
  Asked asked;
  const absl::Status status = reader(body, &asked.request, &asked.wishes);
  if (!status.ok()) return status;
  return asked;
}

// Reads a request with one message, and `fields`, which end in a comma.
Asked ReadWith(const std::string& fields, Reader reader = ReadRequest) {
  const absl::StatusOr<Asked> asked =
      TryToRead(absl::StrCat("{", fields, kHello, "}"), reader);
  EXPECT_TRUE(asked.ok()) << asked.status();
  return asked.value_or(Asked());
}

// Returns the field at fault and what is said of it.
std::string FaultOf(const std::string& body, Reader reader = ReadRequest) {
  const absl::Status status = TryToRead(body, reader).status();
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST) << body;
  const auto violations = FieldViolations(status);
  return violations.empty() ? "none"
                            : absl::StrCat(violations.front().first, ": ",
                                           violations.front().second);
}

std::string FaultWith(const std::string& field) {
  return FaultOf(absl::StrCat("{", field, ",", kHello, "}"));
}

TEST(SelectionChatRequestTest, EveryFieldHasItsPlace) {
  const Asked asked = ReadWith(
      R"("node_name":"writer","capabilities":["streaming","vision"],)"
      R"("strategy":"cost_optimized","temperature":0.2,"max_tokens":100,)"
      R"("stream":true,"user_context":{"user_id":"u-1","session_id":7},)");
  const v1::GenerateRequest& request = asked.request;
  EXPECT_TRUE(asked.wishes.stream);
  EXPECT_EQ(request.selection().node_name(), "writer");
  EXPECT_THAT(request.selection().capabilities(),
              ElementsAre("streaming", "vision"));
  EXPECT_EQ(request.selection().strategy(),
            v1::Selection::STRATEGY_COST_OPTIMIZED);
  EXPECT_EQ(request.sampling().temperature(), 0.2);
  EXPECT_EQ(request.max_output_tokens(), 100);
  EXPECT_EQ(request.scope().user_id(), "u-1");
  EXPECT_EQ(request.scope().session_id(), "7");
  EXPECT_TRUE(request.extensions().empty());
  ASSERT_EQ(request.messages_size(), 1);
  EXPECT_EQ(request.messages(0).role(), v1::ROLE_USER);
  EXPECT_EQ(request.messages(0).parts(0).text(), "hi");
}

TEST(SelectionChatRequestTest, WhatIsNotSaidIsLeftToOthersButTheTemperature) {
  for (const char* fields :
       {"", R"("node_name":null,"capabilities":null,"strategy":null,)"
            R"("temperature":null,"max_tokens":null,"stream":null,)"
            R"("user_context":null,"cost_tier_override":null,)"
            R"("budget_remaining":null,"previous_failures":null,)"}) {
    const Asked asked = ReadWith(fields);
    EXPECT_FALSE(asked.wishes.stream);
    EXPECT_EQ(asked.request.selection().ByteSizeLong(), 0u) << fields;
    EXPECT_EQ(asked.request.sampling().temperature(), 0.7);
    EXPECT_FALSE(asked.request.has_max_output_tokens());
    EXPECT_EQ(asked.request.scope().ByteSizeLong(), 0u);
  }
}

TEST(SelectionChatRequestTest, RolesAreThree) {
  const absl::StatusOr<Asked> asked = TryToRead(
      R"({"messages":[{"role":"system","content":"s"},)"
      R"({"role":"user","content":""},{"role":"assistant","content":"a"}]})");
  ASSERT_TRUE(asked.ok()) << asked.status();
  ASSERT_EQ(asked->request.messages_size(), 3);
  EXPECT_EQ(asked->request.messages(0).role(), v1::ROLE_SYSTEM);
  EXPECT_EQ(asked->request.messages(1).role(), v1::ROLE_USER);
  EXPECT_EQ(asked->request.messages(2).role(), v1::ROLE_ASSISTANT);
  EXPECT_EQ(FaultOf(R"({"messages":[{"role":"tool","content":"s"}]})"),
            "messages[0].role: must be user, assistant or system");
  EXPECT_EQ(FaultOf(R"({"messages":[{"content":"s"}]})"),
            "messages[0]: role must be set");
  EXPECT_EQ(FaultOf(R"({"messages":[{"role":"user"}]})"),
            "messages[0]: content must be set");
  EXPECT_EQ(FaultOf(R"({"messages":[{"role":"user","content":[]}]})"),
            "messages[0].content: expected a string");
}

TEST(SelectionChatRequestTest, OutputTokensAreOneToEightThousand) {
  EXPECT_EQ(ReadWith(R"("max_tokens":1,)").request.max_output_tokens(), 1);
  EXPECT_EQ(ReadWith(R"("max_tokens":8000,)").request.max_output_tokens(),
            8000);
  for (const char* number : {"0", "-1", "8001"}) {
    EXPECT_EQ(FaultWith(absl::StrCat(R"("max_tokens":)", number)),
              "max_tokens: must be between 1 and 8000");
  }
}

TEST(SelectionChatRequestTest, WhatHasAWrongTypeOrComesTwiceIsNamed) {
  EXPECT_EQ(FaultWith(R"("temperature":"hot")"),
            "temperature: expected a number");
  EXPECT_EQ(FaultWith(R"("max_tokens":1.5)"),
            "max_tokens: expected an integer");
  EXPECT_EQ(FaultWith(R"("stream":1)"), "stream: expected true or false");
  EXPECT_EQ(FaultWith(R"("user_context":[])"),
            "user_context: expected an object");
  EXPECT_EQ(FaultWith(R"("user_context":{"user_id":true})"),
            "user_context.user_id: expected a string");
  EXPECT_EQ(FaultWith(R"("user_context":{"a":1,"a":2})"),
            "user_context.a: given twice");
  EXPECT_EQ(FaultWith(R"("node_name":"a","node_name":"b")"),
            "node_name: given twice");
  EXPECT_EQ(FaultOf(R"({"messages":"hi"})"), "messages: expected an array");
}

TEST(SelectionChatRequestTest, WhatNobodyKnowsIsKept) {
  const Asked asked =
      ReadWith(R"("model":"gpt-x","user_context":{"plan":"pro","age":3},)");
  ASSERT_EQ(asked.request.extensions_size(), 2);
  EXPECT_EQ(asked.request.extensions(0).dialect(), "selection_chat");
  EXPECT_EQ(asked.request.extensions(0).name(), "model");
  EXPECT_EQ(asked.request.extensions(0).json(), "\"gpt-x\"");
  EXPECT_EQ(asked.request.extensions(1).name(), "user_context");
  EXPECT_EQ(asked.request.extensions(1).json(), R"({"plan":"pro","age":3})");
}

TEST(LegacyChatRequestTest, AModeStandsForANodeAndWhatItNeeds) {
  const struct {
    const char* mode;
    std::vector<std::string_view> capabilities;
  } kCases[] = {
      {"general", {"streaming"}},
      {"research", {"web_search", "reasoning", "long_context"}},
      {"writing", {"creative_writing", "streaming", "long_context"}},
      {"analysis", {"reasoning", "function_calling"}},
      {"code", {"code_generation", "function_calling"}},
      {"creative", {"creative_writing", "streaming"}},
      {"academic", {"creative_writing", "reasoning", "long_context"}},
      {"Code", {"code_generation", "function_calling"}},
      {"unheard-of", {"streaming"}},
  };
  for (const auto& each : kCases) {
    const Asked asked = ReadWith(absl::StrCat(R"("mode":")", each.mode, "\","),
                                 ReadLegacyRequest);
    EXPECT_EQ(asked.wishes.mode, each.mode);
    EXPECT_EQ(NodeOfMode(asked.wishes.mode),
              absl::StrCat("legacy_", each.mode));
    EXPECT_THAT(CapabilitiesOfMode(asked.wishes.mode),
                ::testing::ElementsAreArray(each.capabilities));
  }
  EXPECT_EQ(ReadWith("", ReadLegacyRequest).wishes.mode, "");
  EXPECT_EQ(NodeOfMode(""), "legacy_general");
  EXPECT_THAT(CapabilitiesOfMode(""), ElementsAre("streaming"));
}

TEST(LegacyChatRequestTest, ItMayAlsoSayWhatTheNewerOneDoes) {
  const Asked asked =
      ReadWith(R"("mode":"code","node_name":"mine","capabilities":["vision"],)",
               ReadLegacyRequest);
  EXPECT_EQ(asked.request.selection().node_name(), "mine");
  EXPECT_THAT(asked.request.selection().capabilities(), ElementsAre("vision"));
}

TEST(LegacyChatRequestTest, MessagesMayBeOneText) {
  const absl::StatusOr<Asked> asked =
      TryToRead(R"({"messages":"hello","stream":true})", ReadLegacyRequest);
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_TRUE(asked->wishes.stream);
  ASSERT_EQ(asked->request.messages_size(), 1);
  EXPECT_EQ(asked->request.messages(0).role(), v1::ROLE_USER);
  EXPECT_EQ(asked->request.messages(0).parts(0).text(), "hello");
}

TEST(LegacyChatRequestTest, AModeHasSixtyFourBytesAtMost) {
  const std::string longest(64, 'm');
  EXPECT_EQ(
      ReadWith(absl::StrCat(R"("mode":")", longest, "\","), ReadLegacyRequest)
          .wishes.mode,
      longest);
  EXPECT_EQ(FaultOf(absl::StrCat(R"({"mode":")", longest, "m\",", kHello, "}"),
                    ReadLegacyRequest),
            "mode: is longer than 64 bytes");
}

}  // namespace
}  // namespace gateway::selection_chat
