// Citations as vendors write them, read into the contract's and back.
//
//   ReadMessagesCitation(citation, part->add_citations());
//
//   json.StartObject();
//   WriteUrlCitation(span, json);
//   json.EndObject();
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_CITATIONS_H_
#define PROVIDERS_DIALECTS_CITATIONS_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/content.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

using CitationList = google::protobuf::RepeatedPtrField<v1::Citation>;

// Reads one of Anthropic's citations: of a page, or of a document of the
// request.
absl::Status ReadMessagesCitation(JsonValue& value, v1::Citation* citation);

// Adds the citations in `json`, a list of OpenAI's annotations, whose facts
// stand in the entry itself or in an object of it called `url_citation`. Others
// are passed over, and so is what is no annotation: a mistake in what only adds
// to an answer does not fail it.
void AddUrlCitations(std::string_view json, CitationList* citations);

// A citation, and where the text that rests on it stands, in characters.
struct CitedSpan {
  const v1::Citation* citation = nullptr;
  int64_t begin = 0;
  int64_t end = 0;
};

// Returns where a citation stands that is in a part of `part_characters`, which
// begins at `part_begin`.
CitedSpan SpanOf(const v1::Citation& citation, int64_t part_begin,
                 int64_t part_characters);

// Writes a citation's facts, in OpenAI's form, into the object that is open.
void WriteUrlCitation(const CitedSpan& span, JsonWriter& json);

bool HasUrl(const CitationList& citations);
bool HasOneWithoutUrl(const CitationList& citations);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_CITATIONS_H_
