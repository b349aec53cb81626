#include "clients/cli/progress.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr absl::Duration kProgressDelay = absl::Milliseconds(500);
constexpr absl::Duration kProgressInterval = absl::Milliseconds(100);
// The clock is looked at once in so many.
constexpr int64_t kProgressStride = 256;

// To the line's begin, and nothing behind it.
constexpr TerminalControl kClearLine = {"\r\x1b[K"};

}  // namespace

Progress::Progress(const Console& console, std::string what, std::string units,
                   Clock& clock)
    : console_(console),
      has_line_(console.err_is_terminal && console.obeys_controls),
      what_(std::move(what)),
      units_(std::move(units)),
      clock_(clock),
      next_(clock.SteadyTime() + kProgressDelay) {}

void Progress::Add() {
  if (++done_ % kProgressStride == 0) ShowIfDue();
}

void Progress::Set(int64_t done, int64_t all) {
  done_ = done;
  all_ = all;
  ShowIfDue();
}

void Progress::Say(std::string_view step) {
  Show(absl::StrCat(what_, ": ", ToAbsl(step)));
}

void Progress::End() {
  if (std::exchange(is_shown_, false)) {
    console_.err << kClearLine << std::flush;
  }
}

void Progress::ShowIfDue() {
  if (!has_line_) return;
  const absl::Duration now = clock_.SteadyTime();
  if (now < next_) return;
  next_ = now + kProgressInterval;
  std::string line = absl::StrCat(what_, " ", done_);
  if (all_ > 0) absl::StrAppend(&line, " of ", all_);
  absl::StrAppend(&line, " ", units_);
  if (all_ > 0) {
    // What is added meanwhile is done, too.
    const double share =
        std::min(static_cast<double>(done_) / static_cast<double>(all_), 1.0);
    absl::StrAppend(&line, ", ", static_cast<int>(share * 100), " %");
  }
  Show(line);
}

void Progress::Show(const std::string& line) {
  if (!has_line_) return;
  is_shown_ = true;
  console_.err << kClearLine << line << std::flush;
}

}  // namespace gateway
