#include "service/pipeline/served_check.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/field_marks.h"

namespace gateway {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Reflection;

// Never destroyed: others may read it as late as they like.
const std::vector<const FieldDescriptor*>& UnservedFields() {
  static const auto& fields = *[] {
    auto* found = new std::vector<const FieldDescriptor*>;
    const Descriptor& type = *v1::GenerateRequest::descriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      if (!IsServed(*type.field(i))) found->push_back(type.field(i));
    }
    return found;
  }();
  return fields;
}

bool IsSet(const v1::GenerateRequest& request, const FieldDescriptor& field) {
  const Reflection& reflection = *request.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(request, &field) > 0
                             : reflection.HasField(request, &field);
}

}  // namespace

absl::Status CheckServed(const v1::GenerateRequest& request) {
  return CheckUnset(request, UnservedFields());
}

absl::Status CheckUnset(const v1::GenerateRequest& request,
                        absl::Span<const FieldDescriptor* const> unserved) {
  absl::Status fault;
  for (const FieldDescriptor* field : unserved) {
    if (!IsSet(request, *field)) continue;
    if (fault.ok()) {
      fault = MakeFault(v1::ERROR_REASON_UNIMPLEMENTED,
                        absl::StrCat(field->name(), " is not served yet"));
      AddFaultMetadata(fault, "field", field->name());
    }
    AddFieldViolation(fault, field->name(), "is not served yet");
  }
  return fault;
}

}  // namespace gateway
