#include "service/http/sse_cutter.h"

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// The length of the end of a line that stands at the end of `text`; 0 if none
// does.
size_t LineEndOf(std::string_view text) {
  if (text.ends_with("\r\n")) return 2;
  return text.ends_with('\n') ? 1 : 0;
}

}  // namespace

void SseCutter::Add(std::string_view bytes) {
  bytes_.erase(0, taken_);
  scanned_ -= taken_;
  taken_ = 0;
  bytes_.append(bytes);
}

bool SseCutter::Next(std::string_view* event) {
  const std::string_view all = bytes_;
  for (;;) {
    const size_t newline = all.find('\n', scanned_);
    if (newline == std::string_view::npos) return false;
    scanned_ = newline + 1;
    const std::string_view line_end = all.substr(taken_, scanned_ - taken_);
    const std::string_view before =
        line_end.substr(0, line_end.size() - LineEndOf(line_end));
    // An empty line: nothing before it, or another line's end.
    if (!before.empty() && LineEndOf(before) == 0) continue;
    *event = all.substr(taken_, scanned_ - taken_);
    taken_ = scanned_;
    return true;
  }
}

bool IsSseComment(std::string_view event) {
  while (!event.empty()) {
    const size_t end = event.find('\n');
    const std::string_view line = event.substr(0, end);
    if (!line.starts_with(':') && !line.empty() && line != "\r") return false;
    if (end == std::string_view::npos) break;
    event.remove_prefix(end + 1);
  }
  return true;
}

std::string WithSseId(std::string_view event, std::string_view id) {
  const std::string_view line_end =
      event.substr(event.size() - LineEndOf(event));
  event.remove_suffix(line_end.size());
  return absl::StrCat(ToAbsl(event), "id: ", ToAbsl(id), ToAbsl(line_end),
                      ToAbsl(line_end));
}

}  // namespace gateway
