// What the readers and writers of Chat Completions share: fields that the
// contract does not model, and the turning of a reader's error into
// the fault of whoever wrote the text.
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
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/text/json.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

inline constexpr std::string_view kOpenAiChatDialect = "openai_chat";

// The most choices that may be asked for, which bounds the indices of an
// answer.
inline constexpr int32_t kChoicesMax = 128;
inline constexpr int32_t kChoiceIndexMax = kChoicesMax - 1;

// Seconds that google.protobuf.Timestamp can hold.
inline constexpr int64_t kTimestampSecondsMax = 253402300799;

// Read a string, and the bytes that one of base64 stands for. Anything else is
// an error, null, too.
absl::Status ReadString(JsonValue& value, std::string* text);
absl::Status ReadBase64String(JsonValue& value, std::string* bytes);

using Extensions = google::protobuf::RepeatedPtrField<v1::Extension>;

// Adds the extension `name`.
void AddExtension(std::string_view name, std::string_view json,
                  Extensions* extensions);

// Reads a field that the contract does not model into an extension.
absl::Status KeepField(std::string_view name, JsonValue& value,
                       Extensions* extensions);

// Collects the unmodelled fields of one nested object.
class Leftovers {
 public:
  absl::Status Keep(std::string_view key, JsonValue& value);

  // The fields as `{"a":1,"b":2`, without the closing brace; empty if there are
  // none.
  const std::string& fields() const { return fields_; }

  // Adds the fields as the extension `name`, if there are any.
  void AddTo(std::string_view name, Extensions* extensions) const;

 private:
  std::string fields_;
};

// Lists what the format cannot carry, each field once.
class DroppedFields {
 public:
  // Borrows `warnings`, which may be null.
  explicit DroppedFields(std::vector<v1::Warning>* warnings)
      : warnings_(warnings) {}

  void Add(std::string_view field, std::string_view message);

 private:
  std::vector<v1::Warning>* warnings_;
};

// Writes our extensions into the object that is open, except those named in
// `taken`: fields that the caller writes itself, or objects that it merges.
// Extensions of other dialects are left out. An extension that is not JSON is
// an error.
absl::Status WriteExtensions(const Extensions& extensions,
                             absl::Span<const std::string_view> taken,
                             JsonWriter& json, DroppedFields& dropped);

// Writes the fields that the extension `name` collected into the nested object
// that is open, except those named in `taken`.
absl::Status MergeLeftovers(const Extensions& extensions, std::string_view name,
                            absl::Span<const std::string_view> taken,
                            JsonWriter& json);

// Returns our extension `name`; null if there is none.
const v1::Extension* FindExtension(const Extensions& extensions,
                                   std::string_view name);

// Turn a reader's error into the caller's mistake, or the provider's. Faults
// are returned as they are.
absl::Status AsInvalidRequest(const absl::Status& status);
absl::Status AsBadResponse(const absl::Status& status);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_FIELDS_H_
