#include "providers/dialects/openai_responses/content.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::responses {
namespace {

absl::Status ReadParts(std::string_view list, PartList* parts) {
  return ReadJson(list,
                  [&](JsonValue& root) { return ReadContent(root, parts); });
}

v1::Part PartOf(const std::string& text) {
  v1::Part part;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &part));
  return part;
}

class ContentWriterTest : public testing::Test {
 protected:
  std::string Write(const std::string& text, Speaker speaker) {
    const v1::Part part = PartOf(text);
    std::string out;
    JsonWriter json(&out);
    if (!writer_.Carries(part, speaker)) return "nothing";
    const absl::Status status =
        writer_.WriteShort({&part}, speaker, "message", json);
    return status.ok() ? out : std::string(status.message());
  }

  std::set<std::string> Warned() const {
    std::set<std::string> fields;
    for (const v1::Warning& warning : warnings_) {
      fields.insert(warning.field());
    }
    return fields;
  }

  std::vector<v1::Warning> warnings_;
  DroppedFields dropped_{kDialect, &warnings_};
  ContentWriter writer_{Side::kRequest, dropped_};
};

TEST(ReadContentTest, DataUrlsBecomeBytes) {
  PartList parts;
  ASSERT_TRUE(ReadParts(R"([{"type":"input_image","detail":"high",
                        "image_url":"data:image/png;base64,iVBORw0KGgo="},
                       {"type":"input_file","file_data":"JVBERi0="}])",
                        &parts)
                  .ok());
  EXPECT_EQ(parts[0].image().media_type(), "image/png");
  EXPECT_EQ(parts[0].image().data(), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(parts[0].image().detail(), "high");
  EXPECT_EQ(parts[1].document().data(), "%PDF-");
}

TEST(ReadContentTest, FaultsNameTheField) {
  const std::pair<std::string_view, std::string_view> kFaults[] = {
      {R"([{"text":"x"}])", "[0].type"},
      {R"([{"type":"input_text"}])", "[0].text"},
      {R"([{"type":"input_image"}])", "[0].image_url"},
      {R"([{"type":"input_file","file_data":"!"}])", "[0].file_data"},
      {R"([{"type":"input_file"}])", "[0].file_data"},
      {R"([{"type":"refusal","refusal":7}])", "[0].refusal"},
      {R"([{"type":"input_text","text":"a","text":"b"}])", "[0].text"},
      {R"([7])", "[0]"}};
  for (const auto& [text, field] : kFaults) {
    PartList parts;
    const auto violations = FieldViolations(ReadParts(text, &parts));
    ASSERT_EQ(violations.size(), 1u) << text;
    EXPECT_EQ(violations[0].first, field);
  }
}

TEST(ReadContentTest, StrangePartsAreKeptWhole) {
  PartList parts;
  ASSERT_TRUE(ReadParts(R"([{"type":"input_video","n":1.50}])", &parts).ok());
  EXPECT_EQ(parts[0].opaque().json(), R"({"type":"input_video","n":1.50})");
  EXPECT_EQ(OpaqueKindOf(parts[0].opaque()), OpaqueKind::kContent);
}

TEST(ReadContentTest, EmptyListsOfATextAreNothing) {
  PartList parts;
  ASSERT_TRUE(ReadParts(R"([{"type":"output_text","text":"a","annotations":[ ],
                        "logprobs":[]}])",
                        &parts)
                  .ok());
  EXPECT_TRUE(parts[0].extensions().empty());
}

TEST(OpaqueKindTest, TellsItemsFromEventsAndContent) {
  const auto kind = [](std::string_view type) {
    v1::OpaquePart opaque;
    opaque.set_json(absl::StrCat(R"({"type":")", ToAbsl(type), R"("})"));
    return OpaqueKindOf(opaque);
  };
  EXPECT_EQ(kind("web_search_call"), OpaqueKind::kItem);
  EXPECT_EQ(kind("response.web_search_call.searching"), OpaqueKind::kEvent);
  EXPECT_EQ(kind("input_audio"), OpaqueKind::kContent);
}

TEST_F(ContentWriterTest, NamesPartsByWhoSpeaks) {
  EXPECT_EQ(Write("text: 'a'", Speaker::kCaller), R"("a")");
  EXPECT_TRUE(SameJson(Write("refusal: 'no'", Speaker::kModel),
                       R"([{"type":"refusal","refusal":"no"}])"));
  EXPECT_TRUE(SameJson(Write("refusal: 'no'", Speaker::kCaller),
                       R"([{"type":"input_text","text":"no"}])"));
  EXPECT_TRUE(Warned().empty());
}

TEST_F(ContentWriterTest, DocumentsOfTextAreText) {
  EXPECT_TRUE(
      SameJson(Write("document { text: 'words' title: 't' }", Speaker::kCaller),
               R"([{"type":"input_text","text":"words"}])"));
  EXPECT_EQ(Warned(),
            std::set<std::string>{"messages[].parts[].document.title"});
}

TEST_F(ContentWriterTest, BytesOfADocumentHaveAName) {
  EXPECT_TRUE(
      SameJson(Write("document { data: '%PDF-' media_type: 'application/pdf' }",
                     Speaker::kCaller),
               R"([{"type":"input_file","filename":"document.pdf",
           "file_data":"data:application/pdf;base64,JVBERi0="}])"));
}

TEST_F(ContentWriterTest, TellsWhatCannotStandInAContent) {
  EXPECT_EQ(Write("audio { data: 'x' format: 'wav' }", Speaker::kCaller),
            "nothing");
  EXPECT_EQ(Write("image { url: 'u' }", Speaker::kModel), "nothing");
  EXPECT_EQ(Write("opaque { dialect: 'gemini' json: '{}' }", Speaker::kCaller),
            "nothing");
  EXPECT_EQ(Write("text: 'a' cache_hint {}", Speaker::kCaller), R"("a")");
  EXPECT_EQ(Warned(),
            (std::set<std::string>{
                "messages[].parts[].audio", "messages[].parts[].cache_hint",
                "messages[].parts[].image", "messages[].parts[].opaque"}));
}

TEST_F(ContentWriterTest, RefusesPicturesThatSayNothing) {
  EXPECT_NE(Write("image { data: 'x' }", Speaker::kCaller).find("media_type"),
            std::string::npos);
  EXPECT_NE(Write("image {}", Speaker::kCaller).find("image.source"),
            std::string::npos);
}

}  // namespace
}  // namespace gateway::responses
