// Writes messages as the items of the Responses format.
//
//   ItemWriter writer(content);
//   GATEWAY_RETURN_IF_ERROR(writer.WriteInput(request, begin, json));
//   GATEWAY_RETURN_IF_ERROR(writer.WriteOutput(message, answer, json));
//
// An assistant's message becomes as many items as it has kinds of parts in a
// row; what item_reader.h read comes out as it was.
//
// Thread-compatible.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_ITEM_WRITER_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_ITEM_WRITER_H_

#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/openai_responses/content.h"
#include "providers/dialects/openai_responses/fields.h"

namespace gateway::responses {

// The answer that an item belongs to.
struct Answer {
  std::string_view response_id;
  // `completed`, or `incomplete` if the answer was cut.
  std::string_view status = "completed";
  // Logprobs of the first text; may be null.
  const v1::Logprobs* logprobs = nullptr;
  // The item has only begun: nothing of its content is known.
  bool no_content = false;
};

class ItemWriter {
 public:
  using Parts = ContentWriter::Parts;

  // Borrows `content`.
  explicit ItemWriter(ContentWriter& content) : content_(content) {}

  // Writes the list of items for `messages` from `begin` on.
  absl::Status WriteInput(const MessageList& messages, int begin,
                          JsonWriter& json);

  // Writes the list of items of an answer.
  absl::Status WriteOutput(const v1::Message& message, const Answer& answer,
                           JsonWriter& json);

  // Writes one item of an answer. `id` is the item's.
  absl::Status WriteText(const Parts& parts, std::string_view id,
                         const Answer& answer, JsonWriter& json);
  absl::Status WriteCall(const v1::Part& part, std::string_view id,
                         std::string_view status, JsonWriter& json);
  absl::Status WriteReasoning(const v1::Part& part, std::string_view id,
                              std::string_view signature, JsonWriter& json);
  // Writes a picture, without its bytes if it has only begun. REQUIRES:
  // IsPicture(part).
  void WritePicture(const v1::Part& part, std::string_view id,
                    std::string_view status, JsonWriter& json);

  // Returns the id of the item that begins with a part: its own, or one made
  // for the place.
  static std::string IdOf(const v1::Part& part, std::string_view response_id,
                          int index);

 private:
  absl::Status WriteMessage(const v1::Message& message, JsonWriter& json);
  absl::Status WriteTurn(const v1::Message& message, const Answer* answer,
                         JsonWriter& json);
  absl::Status WritePart(const v1::Part& part, const Answer* answer,
                         JsonWriter& json);
  absl::Status WritePastText(const Parts& parts, JsonWriter& json);
  absl::Status WritePastReasoning(const v1::Part& part, JsonWriter& json);
  absl::Status WriteResult(const v1::Part& part, JsonWriter& json);
  absl::Status WriteOpaque(const v1::Part& part, JsonWriter& json);

  ContentWriter& content_;
  absl::flat_hash_set<std::string> custom_calls_;
  int index_ = 0;      // Index of the next item of an answer.
  std::string place_;  // Place of the message, for errors.
};

// Returns whether a part is a picture whose bytes are there, which an answer
// can show.
bool IsPicture(const v1::Part& part);

// Returns whether a part begins a new message item, rather than going on with
// the one before.
bool BeginsItem(const ExtensionList& extensions);

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_ITEM_WRITER_H_
