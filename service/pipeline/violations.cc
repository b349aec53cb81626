#include "service/pipeline/violations.h"

#include "absl/strings/str_cat.h"
#include "errors/fault.h"

namespace gateway {

void Violations::Add(std::string_view path, std::string_view description) {
  ++count_;
  if (reported_.size() < kReportedMax) {
    reported_.emplace_back(path, description);
  }
}

absl::Status Violations::ToStatus() && {
  if (empty()) return absl::OkStatus();
  std::string message =
      absl::StrCat(reported_[0].first, " ", reported_[0].second);
  if (count_ > 1) {
    absl::StrAppend(&message, " (and ", count_ - 1, " more)");
  }
  absl::Status status = MakeFault(v1::ERROR_REASON_INVALID_REQUEST, message);
  for (const auto& [path, description] : reported_) {
    AddFieldViolation(status, path, description);
  }
  return status;
}

}  // namespace gateway
