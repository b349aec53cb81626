// Http2Output collects what one turn of the loop has to say on a connection,
// in blocks of the loop's pool, to be written with one system call.
//
//   output.Append(frame);
//   if (!output.full()) ...
//   iovec pieces[Http2Output::kBlocksMax];
//   const IoResult wrote = stream.TryWrite(pieces, output.Pieces(pieces));
//   output.Consume(wrote.bytes);
//
// Empty, it holds no memory.
//
// Thread contract: one event loop.

#ifndef BASE_HTTP_HTTP2_OUTPUT_H_
#define BASE_HTTP_HTTP2_OUTPUT_H_

#include <sys/uio.h>

#include <cstddef>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "base/memory/block_pool.h"

namespace gateway {

class Http2Output {
 public:
  // How much may be collected before it has to be written. A frame that is
  // begun below this is taken whole.
  static constexpr size_t kBytesMax = 4 * kBlockBytes;
  static constexpr size_t kBlocksMax = 12;

  explicit Http2Output(BlockPool& pool) : pool_(pool) {}

  bool empty() const { return size_ == 0; }
  bool full() const { return size_ >= kBytesMax; }
  size_t size() const { return size_; }

  // REQUIRES: !full(), and at most kBytesMax at once.
  void Append(std::string_view bytes);

  // Fills in `pieces`, which point at the bytes, and returns how many there
  // are.
  size_t Pieces(iovec* pieces) const;

  // Removes bytes from the front.
  void Consume(size_t bytes);

  void Clear();

 private:
  BlockPool& pool_;
  absl::InlinedVector<Block, 1> blocks_;
  size_t begin_ = 0;  // Offset in the first block.
  size_t end_ = 0;    // Offset in the last block.
  size_t size_ = 0;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_OUTPUT_H_
