// Reads the text of one value into one field of a configuration message, in
// the forms that people write: `true`, `30s`, `4MiB`, `info`, `"text"`,
// `2027-01-31T00:00:00Z`.
//
//   absl::Status status = AssignText("30s", *drain_grace, &runtime);
//   if (!status.ok()) problems.Add(place, path, status.message());
//
// Both the file and the environment come through here, so a value means the
// same wherever it was given.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_FIELD_VALUE_H_
#define SERVICE_CONFIG_FIELD_VALUE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace gateway {

// Returns whether one piece of text can be the field's value, or, for a list,
// one element's: everything but messages other than durations and times.
bool IsTextual(const google::protobuf::FieldDescriptor& field);

// Sets a singular field and appends to a repeated one. The message of the
// status says what the text should look like; it repeats the text only where
// that cannot be a secret.
//
// REQUIRES: IsTextual(field), and `field` belongs to `message`.
absl::Status AssignText(std::string_view text,
                        const google::protobuf::FieldDescriptor& field,
                        google::protobuf::Message* message);

// Returns the name of an enum's value as people write it: `info` for
// `LOG_LEVEL_INFO`.
std::string ShortEnumName(const google::protobuf::EnumValueDescriptor& value);

}  // namespace gateway

#endif  // SERVICE_CONFIG_FIELD_VALUE_H_
