#include "service/pipeline/message_text.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "base/text/json_escape.h"
#include "base/text/utf8.h"
#include "google/protobuf/descriptor.h"
#include "proto/field_marks.h"

namespace gateway {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

constexpr std::string_view kSecretMark = "\"[redacted:secret]\"";

class MessageTextWriter {
 public:
  explicit MessageTextWriter(size_t bytes_max) : bytes_max_(bytes_max) {}

  void Write(const Message& message);
  std::string Take() {
    text_.resize(CutText(text_, bytes_max_).size());
    return std::move(text_);
  }

 private:
  // Where `index` is -1, the field is no list.
  void WriteValue(const Message& message, const FieldDescriptor& field,
                  int index);
  void WriteField(const Message& message, const FieldDescriptor& field);
  void WriteMap(const Message& message, const FieldDescriptor& field);
  void WriteText(const FieldDescriptor& field, std::string_view text);
  // How much more is shown.
  size_t room() const {
    return bytes_max_ - std::min(bytes_max_, text_.size());
  }

  const size_t bytes_max_;
  std::string text_;
};

void MessageTextWriter::WriteText(const FieldDescriptor& field,
                                  std::string_view text) {
  text_.push_back('"');
  if (field.type() == FieldDescriptor::TYPE_BYTES) {
    // Whole groups of three, so that what is cut is base64 still.
    const size_t shown = std::min(text.size(), room() / 4 * 3 + 3);
    text_ += absl::Base64Escape(ToAbsl(text.substr(0, shown)));
  } else if (text.size() > room()) {
    // Its end would be cut.
    AppendJsonEscaped(text, room(), &text_);
    return;
  } else {
    AppendJsonEscaped(text, text.size(), &text_);
  }
  text_.push_back('"');
}

void MessageTextWriter::WriteValue(const Message& message,
                                   const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const bool one = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Write(one ? reflection.GetMessage(message, &field)
                       : reflection.GetRepeatedMessage(message, &field, index));
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      return WriteText(
          field, one ? reflection.GetStringReference(message, &field, &scratch)
                     : reflection.GetRepeatedStringReference(message, &field,
                                                             index, &scratch));
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* const value =
          one ? reflection.GetEnum(message, &field)
              : reflection.GetRepeatedEnum(message, &field, index);
      absl::StrAppend(&text_, "\"", value->name(), "\"");
      return;
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      text_ += (one ? reflection.GetBool(message, &field)
                    : reflection.GetRepeatedBool(message, &field, index))
                   ? "true"
                   : "false";
      return;
    case FieldDescriptor::CPPTYPE_INT32:
      absl::StrAppend(
          &text_, one ? reflection.GetInt32(message, &field)
                      : reflection.GetRepeatedInt32(message, &field, index));
      return;
    case FieldDescriptor::CPPTYPE_UINT32:
      absl::StrAppend(
          &text_, one ? reflection.GetUInt32(message, &field)
                      : reflection.GetRepeatedUInt32(message, &field, index));
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      absl::StrAppend(&text_, "\"",
                      one ? reflection.GetInt64(message, &field)
                          : reflection.GetRepeatedInt64(message, &field, index),
                      "\"");
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      absl::StrAppend(
          &text_, "\"",
          one ? reflection.GetUInt64(message, &field)
              : reflection.GetRepeatedUInt64(message, &field, index),
          "\"");
      return;
    case FieldDescriptor::CPPTYPE_FLOAT:
      absl::StrAppend(
          &text_, one ? reflection.GetFloat(message, &field)
                      : reflection.GetRepeatedFloat(message, &field, index));
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      absl::StrAppend(
          &text_, one ? reflection.GetDouble(message, &field)
                      : reflection.GetRepeatedDouble(message, &field, index));
      return;
  }
}

void MessageTextWriter::WriteMap(const Message& message,
                                 const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  const FieldDescriptor& key = *field.message_type()->map_key();
  const FieldDescriptor& value = *field.message_type()->map_value();
  text_.push_back('{');
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    if (room() == 0) return;
    if (i > 0) text_.push_back(',');
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    const bool quoted = key.cpp_type() == FieldDescriptor::CPPTYPE_STRING ||
                        key.cpp_type() == FieldDescriptor::CPPTYPE_INT64 ||
                        key.cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
    if (!quoted) text_.push_back('"');
    WriteValue(entry, key, -1);
    text_ += quoted ? ":" : "\":";
    if (SensitivityOf(field) == Sensitivity::SENSITIVITY_SECRET) {
      text_ += kSecretMark;
    } else {
      WriteValue(entry, value, -1);
    }
  }
  text_.push_back('}');
}

void MessageTextWriter::WriteField(const Message& message,
                                   const FieldDescriptor& field) {
  if (field.is_map()) return WriteMap(message, field);
  if (SensitivityOf(field) == Sensitivity::SENSITIVITY_SECRET) {
    text_ += kSecretMark;
    return;
  }
  if (!field.is_repeated()) return WriteValue(message, field, -1);
  text_.push_back('[');
  const int size = message.GetReflection()->FieldSize(message, &field);
  for (int i = 0; i < size; ++i) {
    if (room() == 0) return;
    if (i > 0) text_.push_back(',');
    WriteValue(message, field, i);
  }
  text_.push_back(']');
}

void MessageTextWriter::Write(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  text_.push_back('{');
  bool first = true;
  for (const FieldDescriptor* const field : fields) {
    if (room() == 0) return;
    if (!first) text_.push_back(',');
    first = false;
    absl::StrAppend(&text_, "\"", field->json_name(), "\":");
    WriteField(message, *field);
  }
  text_.push_back('}');
}

}  // namespace

std::string MessageText(const Message& message, size_t bytes_max) {
  MessageTextWriter writer(bytes_max);
  writer.Write(message);
  return writer.Take();
}

}  // namespace gateway
