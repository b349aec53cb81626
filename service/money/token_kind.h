// TokenKind is what a token is billed as: each token of a call is of exactly
// one kind. PerTokenKind holds a value for each: a price, a count, an amount.
//
//   PerTokenKind<int64_t> counts;
//   counts[TokenKind::kCacheRead] = 500'000;
//
// Thread contract: PerTokenKind is thread-compatible.

#ifndef SERVICE_MONEY_TOKEN_KIND_H_
#define SERVICE_MONEY_TOKEN_KIND_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gateway {

enum class TokenKind : uint8_t {
  kInput,   // What is none of the other kinds of input.
  kOutput,  // What is none of the other kinds of output.
  kCacheRead,
  kCacheWrite,    // Kept for the provider's default time.
  kCacheWrite1h,  // Kept for an hour.
  kReasoning,
  kAudioInput,
  kAudioOutput,
  kImageInput,  // As far as the provider tells them apart.
  kImageOutput,
};

// All kinds, with their names in lists of prices (price_lines.h).
struct NamedTokenKind {
  TokenKind kind;
  std::string_view name;
};
inline constexpr std::array<NamedTokenKind, 10> kTokenKinds = {{
    {TokenKind::kInput, "in"},
    {TokenKind::kOutput, "out"},
    {TokenKind::kCacheRead, "cached"},
    {TokenKind::kCacheWrite, "write"},
    {TokenKind::kCacheWrite1h, "write_1h"},
    {TokenKind::kReasoning, "reasoning"},
    {TokenKind::kAudioInput, "audio_in"},
    {TokenKind::kAudioOutput, "audio_out"},
    {TokenKind::kImageInput, "image_in"},
    {TokenKind::kImageOutput, "image_out"},
}};

template <typename T>
class PerTokenKind {
 public:
  constexpr T& operator[](TokenKind kind) {
    return values_[static_cast<size_t>(kind)];
  }
  constexpr const T& operator[](TokenKind kind) const {
    return values_[static_cast<size_t>(kind)];
  }

  friend bool operator==(const PerTokenKind&, const PerTokenKind&) = default;

 private:
  std::array<T, kTokenKinds.size()> values_{};
};

}  // namespace gateway

#endif  // SERVICE_MONEY_TOKEN_KIND_H_
