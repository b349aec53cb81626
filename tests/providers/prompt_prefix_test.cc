#include "providers/prompt_prefix.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "providers/dialects/openai_chat/openai_chat.h"

namespace gateway {
namespace {

constexpr size_t kBytesMax = 1024;
constexpr std::string_view kBody = R"({"model":"m","messages":[
    {"role":"system","content":"You are \"terse\"."},
    {"role":"user","content":[{"type":"text","text":"Who?"},
                              {"type":"text","text":"When?"}]},
    {"role":"assistant","content":"Ada"},{"role":"user","content":"Why?"}],
    "tools":[{"type":"function","function":{"name":"search"}}]})";

// What the bytes begin with, and what the message that they are read into does.
class PromptPrefixTest : public testing::Test {
 protected:
  void Read(std::string_view body) {
    raw_ = {.dialect = &dialect_, .body = body};
    request_.Clear();
    bool stream = false;
    bool stream_usage = false;
    ASSERT_TRUE(
        dialect_.ReadRequest(body, &request_, &stream, &stream_usage).ok());
  }

  const OpenAiChat dialect_;
  RawRequest raw_;
  v1::GenerateRequest request_;
};

TEST_F(PromptPrefixTest, BytesAndTheirMessageBeginAlike) {
  Read(kBody);
  const std::string prefix = PromptPrefix(raw_, kBytesMax);
  EXPECT_NE(prefix.find("You are \"terse\"."), std::string::npos);
  EXPECT_EQ(PromptPrefix(request_, kBytesMax), prefix);
  EXPECT_EQ(PromptPrefix(request_, 10), prefix.substr(0, 10));
  request_.mutable_messages()->RemoveLast();
  EXPECT_EQ(PromptPrefix(request_, kBytesMax), prefix);
  request_.mutable_messages(1)->mutable_parts(0)->set_text("What?");
  EXPECT_NE(PromptPrefix(request_, kBytesMax), prefix);
}

TEST_F(PromptPrefixTest, TheCacheKeyIsTheWholePrefix) {
  Read(R"({"messages":[{"role":"user","content":"Hi"}],
           "prompt_cache_key":"team-a"})");
  EXPECT_EQ(PromptPrefix(raw_, kBytesMax), "team-a");
  EXPECT_EQ(PromptPrefix(request_, kBytesMax), "team-a");
}

}  // namespace
}  // namespace gateway
