// SseParser cuts a stream of server-sent events into events, however the bytes
// arrive.
//
//   SseParser parser(/*event_bytes_limit=*/1 << 20);
//   while (... read bytes ...) {
//     GATEWAY_RETURN_IF_ERROR(parser.Feed(bytes));
//     SseEvent event;
//     while (parser.Next(&event)) {
//       if (!event.comment) Understand(event.name, event.data);
//       Forward(event.raw);
//     }
//   }
//
// Lines end with LF, CR or CRLF, in any mixture. No byte is lost: the `raw` of
// all events and then Rest(), joined, are the bytes that were fed. So what the
// standard would drop is delivered too, marked as `comment`: blocks of comments
// (keep-alives), of fields without data, and stray blank lines.
//
// An event is delivered with the first byte that ends it. When a feed ends
// between the CR and the LF of a blank line, the event is delivered at the CR,
// and the LF opens the `raw` of the next one.
//
// What the views point into: an event that lies whole in the fed bytes is not
// copied. Only an event split over feeds, and data of several lines, are
// assembled in memory of the parser.
//
// Not thread-safe. Costs about a nanosecond for 10 bytes; takes memory only for
// the first split events and to grow.

#ifndef BASE_TEXT_SSE_PARSER_H_
#define BASE_TEXT_SSE_PARSER_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/memory/byte_queue.h"

namespace gateway {

// One event. Its views are valid until the next Feed.
struct SseEvent {
  // The value of the last `event:` line; empty if there was none.
  std::string_view name;

  // The values of the `data:` lines, joined by LF.
  std::string_view data;

  // The event's bytes, its blank line included, exactly as received.
  std::string_view raw;

  // The event has no `data:` line: there are only bytes to forward.
  bool comment = false;
};

class SseParser {
 public:
  // `event_bytes_limit` bounds one event's `raw`, and so what is held between
  // feeds. REQUIRES: > 0.
  explicit SseParser(size_t event_bytes_limit);

  SseParser(const SseParser&) = delete;
  SseParser& operator=(const SseParser&) = delete;

  // Takes the stream's next bytes, which must stay valid and unchanged until
  // the next Feed. REQUIRES: Next has returned false since the last Feed.
  //
  // Returns kResourceExhausted if an event is longer than the limit; Next still
  // delivers those before it, and every later Feed fails alike.
  absl::Status Feed(std::string_view bytes);

  // Moves to the next event. Returns false when more bytes are needed; what is
  // left of the fed bytes has then been copied.
  bool Next(SseEvent* event);

  // The bytes held of an unfinished event. REQUIRES: as Feed.
  std::string_view Rest() const { return carry_.bytes(); }

  // The bytes of the event that began in earlier feeds and ends in this one, if
  // more than `held` of them came earlier; 0 otherwise. To cut it takes Next up
  // to two nanoseconds for each, where it is made of short lines.
  size_t BytesToCut(size_t held) const {
    return carry_.size() <= held ? 0 : CountBytesToCut();
  }

  // The memory that the parser has for events that are split over feeds, and
  // for joined data: up to twice the event's size while it arrives, and given
  // back with the feed after the one that ends it.
  size_t held_bytes() const;

  // Gives that back sooner, but for the unfinished event: the views of split
  // events, and of joined data, end here.
  void GiveBack();

 private:
  // Finds the line ends of a text. Looks at each byte at most once for LF and
  // once for CR.
  class LineEnds {
   public:
    LineEnds() = default;
    explicit LineEnds(std::string_view text);
    // Returns the first line end at or behind `from`, or the end of the text if
    // there is none. REQUIRES: `from` never goes back.
    const char* Find(const char* from);
    const char* end() const { return end_; }

   private:
    const char* end_ = nullptr;
    // The first LF and CR at or behind the last `from`; end_ if there is none.
    const char* lf_ = nullptr;
    const char* cr_ = nullptr;
  };

  // Where in a block a text begins.
  struct Position {
    bool line_is_empty = true;  // The bytes of the line so far are none.
    bool after_cr = false;      // An LF that comes next is the rest of a CRLF.
  };

  size_t CountBytesToCut() const;
  void TakeByteOrderMark();
  absl::Status CheckLimit();
  Position InputPosition() const;
  bool NextCarried(SseEvent* event);
  // Both return how many bytes there are up to the block's end; 0 if it is not
  // there yet.
  static size_t FindBlockEnd(std::string_view bytes, LineEnds& line_ends,
                             Position position);
  size_t ParseBlock(std::string_view bytes, size_t prefix_bytes,
                    LineEnds& line_ends, SseEvent* event);
  void ParseLine(std::string_view line, SseEvent* event);
  void JoinData(std::string_view value, std::string_view earlier);

  const size_t event_bytes_limit_;

  // What is left of the bytes that were fed.
  std::string_view input_;
  LineEnds input_line_ends_;

  // The beginning of an unfinished event, from earlier feeds. Its first bytes
  // may belong to no line: the byte order mark, or the LF of a CRLF.
  ByteQueue carry_;
  size_t carry_prefix_bytes_ = 0;
  // The split event that Next delivered during this feed.
  ByteQueue finished_;
  // The joined data of events with several `data:` lines: one for each such
  // event of this feed.
  std::vector<ByteQueue> joined_;
  int data_lines_ = 0;  // Counts the `data:` lines of the block being parsed.

  bool at_stream_start_ = true;
  // The last event ended with a CR at the end of a feed, so that an LF may
  // follow which belongs to it.
  bool lf_may_follow_ = false;
  bool failed_ = false;
};

}  // namespace gateway

#endif  // BASE_TEXT_SSE_PARSER_H_
