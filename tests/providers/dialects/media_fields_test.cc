#include "providers/dialects/media_fields.h"

#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/gemini/gemini.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/dialects/openai_responses/openai_responses.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string_view> Find(std::string_view json) {
  static constexpr MediaField kFields[] = {
      {.path = "a.bytes"},
      {.path = "a.b.url", .is_data_url = true},
      {.path = "source.data", .type = "base64"}};
  return FindMedia(json, kFields);
}

TEST(FindMediaTest, TellsWhatStandsBetweenTheQuotesInItsOrder) {
  EXPECT_THAT(Find(R"({"x":{"bytes":"no"},"a":{"b":{"url":
                       "data:image/png;base64,QQ"} , "bytes" : "Qg" }})"),
              ElementsAre("data:image/png;base64,QQ", "Qg"));
  EXPECT_THAT(Find(R"({"a":{"bytes":"1","b":{"url":"data:;base64,2"}}})"),
              ElementsAre("1", "data:;base64,2"));
}

TEST(FindMediaTest, GoesThroughListsOnTheWay) {
  EXPECT_THAT(Find(R"({"a":[1,"bytes",{"bytes":"1"},[{"bytes":"deep"}],
                       {"b":[{"url":"data:;base64,2"}]},[],{}]})"),
              ElementsAre("1", "data:;base64,2"));
}

TEST(FindMediaTest, OfAWayEveryNameCounts) {
  EXPECT_THAT(Find(R"({"a":{"byte":"1","bytes2":"2","b":{"bytes":"3"}},
                       "bytes":"4","a.bytes":"5","":"6","a":"7"})"),
              IsEmpty());
  EXPECT_THAT(Find(R"({"a":{"b\u0079tes":"1","bytes":["2"],"bytes":3}})"),
              IsEmpty());
}

TEST(FindMediaTest, NoWayGoesOnBehindItsEnd) {
  std::string deep = R"({"a":{"bytes":)";
  for (int i = 0; i < 300'000; ++i) deep += R"({"":)";
  EXPECT_THAT(Find(deep), IsEmpty());
  EXPECT_THAT(Find(R"({"a":{"bytes":{"":"1"}}})"), IsEmpty());
  EXPECT_THAT(Find(R"({"a":{"bytes":[{"":"1"}]}})"), IsEmpty());
}

TEST(FindMediaTest, AnAddressIsNoMedium) {
  EXPECT_THAT(Find(R"({"a":{"b":{"url":"https://a/;base64,x"}}})"), IsEmpty());
  EXPECT_THAT(Find(R"({"a":{"b":{"url":"data:text/plain,x"}}})"), IsEmpty());
}

TEST(FindMediaTest, TheTypeBesideItCountsWhereverItStands) {
  EXPECT_THAT(Find(R"({"source":[{"type":"base64","data":"1"},
                                 {"data":"2","type":"base64"},
                                 {"type":"text","data":"3"},
                                 {"data":"4"}]})"),
              ElementsAre("1", "2"));
}

TEST(FindMediaTest, ATypeThatReadersMaySeeOtherwiseIsNone) {
  EXPECT_THAT(
      Find(R"({"source":[{"type":"base64","data":"1","type":"text"},
                         {"type":"text","data":"2","type":"base64"},
                         {"type":"base64","data":"3","typ\u0065":"text"},
                         {"type":"base64","data":"4","type":null}]})"),
      IsEmpty());
}

TEST(FindMediaTest, OfABrokenTextTheMediaBeforeAreFound) {
  const std::string whole = R"({"a":[{"bytes":"1"},{"bytes":"2"}]})";
  for (size_t size = 0; size <= whole.size(); ++size) {
    EXPECT_LE(Find(whole.substr(0, size)).size(), 2u) << size;
  }
  EXPECT_THAT(Find(R"({"a":[{"bytes":"1"},{"bytes":)"), ElementsAre("1"));
  for (const std::string_view none : {"", "{", "[", "\"", "{\"a\"", "{]", "nul",
                                      "{\"a\":[", "{\"a\":{\"bytes\":}}"}) {
    EXPECT_THAT(Find(none), IsEmpty()) << none;
  }
}

TEST(FindMediaTest, WhatIsMoreIntricateThanAPromptIsNotGoneThrough) {
  const auto behind = [](std::string_view begin, std::string_view each,
                         int times, std::string_view end) {
    std::string json = R"({"a":{)";
    json += begin;
    for (int i = 0; i < times; ++i) json += each;
    json += end;
    return json + R"("bytes":"1"}})";
  };
  const struct {
    std::string_view begin, each, end;
    int few, many;
  } kCases[] = {{"", "\"k\":1,", "", 100'000, 270'000},
                {"\"k\":[", "[],", "1],", 150'000, 200'000},
                {"\"k\":\"", "\\n", "\",", 500'000, 530'000},
                {"\"k\":", " ", "1,", 1'000, 5'000}};
  for (const auto& each : kCases) {
    EXPECT_THAT(Find(behind(each.begin, each.each, each.few, each.end)),
                ElementsAre("1"))
        << each.each;
    EXPECT_THAT(Find(behind(each.begin, each.each, each.many, each.end)),
                IsEmpty())
        << each.each;
  }
  // A long text is none.
  EXPECT_THAT(Find(behind("\"k\":\"", "some words ", 1'000'000, "\",")),
              ElementsAre("1"));
}

// Of one dialect, by what stands in a request or an answer.
std::vector<std::string_view> FindIn(const Dialect& dialect,
                                     std::string_view json) {
  EXPECT_LE(dialect.MediaFields().size(), kMediaFieldsMax);
  return FindMedia(json, dialect.MediaFields());
}

TEST(MediaFieldsTest, OfOpenAiChat) {
  const OpenAiChat chat;
  EXPECT_THAT(FindIn(chat, R"({"messages":[
      {"content":"data:;base64,text"},
      {"content":[
        {"type":"text","text":"data:;base64,text","my_data":"text"},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,1"}},
        {"type":"image_url","image_url":{"url":"https://a/b.png"}},
        {"type":"input_audio","input_audio":{"data":"2","format":"wav"}},
        {"type":"file","file":{"file_data":"data:;base64,3"}}]},
      {"tool_calls":[{"function":{"arguments":"data:;base64,text"}}]}],
      "tools":[{"function":{"parameters":{"image_url":{"url":
        "data:;base64,text"},"data":"text","examples_data":"text"}}}]})"),
              ElementsAre("data:image/png;base64,1", "2", "data:;base64,3"));
  EXPECT_THAT(FindIn(chat, R"({"choices":[{"message":{"content":"text",
      "audio":{"data":"1","transcript":"text"},
      "images":[{"image_url":{"url":"data:;base64,2"}}]}}]})"),
              ElementsAre("1", "data:;base64,2"));
}

TEST(MediaFieldsTest, OfOpenAiResponses) {
  const OpenAiResponses responses;
  EXPECT_THAT(FindIn(responses, R"({"instructions":"data:;base64,text","input":[
      {"role":"user","content":[
        {"type":"input_text","text":"data:;base64,text","data":"text"},
        {"type":"input_image","image_url":"data:image/png;base64,1"},
        {"type":"input_file","file_data":"2"},
        {"type":"input_audio","input_audio":{"data":"3"}}]},
      {"type":"function_call_output","output":"data:;base64,text"},
      {"type":"function_call_output","output":[
        {"type":"input_image","image_url":"data:;base64,4"}]},
      {"type":"computer_call_output","output":{
        "type":"computer_screenshot","image_url":"data:;base64,5"}},
      {"type":"other","result":"text"},
      {"type":"image_generation_call","result":"6"}]})"),
              ElementsAre("data:image/png;base64,1", "2", "3", "data:;base64,4",
                          "data:;base64,5", "6"));
  EXPECT_THAT(FindIn(responses, R"({"output":[
      {"type":"image_generation_call","result":"1"}]})"),
              ElementsAre("1"));
  EXPECT_THAT(FindIn(responses, R"({"input":"data:;base64,text"})"), IsEmpty());
}

TEST(MediaFieldsTest, OfAnthropicMessages) {
  EXPECT_THAT(FindIn(AnthropicMessages(), R"({"system":"data:;base64,text",
      "messages":[{"content":[
        {"type":"image","source":{"type":"base64","data":"1"}},
        {"type":"document","source":{"type":"text","data":"text"}},
        {"type":"document","source":{"type":"content","content":[
          {"type":"image","source":{"type":"base64","data":"2"}}]}},
        {"type":"tool_result","content":[
          {"type":"image","source":{"type":"base64","data":"3"}}]},
        {"type":"tool_use","input":{"source":{"type":"base64","data":"text"}}},
        {"type":"redacted_thinking","data":"text"}]}]})"),
              ElementsAre("1", "2", "3"));
}

TEST(MediaFieldsTest, OfGemini) {
  const class Gemini gemini;
  EXPECT_THAT(FindIn(gemini, R"({"contents":[{"parts":[
        {"text":"data:;base64,text"},
        {"inlineData":{"mimeType":"image/png","data":"1"}},
        {"inline_data":{"data":"2"}},
        {"functionCall":{"args":{"data":"text"}}},
        {"functionResponse":{"response":{"data":"text",
          "inlineData":{"data":"text"}},"parts":[{"inlineData":{"data":"3"}}]}}
      ]}]})"),
              ElementsAre("1", "2", "3"));
  EXPECT_THAT(FindIn(gemini, R"({"generateContentRequest":{"contents":{
      "parts":[{"inlineData":{"data":"1"}}]}}})"),
              ElementsAre("1"));
  EXPECT_THAT(FindIn(gemini, R"({"candidates":[{"content":{"parts":[
      {"text":"text"},{"inlineData":{"data":"1"}}]}}]})"),
              ElementsAre("1"));
}

}  // namespace
}  // namespace gateway
