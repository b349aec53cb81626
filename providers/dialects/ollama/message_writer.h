// Writes a conversation as the `messages` of Ollama's chat format.
//
//   MessageWriter writer(dropped);
//   GATEWAY_RETURN_IF_ERROR(writer.Write(request, object.Field("messages")));
//
// What a message says is one plain text here, with pictures and tool calls
// beside it. So pieces of text are joined as Ollama itself joins messages of
// one speaker, by an empty line; those of an answer, which belong together,
// without. Each result of a tool is a message of its own that names the tool.
// What has no shape is told as a loss.
//
// One conversation a writer; thread-compatible.

#ifndef PROVIDERS_DIALECTS_OLLAMA_MESSAGE_WRITER_H_
#define PROVIDERS_DIALECTS_OLLAMA_MESSAGE_WRITER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/ollama/fields.h"

namespace gateway::ollama {

class MessageWriter {
 public:
  // Borrows `dropped`.
  explicit MessageWriter(DroppedFields& dropped) : dropped_(dropped) {}

  absl::Status Write(const v1::GenerateRequest& request, JsonWriter& json);

 private:
  // A message, sorted by where its parts go.
  struct Speech {
    std::string text;
    std::string thinking;
    std::vector<const v1::Image*> images;
    std::vector<const v1::Part*> calls;
  };

  absl::Status WriteMessage(const v1::Message& message, std::string_view place,
                            JsonWriter& json);
  absl::Status WriteToolResult(const v1::ToolResult& result, JsonWriter& json);
  absl::Status WriteToolCalls(const std::vector<const v1::Part*>& calls,
                              std::string_view place, ObjectWriter& message);
  absl::Status WriteFunction(const v1::Part& part, std::string_view place,
                             int index, ObjectWriter& call);
  void WriteImages(const std::vector<const v1::Image*>& images,
                   ObjectWriter& message);

  void Sort(const v1::Part& part, std::string_view separator, Speech* speech);
  void SortImage(const v1::Image& image, Speech* speech);
  void SortDocument(const v1::Document& document, std::string_view separator,
                    Speech* speech);
  void SortReasoning(const v1::Reasoning& reasoning, Speech* speech);
  void ReportDroppedOfPart(const v1::Part& part);

  DroppedFields& dropped_;
  // The names of tools by the ids of their calls. Points into the request.
  absl::flat_hash_map<std::string_view, std::string_view> called_;
};

}  // namespace gateway::ollama

#endif  // PROVIDERS_DIALECTS_OLLAMA_MESSAGE_WRITER_H_
