#include "providers/dialects/citations.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

v1::Citation Read(std::string_view json) {
  v1::Citation citation;
  EXPECT_TRUE(ReadJson(json, [&](JsonValue& value) {
                return ReadMessagesCitation(value, &citation);
              }).ok());
  return citation;
}

TEST(CitationsTest, APageIsReadAndADocumentHasNoAddress) {
  const v1::Citation page = Read(
      R"({"type":"web_search_result_location","url":"https://a.test/","title":)"
      R"("A","cited_text":"c","encrypted_index":"e"})");
  EXPECT_EQ(page.url(), "https://a.test/");
  EXPECT_EQ(page.title(), "A");
  EXPECT_EQ(page.cited_text(), "c");
  const v1::Citation document = Read(
      R"({"type":"char_location","document_title":"D","cited_text":"c",)"
      R"("document_index":0,"start_char_index":1,"end_char_index":2})");
  EXPECT_EQ(document.url(), "");
  EXPECT_EQ(document.title(), "D");
  EXPECT_FALSE(document.has_start_index());
}

TEST(CitationsTest, AnnotationsAreReadInBothForms) {
  CitationList citations;
  AddUrlCitations(
      R"([{"type":"url_citation","url_citation":{"url":"u","title":"t",)"
      R"("start_index":1,"end_index":3}},{"type":"file_citation"},7,)"
      R"({"type":"url_citation","url":"v","start_index":0}])",
      &citations);
  ASSERT_EQ(citations.size(), 2);
  EXPECT_EQ(citations[0].url(), "u");
  EXPECT_EQ(citations[0].title(), "t");
  EXPECT_EQ(citations[0].start_index(), 1);
  EXPECT_EQ(citations[0].end_index(), 3);
  EXPECT_EQ(citations[1].url(), "v");
  EXPECT_FALSE(citations[1].has_end_index());
  // What is no list of them adds nothing and harms nothing.
  for (const std::string_view json : {"{}", "[", "7", R"([{"url":"w"},)"}) {
    AddUrlCitations(json, &citations);
  }
  EXPECT_EQ(citations.size(), 2);
}

TEST(CitationsTest, ASpanIsOfThePartUnlessSaidAndNeverBeyondIt) {
  v1::Citation citation;
  EXPECT_EQ(SpanOf(citation, 10, 5).begin, 10);
  EXPECT_EQ(SpanOf(citation, 10, 5).end, 15);
  citation.set_start_index(2);
  citation.set_end_index(4);
  EXPECT_EQ(SpanOf(citation, 10, 5).begin, 12);
  EXPECT_EQ(SpanOf(citation, 10, 5).end, 14);
  citation.set_start_index(70);
  citation.set_end_index(3);
  EXPECT_EQ(SpanOf(citation, 10, 5).begin, 15);
  EXPECT_EQ(SpanOf(citation, 10, 5).end, 15);
}

}  // namespace
}  // namespace gateway
