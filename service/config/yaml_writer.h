// Writes a configuration as the YAML that loader.h reads: the same fields in
// the order of the schema, sizes as `4MiB`, durations as `30s`.
//
//   WriteYaml(config)  // "listeners:\n  grpc:\n    address: ..."
//
// Equal messages give equal texts.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_YAML_WRITER_H_
#define SERVICE_CONFIG_YAML_WRITER_H_

#include <string>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace gateway {

// Writes the fields that are set, secrets too: see masked.h.
std::string WriteYaml(const google::protobuf::Message& message);

// Writes the value of one field, or of one element of a list, without its name:
// `30s`, or the fields of a message.
std::string WriteYamlValue(const google::protobuf::Message& message,
                           const google::protobuf::FieldDescriptor& field,
                           int index);

}  // namespace gateway

#endif  // SERVICE_CONFIG_YAML_WRITER_H_
