#include "base/http/input_buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/memory/recycler.h"

namespace gateway {

size_t InputBuffer::capacity() const {
  if (large_) return large_size_;
  return block_ ? Block::capacity() : 0;
}

absl::Span<char> InputBuffer::Space() {
  if (!large_ && !block_) {
    const std::string_view aside = bytes();
    Block block = pool_->Take();
    std::memcpy(block.data(), aside.data(), aside.size());
    block_ = std::move(block);
    begin_ = 0;
    end_ = aside.size();
  }
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (end_ == capacity() && begin_ > 0) {
    std::memmove(data(), data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return SpaceInPlace();
}

void InputBuffer::Grow(size_t size) {
  if (size <= capacity()) return;
  auto larger = std::make_unique_for_overwrite<char[]>(size);
  const std::string_view kept = bytes();
  if (!kept.empty()) std::memcpy(larger.get(), kept.data(), kept.size());
  begin_ = 0;
  end_ = kept.size();
  large_ = std::move(larger);
  large_size_ = size;
  block_ = Block();
}

InputBuffer InputBuffer::Detach() {
  InputBuffer old = std::move(*this);
  *this = InputBuffer(*old.pool_);
  const std::string_view kept = old.bytes();
  if (kept.size() > kBlockBytes) Grow(kept.size());
  if (!kept.empty()) {
    std::memcpy(Space().data(), kept.data(), kept.size());
    Commit(kept.size());
  }
  old.Consume(kept.size());
  return old;
}

void InputBuffer::Release() {
  const std::string_view kept = bytes();
  if (kept.empty()) {
    Clear();
  } else if (block_ && kept.size() <= kAsideBytesMax) {
    std::memcpy(aside_, kept.data(), kept.size());
    block_ = Block();
    begin_ = 0;
    end_ = kept.size();
  }
}

void InputBuffer::Clear() {
  block_ = Block();
  large_.reset();
  large_size_ = 0;
  begin_ = end_ = 0;
}

void GrowingMemory::Grow(size_t size, size_t used) {
  if (size > kHeapBytesMax && GrowMapped(size, used)) return;
  char* const larger = new char[size];
  if (used > 0) std::memcpy(larger, data_, used);
  Clear();
  data_ = larger;
  capacity_ = size;
}

bool GrowingMemory::GrowMapped(size_t size, size_t used) {
  // Generous, since pages that are not written to cost only addresses.
  size = std::max(size, 4 * kHeapBytesMax);
  void* const pages =
      mapped_ > 0 ? mremap(data_, mapped_, size, MREMAP_MAYMOVE)
                  : mmap(nullptr, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return false;
  if (mapped_ == 0) {
    if (used > 0) std::memcpy(pages, data_, used);
    Clear();
  }
  data_ = static_cast<char*>(pages);
  capacity_ = mapped_ = size;
  return true;
}

void GrowingMemory::Clear() {
  if (mapped_ > 0) {
    munmap(data_, mapped_);
  } else {
    delete[] data_;
  }
  data_ = nullptr;
  capacity_ = mapped_ = 0;
}

void BodyAssembler::OnBody(std::string_view piece) {
  const bool in_a_row = bytes_.data() + bytes_.size() == piece.data();
  if (bytes_.empty() && in_place()) {
    bytes_ = piece;
  } else if (in_a_row) {
    bytes_ = {bytes_.data(), bytes_.size() + piece.size()};
  } else {
    absl::Span<char> space = Space(piece.size());
    std::memcpy(space.data(), piece.data(), piece.size());
    bytes_ = {bytes_.data(), bytes_.size() + piece.size()};
  }
}

void BodyAssembler::Reserve(size_t size) {
  if (!in_place()) {
    if (size > own_.capacity()) own_.Grow(size, bytes_.size());
  } else {
    // At least one byte, since memory of its own is told by a pointer that is
    // not null.
    own_.Grow(std::max<size_t>({size, bytes_.size(), 1}), 0);
    if (!bytes_.empty()) {
      std::memcpy(own_.data(), bytes_.data(), bytes_.size());
    }
  }
  bytes_ = {own_.data(), bytes_.size()};
}

absl::Span<char> BodyAssembler::Space(size_t wanted) {
  if (in_place() || own_.capacity() - bytes_.size() < wanted) {
    Reserve(std::max(bytes_.size() + wanted, 2 * own_.capacity()));
  }
  return {own_.data() + bytes_.size(), own_.capacity() - bytes_.size()};
}

void BodyAssembler::Clear() {
  bytes_ = {};
  own_.Clear();
}

const char* KeptBytes::Keep(std::string_view bytes) {
  Clear();
  size_ = bytes.size();
  data_ = static_cast<char*>(RecycledAllocate(size_));
  std::memcpy(data_, bytes.data(), size_);
  return data_;
}

void KeptBytes::Clear() {
  RecycledFree(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

}  // namespace gateway
