#include "service/identity/key_fault.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {

absl::Status UnknownKey() {
  return MakeFault(v1::ERROR_REASON_API_KEY_INVALID,
                   "the API key is not known");
}

absl::Status KeyIsNoGood(v1::ErrorReason reason, const Caller& caller,
                         std::string_view why) {
  const std::string whom =
      caller.owner.empty() ? "" : absl::StrCat("; ask ", caller.owner);
  absl::Status fault = MakeFault(
      reason,
      absl::StrCat("the API key '", caller.id, "' ", ToAbsl(why), whom));
  AddFaultMetadata(fault, "key", caller.id);
  return fault;
}

}  // namespace gateway
