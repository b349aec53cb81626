// BlockPool lends the memory that sockets are read into. A connection borrows
// a block when bytes have arrived and gives it back when they are dealt with,
// so an idle connection holds none, and the block that is lent next is the one
// that is warm in the cache.
//
//   Block block = loop.blocks().Take();
//   ssize_t n = stream.TryRead(block.data(), block.capacity());
//
// Thread contract: a pool and its blocks belong to one event loop.

#ifndef BASE_MEMORY_BLOCK_POOL_H_
#define BASE_MEMORY_BLOCK_POOL_H_

#include <cstddef>
#include <utility>
#include <vector>

namespace gateway {

inline constexpr size_t kBlockBytes = 16 * 1024;

class BlockPool;

// Borrowed memory; returns to its pool at the end of its life.
class Block {
 public:
  Block() = default;
  Block(Block&& other) noexcept
      : pool_(other.pool_), data_(std::exchange(other.data_, nullptr)) {}
  Block& operator=(Block&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~Block();

  char* data() const { return data_; }
  static constexpr size_t capacity() { return kBlockBytes; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  friend class BlockPool;
  Block(BlockPool* pool, char* data) : pool_(pool), data_(data) {}

  BlockPool* pool_ = nullptr;
  char* data_ = nullptr;
};

class BlockPool {
 public:
  // Keeps at most `kept_blocks_max` blocks that nobody uses.
  explicit BlockPool(size_t kept_blocks_max) : kept_max_(kept_blocks_max) {}
  ~BlockPool();

  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  Block Take();

  // Counts the blocks that are lent out now.
  size_t lent() const { return lent_; }

 private:
  friend class Block;
  void GiveBack(char* data);

  const size_t kept_max_;
  size_t lent_ = 0;
  std::vector<char*> kept_;
};

inline Block::~Block() {
  if (data_ != nullptr) pool_->GiveBack(data_);
}

}  // namespace gateway

#endif  // BASE_MEMORY_BLOCK_POOL_H_
