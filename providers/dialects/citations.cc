#include "providers/dialects/citations.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

absl::Status TakeText(JsonValue& value, std::string* text) {
  if (!value.IsString()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view view, value.String());
  *text = std::string(view);
  return absl::OkStatus();
}

absl::Status ReadUrlCitation(JsonValue& value, v1::Citation* citation) {
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "url") return TakeText(field, citation->mutable_url());
        if (key == "title") return TakeText(field, citation->mutable_title());
        if (key == "url_citation" && field.IsObject()) {
          return ReadUrlCitation(field, citation);
        }
        constexpr int32_t kMost = std::numeric_limits<int32_t>::max();
        if (key == "start_index" && !field.IsNull()) {
          GATEWAY_ASSIGN_OR_RETURN(const int32_t at, field.Int32(0, kMost));
          citation->set_start_index(at);
        } else if (key == "end_index" && !field.IsNull()) {
          GATEWAY_ASSIGN_OR_RETURN(const int32_t at, field.Int32(0, kMost));
          citation->set_end_index(at);
        }
        return absl::OkStatus();
      });
}

}  // namespace

absl::Status ReadMessagesCitation(JsonValue& value, v1::Citation* citation) {
  if (!value.IsObject()) return absl::OkStatus();
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "url") return TakeText(field, citation->mutable_url());
        if (key == "title" || key == "document_title") {
          return TakeText(field, citation->mutable_title());
        }
        if (key == "cited_text") {
          return TakeText(field, citation->mutable_cited_text());
        }
        return absl::OkStatus();
      });
}

void AddUrlCitations(std::string_view json, CitationList* citations) {
  if (json == "[]") return;  // As in most answers that have the field.
  CitationList found;
  const absl::Status read = ReadJson(json, [&](JsonValue& root) {
    return root.EachElement([&](JsonValue& entry) -> absl::Status {
      if (!entry.IsObject()) return absl::OkStatus();
      v1::Citation citation;
      GATEWAY_RETURN_IF_ERROR(ReadUrlCitation(entry, &citation));
      if (!citation.url().empty()) found.Add()->Swap(&citation);
      return absl::OkStatus();
    });
  });
  if (read.ok()) citations->MergeFrom(found);
}

CitedSpan SpanOf(const v1::Citation& citation, int64_t part_begin,
                 int64_t part_characters) {
  CitedSpan span = {.citation = &citation,
                    .begin = part_begin,
                    .end = part_begin + part_characters};
  if (citation.has_start_index()) span.begin += citation.start_index();
  if (citation.has_end_index()) span.end = part_begin + citation.end_index();
  span.begin = std::min(span.begin, part_begin + part_characters);
  span.end = std::clamp(span.end, span.begin, part_begin + part_characters);
  return span;
}

void WriteUrlCitation(const CitedSpan& span, JsonWriter& json) {
  json.Int64Field("start_index", span.begin);
  json.Int64Field("end_index", span.end);
  json.StringField("url", span.citation->url());
  json.StringField("title", span.citation->title());
}

bool HasUrl(const CitationList& citations) {
  return std::any_of(
      citations.begin(), citations.end(),
      [](const v1::Citation& each) { return !each.url().empty(); });
}

bool HasOneWithoutUrl(const CitationList& citations) {
  return std::any_of(
      citations.begin(), citations.end(),
      [](const v1::Citation& each) { return each.url().empty(); });
}

}  // namespace gateway
