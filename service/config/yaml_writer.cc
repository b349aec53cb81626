#include "service/config/yaml_writer.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/text/shown_text.h"
#include "base/text/utf8.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "service/config/field_value.h"

namespace gateway {
namespace {

using ::google::protobuf::Duration;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ::google::protobuf::Timestamp;

// Appends a character above ASCII, as YAML escapes it if a terminal might obey
// it or show something else.
void AppendCharacter(std::string_view character, std::string* quoted) {
  const uint32_t code = CodePoint(character, character.size());
  if (ShownLine(character) == character) {
    quoted->append(character);
  } else if (code < 0x10000) {
    absl::StrAppendFormat(quoted, "\\u%04X", code);
  } else {
    absl::StrAppendFormat(quoted, "\\U%08X", code);
  }
}

// Returns the text in quotes: always, so that no reader takes a string for
// something else.
std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    const size_t bytes =
        byte < 0x80 ? 1 : CharacterBytes(std::string_view(text).substr(i));
    if (bytes > 1) {
      AppendCharacter(std::string_view(text).substr(i, bytes), &quoted);
      i += bytes - 1;
    } else if (c == '"' || c == '\\') {
      absl::StrAppend(&quoted, "\\", std::string(1, c));
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      absl::StrAppendFormat(&quoted, "\\x%02X", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string Size(int64_t bytes) {
  constexpr struct {
    int shift;
    const char* name;
  } kUnits[] = {{30, "GiB"}, {20, "MiB"}, {10, "KiB"}};
  for (const auto& unit : kUnits) {
    const int64_t one = int64_t{1} << unit.shift;
    if (bytes != 0 && bytes % one == 0) {
      return absl::StrCat(bytes / one, unit.name);
    }
  }
  return absl::StrCat(bytes);
}

std::string Number(double value) {
  const std::string brief = absl::StrFormat("%.15g", value);
  if (std::strtod(brief.c_str(), nullptr) == value) return brief;
  return absl::StrFormat("%.17g", value);
}

std::string DurationText(const Duration& duration) {
  const absl::Duration time =
      absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
  return time == absl::ZeroDuration() ? "0s" : absl::FormatDuration(time);
}

std::string TimeText(const Timestamp& timestamp) {
  const absl::Time time = absl::FromUnixSeconds(timestamp.seconds()) +
                          absl::Nanoseconds(timestamp.nanos());
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", time, absl::UTCTimeZone());
}

std::string Integer(int64_t value, const FieldDescriptor& field) {
  return absl::EndsWith(field.name(), "_bytes_limit") ? Size(value)
                                                      : absl::StrCat(value);
}

// Returns the text of a field. `index` is used for a list only. REQUIRES:
// IsTextual(field).
std::string Text(const Message& message, const FieldDescriptor& field,
                 int index) {
  const Reflection& reflection = *message.GetReflection();
  const bool many = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return Quoted(many ? reflection.GetRepeatedString(message, &field, index)
                         : reflection.GetString(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (many ? reflection.GetRepeatedBool(message, &field, index)
                   : reflection.GetBool(message, &field))
                 ? "true"
                 : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return Integer(many ? reflection.GetRepeatedInt32(message, &field, index)
                          : reflection.GetInt32(message, &field),
                     field);
    case FieldDescriptor::CPPTYPE_INT64:
      return Integer(many ? reflection.GetRepeatedInt64(message, &field, index)
                          : reflection.GetInt64(message, &field),
                     field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Number(many ? reflection.GetRepeatedDouble(message, &field, index)
                         : reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return ShortEnumName(
          many ? *reflection.GetRepeatedEnum(message, &field, index)
               : *reflection.GetEnum(message, &field));
    default: {
      const Message& value =
          many ? reflection.GetRepeatedMessage(message, &field, index)
               : reflection.GetMessage(message, &field);
      return field.message_type() == Timestamp::descriptor()
                 ? TimeText(static_cast<const Timestamp&>(value))
                 : DurationText(static_cast<const Duration&>(value));
    }
  }
}

std::string Indent(int depth) {
  return std::string(static_cast<size_t>(depth) * 2, ' ');
}

void WriteFields(const Message& message, int depth, std::string* out);

// Writes what follows `key:` or `-`.
void WriteValue(const Message& message, const FieldDescriptor& field, int index,
                int depth, std::string* out) {
  if (IsTextual(field)) {
    absl::StrAppend(out, " ", Text(message, field, index), "\n");
    return;
  }
  const Reflection& reflection = *message.GetReflection();
  const Message& inner =
      field.is_repeated()
          ? reflection.GetRepeatedMessage(message, &field, index)
          : reflection.GetMessage(message, &field);
  std::string fields;
  WriteFields(inner, depth + 1, &fields);
  if (fields.empty()) {
    *out += " {}\n";
  } else if (field.is_repeated()) {
    // The first field stands beside the dash.
    absl::StrAppend(out, " ",
                    fields.substr(static_cast<size_t>(depth + 1) * 2));
  } else {
    absl::StrAppend(out, "\n", fields);
  }
}

void WriteMap(const Message& message, const FieldDescriptor& field, int depth,
              std::string* out) {
  const Reflection& reflection = *message.GetReflection();
  const FieldDescriptor& key = *field.message_type()->map_key();
  const FieldDescriptor& value = *field.message_type()->map_value();
  std::map<std::string, std::string> entries;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    WriteValue(entry, value, 0, depth, &entries[Text(entry, key, 0)]);
  }
  for (const auto& [name, text] : entries) {
    absl::StrAppend(out, Indent(depth), name, ":", text);
  }
}

void WriteFields(const Message& message, int depth, std::string* out) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    absl::StrAppend(out, Indent(depth), field->name(), ":");
    if (field->is_map()) {
      *out += "\n";
      WriteMap(message, *field, depth + 1, out);
    } else if (field->is_repeated()) {
      *out += "\n";
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        absl::StrAppend(out, Indent(depth + 1), "-");
        WriteValue(message, *field, i, depth + 1, out);
      }
    } else {
      WriteValue(message, *field, 0, depth, out);
    }
  }
}

}  // namespace

std::string WriteYaml(const Message& message) {
  std::string text;
  WriteFields(message, 0, &text);
  return text;
}

std::string WriteYamlValue(const Message& message, const FieldDescriptor& field,
                           int index) {
  if (IsTextual(field)) return Text(message, field, index);
  const Reflection& reflection = *message.GetReflection();
  return WriteYaml(field.is_repeated()
                       ? reflection.GetRepeatedMessage(message, &field, index)
                       : reflection.GetMessage(message, &field));
}

}  // namespace gateway
