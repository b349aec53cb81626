#include "service/pipeline/violations.h"

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "base/text/utf8.h"
#include "errors/fault.h"

namespace gateway {

std::string FieldPath::ToString() const {
  std::string path;
  if (parent_ != nullptr) {
    path = parent_->ToString();
    if (!name_.empty()) path.push_back('.');
  }
  path.append(name_);
  if (key_.has_value()) absl::StrAppend(&path, "[", ToAbsl(*key_), "]");
  if (index_ >= 0) absl::StrAppend(&path, "[", index_, "]");
  return path;
}

void Violations::Add(const FieldPath& at, std::string_view description) {
  ++count_;
  if (reported_.size() == kReportedMax) return;
  const std::string path = at.ToString();
  if (path.size() <= kPathBytesMax) {
    reported_.emplace_back(path, description);
    return;
  }
  reported_.emplace_back(
      absl::StrCat(ToAbsl(CutText(path, kPathBytesMax)), "..."), description);
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
