#include "base/memory/byte_queue.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/memory/recycler.h"

namespace gateway {
namespace {

constexpr size_t kSmallestBytes = 256;

// What comes at once and is larger gets room for just that.
constexpr size_t kRoundedBytesMax = 1024 * 1024;

}  // namespace

void ByteQueue::Append(std::string_view bytes) {
  if (bytes.empty()) return;
  std::memcpy(Extend(bytes.size()), bytes.data(), bytes.size());
}

void ByteQueue::Consume(size_t size) {
  assert(size <= this->size());
  begin_ += size;
  if (empty()) Clear();
}

void ByteQueue::Grow(size_t size) {
  const size_t wanted = this->size() + size;
  if (wanted <= capacity_ / 2) {
    std::memmove(data_, data_ + begin_, this->size());
  } else {
    size_t capacity = std::max(2 * capacity_, kSmallestBytes);
    if (wanted > kRoundedBytesMax) capacity = std::max(capacity, wanted);
    while (capacity < wanted) capacity *= 2;
    char* const data = static_cast<char*>(RecycledAllocate(capacity));
    if (!empty()) std::memcpy(data, data_ + begin_, this->size());
    RecycledFree(data_, capacity_);
    data_ = data;
    capacity_ = capacity;
  }
  end_ -= begin_;
  begin_ = 0;
}

}  // namespace gateway
