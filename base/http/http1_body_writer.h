// Http1BodyWriter sends a request over HTTP/1.1, as fast as the connection
// takes it: first what is in memory - the head, and mostly the body too - and
// then the body from its source, if it has one: chunked, unless the source
// knows its length. It takes a piece when the last one has been written, and
// never waits itself.
//
//   Http1BodyWriter writer(stream, pieces, source);
//   for (;;) {
//     GATEWAY_CO_ASSIGN_OR_RETURN(const auto state, writer.Advance());
//     if (state == Http1BodyWriter::State::kSent) break;
//     co_await wake_up.Wait();  // The source's, and the stream's observer's.
//   }
//
// Thread contract: one event loop.

#ifndef BASE_HTTP_HTTP1_BODY_WRITER_H_
#define BASE_HTTP_HTTP1_BODY_WRITER_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/http/body_source.h"
#include "base/net/stream.h"

namespace gateway {

// Appends the field of a head that says how a body ends: Content-Length if
// `length` is known, Transfer-Encoding otherwise.
void AppendBodyFraming(std::optional<uint64_t> length, std::string* out);

class Http1BodyWriter {
 public:
  enum class State { kAwaitsSource, kAwaitsServer, kSent };

  // Borrows all of it, and changes the array `pieces`. `source` is null if the
  // pieces are the whole request.
  Http1BodyWriter(Stream& stream, absl::Span<iovec> pieces, BodySource* source)
      : stream_(stream),
        source_(source),
        ended_(source == nullptr),
        unwritten_(pieces) {
    if (source != nullptr) length_ = source->length();
  }

  // Takes and writes what can be done without waiting. Errors: the source's
  // (see source_failed), INTERNAL if the body has another length than it said;
  // the stream's.
  absl::StatusOr<State> Advance();

  // True once something has been taken of the source, so that the request
  // cannot be sent again.
  bool begun() const { return taken_ > 0; }
  // True if the source failed, so that what has been sent of the body is not
  // all.
  bool source_failed() const { return source_failed_; }

 private:
  // Takes the next piece of the source. Returns false if there is none to be
  // written now.
  absl::StatusOr<bool> TakePiece();
  absl::Status CheckLength(bool at_end);
  // Removes from the front of `unwritten_` what has been written of it, and
  // pieces without bytes.
  void Consume(size_t bytes);

  Stream& stream_;
  BodySource* const source_;
  std::optional<uint64_t> length_;  // The source's, if known.
  uint64_t taken_ = 0;
  bool ended_;  // The source has nothing more.
  bool source_failed_ = false;
  absl::Span<iovec> unwritten_;
  // A chunk's head, the chunk and the end of its line.
  iovec chunk_[3];
  std::string size_line_;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP1_BODY_WRITER_H_
