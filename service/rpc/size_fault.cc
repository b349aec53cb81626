#include "service/rpc/size_fault.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "errors/fault.h"

namespace gateway {

absl::Status SizeFault(std::string_view message, size_t limit) {
  // The reason's own code is that of a request which an engine has understood.
  absl::Status fault = MakeFault(v1::ERROR_REASON_REQUEST_TOO_LARGE, message);
  const std::string limit_text = absl::StrCat(limit);
  AddFaultMetadata(fault, "limit", limit_text);
  absl::Status status(absl::StatusCode::kResourceExhausted, fault.message());
  fault.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
    status.SetPayload(type, payload);
  });
  return status;
}

}  // namespace gateway
