#include "service/pipeline/violations.h"

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {

void Violations::Add(std::string_view path, std::string_view description) {
  ++count_;
  if (reported_.size() == kReportedMax) return;
  if (path.size() <= kPathBytesMax) {
    reported_.emplace_back(path, description);
    return;
  }
  size_t end = kPathBytesMax;
  while (end > 0 && (path[end] & 0xc0) == 0x80) --end;  // Not within UTF-8.
  reported_.emplace_back(absl::StrCat(ToAbsl(path.substr(0, end)), "..."),
                         description);
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
