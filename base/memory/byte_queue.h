// ByteQueue holds bytes on their way: what is put in comes out in the same
// order, in one row of memory. It grows as needed, and an empty queue holds no
// memory at all; blocks come from base/memory/recycler.h.
//
//   std::memcpy(queue.Extend(text.size()), text.data(), text.size());
//   const size_t taken = Write(queue.bytes());
//   queue.Consume(taken);
//
// Thread-compatible.

#ifndef BASE_MEMORY_BYTE_QUEUE_H_
#define BASE_MEMORY_BYTE_QUEUE_H_

#include <cstddef>
#include <string_view>
#include <utility>

#include "base/memory/recycler.h"

namespace gateway {

class ByteQueue {
 public:
  ByteQueue() = default;
  ByteQueue(ByteQueue&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0)),
        begin_(std::exchange(other.begin_, 0)),
        end_(std::exchange(other.end_, 0)) {}
  ByteQueue& operator=(ByteQueue&& other) noexcept {
    Swap(other);
    return *this;
  }
  ~ByteQueue() { Clear(); }

  bool empty() const { return begin_ == end_; }
  size_t size() const { return end_ - begin_; }
  size_t capacity() const { return capacity_; }

  // A view of all bytes, valid until the next change.
  std::string_view bytes() const { return {data_ + begin_, size()}; }

  // Adds `size` bytes and returns where they are to be written.
  char* Extend(size_t size) {
    if (capacity_ - end_ < size) Grow(size);
    char* const added = data_ + end_;
    end_ += size;
    return added;
  }

  void Append(std::string_view bytes);

  // Takes memory for so many bytes to come. REQUIRES: the queue is empty.
  void Reserve(size_t size) { Grow(size); }

  void Swap(ByteQueue& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
  }

  // Removes bytes from the front. REQUIRES: there are as many.
  void Consume(size_t size);

  void Clear() {
    RecycledFree(std::exchange(data_, nullptr), capacity_);
    capacity_ = begin_ = end_ = 0;
  }

 private:
  void Grow(size_t size);

  char* data_ = nullptr;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace gateway

#endif  // BASE_MEMORY_BYTE_QUEUE_H_
