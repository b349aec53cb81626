// In which other forms, and under which other names, the policies and nodes of
// models, and alerts, may stand in a configuration file: those of the files,
// model_policies.yaml, node_requirements.yaml and alerts.yaml, that the gateway
// took over with the system that had them (docs/routing.md, docs/alerts.md).
//
//   FieldOfOtherName(*ModelPolicy::descriptor(), "provider_model_id");
//   // "target.model"
//
// Thread-safe: pure functions.

#ifndef SERVICE_CONFIG_POLICY_NAMES_H_
#define SERVICE_CONFIG_POLICY_NAMES_H_

#include <string_view>

#include "google/protobuf/descriptor.h"

namespace gateway {

// Returns which field of a message `name` stands for, as a path within it;
// empty if for none. Valid forever.
std::string_view FieldOfOtherName(const google::protobuf::Descriptor& type,
                                  std::string_view name);

// Returns the field of a list's messages by which they may be keyed, so that
// the list may be written as a map; empty if there is none. Valid forever.
std::string_view KeyFieldOf(const google::protobuf::FieldDescriptor& list);

// Returns whether a list of names may be written as a map from names to whether
// they are meant.
bool MayBeFlags(const google::protobuf::FieldDescriptor& list);

// Returns whether the values of an enum may be written in upper case as well.
bool MayBeUpperCase(const google::protobuf::EnumDescriptor& type);

}  // namespace gateway

#endif  // SERVICE_CONFIG_POLICY_NAMES_H_
