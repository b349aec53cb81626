// EventCutter cuts what a provider streams into events, by its vendor's
// framing: server-sent events, or one JSON text a line.
//
//   GATEWAY_RETURN_IF_ERROR(cutter.Feed(piece));
//   StreamEvent event;
//   while (cutter.Next(&event)) ...
//
// Not thread-safe: a cutter belongs to one stream.

#ifndef PROVIDERS_EVENT_CUTTER_H_
#define PROVIDERS_EVENT_CUTTER_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "base/text/json_lines.h"
#include "base/text/sse_parser.h"
#include "providers/dialects/dialect.h"

namespace gateway {

// One event. Its views are valid until the next Feed.
struct StreamEvent {
  std::string_view name;  // Empty if it has none.
  std::string_view data;
  // The bytes to forward; empty where each line is an event.
  std::string_view raw;
  // False if there are only bytes to forward, such as those of a comment.
  bool has_data = true;
};

class EventCutter {
 public:
  EventCutter(Framing framing, size_t event_bytes_limit)
      : framing_(framing),
        events_(event_bytes_limit),
        lines_(event_bytes_limit) {}

  // As SseParser::Feed.
  absl::Status Feed(std::string_view bytes) {
    return framing_ == Framing::kJsonLines ? lines_.Feed(bytes)
                                           : events_.Feed(bytes);
  }

  // Called when no more bytes come: makes an event of those that lack only
  // their last line feed or blank line.
  absl::Status FeedEnd();

  // Moves to the next event. Returns false when more bytes are needed. An error
  // that comes bare, without `data:`, is the data of its event.
  bool Next(StreamEvent* event);

  // As Next, for what FeedEnd made; `is_whole` receives whether nothing of the
  // event was cut off.
  bool NextAtEnd(StreamEvent* event, bool* is_whole);

  // As SseParser::BytesToCut.
  size_t BytesToCut(size_t held) const {
    return framing_ == Framing::kJsonLines ? lines_.BytesToCut(held)
                                           : events_.BytesToCut(held);
  }

  // The memory that events take which have not come whole, or in pieces.
  size_t held_bytes() const {
    return events_.held_bytes() + lines_.held_bytes();
  }

  // Gives back what events take that have come: their views end here.
  void GiveBack() {
    events_.GiveBack();
    lines_.GiveBack();
  }

 private:
  const Framing framing_;
  SseParser events_;
  JsonLines lines_;
};

}  // namespace gateway

#endif  // PROVIDERS_EVENT_CUTTER_H_
