#include "providers/event_cutter.h"

#include <algorithm>

#include "base/text/json.h"

namespace gateway {
namespace {

// Fed at the end of a stream whose server closes without the last blank line.
constexpr std::string_view kMissingBlankLine = "\n\n";

// Returns whether an event without its blank line is otherwise whole: a JSON
// text that was cut off is no JSON text.
bool IsWhole(std::string_view data) {
  return data == "[DONE]" || CheckJson(data).ok();
}

// Returns the JSON of an error that comes bare, on lines of its own without
// `data:` and perhaps in a list, as Google ends a stream that fails; empty if
// the block is anything else without data, such as a comment.
std::string_view BareErrorOf(const SseEvent& block) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::string_view text = block.raw;
  const auto skip = [&text](std::string_view chars) {
    text.remove_prefix(std::min(text.find_first_not_of(chars), text.size()));
  };
  if (!block.comment) return {};
  skip(kSpace);
  if (text.starts_with('[')) text.remove_prefix(1);
  skip(kSpace);
  const std::string_view object = text.substr(0, text.rfind('}') + 1);
  if (!object.starts_with('{')) return {};
  text.remove_prefix(1);
  skip(kSpace);
  return text.starts_with("\"error\"") ? object : std::string_view();
}

}  // namespace

absl::Status EventCutter::FeedEnd() { return Feed(kMissingBlankLine); }

bool EventCutter::Next(StreamEvent* event) {
  if (framing_ == Framing::kJsonLines) {
    *event = StreamEvent();
    return lines_.Next(&event->data);
  }
  SseEvent next;
  if (!events_.Next(&next)) return false;
  event->name = next.name;
  event->data = next.comment ? BareErrorOf(next) : next.data;
  event->raw = next.raw;
  event->has_data = !next.comment || !event->data.empty();
  return true;
}

bool EventCutter::NextAtEnd(StreamEvent* event, bool* is_whole) {
  while (Next(event)) {
    if (!event->has_data) continue;
    *is_whole = IsWhole(event->data);
    return true;
  }
  return false;
}

}  // namespace gateway
