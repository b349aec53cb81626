// InputBuffer holds the bytes of one connection between the socket and the
// parser: a block of the loop's pool while there are any, nothing otherwise.
// It grows past the block only when asked to, for a head that is larger.
//
//   absl::Span<char> space = input.Space();
//   input.Commit(stream.TryRead(space.data(), space.size()).bytes);
//   input.Consume(*parser.Put(input.bytes(), sink));
//   input.Release();  // Gives the block back if next to nothing is left.
//
// Bytes do not move until Space, Grow or Release is called.
//
// Thread contract: one event loop.

#ifndef BASE_HTTP_INPUT_BUFFER_H_
#define BASE_HTTP_INPUT_BUFFER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/types/span.h"
#include "base/http/http1_codec.h"
#include "base/memory/block_pool.h"

namespace gateway {

class InputBuffer {
 public:
  explicit InputBuffer(BlockPool& pool) : pool_(&pool) {}
  InputBuffer(InputBuffer&& other) noexcept = default;
  InputBuffer& operator=(InputBuffer&& other) noexcept = default;

  // Bytes that were read and not consumed.
  std::string_view bytes() const { return {data() + begin_, end_ - begin_}; }

  // Returns where to read to: all room behind the bytes, which are moved to the
  // front only if there is none. Empty when the buffer is full.
  absl::Span<char> Space();

  // As Space, but never moves the bytes.
  absl::Span<char> SpaceInPlace() {
    if (capacity() == 0) return {};
    return {data() + end_, capacity() - end_};
  }

  void Commit(size_t bytes) { end_ += bytes; }
  void Consume(size_t bytes) { begin_ += bytes; }

  // Makes room for `size` bytes in all. Moves the bytes.
  void Grow(size_t size);

  size_t capacity() const;

  // Moves the bytes to other memory and returns what they were in, so that
  // views into consumed bytes stay valid while more is read.
  InputBuffer Detach();

  // Gives the memory back if no bytes are left, or so few that they can be set
  // aside: a stream of chunks waits behind each with a line end left to read.
  void Release();

  // Forgets the bytes and gives the memory back.
  void Clear();

 private:
  // Less than the head of any message, so that no view points at such bytes.
  static constexpr size_t kAsideBytesMax = 8;

  char* data() { return const_cast<char*>(std::as_const(*this).data()); }
  const char* data() const {
    if (large_) return large_.get();
    return block_ ? block_.data() : aside_;
  }

  BlockPool* pool_;
  Block block_;
  std::unique_ptr<char[]> large_;
  size_t large_size_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  // Holds the bytes while there is no other memory.
  char aside_[kAsideBytesMax] = {};
};

// GrowingMemory is one row of memory that grows as it is written to. Where it
// is large it has pages of its own, which the system moves: then growing copies
// nothing and leaves no holes between others' memory, what has not been written
// to takes none, and all of it goes back to the system when it is let go of.
//
// Thread-compatible.
class GrowingMemory {
 public:
  GrowingMemory() = default;
  GrowingMemory(const GrowingMemory&) = delete;
  GrowingMemory& operator=(const GrowingMemory&) = delete;
  ~GrowingMemory() { Clear(); }

  // Null if nothing is allocated.
  char* data() const { return data_; }
  size_t capacity() const { return capacity_; }

  // Makes room for at least `size` bytes, which may move the first `used`.
  // REQUIRES: used <= capacity() < size.
  void Grow(size_t size, size_t used);
  void Clear();

  // Memory larger than this has pages of its own.
  static constexpr size_t kHeapBytesMax = 128 * 1024;

 private:
  // Returns false if the system has no pages to give.
  bool GrowMapped(size_t size, size_t used);

  char* data_ = nullptr;
  size_t capacity_ = 0;
  size_t mapped_ = 0;  // Bytes of its own pages; 0 if it is on the heap.
};

// BodyAssembler makes one text of the pieces of a body. Pieces that follow
// each other in memory, as those of a body of known length in one buffer do,
// are joined without being copied.
class BodyAssembler final : public Http1BodySink {
 public:
  void OnBody(std::string_view piece) override;

  std::string_view bytes() const { return bytes_; }

  // Bytes of the text, if it is in memory of its own; memory that is reserved
  // and not written to does not count.
  size_t held_bytes() const { return in_place() ? 0 : bytes_.size(); }

  // True if the text lies where its pieces were read, not in memory of its own.
  bool in_place() const { return own_.data() == nullptr; }

  // Moves the view of a text that is in place by `offset`, with its bytes.
  void Move(ptrdiff_t offset) {
    if (!bytes_.empty()) bytes_ = {bytes_.data() + offset, bytes_.size()};
  }

  // Makes the text be put together in memory of its own, with room for `size`
  // bytes to begin with.
  void Reserve(size_t size);

  // As Reserve, for a body that is announced to have `length` bytes. Up to
  // kClaimedBytesMax there is room at once; the rest of a larger one gets it as
  // it comes, so that an announcement alone costs little.
  void ReserveClaimed(uint64_t length) {
    Reserve(std::min(length, kClaimedBytesMax));
  }
  static constexpr uint64_t kClaimedBytesMax = 1024 * 1024;

  // Returns where the next piece may be read to, so that it need not be copied:
  // at least `wanted` bytes. REQUIRES: Reserve was called.
  absl::Span<char> Space(size_t wanted);

  void Clear();

 private:
  std::string_view bytes_;
  GrowingMemory own_;  // Not allocated while the text is in place.
};

// A copy of some bytes in memory of just their size: for what must be kept
// while a block would be mostly empty.
class KeptBytes {
 public:
  KeptBytes() = default;
  KeptBytes(const KeptBytes&) = delete;
  KeptBytes& operator=(const KeptBytes&) = delete;
  ~KeptBytes() { Clear(); }

  // Copies `bytes` and returns where the copy is.
  const char* Keep(std::string_view bytes);
  void Clear();

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace gateway

#endif  // BASE_HTTP_INPUT_BUFFER_H_
