#include "service/rpc/size_fault.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "errors/fault.h"

namespace gateway {
namespace {

constexpr absl::Duration kRetryDelay = absl::Seconds(1);

absl::Status Overloaded(std::string_view what) {
  absl::Status status = MakeFault(v1::ERROR_REASON_OVERLOADED, what);
  SetRetryDelay(status, kRetryDelay);
  return status;
}

}  // namespace

absl::Status SizeFault(std::string_view message, size_t limit) {
  // Replaced: the reason's own code is for a request that an engine has
  // understood.
  absl::Status fault = MakeFault(v1::ERROR_REASON_REQUEST_TOO_LARGE, message);
  const std::string limit_text = absl::StrCat(limit);
  AddFaultMetadata(fault, "limit", limit_text);
  absl::Status status(absl::StatusCode::kResourceExhausted, fault.message());
  fault.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
    status.SetPayload(type, payload);
  });
  return status;
}

absl::Status BudgetSpent() {
  return Overloaded(
      "the gateway holds too much of other requests; try again soon");
}

absl::Status AnswerBudgetSpent() {
  return Overloaded("too many answers wait for clients to take them");
}

}  // namespace gateway
