// The content of messages and of tool results in the Responses format: the
// parts called input_text, input_image, input_file, output_text and refusal.
//
//   GATEWAY_RETURN_IF_ERROR(ReadContent(value, message.mutable_parts()));
//
//   ContentWriter writer(dropped);
//   if (writer.Carries(part, Speaker::kCaller)) ...
//
// Parts that the contract does not model become opaque.
//
// Thread-compatible.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_CONTENT_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_CONTENT_H_

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/openai_responses/fields.h"

namespace gateway::responses {

// Reads content in either of its forms: a string is one text. Null means none.
absl::Status ReadContent(JsonValue& content, PartList* parts);

// Reads one part.
absl::Status ReadContentPart(JsonValue& value, v1::Part* part);

// Returns whether an object of this type stands in a content, not among the
// items.
bool IsContentType(std::string_view type);

// What an opaque part of this dialect was.
enum class OpaqueKind { kContent, kItem, kEvent };
OpaqueKind OpaqueKindOf(const v1::OpaquePart& opaque);

// Whose content it is, which decides what the parts are called.
enum class Speaker { kCaller, kModel };

// Answers have fields that requests need not have.
enum class Side { kRequest, kAnswer };

// Writes the list of annotations for a text's citations.
void WriteUrlCitations(const v1::Part& part, JsonWriter& json);

class ContentWriter {
 public:
  using Parts = std::vector<const v1::Part*>;

  // Borrows `dropped`.
  ContentWriter(Side side, DroppedFields& dropped)
      : side_(side), dropped_(dropped) {}

  // Returns whether the part can stand in a content; records it as dropped if
  // not.
  bool Carries(const v1::Part& part, Speaker speaker);

  // Writes a list. With `full`, parts of the model have all their fields, as in
  // answers. `logprobs`, if any, are those of the first text. REQUIRES: Carries
  // for each part.
  absl::Status WriteList(const Parts& parts, Speaker speaker, bool full,
                         const v1::Logprobs* logprobs, std::string_view place,
                         JsonWriter& json);

  // Writes one part with all its fields. REQUIRES: Carries(part).
  absl::Status WriteOne(const v1::Part& part, Speaker speaker,
                        JsonWriter& json) {
    return WritePart(part, speaker, /*full=*/true, nullptr, "message", json);
  }

  // Writes the shorter of the forms that say it all: one plain text is a
  // string.
  absl::Status WriteShort(const Parts& parts, Speaker speaker,
                          std::string_view place, JsonWriter& json);

  // Records what the part has that this format has no place for.
  void ReportDropped(const v1::Part& part);

  Side side() const { return side_; }
  DroppedFields& dropped() { return dropped_; }

 private:
  absl::Status WritePart(const v1::Part& part, Speaker speaker, bool full,
                         const v1::Logprobs* logprobs, std::string_view place,
                         JsonWriter& json);
  absl::Status WriteImage(const v1::Image& image, std::string_view place,
                          ObjectWriter& object);
  absl::Status WriteDocument(const v1::Document& document,
                             std::string_view place, ObjectWriter& object);
  absl::Status WriteText(const v1::Part& part, Speaker speaker, bool full,
                         const v1::Logprobs* logprobs, ObjectWriter& object);

  const Side side_;
  DroppedFields& dropped_;
};

// Returns the text of a part that is text in this format, whatever it was.
std::string_view TextOf(const v1::Part& part);

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_CONTENT_H_
