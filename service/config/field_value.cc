#include "service/config/field_value.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "service/config/nearest_name.h"
#include "service/config/policy_names.h"

namespace gateway {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::Duration;
using ::google::protobuf::EnumDescriptor;
using ::google::protobuf::EnumValueDescriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ::google::protobuf::Timestamp;

// The longest duration that protobuf allows.
constexpr absl::Duration kDurationMax = absl::Seconds(315'576'000'000);

bool IsDuration(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type() == Duration::descriptor();
}

bool IsTime(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type() == Timestamp::descriptor();
}

// Returns the text in quotes, shortened: a secret in the place of a number,
// word or duration is cut before it is whole.
std::string InQuotes(absl::string_view text) {
  constexpr size_t kShown = 24;
  if (text.size() <= kShown) {
    return absl::StrCat("'", absl::Utf8SafeCEscape(text), "'");
  }
  return "the value";
}

absl::Status Wrong(absl::string_view text, absl::string_view expected) {
  return absl::InvalidArgumentError(
      absl::StrCat(InQuotes(text), " is not ", expected));
}

absl::StatusOr<int64_t> ParseBytes(absl::string_view text) {
  constexpr std::pair<absl::string_view, int64_t> kUnits[] = {
      {"KiB", int64_t{1} << 10},
      {"MiB", int64_t{1} << 20},
      {"GiB", int64_t{1} << 30},
  };
  int64_t unit = 1;
  absl::string_view digits = text;
  for (const auto& [suffix, bytes] : kUnits) {
    if (absl::ConsumeSuffix(&digits, suffix)) {
      unit = bytes;
      break;
    }
  }
  digits = absl::StripTrailingAsciiWhitespace(digits);
  int64_t count = 0;
  if (!absl::SimpleAtoi(digits, &count) || count < 0) {
    return Wrong(text,
                 "a size; give a number of bytes, or a whole number of KiB, "
                 "MiB or GiB such as 4MiB");
  }
  if (count > std::numeric_limits<int64_t>::max() / unit) {
    return Wrong(text, "a size that can be; give a smaller one");
  }
  return count * unit;
}

absl::StatusOr<int64_t> ParseInteger(absl::string_view text,
                                     const FieldDescriptor& field) {
  if (absl::EndsWith(field.name(), "_bytes_limit")) return ParseBytes(text);
  int64_t number = 0;
  if (!absl::SimpleAtoi(text, &number)) return Wrong(text, "a whole number");
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT32 &&
      number != static_cast<int32_t>(number)) {
    return Wrong(text, "a number that fits into 32 bits; give a smaller one");
  }
  return number;
}

absl::StatusOr<bool> ParseBool(absl::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return Wrong(text, "a truth value; write true or false");
}

absl::StatusOr<double> ParseDouble(absl::string_view text) {
  double number = 0;
  if (!absl::SimpleAtod(text, &number) || !std::isfinite(number)) {
    return Wrong(text, "a number");
  }
  return number;
}

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  absl::Duration duration;
  if (absl::ParseDuration(text, &duration) &&
      duration >= absl::ZeroDuration() && duration <= kDurationMax) {
    return duration;
  }
  return Wrong(text,
               "a duration; write it with its unit, such as 250ms, 30s "
               "or 1m30s");
}

// Parses a time within what protobuf allows: the years 1 to 9999.
absl::StatusOr<absl::Time> ParseTime(absl::string_view text) {
  absl::Time time;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, nullptr) &&
      time >= absl::FromCivil(absl::CivilYear(1), absl::UTCTimeZone()) &&
      time < absl::FromCivil(absl::CivilYear(10'000), absl::UTCTimeZone())) {
    return time;
  }
  return Wrong(text, "a time with its zone, such as 2027-01-31T00:00:00Z");
}

absl::StatusOr<const EnumValueDescriptor*> ParseEnum(
    absl::string_view text, const EnumDescriptor& type) {
  std::vector<std::string> names;
  // From 1: the first value is the unspecified one, which is not offered.
  for (int i = 1; i < type.value_count(); ++i) {
    const EnumValueDescriptor* value = type.value(i);
    const std::string name = ShortEnumName(*value);
    if (text == name || text == value->name()) return value;
    if (MayBeUpperCase(type) && absl::EqualsIgnoreCase(text, name)) {
      return value;
    }
    names.push_back(name);
  }
  std::string expected = "one of ";
  for (size_t i = 0; i < names.size(); ++i) {
    absl::StrAppend(&expected, i == 0 ? "" : ", ", names[i]);
  }
  const std::string nearest = NearestName(ToStd(text), names);
  if (!nearest.empty()) {
    absl::StrAppend(&expected, "; did you mean '", nearest, "'?");
  }
  return Wrong(text, expected);
}

// Sets a Duration or, since the two have the same fields, a Timestamp, whose
// `value` counts from 1970.
void SetSecondsAndNanos(absl::Duration value, const FieldDescriptor& field,
                        Message* message) {
  static_assert(+Duration::kSecondsFieldNumber ==
                +Timestamp::kSecondsFieldNumber);
  static_assert(+Duration::kNanosFieldNumber == +Timestamp::kNanosFieldNumber);
  const Reflection& reflection = *message->GetReflection();
  Message* parts = field.is_repeated()
                       ? reflection.AddMessage(message, &field)
                       : reflection.MutableMessage(message, &field);
  const Descriptor& type = *field.message_type();
  absl::Duration rest;
  int64_t seconds = absl::IDivDuration(value, absl::Seconds(1), &rest);
  if (rest < absl::ZeroDuration()) {  // A time before 1970.
    seconds -= 1;
    rest += absl::Seconds(1);
  }
  const Reflection& inner = *parts->GetReflection();
  inner.SetInt64(parts, type.FindFieldByNumber(Duration::kSecondsFieldNumber),
                 seconds);
  inner.SetInt32(parts, type.FindFieldByNumber(Duration::kNanosFieldNumber),
                 static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
}

absl::Status AssignInteger(absl::string_view text, const FieldDescriptor& field,
                           Message* message) {
  const Reflection& reflection = *message->GetReflection();
  GATEWAY_ASSIGN_OR_RETURN(const int64_t number, ParseInteger(text, field));
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT32) {
    const auto small = static_cast<int32_t>(number);
    field.is_repeated() ? reflection.AddInt32(message, &field, small)
                        : reflection.SetInt32(message, &field, small);
  } else {
    field.is_repeated() ? reflection.AddInt64(message, &field, number)
                        : reflection.SetInt64(message, &field, number);
  }
  return absl::OkStatus();
}

}  // namespace

std::string ShortEnumName(const EnumValueDescriptor& value) {
  // The prefix is what precedes `_UNSPECIFIED` in the first name.
  absl::string_view prefix = value.type()->value(0)->name();
  absl::ConsumeSuffix(&prefix, "UNSPECIFIED");
  return absl::AsciiStrToLower(absl::StripPrefix(value.name(), prefix));
}

bool IsTextual(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
    case FieldDescriptor::CPPTYPE_BOOL:
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_ENUM:
      return true;
    default:
      return IsDuration(field) || IsTime(field);
  }
}

absl::Status AssignText(std::string_view given, const FieldDescriptor& field,
                        Message* message) {
  const absl::string_view text = ToAbsl(given);
  const Reflection& reflection = *message->GetReflection();
  const bool many = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      many ? reflection.AddString(message, &field, std::string(text))
           : reflection.SetString(message, &field, std::string(text));
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_BOOL: {
      GATEWAY_ASSIGN_OR_RETURN(const bool value, ParseBool(text));
      many ? reflection.AddBool(message, &field, value)
           : reflection.SetBool(message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
      return AssignInteger(text, field, message);
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      GATEWAY_ASSIGN_OR_RETURN(const double value, ParseDouble(text));
      many ? reflection.AddDouble(message, &field, value)
           : reflection.SetDouble(message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      GATEWAY_ASSIGN_OR_RETURN(const EnumValueDescriptor* value,
                               ParseEnum(text, *field.enum_type()));
      many ? reflection.AddEnum(message, &field, value)
           : reflection.SetEnum(message, &field, value);
      return absl::OkStatus();
    }
    default: {
      absl::Duration value;
      if (IsTime(field)) {
        GATEWAY_ASSIGN_OR_RETURN(const absl::Time time, ParseTime(text));
        value = time - absl::UnixEpoch();
      } else {
        GATEWAY_ASSIGN_OR_RETURN(value, ParseDuration(text));
      }
      SetSecondsAndNanos(value, field, message);
      return absl::OkStatus();
    }
  }
}

}  // namespace gateway
