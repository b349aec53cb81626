#include "service/config/configured_targets.h"

#include <vector>

#include "google/protobuf/descriptor.h"

namespace gateway {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::llmgateway::type::v1::Target;

void ForEachTarget(const Message& message,
                   absl::FunctionRef<void(const Target&)> take) {
  if (message.GetDescriptor() == Target::descriptor()) {
    take(static_cast<const Target&>(message));
    return;
  }
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* const field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      ForEachTarget(reflection.GetMessage(message, field), take);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      ForEachTarget(reflection.GetRepeatedMessage(message, field, i), take);
    }
  }
}

}  // namespace gateway
