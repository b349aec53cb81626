// What is particular to the objects of Chat Completions, and the shared words
// of providers/dialects/object_fields.h with it filled in.
//
// Unmodelled fields become extensions of the message they belong to. Those of
// a nested object that is itself modelled (such as `image_url`) are gathered in
// one extension that bears the object's name and holds an object:
//
//   {"type": "image_url", "image_url": {"url": "...", "new_field": 1}}
//   -> extension {name: "image_url", json: {"new_field":1}}
//
// Thread-safe: free functions, and objects of one reading.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_FIELDS_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_FIELDS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/dropped_fields.h"
#include "providers/dialects/object_fields.h"

namespace gateway::chat {

namespace v1 = ::llmgateway::v1;

using wire::AsBadResponse;
using wire::AsFieldFault;
using wire::DroppedFields;
using wire::ExtensionList;

inline constexpr std::string_view kDialect = "openai_chat";

inline constexpr wire::ObjectFormat kFormat = {kDialect, {}, {}};

inline void AddExtension(ExtensionList* extensions, std::string_view name,
                         std::string_view json) {
  wire::AddExtension(kFormat, extensions, name, json);
}

inline const v1::Extension* FindExtension(const ExtensionList& extensions,
                                          std::string_view name) {
  return wire::FindExtension(kFormat, extensions, name);
}

// The most choices that may be asked for, which bounds the indices of an
// answer.
inline constexpr int32_t kChoicesMax = 128;
inline constexpr int32_t kChoiceIndexMax = kChoicesMax - 1;

// Seconds that google.protobuf.Timestamp can hold.
inline constexpr int64_t kTimestampSecondsMax = 253402300799;

// Returns an id for a tool call to which its provider gave none: the same for
// the same call of the same answer, and another for every other, as far as the
// answer has an id or a time.
std::string MadeUpCallId(std::string_view answer_id, int64_t created_seconds,
                         int32_t choice, int32_t call, std::string_view name);

// Read a string, and the bytes that one of base64 stands for. Anything else is
// an error, null, too.
absl::Status ReadString(JsonValue& value, std::string* text);
absl::Status ReadBase64String(JsonValue& value, std::string* bytes);

// Reads a field that the contract does not model into an extension.
absl::Status KeepField(std::string_view name, JsonValue& value,
                       ExtensionList* extensions);

// Collects the unmodelled fields of one nested object.
class Leftovers {
 public:
  absl::Status Keep(std::string_view key, JsonValue& value);
  // The same of a value that has been read, by its text.
  void KeepText(std::string_view key, std::string_view json);

  // The fields as `{"a":1,"b":2`, without the closing brace; empty if there are
  // none.
  const std::string& fields() const { return fields_; }

  // Adds the fields as the extension `name`, if there are any.
  void AddTo(std::string_view name, ExtensionList* extensions) const;

 private:
  std::string fields_;
};

// Writes our extensions into the object that is open, except those named in
// `taken`: fields that the caller writes itself, or objects that it merges.
// Extensions of other dialects are left out. An extension that is not JSON is
// an error.
absl::Status WriteExtensions(const ExtensionList& extensions,
                             absl::Span<const std::string_view> taken,
                             JsonWriter& json, DroppedFields& dropped);

// Writes the fields that the extension `name` collected into the nested object
// that is open, except those named in `taken`.
absl::Status MergeLeftovers(const ExtensionList& extensions,
                            std::string_view name,
                            absl::Span<const std::string_view> taken,
                            JsonWriter& json);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_FIELDS_H_
