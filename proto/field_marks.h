// The marks that the contract and the configuration put on their fields
// (llmgateway/type/v1/options.proto), for those who obey them.
//
//   if (SensitivityOf(field) == Sensitivity::SENSITIVITY_SECRET) Mask(...);
//   if (!IsServed(field)) Refuse(field.name());
//
// Thread-safe: plain functions.

#ifndef PROTO_FIELD_MARKS_H_
#define PROTO_FIELD_MARKS_H_

#include "google/protobuf/descriptor.h"
#include "llmgateway/type/v1/options.pb.h"

namespace gateway {

using Sensitivity = ::llmgateway::type::v1::Sensitivity;

// Returns why the field's value must not be shown to everybody;
// SENSITIVITY_UNSPECIFIED if it may be.
Sensitivity SensitivityOf(const google::protobuf::FieldDescriptor& field);

// Returns whether the field is read at all: one that is not served is refused
// if it is set.
bool IsServed(const google::protobuf::FieldDescriptor& field);

}  // namespace gateway

#endif  // PROTO_FIELD_MARKS_H_
