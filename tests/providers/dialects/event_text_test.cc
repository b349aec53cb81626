#include "providers/dialects/event_text.h"

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/string_view.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

int64_t SpokenCharacters(std::string_view event) {
  SpokenCounter spoken;
  spoken.Add(event);
  return spoken.characters();
}

// An event of Chat Completions with this delta.
std::string Chunk(std::string_view delta) {
  return absl::StrCat(R"({"id":"c","created":1,"choices":[{"index":0,"delta":)",
                      ToAbsl(delta), R"(,"finish_reason":null}],"x":{}})");
}

TEST(EventTextTest, FindsWhatIsSaidInEachVendorsEvents) {
  for (
      const std::string_view event :
      {R"({"id":"c","choices":[{"index":0,"delta":{"content":"12345"}}]})",
       R"({"choices":[{"delta":{"reasoning_content":"123","content":"45"}}]})",
       R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":)"
       R"({"arguments":"12345"}}]}}]})",
       R"({"choices":[{"delta":{"content":[{"type":"text","text":"12345"}]}}]})",
       R"({"type":"content_block_delta","index":0,"delta":)"
       R"({"type":"text_delta","text":"12345"}})",
       R"({"type":"content_block_delta","index":0,"delta":)"
       R"({"type":"input_json_delta","partial_json":"12345"}})",
       R"({"type":"response.output_text.delta","item_id":"m",)"
       R"("output_index":0,"delta":"12345"})",
       R"({"candidates":[{"content":{"parts":[{"text":"12345"}],)"
       R"("role":"model"}}],"modelVersion":"g"})",
       R"({"candidates":[{"content":{"parts":[{"executableCode":)"
       R"({"language":"PYTHON","code":"12345"}}]}}],"modelVersion":"g"})",
       R"({"candidates":[{"content":{"parts":[{"codeExecutionResult":)"
       R"({"outcome":"OUTCOME_OK","output":"12345"}}]}}]})",
       R"({"candidates":[{"content":{"parts":[{"functionCall":)"
       R"({"id":"c1","name":"123","args":{}}}]}}]})",
       R"({"candidates":[{"content":{"parts":[{"functionCall":)"
       R"({"partialArgs":[{"jsonPath":"$.a","stringValue":"12345"}],)"
       R"("willContinue":true}}]}}]})"}) {
    EXPECT_EQ(SpokenCharacters(event), 5) << event;
    EXPECT_EQ(SaidIn(event).characters, 5) << event;
  }
}

// A name is said with the call that it begins.
TEST(EventTextTest, NamesOfCallsAreSaid) {
  for (
      const std::string_view event :
      {R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c",)"
       R"("type":"function","function":{"name":"123","arguments":"{}"}}]}}]})",
       R"({"choices":[{"delta":{"function_call":)"
       R"({"name":"123","arguments":"{}"}}}]})",
       R"({"choices":[{"delta":{"tool_calls":[{"type":"custom","custom":)"
       R"({"name":"123","input":"{}"}}]}}]})",
       R"({"type":"content_block_start","index":0,"content_block":)"
       R"({"type":"tool_use","id":"t","name":"12345","input":{}}})",
       R"({"type":"content_block_start","content_block":)"
       R"({"type":"server_tool_use","name":"web","input":[],"x":""},"text":"45"})",
       R"({"type":"response.output_item.added","output_index":0,"item":)"
       R"({"type":"function_call","name":"12345","arguments":""}})",
       R"({"functionCall":{"name":"123","args":{ }}})"}) {
    EXPECT_EQ(SpokenCharacters(event), 5) << event;
  }
  // The name of anything else is none.
  EXPECT_EQ(SpokenCharacters(R"({"type":"tool","name":"12345"})"), 0);
}

TEST(EventTextTest, WhatIsNoTextIsAFlatSum) {
  const std::string bytes(100'000, 'A');
  const std::string image = absl::StrCat(
      R"({"inlineData":{"mimeType":"image/png","data":")", bytes, R"("}})");
  const std::string url = Chunk(
      absl::StrCat(R"({"images":[{"type":"image_url","image_url":{"url":")",
                   bytes, R"("}}]})"));
  for (const std::string& event : {image, url}) {
    SpokenCounter spoken;
    for (int i = 0; i < 3; ++i) spoken.Add(event);
    EXPECT_EQ(spoken.characters(), 3 * kCharactersOfMedium);
  }
  const std::string sound = absl::StrCat(
      R"({"inlineData":{"mimeType":"audio/pcm","data":")", bytes, R"("}})");
  SpokenCounter spoken;
  for (int i = 0; i < 3; ++i) {
    spoken.Add(sound);
    spoken.Add(Chunk(R"({"audio":{"id":"a","data":"AAAA"}})"));
    spoken.AddSound();
  }
  EXPECT_EQ(spoken.characters(), kCharactersOfMedium);
}

TEST(EventTextTest, WhatStandsBesideAnAnswerIsNotSaid) {
  for (const std::string_view event :
       {R"({"choices":[{"delta":{"content":"12345","annotations":[)"
        R"({"url_citation":{"content":"quoted"}}]}}]})",
        R"({"candidates":[{"content":{"parts":[{"text":"12345"}]},)"
        R"("groundingMetadata":{"groundingSupports":[{"segment":)"
        R"({"text":"12345"}}]}}]})",
        R"({"choices":[{"delta":{"reasoning":"12345","reasoning_details":[)"
        R"({"type":"reasoning.text","text":"12345"}]}}]})"}) {
    EXPECT_EQ(SpokenCharacters(event), 5) << event;
  }
}

// OpenAI makes events of one size of texts that are not.
TEST(EventTextTest, PaddingIsNotSaid) {
  SpokenCounter spoken;
  int64_t said = 0;
  for (size_t i = 0; i < 1000; ++i) {
    const std::string text(1 + i % 17, 't');
    said += static_cast<int64_t>(text.size());
    spoken.Add(absl::StrCat(R"({"choices":[{"index":0,"delta":{"content":")",
                            text,
                            R"("},"finish_reason":null}],"obfuscation":")",
                            std::string(17 - i % 17, 'p'), R"("})"));
  }
  EXPECT_EQ(spoken.characters(), said);
}

TEST(EventTextTest, TextsOfSeveralChoicesInAnEventCountEach) {
  SpokenCounter spoken;
  const auto add = [&](std::string_view first, std::string_view second) {
    const std::string other =
        second.empty()
            ? ""
            : absl::StrCat(R"(,{"index":1,"delta":{"content":")",
                           ToAbsl(second), R"("},"finish_reason":null})");
    spoken.Add(absl::StrCat(R"({"choices":[{"index":0,"delta":{"content":")",
                            ToAbsl(first), R"("},"finish_reason":null})", other,
                            "]}"));
  };
  for (int i = 0; i < 10; ++i) {
    add("123", "");
    add("123", "45");
    add("1", "45678");
    add("12345", "4567");
  }
  EXPECT_EQ(spoken.characters(), 10 * (3 + 5 + 6 + 9));
}

// They are an object, whose names are the tool's own.
TEST(EventTextTest, OfACallsArgumentsAllIsSaid) {
  EXPECT_EQ(
      SpokenCharacters(R"({"functionCall":{"name":"f","args":)"
                       R"({"city":"Ulm","text":"x","days":[1,2]}}})"),
      1 + std::string_view(R"({"city":"Ulm","text":"x","days":[1,2]})").size());
}

// However a service writes an object, it says as much.
TEST(EventTextTest, ArgumentsThatAreAnObjectCountByTheirShortestJson) {
  constexpr int64_t kShortest =
      1 + std::string_view(R"({"city":"Koln"})").size();
  for (const char* object :
       {R"({"city":"Köln"})", R"({ "city" : "K\u00f6ln" })"}) {
    for (const char* call :
         {R"({"functionCall":{"name":"f","args":ARGS}})",
          R"({"content_block":{"type":"tool_use","id":"i","name":"f",
              "input":ARGS}})",
          R"({"tool_calls":[{"function":{"name":"f","arguments":ARGS}}]})"}) {
      const std::string event =
          absl::StrReplaceAll(call, {{"ARGS", object}});
      EXPECT_EQ(SpokenCharacters(event), kShortest) << event;
    }
  }
}

TEST(EventTextTest, EscapesCountAsWhatTheyStandFor) {
  EXPECT_EQ(SpokenCharacters(R"({"delta":"a\nb"})"), 3);
  EXPECT_EQ(SpokenCharacters(R"({"delta":"\u4f60\u597d"})"), 2);
  SpokenCounter escaped;
  SpokenCounter plain;
  for (int i = 0; i < 100; ++i) {
    escaped.Add(Chunk(R"({"content":"\u4f60\ud83d\ude00"})"));
    plain.Add(Chunk(R"({"content":"你😀"})"));
  }
  EXPECT_EQ(escaped.characters(), 200);
  EXPECT_EQ(plain.characters(), 200);
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += R"(\u4f60)";
  SpokenCounter large;
  large.Add(Chunk(absl::StrCat(R"({"content":")", text, R"("})")));
  EXPECT_EQ(large.characters(), 10'000);
}

TEST(EventTextTest, AnEventThatIsAllEscapesSaysNoLessThanNothing) {
  SpokenCounter spoken;
  spoken.Add(absl::StrCat(R"({"id":")", std::string(4000, 'i'),
                          R"(","delta":"12345"})"));
  std::string text;
  for (int i = 0; i < 700; ++i) text += R"(\u0041)";
  spoken.Add(absl::StrCat(R"({"a":")", text, R"("})"));
  EXPECT_EQ(spoken.characters(), 5);
}

TEST(EventTextTest, AnEventThatIsLikeNoOtherIsReadWhateverWasReadBefore) {
  SpokenCounter spoken;
  for (int i = 0; i < 100; ++i) spoken.Add(Chunk(R"({"content":"12345"})"));
  const int64_t before = spoken.characters();
  spoken.AddUnlike(absl::StrCat("<html>", std::string(10'000, 'x')));
  spoken.AddUnlike(R"({"choices":[{"delta":{"content":)");
  EXPECT_EQ(spoken.characters(), before);
  spoken.AddUnlike(R"({"choices":[{"delta":{"content":"12345"}}],)"
                   R"("usage":{"completion_tokens":-1}})");
  EXPECT_EQ(spoken.characters(), before + 5);
}

TEST(EventTextTest, WhatSaysNothingHasNone) {
  for (const std::string_view event :
       {"", "[DONE]", "{", R"({"delta":{"role":"assistant","content":null}})",
        R"({"usage":{"text_tokens":5},"delta":7})"}) {
    EXPECT_EQ(SpokenCharacters(event), 0) << event;
  }
}

TEST(EventTextTest, EventsOfOneKindAreToldBySize) {
  SpokenCounter spoken;
  for (int i = 0; i < 1000; ++i) spoken.Add(Chunk(R"({"content":"12345"})"));
  spoken.Add(Chunk(R"({"content":"1"})"));
  spoken.Add(Chunk(R"({"content":"1234567"})"));
  EXPECT_EQ(spoken.characters(), 5008);
}

TEST(EventTextTest, AnotherKindIsReadAnew) {
  const std::string_view kinds[] = {
      R"({"content":"","reasoning":"12345","reasoning_details":[{"index":0}]})",
      R"({"content":"12345"})",
      R"({"tool_calls":[{"index":0,"id":"call_12345","type":"function",)"
      R"("function":{"name":"f","arguments":""}}]})",
      R"({"tool_calls":[{"index":0,"function":{"arguments":"12345"}}]})",
      R"({"content":"12345"})",
      R"({"content":"","reasoning":"12345","reasoning_details":[{"index":0}]})",
  };
  SpokenCounter spoken;
  for (const std::string_view kind : kinds) {
    for (int i = 0; i < 100; ++i) spoken.Add(Chunk(kind));
  }
  EXPECT_EQ(spoken.characters(), 5 * 500 + 100);
}

TEST(EventTextTest, WhatIsAlwaysAnotherKindIsReadNowAndThen) {
  SpokenCounter spoken;
  for (size_t i = 0; i < 1000; ++i) {
    spoken.Add(absl::StrCat(R"({"id":")", std::string(1 + i % 7, 'i'),
                            R"(","choices":[{"delta":{"content":"12345"}}]})"));
  }
  EXPECT_NEAR(static_cast<double>(spoken.characters()), 5000, 3000);
}

TEST(EventTextTest, LongTextsAreToldBySize) {
  SpokenCounter spoken;
  const std::string text(100'000, 't');
  const std::string delta = absl::StrCat(R"({"content":")", text, R"("})");
  spoken.Add(Chunk(delta));
  EXPECT_EQ(spoken.characters(), 100'000);
  spoken.Add(Chunk(R"({"content":"12345"})"));
  const int64_t before = spoken.characters();
  spoken.Add(Chunk(delta));
  EXPECT_EQ(spoken.characters() - before, 100'000);
}

}  // namespace
}  // namespace gateway
