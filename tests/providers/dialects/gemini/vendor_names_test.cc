#include "providers/dialects/gemini/vendor_names.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text/json.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::gemini {
namespace {

absl::Status ReadUsage(std::string_view text, WireUsage* usage,
                       ExtensionList* extensions) {
  return ReadJson(
      text, [&](JsonValue& root) { return usage->Read(root, extensions); });
}

TEST(GeminiVendorNamesTest, EveryFinishReasonHasItsMeaning) {
  for (const std::string_view word :
       {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII",
        "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"}) {
    EXPECT_EQ(FinishReasonOfTurn(word, true, true),
              v1::FINISH_REASON_CONTENT_FILTER)
        << word;
  }
  for (const std::string_view word :
       {"LANGUAGE", "OTHER", "NO_IMAGE", "IMAGE_OTHER",
        "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS"}) {
    EXPECT_EQ(FinishReasonOfTurn(word, false, true), v1::FINISH_REASON_ERROR)
        << word;
  }
  EXPECT_EQ(FinishReasonOfTurn("STOP", false, true), v1::FINISH_REASON_STOP);
  EXPECT_EQ(FinishReasonOfTurn("MAX_TOKENS", true, true),
            v1::FINISH_REASON_LENGTH);
}

TEST(GeminiVendorNamesTest, ACallMakesAStopATurnThatWaits) {
  EXPECT_EQ(FinishReasonOfTurn("STOP", true, true),
            v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_EQ(FinishWord(v1::FINISH_REASON_TOOL_CALLS, "STOP"), "STOP");
  EXPECT_EQ(FinishWord(v1::FINISH_REASON_TOOL_CALLS, "tool_calls"), "STOP");
}

TEST(GeminiVendorNamesTest, AnUnknownWordIsAStopOnlyAfterContent) {
  EXPECT_EQ(FinishReasonOfTurn("NOVEL", false, true), v1::FINISH_REASON_STOP);
  EXPECT_EQ(FinishReasonOfTurn("NOVEL", false, false), v1::FINISH_REASON_ERROR);
}

TEST(GeminiVendorNamesTest, WritesTheProvidersWordOnlyIfItAgrees) {
  EXPECT_EQ(FinishWord(v1::FINISH_REASON_CONTENT_FILTER, "SPII"), "SPII");
  EXPECT_EQ(FinishWord(v1::FINISH_REASON_CONTENT_FILTER, "refusal"), "SAFETY");
  EXPECT_EQ(FinishWord(v1::FINISH_REASON_LENGTH, "STOP"), "MAX_TOKENS");
  EXPECT_EQ(FinishWord(v1::FINISH_REASON_ERROR, "error"), "OTHER");
  EXPECT_EQ(FinishWord(v1::FINISH_REASON_PAUSE, ""), "STOP");
  EXPECT_EQ(FinishWord(v1::FINISH_REASON_UNSPECIFIED, ""), "STOP");
}

TEST(GeminiVendorNamesTest, UsageCountsThoughtsAsOutputAndToolUseAsInput) {
  WireUsage wire;
  ExtensionList extensions;
  ASSERT_TRUE(ReadUsage(R"({"promptTokenCount":10,"cachedContentTokenCount":4,
        "candidatesTokenCount":3,"thoughtsTokenCount":20,
        "toolUsePromptTokenCount":5,"totalTokenCount":38,
        "promptTokensDetails":[{"modality":"TEXT","tokenCount":4},
                               {"modality":"AUDIO","tokenCount":6}],
        "candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":2}],
        "novel":[1]})",
                        &wire, &extensions)
                  .ok());
  const v1::Usage usage = wire.ToUsage();
  EXPECT_EQ(usage.input_tokens(), 15);
  EXPECT_EQ(usage.output_tokens(), 23);
  EXPECT_EQ(usage.cached_input_tokens(), 4);
  EXPECT_EQ(usage.reasoning_tokens(), 20);
  EXPECT_EQ(usage.audio_input_tokens(), 6);
  EXPECT_EQ(usage.audio_output_tokens(), 2);

  std::string written;
  JsonWriter json(&written);
  ASSERT_TRUE(WriteUsage(usage, extensions, json).ok());
  EXPECT_TRUE(SameJson(written, R"({"promptTokenCount":10,
        "cachedContentTokenCount":4,
        "candidatesTokenCount":3,"thoughtsTokenCount":20,
        "toolUsePromptTokenCount":5,"totalTokenCount":38,
        "promptTokensDetails":[{"modality":"TEXT","tokenCount":4},
                               {"modality":"AUDIO","tokenCount":6}],
        "candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":2}],
        "novel":[1]})"));
}

TEST(GeminiVendorNamesTest, ImagesAreCountedApart) {
  WireUsage usage;
  ASSERT_TRUE(ReadUsage(R"({"promptTokenCount":300,"candidatesTokenCount":1295,
        "promptTokensDetails":[{"modality":"TEXT","tokenCount":20},
                               {"modality":"DOCUMENT","tokenCount":22},
                               {"modality":"IMAGE","tokenCount":258}],
        "candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1290},
                                   {"modality":"TEXT","tokenCount":5}]})",
                        &usage, nullptr)
                  .ok());
  EXPECT_EQ(usage.ToUsage().image_input_tokens(), 258);
  EXPECT_EQ(usage.ToUsage().image_output_tokens(), 1290);
  EXPECT_EQ(usage.ToUsage().audio_input_tokens(), 0);
  EXPECT_FALSE(ReadUsage(R"({"candidatesTokensDetails":
                             [{"modality":"IMAGE","tokenCount":-1}]})",
                         &usage, nullptr)
                   .ok());
}

// Whether the rest of the usage is kept, as where it is read, or not, as where
// it is forwarded.
TEST(GeminiVendorNamesTest, SoundAndImagesThatWereCachedCountAsCached) {
  ExtensionList kept;
  for (ExtensionList* const extensions :
       {&kept, static_cast<ExtensionList*>(nullptr)}) {
    WireUsage wire;
    ASSERT_TRUE(ReadUsage(R"({"promptTokenCount":300,
          "cachedContentTokenCount":200,"toolUsePromptTokenCount":9,
          "promptTokensDetails":[{"modality":"TEXT","tokenCount":20},
                                 {"modality":"AUDIO","tokenCount":180},
                                 {"modality":"IMAGE","tokenCount":100}],
          "cacheTokensDetails":[{"modality":"AUDIO","tokenCount":150},
                                {"modality":"IMAGE","tokenCount":50}],
          "toolUsePromptTokensDetails":[{"modality":"IMAGE","tokenCount":7},
                                        {"modality":"TEXT","tokenCount":2}]})",
                          &wire, extensions)
                    .ok());
    const v1::Usage usage = wire.ToUsage();
    EXPECT_EQ(usage.input_tokens(), 309);
    EXPECT_EQ(usage.cached_input_tokens(), 200);
    EXPECT_EQ(usage.audio_input_tokens(), 30);
    EXPECT_EQ(usage.image_input_tokens(), 57);
  }
  EXPECT_EQ(kept.size(), 4);
}

TEST(GeminiVendorNamesTest, NoMoreSoundAndImagesAreCachedThanThereAre) {
  const auto read = [](const std::string& cached, const std::string& details) {
    WireUsage wire;
    EXPECT_TRUE(
        ReadUsage(absl::StrCat(R"({"promptTokenCount":300,"promptTokensDetails":
                               [{"modality":"AUDIO","tokenCount":100},
                                {"modality":"IMAGE","tokenCount":50}],)",
                               R"("cachedContentTokenCount":)", cached,
                               R"(,"cacheTokensDetails":)", details, "}"),
                  &wire, nullptr)
            .ok());
    const v1::Usage usage = wire.ToUsage();
    return std::pair(usage.audio_input_tokens(), usage.image_input_tokens());
  };
  const std::string all = R"([{"modality":"AUDIO","tokenCount":900},
                              {"modality":"IMAGE","tokenCount":900}])";
  EXPECT_EQ(read("300", all), std::pair(int64_t{0}, int64_t{0}));
  EXPECT_EQ(read("120", all), std::pair(int64_t{0}, int64_t{30}));
  EXPECT_EQ(read("0", all), std::pair(int64_t{100}, int64_t{50}));
  EXPECT_EQ(read("300", "null"), std::pair(int64_t{100}, int64_t{50}));
}

TEST(GeminiVendorNamesTest, UsageTellsTheTierThatServed) {
  const std::pair<const char*, const char*> tiers[] = {
      {R"({"trafficType":"ON_DEMAND"})", ""},
      {R"({"trafficType":"TRAFFIC_TYPE_UNSPECIFIED"})", ""},
      {R"({"trafficType":"ON_DEMAND_PRIORITY"})", "priority"},
      {R"({"trafficType":"ON_DEMAND_FLEX"})", "flex"},
      {R"({"trafficType":"PROVISIONED_THROUGHPUT"})", "provisioned_throughput"},
      {R"({"serviceTier":"priority"})", "priority"},
      {R"({"serviceTier":"FLEX"})", "flex"},
      {R"({"serviceTier":"standard"})", ""},
      {R"({"serviceTier":7})", ""},
      {R"({"promptTokenCount":1})", ""}};
  for (const auto& [told, tier] : tiers) {
    WireUsage usage;
    ASSERT_TRUE(ReadUsage(told, &usage, nullptr).ok()) << told;
    EXPECT_EQ(usage.service_tier(), tier) << told;
  }
  WireUsage usage;
  ExtensionList extensions;
  ASSERT_TRUE(ReadUsage(tiers[2].first, &usage, &extensions).ok());
  EXPECT_EQ(usage.service_tier(), "priority");
  ASSERT_EQ(extensions.size(), 1);
  EXPECT_EQ(extensions[0].name(), "usageMetadata.trafficType");
}

TEST(GeminiVendorNamesTest, EachUsageReplacesTheOneBefore) {
  WireUsage usage;
  ASSERT_TRUE(ReadUsage(R"({"promptTokenCount":10,"thoughtsTokenCount":2})",
                        &usage, nullptr)
                  .ok());
  ASSERT_TRUE(ReadUsage(R"({"promptTokenCount":11})", &usage, nullptr).ok());
  EXPECT_EQ(usage.ToUsage().input_tokens(), 11);
  EXPECT_EQ(usage.ToUsage().output_tokens(), 0);
}

TEST(GeminiVendorNamesTest, CountsThatAreNoneAreRefused) {
  for (const std::string_view text :
       {R"({"promptTokenCount":-1})", R"({"promptTokenCount":"7"})",
        R"({"candidatesTokenCount":9007199254740993})",
        R"({"promptTokensDetails":[7]})"}) {
    WireUsage usage;
    EXPECT_FALSE(ReadUsage(text, &usage, nullptr).ok()) << text;
  }
}

TEST(GeminiVendorNamesTest, SoundHasAFormatAndATypeToWrite) {
  EXPECT_EQ(AudioFormatOf("audio/WAV"), "wav");
  EXPECT_EQ(AudioFormatOf("audio/mpeg"), "mp3");
  EXPECT_EQ(AudioFormatOf("audio/L16;codec=pcm;rate=24000"), "pcm16");
  EXPECT_EQ(AudioFormatOf("audio/ogg"), "");
  EXPECT_EQ(AudioFormatOf("image/png"), "");
  EXPECT_EQ(MimeTypeOfAudio("mp3"), "audio/mp3");
  EXPECT_EQ(MimeTypeOfAudio("midi"), "");
}

TEST(GeminiVendorNamesTest, MadeUpIdsAreStableAndKnown) {
  const std::string id = MadeUpCallId("seed");
  EXPECT_EQ(id, MadeUpCallId("seed"));
  EXPECT_NE(id, MadeUpCallId("seeds"));
  EXPECT_TRUE(IsMadeUpCallId(id));
  EXPECT_FALSE(IsMadeUpCallId("call_0123456789abcdef"));
  EXPECT_FALSE(IsMadeUpCallId("gcall_"));
}

TEST(GeminiVendorNamesTest, ReadsBothAlphabetsOfBase64) {
  for (const std::string_view text : {"+/+/", "-_-_", "aGk=", "aGk"}) {
    std::string bytes;
    EXPECT_TRUE(ReadAnyBase64(text, &bytes)) << text;
  }
  std::string bytes;
  EXPECT_FALSE(ReadAnyBase64("not base64!", &bytes));
}

TEST(GeminiVendorNamesTest, SignaturesKeepTheirNames) {
  EXPECT_EQ(SignatureOfWire("c2ln"), "seal:gemini:c2ln");
  EXPECT_EQ(WireOfSignature("seal:gemini:c2ln"), "c2ln");
  // Clients fail over what is no base64.
  EXPECT_EQ(WireOfSignature("seal:gemini:!"), "");
}

TEST(GeminiVendorNamesTest, SignaturesOfOthersComeBackThroughGooglesClients) {
  for (const std::string_view signature :
       {"Eq+/a>>?==", "seal:openai_responses:x>?",
        "seal:anthropic_messages:"
        "seal:gemini:x"}) {
    std::string wire = WireOfSignature(signature);
    EXPECT_EQ(SignatureOfWire(wire), signature);
    // As the clients write it.
    std::replace(wire.begin(), wire.end(), '+', '-');
    std::replace(wire.begin(), wire.end(), '/', '_');
    EXPECT_EQ(SignatureOfWire(wire), signature);
  }
}

TEST(GeminiVendorNamesTest, LevelsAreWordsInEitherCase) {
  for (const std::string_view word : {"LOW", "low", "Low"}) {
    EXPECT_EQ(EffortOfLevel(word), v1::ReasoningSettings::EFFORT_LOW) << word;
  }
  for (const std::string_view word : {"", "lo", "lower", "THINKING"}) {
    EXPECT_EQ(EffortOfLevel(word), v1::ReasoningSettings::EFFORT_UNSPECIFIED)
        << word;
  }
}

TEST(GeminiVendorNamesTest, KnowsAJsonObject) {
  EXPECT_TRUE(IsJsonObject(" {\"a\":[1]} "));
  for (const std::string_view text : {"", "[]", "{", "{} {}", "text", "7"}) {
    EXPECT_FALSE(IsJsonObject(text)) << text;
  }
}

}  // namespace
}  // namespace gateway::gemini
