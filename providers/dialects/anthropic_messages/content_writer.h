// Writes the parts of a message as content blocks of the Messages format.
//
//   ContentWriter writer(ContentWriter::Side::kRequest, dropped);
//   if (writer.Carries(part)) {
//     GATEWAY_RETURN_IF_ERROR(writer.WriteBlock(part, "messages[0]", json));
//   }
//
// Thread-compatible.

#ifndef PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_CONTENT_WRITER_H_
#define PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_CONTENT_WRITER_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/anthropic_messages/fields.h"

namespace gateway::anthropic {

// Returns whether all of the parts are texts without letters: the provider
// refuses those. Also if there are none.
bool AreEmptyTexts(const std::vector<const v1::Part*>& parts);

// Returns whether the provider takes the reasoning back: it bears a signature,
// and none that names another format.
bool IsSigned(const v1::Reasoning& reasoning);

// Returns a tool call's id in the alphabet of the format: letters, digits, `_`,
// `-`. An id with other characters becomes another one, always the same, which
// no other id becomes.
std::string WireToolId(std::string_view id);

// A call's arguments as the object that the format requires: the same bytes if
// they are one, `{}` for none, otherwise the text inside an object.
struct WireInput {
  std::string json;
  bool wrapped = false;
};
WireInput WireInputOf(const v1::ToolCall& call);

// The field that holds a free text in that object.
inline constexpr std::string_view kFreeTextField = "input";

class ContentWriter {
 public:
  // Answers have keys that requests need not have; requests have cache marks.
  enum class Side { kRequest, kAnswer };

  // Borrows `dropped`.
  ContentWriter(Side side, DroppedFields& dropped)
      : side_(side), dropped_(dropped) {}

  // Returns whether the part has a block in this format; records it as dropped
  // if not.
  bool Carries(const v1::Part& part);

  // Writes one block. REQUIRES: Carries(part). `place` names the part's message
  // in errors.
  absl::Status WriteBlock(const v1::Part& part, std::string_view place,
                          JsonWriter& json);

  // Writes content in the shorter of its forms that says it all: one plain text
  // is a string, as is no text at all. Empty texts beside other parts are left
  // out, since the format has none. REQUIRES: Carries(part) for each of them.
  absl::Status WriteContent(const std::vector<const v1::Part*>& parts,
                            std::string_view place, JsonWriter& json);

 private:
  absl::Status WriteKind(const v1::Part& part, std::string_view place,
                         ObjectWriter& object);
  absl::Status WriteImage(const v1::Image& image, std::string_view place,
                          ObjectWriter& object);
  absl::Status WriteDocument(const v1::Document& document,
                             std::string_view place, ObjectWriter& object);
  absl::Status WriteDocumentSource(const v1::Document& document,
                                   std::string_view place,
                                   ObjectWriter& source);
  absl::Status WriteToolCall(const v1::Part& part, ObjectWriter& object);
  absl::Status WriteToolResult(const v1::ToolResult& result,
                               std::string_view place, ObjectWriter& object);
  void WriteReasoning(const v1::Reasoning& reasoning, ObjectWriter& object);
  // Return the id for a tool's call and for its result. The provider refuses
  // one that is repeated in a conversation, as by servers that count the calls
  // of each turn: all but the first get another, and results in their order.
  std::string IdOfCall(std::string_view id);
  std::string IdOfResult(std::string_view id);
  void ReportDroppedOfPart(const v1::Part& part);

  // How often a tool's id has been used.
  struct IdUses {
    int calls = 0;
    int results = 0;
    bool answered = false;  // A result has come since the last call.
  };

  const Side side_;
  DroppedFields& dropped_;
  std::map<std::string, IdUses> id_uses_;
};

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_CONTENT_WRITER_H_
