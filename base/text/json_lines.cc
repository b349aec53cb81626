#include "base/text/json_lines.h"

#include <cassert>

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

JsonLines::JsonLines(size_t line_bytes_limit)
    : line_bytes_limit_(line_bytes_limit) {
  assert(line_bytes_limit > 0);
}

absl::Status JsonLines::Feed(std::string_view bytes) {
  assert(input_.empty());
  finished_.Clear();
  input_ = failed_ ? std::string_view() : bytes;
  return CheckLimit();
}

absl::Status JsonLines::CheckLimit() {
  size_t held_bytes = carry_.size();
  std::string_view rest = input_;
  while (!failed_ && held_bytes + rest.size() > line_bytes_limit_) {
    const size_t end = rest.find('\n');
    const bool ends = end != std::string_view::npos;
    if (held_bytes + (ends ? end : rest.size()) > line_bytes_limit_) {
      failed_ = true;
    } else {
      // The line ends within the limit: CheckLimit would have failed otherwise.
      rest.remove_prefix(end + 1);
      held_bytes = 0;
    }
  }
  if (!failed_) return absl::OkStatus();
  input_.remove_suffix(rest.size());
  return absl::ResourceExhaustedError(
      absl::StrCat("a line of JSON is longer than the limit of ",
                   line_bytes_limit_, " bytes"));
}

size_t JsonLines::CountBytesToCut() const {
  const size_t end = input_.find('\n');
  return end == std::string_view::npos ? 0 : carry_.size() + end;
}

bool JsonLines::Next(std::string_view* line) {
  while (!input_.empty()) {
    const size_t end = input_.find('\n');
    if (end == std::string_view::npos) {
      carry_.Append(input_);
      input_ = {};
      return false;
    }
    std::string_view found = input_.substr(0, end);
    input_.remove_prefix(end + 1);
    if (!carry_.empty()) {
      carry_.Append(found);
      carry_.Swap(finished_);
      found = finished_.bytes();
    }
    if (IsBlank(found)) continue;
    if (found.ends_with('\r')) found.remove_suffix(1);
    *line = found;
    return true;
  }
  return false;
}

}  // namespace gateway
