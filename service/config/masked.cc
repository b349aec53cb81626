#include "service/config/masked.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/field_marks.h"
#include "service/config/secret_reference.h"

namespace gateway {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ::llmgateway::config::v1::GatewayConfig;

bool IsSecret(const FieldDescriptor& field) {
  return SensitivityOf(field) == Sensitivity::SENSITIVITY_SECRET;
}

bool IsMapOfSecrets(const FieldDescriptor& field) {
  return field.is_map() && (IsSecret(field) || IsSecretReference(field));
}

bool MustBeMasked(const FieldDescriptor& field, const std::string& text) {
  if (text.empty()) return false;
  if (IsSecret(field)) return true;
  if (IsSecretReference(field)) return !SecretReference::Parse(text).ok();
  // Such as `user:password@host` within a URL.
  return absl::StrContains(text, "://") && absl::StrContains(text, "@");
}

void MaskValue(const FieldDescriptor& map, Message* entry) {
  const FieldDescriptor* const value = map.message_type()->map_value();
  const Reflection& reflection = *entry->GetReflection();
  if (MustBeMasked(map, reflection.GetString(*entry, value))) {
    reflection.SetString(entry, value, kMask);
  }
}

void Mask(Message* message) {
  const Reflection& reflection = *message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool is_text = field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    const bool is_message =
        field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (field->is_repeated()) {
      for (int i = 0; i < reflection.FieldSize(*message, field); ++i) {
        if (is_message) {
          Message* inner = reflection.MutableRepeatedMessage(message, field, i);
          if (IsMapOfSecrets(*field)) {
            MaskValue(*field, inner);
          } else {
            Mask(inner);
          }
        } else if (is_text && MustBeMasked(*field, reflection.GetRepeatedString(
                                                       *message, field, i))) {
          reflection.SetRepeatedString(message, field, i, kMask);
        }
      }
    } else if (is_message) {
      Mask(reflection.MutableMessage(message, field));
    } else if (is_text &&
               MustBeMasked(*field, reflection.GetString(*message, field))) {
      reflection.SetString(message, field, kMask);
    }
  }
}

}  // namespace

bool IsSecretReference(const FieldDescriptor& field) {
  return SensitivityOf(field) == Sensitivity::SENSITIVITY_REFERENCE;
}

GatewayConfig MaskConfig(GatewayConfig config) {
  Mask(&config);
  return config;
}

}  // namespace gateway
