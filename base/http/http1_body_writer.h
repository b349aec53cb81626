// Http1BodyWriter sends a body from its source over HTTP/1.1, as fast as the
// connection takes it: chunked, unless the source knows its length. It takes a
// piece when the last one has been written, and never waits itself.
//
//   Http1BodyWriter writer(stream, source);
//   for (;;) {
//     GATEWAY_CO_ASSIGN_OR_RETURN(const auto state, writer.Advance());
//     if (state == Http1BodyWriter::State::kSent) break;
//     co_await wake_up.Wait();  // The source's, and the stream's observer's.
//   }
//
// Thread contract: one event loop.

#ifndef BASE_HTTP_HTTP1_BODY_WRITER_H_
#define BASE_HTTP_HTTP1_BODY_WRITER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/http/body_source.h"
#include "base/net/stream.h"

namespace gateway {

// The field of a head that says how a body of `length`, if that is known, ends.
void AppendBodyFraming(std::optional<uint64_t> length, std::string* out);

class Http1BodyWriter {
 public:
  enum class State { kAwaitsSource, kAwaitsServer, kSent };

  // Borrows both.
  Http1BodyWriter(Stream& stream, BodySource& source)
      : stream_(stream), source_(source), length_(source.length()) {}

  // Does what can be done now. Errors: the source's (see source_failed), and
  // INTERNAL if it has another length than it said; the stream's.
  absl::StatusOr<State> Advance();

  // Something has been taken of the source, so that it cannot be sent again.
  bool begun() const { return taken_ > 0; }
  // The body cannot be had, and what has been sent of it is not all.
  bool source_failed() const { return source_failed_; }

 private:
  // False if there is nothing to be written now.
  absl::StatusOr<bool> TakePiece();
  absl::Status CheckLength(bool at_end);
  bool written() const {
    return before_.empty() && piece_.empty() && behind_.empty();
  }

  Stream& stream_;
  BodySource& source_;
  const std::optional<uint64_t> length_;
  uint64_t taken_ = 0;
  bool ended_ = false;  // Nothing more is to be taken.
  bool source_failed_ = false;
  // What is to be written yet, in this order.
  std::string size_line_;
  std::string_view before_;
  std::string_view piece_;
  std::string_view behind_;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP1_BODY_WRITER_H_
