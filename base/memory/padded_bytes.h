// PaddedBytes collects bytes in one row of memory that is followed by 64
// readable ones, for parsers that look ahead. Empty, it holds no memory; blocks
// come from base/memory/recycler.h.
//
//   arriving.Append(data);
//   const std::string_view body = arriving.bytes();
//
// Thread-compatible.

#ifndef BASE_MEMORY_PADDED_BYTES_H_
#define BASE_MEMORY_PADDED_BYTES_H_

#include <cstddef>
#include <string_view>

#include "base/memory/block_pool.h"

namespace gateway {

class PaddedBytes {
 public:
  PaddedBytes() = default;
  ~PaddedBytes() { Clear(); }

  PaddedBytes(const PaddedBytes&) = delete;
  PaddedBytes& operator=(const PaddedBytes&) = delete;

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  // A view of all bytes, valid until the next change. At least 64 readable
  // bytes follow it, also when it is empty.
  std::string_view bytes() const {
    return {data_ != nullptr ? data_ : kNothing, size_};
  }

  void Append(std::string_view bytes);

  void Clear();

  void Swap(PaddedBytes& other) noexcept;

 private:
  static const char kNothing[kBlockPaddingBytes];

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t allocated_ = 0;
};

}  // namespace gateway

#endif  // BASE_MEMORY_PADDED_BYTES_H_
