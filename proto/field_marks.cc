#include "proto/field_marks.h"

namespace gateway {

namespace marks = ::llmgateway::type::v1;

Sensitivity SensitivityOf(const google::protobuf::FieldDescriptor& field) {
  return field.options().GetExtension(marks::sensitive);
}

bool IsServed(const google::protobuf::FieldDescriptor& field) {
  return !field.options().GetExtension(marks::not_served);
}

}  // namespace gateway
