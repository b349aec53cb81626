// Http1Chunks takes the chunks off a body (RFC 9112 §7.1), in place.
//
//   Http1Chunks chunks(body_bytes_limit);
//   GATEWAY_ASSIGN_OR_RETURN(size_t used, chunks.Put(bytes, body));
//   if (chunks.done()) ...
//
// Trailers are read, so that one knows where they end, and forgotten: nobody
// asked for them, and what they say of the body came too late.
//
// Thread contract: one thread.

#ifndef BASE_HTTP_HTTP1_CHUNKS_H_
#define BASE_HTTP_HTTP1_CHUNKS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gateway {

// Receives the pieces of a body, in order.
class Http1BodySink {
 public:
  virtual void OnBody(std::string_view piece) = 0;

 protected:
  ~Http1BodySink() = default;
};

class Http1Chunks {
 public:
  // The most bytes of framing - sizes, extensions, trailers -: so many, and so
  // many more for each byte of the body. More is sent only to keep a reader
  // busy.
  static constexpr uint64_t kFramingBytesFree = 16 * 1024;
  static constexpr uint64_t kFramingBytesPerByte = 8;

  explicit Http1Chunks(uint64_t body_bytes_limit)
      : body_bytes_limit_(body_bytes_limit) {}

  // Reads what it can: data as it comes, a line of the framing once it is
  // whole. Returns how many bytes it is done with; the rest must be put again
  // with more behind it. Errors: INVALID_ARGUMENT for what are no chunks,
  // OUT_OF_RANGE for a body over its limit. There is no reading on after one.
  absl::StatusOr<size_t> Put(std::string_view bytes, Http1BodySink& body);

  // True when the last line of the chunks has been read.
  bool done() const { return next_ == Next::kNothing; }

  // Prepares for the next body.
  void Reset();

 private:
  enum class Next { kSize, kData, kDataEnd, kTrailer, kNothing };

  // Takes off the next chunk if it is as nearly all are: all there, and nothing
  // beside its size. Returns false, and takes nothing, if it is another.
  bool TakeOrdinaryChunk(std::string_view* bytes, Http1BodySink& body);
  // Each removes what it has read from `bytes`, and returns false if more must
  // come first.
  absl::StatusOr<bool> Step(std::string_view* bytes, Http1BodySink& body);
  absl::StatusOr<bool> TakeSize(std::string_view* bytes);
  bool TakeData(std::string_view* bytes, Http1BodySink& body);
  absl::StatusOr<bool> TakeDataEnd(std::string_view* bytes);
  absl::StatusOr<bool> TakeTrailer(std::string_view* bytes);

  const uint64_t body_bytes_limit_;
  Next next_ = Next::kSize;
  uint64_t left_ = 0;     // Bytes of the current chunk that are still to come.
  uint64_t payload_ = 0;  // Bytes of all chunks so far, by their sizes.
  uint64_t framing_ = 0;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP1_CHUNKS_H_
