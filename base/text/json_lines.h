// JsonLines cuts a stream of JSON texts, one a line, into its lines, however
// the bytes arrive.
//
//   JsonLines lines(/*line_bytes_limit=*/1 << 20);
//   while (... read bytes ...) {
//     GATEWAY_RETURN_IF_ERROR(lines.Feed(bytes));
//     std::string_view line;
//     while (lines.Next(&line)) Understand(line);
//   }
//   if (!lines.AtLineBoundary()) // The stream broke off inside a line.
//
// Lines end with LF or CRLF; blank ones, which some servers send as a sign of
// life, are skipped. What a line says is not looked at.
//
// A line that lies whole in the fed bytes is not copied; only one that is split
// over feeds is put together in memory of the parser.
//
// Not thread-safe. Takes memory only for split lines.

#ifndef BASE_TEXT_JSON_LINES_H_
#define BASE_TEXT_JSON_LINES_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "base/memory/byte_queue.h"

namespace gateway {

class JsonLines {
 public:
  // `line_bytes_limit` bounds one line, its LF not counted, and so what is held
  // between feeds. REQUIRES: > 0.
  explicit JsonLines(size_t line_bytes_limit);

  JsonLines(const JsonLines&) = delete;
  JsonLines& operator=(const JsonLines&) = delete;

  // Takes the stream's next bytes, which must stay valid and unchanged until
  // the next Feed. REQUIRES: Next has returned false since the last Feed.
  //
  // Returns kResourceExhausted if a line is longer than the limit; Next still
  // delivers those before it, and every later Feed fails alike.
  absl::Status Feed(std::string_view bytes);

  // Moves to the next line, which is valid until the next Feed. Returns false
  // when more bytes are needed; what is left of the fed bytes has then been
  // copied.
  bool Next(std::string_view* line);

  // As of SseParser, for a line.
  size_t BytesToCut(size_t held) const {
    return carry_.size() <= held ? 0 : CountBytesToCut();
  }

  // The memory of lines that are split over feeds.
  size_t held_bytes() const { return carry_.capacity() + finished_.capacity(); }

  // Gives that back, but for the unfinished line: the view of a split line ends
  // here.
  void GiveBack() { finished_.Clear(); }

  // True if nothing of an unfinished line is held, so that the stream may end
  // here. REQUIRES: as Feed.
  bool AtLineBoundary() const { return !failed_ && carry_.empty(); }

 private:
  size_t CountBytesToCut() const;
  // Shortens the input to the lines before one that is too long, and fails from
  // then on.
  absl::Status CheckLimit();

  const size_t line_bytes_limit_;

  std::string_view input_;  // What is left of the bytes that were fed.
  // The beginning of an unfinished line, kept from earlier feeds.
  ByteQueue carry_;
  // The split line that Next delivered during this feed.
  ByteQueue finished_;
  bool failed_ = false;
};

}  // namespace gateway

#endif  // BASE_TEXT_JSON_LINES_H_
