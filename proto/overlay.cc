#include "proto/overlay.h"

#include <vector>

#include "google/protobuf/descriptor.h"

namespace gateway {

void LayOver(const google::protobuf::Message& over,
             google::protobuf::Message* base) {
  const google::protobuf::Reflection& reflection = *over.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(over, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    reflection.ClearField(base, field);
  }
  base->MergeFrom(over);
}

}  // namespace gateway
