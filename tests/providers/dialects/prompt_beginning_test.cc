#include "providers/dialects/prompt_beginning.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr size_t kBytesMax = 1024;

std::string BeginningOf(std::string_view body, size_t bytes_max = kBytesMax) {
  std::string text = wire::ReadPromptBeginning(body, bytes_max).ToText();
  for (char& c : text) {
    if (c == '\0') c = '|';
  }
  return text;
}

TEST(PromptBeginningTest, EachFormatBeginsWithItsSystemToolsAndFirstTurn) {
  constexpr std::string_view kSame = "terse|search|Hi|";
  EXPECT_EQ(BeginningOf(R"({"model":"m","messages":[
      {"role":"system","content":"terse"},{"role":"user","content":"Hi"}],
      "tools":[{"type":"function","function":{"name":"search"}}]})"),
            kSame);
  EXPECT_EQ(
      BeginningOf(R"({"messages":[{"content":[{"type":"text","text":"Hi"}],
      "role":"user"}],"tools":[{"name":"search","input_schema":{}}],
      "system":[{"type":"text","text":"terse","cache_control":{}}]})"),
      kSame);
  EXPECT_EQ(BeginningOf(R"({"systemInstruction":{"parts":[{"text":"terse"}]},
      "contents":{"parts":[{"text":"Hi"}]},
      "tools":[{"functionDeclarations":[{"name":"search"}]}]})"),
            kSame);
  EXPECT_EQ(BeginningOf(R"({"instructions":"terse","input":"Hi",
      "tools":[{"type":"custom","name":"search"}]})"),
            kSame);
  EXPECT_EQ(BeginningOf(R"({"input":[{"role":"developer","content":"terse"},
      {"role":"user","content":[{"type":"input_text","text":"Hi"}]}],
      "tools":[{"type":"custom","custom":{"name":"search"}}]})"),
            kSame);
}

TEST(PromptBeginningTest, TurnsThatAreAddedChangeNothing) {
  const std::string first =
      BeginningOf(R"({"messages":[{"role":"user","content":"Hi"}]})");
  EXPECT_EQ(first, "Hi|");
  EXPECT_EQ(BeginningOf(R"({"messages":[{"role":"user","content":"Hi"},
      {"role":"assistant","content":"Yes?"},{"role":"user","content":"Why"}],
      "temperature":1})"),
            first);
  EXPECT_NE(BeginningOf(R"({"messages":[{"role":"user","content":"Ho"}]})"),
            first);
}

TEST(PromptBeginningTest, ACacheKeyStandsForTheRest) {
  EXPECT_EQ(BeginningOf(R"({"messages":[{"role":"user","content":"Hi"}],
      "prompt_cache_key":"k"})"),
            "k");
  EXPECT_EQ(BeginningOf(R"({"messages":[{"role":"user","content":"Hi"}],
      "prompt_cache_key":null})"),
            "Hi|");
}

TEST(PromptBeginningTest, ItIsBounded) {
  EXPECT_EQ(BeginningOf(R"({"system":"12345","messages":[
      {"role":"user","content":"678901"}]})",
                        7),
            "12345|6");
  EXPECT_EQ(BeginningOf(R"({"system":"1234567","messages":[
      {"role":"user","content":"8"}]})",
                        7),
            "1234567");
  EXPECT_EQ(BeginningOf(R"({"prompt_cache_key":"12345678"})", 7), "1234567");
}

TEST(PromptBeginningTest, WhatCannotBeReadHasNone) {
  EXPECT_EQ(BeginningOf(R"({"messages":[{"role":"user","content":"Hi"}])"), "");
  EXPECT_EQ(BeginningOf("{}"), "");
  EXPECT_EQ(BeginningOf(R"({"messages":[{"role":"user","content":[
      {"type":"image_url","image_url":{"url":"data:..."}}]}]})"),
            "");
}

}  // namespace
}  // namespace gateway
