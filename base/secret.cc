#include "base/secret.h"

#include <string.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace gateway {

Secret::Secret(std::string_view bytes)
    : bytes_(bytes.empty() ? nullptr : new char[bytes.size()]),
      size_(bytes.size()) {
  if (size_ != 0) memcpy(bytes_.get(), bytes.data(), size_);
}

Secret::Secret(const Secret& other) : Secret(other.Reveal()) {}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) *this = Secret(other);
  return *this;
}

Secret::Secret(Secret&& other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Wipe();
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret::~Secret() { Wipe(); }

bool Secret::Equals(std::string_view guess) const {
  if (guess.size() != size_) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < size_; ++i) {
    difference |= static_cast<unsigned char>(bytes_[i] ^ guess[i]);
    // Keeps the compiler from leaving the loop at the first difference.
    asm volatile("" : "+r"(difference));
  }
  return difference == 0;
}

void Secret::Wipe() noexcept {
  // Unlike memset, this one is never optimised away.
  if (size_ != 0) explicit_bzero(bytes_.get(), size_);
  size_ = 0;
}

}  // namespace gateway
