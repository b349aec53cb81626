#include "providers/dialects/openai_chat/logprobs.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::chat {
namespace {

absl::Status ReadLogprobs(std::string_view json, v1::Logprobs* logprobs) {
  return ReadJson(json, [&](JsonValue& root) {
    return chat::ReadLogprobs(root, logprobs);
  });
}

std::string Written(const v1::Logprobs& logprobs) {
  std::string out;
  JsonWriter json(&out);
  WriteLogprobs(logprobs, json);
  return out;
}

TEST(OpenAiChatLogprobsTest, IsWrittenAsItWasRead) {
  constexpr std::string_view kJson =
      R"({"content":[{"token":"\u00e9","logprob":-0.1,"bytes":[195,169],)"
      R"("top_logprobs":[{"token":"e","logprob":-2,"bytes":null}]}],)"
      R"("refusal":[{"token":"No","logprob":-9999.0,"bytes":[],)"
      R"("top_logprobs":[]}]})";
  v1::Logprobs logprobs;
  ASSERT_TRUE(ReadLogprobs(kJson, &logprobs).ok());
  EXPECT_EQ(logprobs.content(0).utf8_bytes(), "\xC3\xA9");
  EXPECT_FALSE(logprobs.content(0).top(0).has_utf8_bytes());
  EXPECT_TRUE(SameJson(Written(logprobs), kJson));
}

TEST(OpenAiChatLogprobsTest, EmptyListsAreNull) {
  v1::Logprobs logprobs;
  ASSERT_TRUE(
      ReadLogprobs(R"({"content":null,"refusal":null,"new":1})", &logprobs)
          .ok());
  EXPECT_EQ(Written(logprobs), R"({"content":null,"refusal":null})");
}

TEST(OpenAiChatLogprobsTest, AlternativesHaveNoAlternatives) {
  v1::Logprobs logprobs;
  ASSERT_TRUE(
      ReadLogprobs(R"({"content":[{"token":"a","top_logprobs":[{"token":"b",)"
                   R"("top_logprobs":[{"token":"c"}]}]}]})",
                   &logprobs)
          .ok());
  EXPECT_TRUE(logprobs.content(0).top(0).top().empty());
}

TEST(OpenAiChatLogprobsTest, RefusesWhatIsNotBytes) {
  for (const std::string_view json :
       {R"({"content":[{"bytes":[256]}]})", R"({"content":[{"bytes":[-1]}]})",
        R"({"content":[{"logprob":"x"}]})", R"({"content":{}})", "[]"}) {
    v1::Logprobs logprobs;
    EXPECT_FALSE(ReadLogprobs(json, &logprobs).ok()) << json;
  }
}

}  // namespace
}  // namespace gateway::chat
