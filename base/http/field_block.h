// FieldBlock keeps the fields of a head or of trailers while they are
// collected or wait to be sent, in one row of memory.
//
//   block.Add("grpc-status", "0");
//   FieldViews views;
//   Send(block.View(views));
//
// Thread-compatible.

#ifndef BASE_HTTP_FIELD_BLOCK_H_
#define BASE_HTTP_FIELD_BLOCK_H_

#include <cstddef>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "base/http/http1_codec.h"
#include "base/memory/byte_queue.h"

namespace gateway {

using FieldViews = absl::InlinedVector<HttpField, 24>;

class FieldBlock {
 public:
  void Add(std::string_view name, std::string_view value);
  // Appends all fields of `other`.
  void Append(const FieldBlock& other);

  // All names and values in one row, for a search: each stands there whole, and
  // what stands between them means nothing.
  std::string_view row() const { return queue_.bytes(); }

  bool empty() const { return queue_.empty(); }
  size_t bytes() const { return queue_.size(); }

  // Returns the fields in the order they were added. They lie in `views` and
  // point into the block; valid until it is changed.
  absl::Span<const HttpField> View(FieldViews& views) const;

  void Clear() { queue_.Clear(); }

 private:
  ByteQueue queue_;  // Each field as its two lengths, its name, its value.
};

}  // namespace gateway

#endif  // BASE_HTTP_FIELD_BLOCK_H_
