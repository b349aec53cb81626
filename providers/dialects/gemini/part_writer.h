// Writes the parts of a message as parts of Gemini's contents.
//
//   PartWriter writer(dropped);
//   if (writer.Carries(part)) {
//     GATEWAY_RETURN_IF_ERROR(writer.Write(part, "messages[0]", json));
//   }
//
// Thread-compatible.

#ifndef PROVIDERS_DIALECTS_GEMINI_PART_WRITER_H_
#define PROVIDERS_DIALECTS_GEMINI_PART_WRITER_H_

#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/gemini/fields.h"

namespace gateway::gemini {

// The field that holds a free text in the object of arguments.
inline constexpr std::string_view kFreeTextField = "input";

// A call's arguments as the object that the format requires: the same bytes if
// they are one, `{}` for none, otherwise the text inside an object.
struct WireArgs {
  std::string json;
  bool wrapped = false;
};
WireArgs WireArgsOf(const v1::ToolCall& call);

class PartWriter {
 public:
  // Signatures of other formats are not sent to the provider; callers get them,
  // to give them back.
  enum class Side { kRequest, kAnswer };

  // Borrows `dropped`.
  explicit PartWriter(DroppedFields& dropped, Side side = Side::kRequest)
      : dropped_(dropped), side_(side) {}

  // Returns whether the part has a counterpart in this format; records it as
  // dropped if not.
  bool Carries(const v1::Part& part);

  // Writes one part. REQUIRES: Carries(part). A result that lacks the name of
  // its tool has that of the last call of its id that was written: ids may come
  // back in later turns. `place` names the part's message in errors. `filler`
  // stands for the signature of a part that has none; empty for none.
  absl::Status Write(const v1::Part& part, std::string_view place,
                     JsonWriter& json, std::string_view filler = {});

 private:
  absl::Status WriteKind(const v1::Part& part, std::string_view place,
                         ObjectWriter& object);
  absl::Status WriteImage(const v1::Part& part, std::string_view place,
                          ObjectWriter& object);
  absl::Status WriteDocument(const v1::Part& part, std::string_view place,
                             ObjectWriter& object);
  absl::Status WriteAudio(const v1::Part& part, std::string_view place,
                          ObjectWriter& object);
  absl::Status WriteInlineData(std::string_view mime_type,
                               std::string_view bytes, const v1::Part& part,
                               std::string_view place, ObjectWriter& object);
  absl::Status WriteFileData(std::string_view mime_type, std::string_view uri,
                             const v1::Part& part, std::string_view place,
                             ObjectWriter& object);
  absl::Status WriteToolCall(const v1::Part& part, std::string_view place,
                             ObjectWriter& object);
  absl::Status WriteToolResult(const v1::Part& part, std::string_view place,
                               ObjectWriter& object);
  absl::Status WriteOutput(const v1::ToolResult& result, std::string_view text,
                           ObjectWriter& object);
  void WriteReasoning(const v1::Reasoning& reasoning, ObjectWriter& object);
  void ReportDroppedOfPart(const v1::Part& part);

  DroppedFields& dropped_;
  const Side side_;
  // By the ids of the calls that were written.
  absl::flat_hash_map<std::string, std::string> names_;
};

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_PART_WRITER_H_
