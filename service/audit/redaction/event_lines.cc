#include "service/audit/redaction/event_lines.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace gateway {
namespace {

constexpr std::string_view kDataField = "data:";

// The lines of an event, without their ends.
struct EventLines {
  std::vector<std::string_view> data;
  std::vector<std::string_view> others;
  size_t begin = 0;
  size_t end = 0;  // Behind the empty line, if there is one.
};

// Takes a line off the text; returns false at its end.
bool TakeLine(std::string_view text, size_t* at, std::string_view* line) {
  if (*at >= text.size()) return false;
  const size_t end = std::min(text.find_first_of("\r\n", *at), text.size());
  *line = text.substr(*at, end - *at);
  *at = end;
  if (text.substr(*at).starts_with("\r\n")) {
    *at += 2;
  } else if (*at < text.size()) {
    ++*at;
  }
  return true;
}

bool TakeEvent(std::string_view text, size_t* at, EventLines* event) {
  *event = {.begin = *at};
  std::string_view line;
  bool any = false;
  while (TakeLine(text, at, &line)) {
    any = true;
    if (line.empty()) break;
    (line.starts_with(kDataField) ? event->data : event->others)
        .push_back(line);
  }
  event->end = *at;
  return any;
}

bool HasJsonInLines(const EventLines& event) {
  return event.data.size() > 1 &&
         MayBeJson(event.data[0].substr(kDataField.size()));
}

void AppendJoined(const EventLines& event, std::string* out) {
  for (const std::string_view line : event.others) {
    out->append(line);
    out->push_back('\n');
  }
  out->append(event.data[0]);
  for (size_t i = 1; i < event.data.size(); ++i) {
    out->push_back(' ');
    out->append(event.data[i].substr(kDataField.size()));
  }
  out->append("\n\n");
}

}  // namespace

bool MayBeJson(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos &&
         (text[begin] == '{' || text[begin] == '[');
}

std::string_view WithDataInOneLine(std::string_view events,
                                   std::string* joined) {
  joined->clear();
  size_t copied = 0;
  size_t at = 0;
  EventLines event;
  while (TakeEvent(events, &at, &event)) {
    if (!HasJsonInLines(event)) continue;
    joined->append(events.substr(copied, event.begin - copied));
    AppendJoined(event, joined);
    copied = event.end;
  }
  if (copied == 0) return events;
  joined->append(events.substr(copied));
  return *joined;
}

}  // namespace gateway
