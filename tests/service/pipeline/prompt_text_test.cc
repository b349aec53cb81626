#include "service/pipeline/prompt_text.h"

#include <string>

#include "base/async/cancellation.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "service/pipeline/incoming_call.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/no_http_client.h"
#include "tests/testing/simulated_time.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

class PromptTextTest : public testing::Test {
 protected:
  PromptTextTest()
      : call_(MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"),
              runner_.loop(), http_, cancel_, arena_, runner_.loop().Now()) {}

  std::string OfRaw(const std::string& body) {
    raw_.body = body;
    call_.raw = &raw_;
    return PromptText(call_);
  }
  void Say(v1::Role role, const std::string& text) {
    v1::Message& message = *request_.add_messages();
    message.set_role(role);
    message.add_parts()->set_text(text);
    call_.request = &request_;
  }

  SimulatedTime time_;
  LoopRunner runner_{time_};
  CancelSignal cancel_;
  NoHttpClient http_;
  google::protobuf::Arena arena_;
  v1::GenerateRequest request_;
  v1::EmbedRequest embed_;
  RawRequest raw_;
  IncomingCall call_;
};

TEST(AnswerTextTest, ATextIsItselfAndAllElseIsCanonicalJson) {
  v1::GenerateResponse response;
  EXPECT_EQ(AnswerText(response), "");
  v1::Message& answer = *response.add_choices()->mutable_message();
  EXPECT_EQ(AnswerText(response), "");
  answer.add_parts()->mutable_reasoning()->set_text("hm");
  EXPECT_EQ(AnswerText(response), "");
  answer.add_parts()->set_text("Hi, ");
  answer.add_parts()->set_text("all");
  EXPECT_EQ(AnswerText(response), "Hi, all");
  v1::ToolCall& call = *answer.add_parts()->mutable_tool_call();
  call.set_id("c1");
  call.set_name("f");
  call.set_arguments(R"({"a":1})");
  EXPECT_EQ(AnswerText(response),
            R"([{"text": "Hi, ", "type": "text"}, )"
            R"({"text": "all", "type": "text"}, )"
            R"({"toolCall": {"arguments": "{\"a\":1}", "id": "c1", )"
            R"("name": "f"}}])");
  answer.Clear();
  answer.add_parts()->set_refusal("no");
  EXPECT_EQ(AnswerText(response), R"([{"refusal": "no"}])");
}

TEST(AnswerTextTest, SeveralAnswersAreAListOfWhatEachSays) {
  v1::GenerateResponse response;
  const auto add = [&response]() -> v1::Message& {
    return *response.add_choices()->mutable_message();
  };
  add().add_parts()->set_text("say \"hi\"");
  add().add_parts()->mutable_reasoning()->set_text("hm");
  v1::ToolCall& call = *add().add_parts()->mutable_tool_call();
  call.set_id("c1");
  call.set_name("f");
  EXPECT_EQ(AnswerText(response),
            R"(["say \"hi\"", "", [{"toolCall": {"id": "c1", "name": "f"}}]])");
}

TEST(AnswerTextTest, TheyStandByTheirIndexInWhateverOrderTheyCame) {
  v1::GenerateResponse response;
  for (const int index : {2, 0, 1}) {
    v1::Choice& choice = *response.add_choices();
    choice.set_index(index);
    choice.mutable_message()->add_parts()->set_text(std::to_string(index));
  }
  EXPECT_EQ(AnswerText(response), R"(["0", "1", "2"])");
}

TEST_F(PromptTextTest, ASingleTextOfTheUserIsItselfInEveryFormat) {
  for (const char* const body : {
           R"({"messages":[{"role":"user","content":"Hi\n\u00e9"}],"n":1})",
           R"({"messages":[{"content":[{"type":"text","text":"Hi\né"}],)"
           R"("role":"user"}]})",
           R"({"input":"Hi\né"})",
           R"({"input":[{"role":"user","content":"Hi\né"}]})",
           R"({"contents":[{"parts":[{"text":"Hi\né"}]}]})",
       }) {
    EXPECT_EQ(OfRaw(body), "Hi\né") << body;
  }
  call_.raw = nullptr;
  Say(v1::ROLE_USER, "Hi\né");
  EXPECT_EQ(PromptText(call_), "Hi\né");
}

TEST_F(PromptTextTest, OthersAreTheirCanonicalJson) {
  const std::string two = R"([{"content": "Be brief.", "role": "system"}, )"
                          R"({"content": "é", "role": "user"}])";
  EXPECT_EQ(OfRaw(R"({"messages":[{"role":"system","content":"Be brief."},)"
                  R"({"role":"user","content":"\u00e9"}],"model":"m"})"),
            two);
  call_.raw = nullptr;
  Say(v1::ROLE_SYSTEM, "Be brief.");
  Say(v1::ROLE_USER, "é");
  EXPECT_EQ(PromptText(call_), two) << "as OpenAI's Chat writes them";
  EXPECT_EQ(OfRaw(R"({"system":"S","messages":[{"role":"user",)"
                  R"("content":"x"}],"max_tokens":1})"),
            R"({"messages": [{"content": "x", "role": "user"}], )"
            R"("system": "S"})");
  EXPECT_EQ(OfRaw(R"({"messages":[{"role":"assistant","content":"x"}]})"),
            R"([{"content": "x", "role": "assistant"}])");
}

TEST_F(PromptTextTest, PicturesArePartsOfIt) {
  Say(v1::ROLE_USER, "What is it?");
  v1::Image& image =
      *request_.mutable_messages(0)->add_parts()->mutable_image();
  image.set_url("https://a.example/b.png");
  EXPECT_EQ(PromptText(call_),
            R"([{"content": [{"text": "What is it?", "type": "text"}, )"
            R"({"image": {"url": "https://a.example/b.png"}}], )"
            R"("role": "user"}])");
}

TEST_F(PromptTextTest, TextsToEmbed) {
  call_.embed = &embed_;
  embed_.add_inputs()->set_text("one");
  EXPECT_EQ(PromptText(call_), "one");
  embed_.add_inputs()->set_text("two");
  EXPECT_EQ(PromptText(call_), R"(["one", "two"])");
}

TEST_F(PromptTextTest, TokensToEmbed) {
  call_.embed = &embed_;
  v1::TokenList& tokens = *embed_.add_inputs()->mutable_tokens();
  tokens.add_ids(1);
  tokens.add_ids(22);
  EXPECT_EQ(PromptText(call_), "[1, 22]");
  embed_.add_inputs()->mutable_tokens()->add_ids(3);
  embed_.add_inputs()->set_text("four");
  EXPECT_EQ(PromptText(call_), R"([[1, 22], [3], "four"])");
}

TEST_F(PromptTextTest, WhatPythonReadsBeyondTheGrammarIsWhatPythonWrites) {
  EXPECT_EQ(OfRaw(R"({"messages":[{"role":"user","content":"a\ud800b"}]})"),
            "a\\ud800b");
  EXPECT_EQ(OfRaw(R"({"messages":[{"role":"system","content":"\udc00\ud83d"},)"
                  R"({"role":"user","content":"\ud83d\ude00","x":1e400}]})"),
            R"([{"content": "\udc00\ud83d", "role": "system"}, )"
            "{\"content\": \"\U0001F600\", \"role\": \"user\", "
            "\"x\": Infinity}]");
  EXPECT_EQ(OfRaw(R"({"messages":[{"role":"tool","x":NaN,"y":-1e999}]})"),
            R"([{"role": "tool", "x": NaN, "y": -Infinity}])");
  EXPECT_EQ(OfRaw(R"({"input":"\uDfFf"})"), "\\udfff");
}

TEST_F(PromptTextTest, TheLastOfTwoMembersCountsAndContentBeforeParts) {
  EXPECT_EQ(OfRaw(R"({"messages":[{"role":"user","content":"a"}],)"
                  R"("messages":7})"),
            "7");
  EXPECT_EQ(OfRaw(R"({"messages":[{"content":"a","parts":"b"}]})"), "a");
  EXPECT_EQ(OfRaw(R"({"messages":[{"content":"a","role":null}]})"),
            R"([{"content": "a", "role": null}])");
  EXPECT_EQ(OfRaw(R"({"contents":{"parts":[{"text":"hi"}]}})"), "hi");
  EXPECT_EQ(OfRaw(R"({"contents":[{"parts":[{"text":"hi","text":1}]}]})"),
            R"([{"parts": [{"text": 1}]}])");
}

TEST_F(PromptTextTest, WhatCannotBeReadIsTheBody) {
  for (const char* const body :
       {"{", "{}", R"({"system":"S"})", "{\"messages\":\"\xff\"}",
        R"({"messages":[01]})"}) {
    EXPECT_EQ(OfRaw(body), body);
  }
  const std::string deep = "{\"messages\":" + std::string(80, '[') +
                           std::string(80, ']') + "}";
  EXPECT_EQ(OfRaw(deep), deep);
  call_.raw = nullptr;
  EXPECT_EQ(PromptText(call_), "");
}

}  // namespace
}  // namespace gateway
