#include "service/api/read_mask.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/util/field_mask_util.h"

namespace gateway {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::FieldMask;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ::google::protobuf::util::FieldMaskUtil;

constexpr char kReadMask[] = "read_mask";

const FieldMask& MaskOf(const Message& request) {
  const FieldDescriptor* const field =
      request.GetDescriptor()->FindFieldByName(kReadMask);
  return static_cast<const FieldMask&>(
      request.GetReflection()->GetMessage(request, field));
}

bool WantsAll(const FieldMask& mask) {
  return mask.paths().empty() ||
         std::find(mask.paths().begin(), mask.paths().end(), "*") !=
             mask.paths().end();
}

// The elements of a page; null if the response is none.
const FieldDescriptor* ElementsOf(const Descriptor& response) {
  if (response.FindFieldByName("next_page_token") == nullptr) return nullptr;
  for (int i = 0; i < response.field_count(); ++i) {
    const FieldDescriptor* const field = response.field(i);
    if (field->is_repeated() && field->message_type() != nullptr) return field;
  }
  return nullptr;
}

}  // namespace

bool HasReadMask(const Descriptor& request) {
  const FieldDescriptor* const field = request.FindFieldByName(kReadMask);
  return field != nullptr && field->message_type() == FieldMask::descriptor();
}

absl::Status CheckReadMask(const Message& request, const Message& response) {
  const FieldMask& mask = MaskOf(request);
  if (WantsAll(mask)) return absl::OkStatus();
  const FieldDescriptor* const elements = ElementsOf(*response.GetDescriptor());
  const Descriptor* const read =
      elements == nullptr ? response.GetDescriptor() : elements->message_type();
  for (const std::string& path : mask.paths()) {
    if (!path.empty() &&
        FieldMaskUtil::GetFieldDescriptors(read, path, nullptr)) {
      continue;
    }
    return InvalidField(
        kReadMask, absl::StrCat("'", path, "' is no field of ", read->name(),
                                "; those of a repeated field have no path"));
  }
  return absl::OkStatus();
}

void TrimToReadMask(const Message& request, Message* response) {
  const FieldMask& mask = MaskOf(request);
  if (WantsAll(mask)) return;
  const FieldDescriptor* const elements =
      ElementsOf(*response->GetDescriptor());
  if (elements == nullptr) {
    FieldMaskUtil::TrimMessage(mask, response);
    return;
  }
  const Reflection& reflection = *response->GetReflection();
  for (int i = 0; i < reflection.FieldSize(*response, elements); ++i) {
    FieldMaskUtil::TrimMessage(
        mask, reflection.MutableRepeatedMessage(response, elements, i));
  }
}

}  // namespace gateway
