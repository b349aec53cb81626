#include "base/memory/padded_bytes.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/memory/recycler.h"

namespace gateway {

const char PaddedBytes::kNothing[kBlockPaddingBytes] = {};

void PaddedBytes::Append(std::string_view bytes) {
  if (bytes.empty()) return;
  const size_t wanted = size_ + bytes.size() + kBlockPaddingBytes;
  if (wanted > allocated_) {
    const size_t allocated = std::max(wanted, 2 * allocated_);
    char* const data = static_cast<char*>(RecycledAllocate(allocated));
    if (size_ > 0) std::memcpy(data, data_, size_);
    RecycledFree(data_, allocated_);
    data_ = data;
    allocated_ = allocated;
  }
  std::memcpy(data_ + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
  std::memset(data_ + size_, 0, kBlockPaddingBytes);
}

void PaddedBytes::Clear() {
  RecycledFree(data_, allocated_);
  data_ = nullptr;
  size_ = allocated_ = 0;
}

void PaddedBytes::Swap(PaddedBytes& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(allocated_, other.allocated_);
}

}  // namespace gateway
