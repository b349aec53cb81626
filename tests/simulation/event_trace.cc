#include "tests/simulation/event_trace.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/string_view.h"

namespace gateway {

void EventTrace::Add(const SimulatedEvent& event) {
  ++events_;
  Hash(absl::ToInt64Nanoseconds(event.at));
  Hash(event.what);
  Hash(event.call);
  Hash(event.ask);
  Hash(event.detail);
  if (!keeps_lines_) return;
  std::string line =
      absl::StrFormat("%10.3f s", absl::ToDoubleSeconds(event.at));
  if (event.call >= 0) absl::StrAppend(&line, "  call ", event.call);
  if (event.ask >= 0) absl::StrAppend(&line, "  request ", event.ask);
  absl::StrAppend(&line, "  ", ToAbsl(event.what));
  if (!event.detail.empty()) absl::StrAppend(&line, ": ", ToAbsl(event.detail));
  lines_.push_back(std::move(line));
}

void EventTrace::Hash(std::string_view text) {
  hash_ = Fnv1a(text, hash_);
  Hash(static_cast<int64_t>(text.size()));
}

void EventTrace::Hash(int64_t number) {
  for (int shift = 0; shift < 64; shift += 8) {
    hash_ = Fnv1a(static_cast<uint8_t>(number >> shift), hash_);
  }
}

}  // namespace gateway
