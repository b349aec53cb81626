// ShortText is a text that is seldom long: a name or an id. Up to
// kShortTextBytes of it lie in the object itself, so that it costs no
// allocation, and the object moves with what it is a part of.
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
    bytes_.assign(text.begin(), text.end());
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
