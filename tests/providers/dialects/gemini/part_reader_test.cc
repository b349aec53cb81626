#include "providers/dialects/gemini/part_reader.h"

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "providers/dialects/gemini/fields.h"

namespace gateway::gemini {
namespace {

absl::StatusOr<v1::Part> PartFrom(std::string_view text) {
  v1::Part part;
  const absl::Status status = AsFieldFault(
      ReadJson(text, [&](JsonValue& root) { return ReadPart(root, &part); }));
  if (!status.ok()) return status;
  return part;
}

TEST(GeminiPartReaderTest, ASignatureStaysOnItsPart) {
  const auto text = PartFrom(R"({"text":"a","thoughtSignature":"c2ln"})");
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->text(), "a");
  ASSERT_EQ(text->extensions_size(), 1);
  EXPECT_EQ(text->extensions(0).name(), "thoughtSignature");
  EXPECT_EQ(text->extensions(0).json(), "\"c2ln\"");
}

TEST(GeminiPartReaderTest, AThoughtIsReasoningWithItsSignature) {
  const auto part =
      PartFrom(R"({"text":"hm","thought":true,"thoughtSignature":"c2ln"})");
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_EQ(part->reasoning().text(), "hm");
  EXPECT_EQ(part->reasoning().signature(), "seal:gemini:c2ln");
  EXPECT_TRUE(part->extensions().empty());
}

TEST(GeminiPartReaderTest, NamesMayBeWrittenInSnakeCase) {
  const auto part =
      PartFrom(R"({"inline_data":{"mime_type":"image/png","data":"-_-_"},)"
               R"("media_resolution":{"level":"L"}})");
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_EQ(part->image().media_type(), "image/png");
  EXPECT_EQ(part->image().data(), "\xfb\xff\xbf");
  EXPECT_EQ(part->extensions(0).name(), "mediaResolution");
}

TEST(GeminiPartReaderTest, OneFieldInBothCasesIsARepeatedKey) {
  const auto part = PartFrom(R"({"inline_data":{"mimeType":"image/png"},)"
                             R"("inlineData":{"mimeType":"image/png"}})");
  ASSERT_FALSE(part.ok());
  EXPECT_EQ(FieldViolations(part.status()).front().second, "repeated key");
}

TEST(GeminiPartReaderTest, MediaIsWhatItsTypeSays) {
  EXPECT_EQ(
      PartFrom(R"({"inlineData":{"mimeType":"audio/mpeg","data":"aGk="}})")
          ->audio()
          .format(),
      "mp3");
  EXPECT_EQ(PartFrom(R"({"inlineData":{"mimeType":"text/csv","data":"aGk="}})")
                ->document()
                .data(),
            "hi");
  EXPECT_TRUE(PartFrom(R"({"inlineData":{"mimeType":"video/mp4","data":""}})")
                  ->has_opaque());
  EXPECT_EQ(
      PartFrom(
          R"({"fileData":{"mimeType":"image/png","fileUri":"https://a/b"}})")
          ->image()
          .url(),
      "https://a/b");
  EXPECT_EQ(PartFrom(R"({"fileData":{"mimeType":"application/pdf","fileUri":
                 "https://generativelanguage.googleapis.com/v1beta/files/x"}})")
                ->document()
                .file_id(),
            "https://generativelanguage.googleapis.com/v1beta/files/x");
}

TEST(GeminiPartReaderTest, ACallWithoutArgumentsHasNone) {
  const auto part = PartFrom(R"({"functionCall":{"name":"f"}})");
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_EQ(part->tool_call().arguments(), "{}");
  EXPECT_EQ(part->tool_call().id(), "");
  EXPECT_EQ(part->tool_call().kind(), v1::TOOL_KIND_FUNCTION);
}

TEST(GeminiPartReaderTest, AResultIsTakenOutOfItsEnvelope) {
  const auto output = PartFrom(
      R"({"functionResponse":{"name":"f","response":{"output":"rain"}}})");
  EXPECT_EQ(output->tool_result().parts(0).text(), "rain");
  EXPECT_FALSE(output->tool_result().is_error());
  const auto error = PartFrom(
      R"({"functionResponse":{"name":"f","id":"i","response":{"error":"no"}}})");
  EXPECT_EQ(error->tool_result().parts(0).text(), "no");
  EXPECT_TRUE(error->tool_result().is_error());
  EXPECT_EQ(error->tool_result().tool_call_id(), "i");
}

TEST(GeminiPartReaderTest, AResultThatIsMoreThanATextIsTheWholeObject) {
  for (const std::string_view response :
       {R"({"output":{"a":1}})", R"({"output":"a","more":1})", R"({"a":1})",
        R"({"output":"{\"a\":1}"})", "{}", R"({"error":7})"}) {
    std::string text = R"({"functionResponse":{"name":"f","response":)";
    text.append(response).append("}}");
    const auto part = PartFrom(text);
    ASSERT_TRUE(part.ok()) << part.status();
    EXPECT_EQ(part->tool_result().parts(0).text(), response);
  }
}

TEST(GeminiPartReaderTest, PicturesOfAResultAreItsParts) {
  const auto part = PartFrom(
      R"({"functionResponse":{"name":"f","response":{"output":"see"},)"
      R"("parts":[{"inlineData":{"mimeType":"image/png","data":"aGk="}}],)"
      R"("willContinue":true}})");
  ASSERT_TRUE(part.ok()) << part.status();
  ASSERT_EQ(part->tool_result().parts_size(), 2);
  EXPECT_EQ(part->tool_result().parts(1).image().data(), "hi");
  EXPECT_EQ(part->extensions(0).name(), "functionResponse.willContinue");
}

TEST(GeminiPartReaderTest, WhatIsNotModelledIsKeptWhole) {
  for (const std::string_view text :
       {R"({"executableCode":{"language":"PYTHON","code":"1"}})",
        R"({"thought":true,"inlineData":{"mimeType":"image/png"}})", "{}",
        R"({"fileData":{"fileUri":"https://youtu.be/x"}})"}) {
    const auto part = PartFrom(text);
    ASSERT_TRUE(part.ok()) << part.status();
    EXPECT_EQ(part->opaque().dialect(), "gemini");
    EXPECT_EQ(part->opaque().json(), text);
  }
}

TEST(GeminiPartReaderTest, NamesTheFieldAtFault) {
  const auto field_at_fault = [](std::string_view text) {
    const auto part = PartFrom(text);
    EXPECT_EQ(FaultReason(part.status()), v1::ERROR_REASON_INVALID_REQUEST);
    return FieldViolations(part.status()).front().first;
  };
  EXPECT_EQ(field_at_fault(R"({"text":7})"), "text");
  EXPECT_EQ(field_at_fault(R"({"functionCall":{"args":{}}})"),
            "functionCall.name");
  EXPECT_EQ(field_at_fault(R"({"functionCall":{"name":"f","args":"x"}})"),
            "functionCall.args");
  EXPECT_EQ(
      field_at_fault(R"({"functionResponse":{"name":"f","response":"x"}})"),
      "functionResponse.response");
  EXPECT_EQ(field_at_fault(R"({"inlineData":{"data":"aGk="}})"),
            "inlineData.mimeType");
  EXPECT_EQ(
      field_at_fault(R"({"inlineData":{"mimeType":"image/png","data":"!"}})"),
      "inlineData.data");
}

}  // namespace
}  // namespace gateway::gemini
