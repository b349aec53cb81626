// The JSON objects of a vendor's format, taken apart on reading and put
// together on writing so that nothing is lost and no key appears twice.
//
//   GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
//                            ObjectFields::Read(kFormat, value));
//   GATEWAY_RETURN_IF_ERROR(fields.RequiredText("name", tool.mutable_name()));
//   fields.Rest(tool.mutable_extensions());  // What nobody asked for.
//
//   ObjectWriter object(kFormat, json);
//   object.Text("name", tool.name());
//   GATEWAY_RETURN_IF_ERROR(object.Extensions(tool.extensions(), "tools[]"));
//   object.End();
//
// Thread-compatible. ObjectFields holds views into the text being read and
// lives no longer than its ReadJson.

#ifndef PROVIDERS_DIALECTS_OBJECT_FIELDS_H_
#define PROVIDERS_DIALECTS_OBJECT_FIELDS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/text/json.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/content.pb.h"

namespace gateway::wire {

namespace v1 = ::llmgateway::v1;

using ExtensionList = ::google::protobuf::RepeatedPtrField<v1::Extension>;

// What is particular to one vendor's objects.
struct ObjectFormat {
  // The name in Extension.dialect.
  std::string_view dialect;
  // Fields whose strings are read as text; other strings are kept as JSON, byte
  // for byte.
  absl::Span<const std::string_view> text_keys;
  // Objects that the contract models without extensions of their own. Their
  // unknown fields are kept as `object.field`.
  absl::Span<const std::string_view> nested_objects;
  // Names are written in camelCase and may be read in snake_case as well, as
  // protobuf's JSON has it.
  bool camel_case = false;
};

// Returns whether an extension of this name belongs to a nested object. A field
// of that name must be refused: it would be smuggled into the object.
bool IsNested(const ObjectFormat& format, std::string_view name);

// Returns `topK` for `top_k`; other names unchanged.
std::string CamelCase(std::string_view name);

// The most fields of an object; one of a format has about ten.
inline constexpr size_t kObjectFieldsLimit = 128;

// The most parts of one request, in all of its messages together. Readers fail
// at the first beyond.
inline constexpr int kPartsLimit = 100'000;

// Reads a string; null leaves `text` as it was.
absl::Status ReadText(JsonValue& value, std::string* text);

// Returns the text as a JSON string.
std::string Quoted(std::string_view text);

// Turns an error of reading JSON into a fault that names the field; other
// statuses unchanged. `place` precedes the path that the error carries.
absl::Status AsFieldFault(const absl::Status& status,
                          std::string_view place = {});

// Turns an error of reading a provider's answer into the provider's fault;
// other statuses unchanged.
absl::Status AsBadResponse(const absl::Status& status);

// Reads a part of a text that is being read, such as an array taken raw.
// `path` is where the part is; the places in the errors of `visit` are taken to
// begin there.
absl::Status ReadNested(std::string_view raw, std::string_view path,
                        absl::FunctionRef<absl::Status(JsonValue&)> visit);

void AddExtension(const ObjectFormat& format, ExtensionList* extensions,
                  std::string_view name, std::string_view json);

// Returns the extension of this dialect called `name`; nullptr if there is
// none.
const v1::Extension* FindExtension(const ObjectFormat& format,
                                   const ExtensionList& extensions,
                                   std::string_view name);

// Returns whether any extension of this dialect belongs to the nested object
// `prefix`.
bool HasNestedExtension(const ObjectFormat& format,
                        const ExtensionList& extensions,
                        std::string_view prefix);

class ObjectFields {
 public:
  // Reads the fields of an object. A repeated key is an error: two readers
  // could see two different objects. `format` must outlive the result.
  static absl::StatusOr<ObjectFields> Read(const ObjectFormat& format,
                                           JsonValue& object);
  // As above, for text that was taken raw; the caller keeps `raw` alive.
  static absl::StatusOr<ObjectFields> ReadRaw(const ObjectFormat& format,
                                              std::string_view raw,
                                              std::string_view path);

  // The value of `type`; empty if absent.
  const std::string& type() const { return type_; }
  // Returns where a field of this object is.
  std::string PathOf(std::string_view key) const;

  // Makes a fault that names a field of this object.
  absl::Status Fault(std::string_view key, std::string_view description) const;

  // Each takes one field, once. If it is absent or null, the output stays as it
  // was.
  absl::Status Text(std::string_view key, std::string* text);
  absl::Status RequiredText(std::string_view key, std::string* text);
  absl::Status Bool(std::string_view key, std::optional<bool>* truth);
  absl::Status Int32(std::string_view key, std::optional<int32_t>* number);
  // Takes a field as its JSON text; empty if absent or null.
  std::string Json(std::string_view key);

  // Takes a field that may be a string or something else: exactly one of the
  // two is set, neither if it is absent or null.
  struct Either {
    std::optional<std::string_view> text;
    std::optional<std::string_view> json;
  };
  Either TextOrJson(std::string_view key);

  // Makes extensions of the fields that were not taken; with `prefix`, called
  // `prefix.key`.
  void Rest(ExtensionList* extensions, std::string_view prefix = {}) const;
  bool AllTaken() const;

 private:
  // Keys and texts are copies, because those of a nested reading end with it.
  struct Field {
    std::string key;
    std::string text;       // Unescaped; set if `is_text`.
    std::string_view json;  // Set otherwise.
    bool is_text = false;
    bool taken = false;

    bool IsNull() const { return !is_text && json == "null"; }
  };

  ObjectFields(const ObjectFormat& format, std::string path)
      : format_(&format), path_(std::move(path)) {}

  absl::Status Add(std::string_view name, JsonValue& value);
  Field* Find(std::string_view key);
  static std::string JsonOf(const Field& field);

  bool IsTextKey(std::string_view key) const;

  const ObjectFormat* format_;
  std::string path_;
  std::string type_;
  absl::InlinedVector<Field, 8> fields_;
};

// One object that is being written. Remembers its keys, so that an extension
// never repeats one, not even in another letter case (key_case.h), nor in
// snake_case where the format may be read so.
class ObjectWriter {
 public:
  // Borrows both. Begins the object.
  ObjectWriter(const ObjectFormat& format, JsonWriter& json)
      : format_(format), json_(json) {
    json_.StartObject();
  }

  // `key` must outlive this object.
  JsonWriter& Field(std::string_view key);
  void Text(std::string_view key, std::string_view text);
  void Bool(std::string_view key, bool truth);
  void Int64(std::string_view key, int64_t number);
  void Double(std::string_view key, double number);
  void Null(std::string_view key);
  // Writes a caller's text as JSON, after checking that it is. `place` names it
  // in errors.
  absl::Status Json(std::string_view key, std::string_view json,
                    std::string_view place);

  // Returns whether a reader may take `key` for one that was written.
  bool Has(std::string_view key) const;

  // Writes this dialect's extensions: those without a dotted prefix that names
  // a nested object, or with `prefix` those of that object.
  absl::Status Extensions(const ExtensionList& extensions,
                          std::string_view place, std::string_view prefix = {});

  void End() { json_.EndObject(); }

 private:
  const ObjectFormat& format_;
  JsonWriter& json_;
  absl::InlinedVector<std::string_view, 16> keys_;
};

}  // namespace gateway::wire

#endif  // PROVIDERS_DIALECTS_OBJECT_FIELDS_H_
