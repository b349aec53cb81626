#include "providers/custom_calls.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace gateway {
namespace {

CustomCalls Custom() {
  v1::GenerateRequest request;
  request.add_tools()->mutable_custom()->set_name("patch");
  request.add_tools()->mutable_function()->set_name("f");
  return CustomCalls(request);
}

v1::ToolCall Restored(const std::string& name, const std::string& arguments) {
  v1::GenerateResponse response;
  v1::ToolCall* const call = response.add_choices()
                                 ->mutable_message()
                                 ->add_parts()
                                 ->mutable_tool_call();
  call->set_name(name);
  call->set_arguments(arguments);
  Custom().Restore(&response);
  return response.choices(0).message().parts(0).tool_call();
}

// The pieces of calls that these pieces of arguments become, each in its list
// of its own, and the end of their choice.
std::vector<v1::ToolCallDelta> Streamed(
    const std::string& name, const std::vector<std::string>& pieces) {
  CustomCalls custom = Custom();
  std::vector<v1::ToolCallDelta> said;
  const auto take = [&](EventList* events) {
    custom.Restore(events);
    for (const v1::GenerateEvent& event : *events) {
      if (event.has_delta()) said.push_back(event.delta().tool_call());
    }
    events->clear();
  };
  EventList events;
  for (size_t i = 0; i < pieces.size(); ++i) {
    v1::Delta* const delta = events.emplace_back().mutable_delta();
    delta->set_part_index(1);
    if (i == 0) delta->mutable_tool_call()->set_name(name);
    delta->mutable_tool_call()->set_index(2);
    delta->mutable_tool_call()->set_arguments(pieces[i]);
    take(&events);
  }
  events.emplace_back().mutable_choice_end();
  take(&events);
  return said;
}

TEST(CustomCallsTest, ACallOfACustomToolIsItsText) {
  const v1::ToolCall call = Restored("patch", R"({"input":"a\n\"b\""})");
  EXPECT_EQ(call.kind(), v1::TOOL_KIND_CUSTOM);
  EXPECT_EQ(call.arguments(), "a\n\"b\"");
}

TEST(CustomCallsTest, WhatIsNoTextStaysAndFunctionsStayFunctions) {
  for (const char* arguments :
       {"{}", R"({"input":7})", R"({"input":"a","b":1})", "text"}) {
    const v1::ToolCall call = Restored("patch", arguments);
    EXPECT_EQ(call.kind(), v1::TOOL_KIND_CUSTOM);
    EXPECT_EQ(call.arguments(), arguments);
  }
  const v1::ToolCall call = Restored("f", R"({"input":"a"})");
  EXPECT_EQ(call.kind(), v1::TOOL_KIND_UNSPECIFIED);
  EXPECT_EQ(call.arguments(), R"({"input":"a"})");
}

TEST(CustomCallsTest, AStreamTellsTheTextOnceItIsWhole) {
  const std::vector<v1::ToolCallDelta> said =
      Streamed("patch", {"", R"({"inp)", R"(ut":"a}\)", R"(nb"})"});
  ASSERT_EQ(said.size(), 4u);
  EXPECT_EQ(said[0].kind(), v1::TOOL_KIND_CUSTOM);
  EXPECT_EQ(said[0].name(), "patch");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(said[i].arguments(), "") << i;
  EXPECT_EQ(said[3].arguments(), "a}\nb");
}

TEST(CustomCallsTest, WhatIsNotWholeAtTheEndIsToldAsItIs) {
  const std::vector<v1::ToolCallDelta> said =
      Streamed("patch", {R"({"input":"a)"});
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[1].arguments(), R"({"input":"a)");
  EXPECT_EQ(said[1].index(), 2);
}

TEST(CustomCallsTest, AStreamedFunctionStaysOne) {
  const std::vector<v1::ToolCallDelta> said =
      Streamed("f", {R"({"input":)", R"("a"})"});
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].arguments(), R"({"input":)");
  EXPECT_EQ(said[0].kind(), v1::TOOL_KIND_UNSPECIFIED);
}

}  // namespace
}  // namespace gateway
