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

#include "google/protobuf/message.h"

namespace gateway {

// Writes the fields that are set, secrets too: see masked.h.
std::string WriteYaml(const google::protobuf::Message& message);

}  // namespace gateway

#endif  // SERVICE_CONFIG_YAML_WRITER_H_
