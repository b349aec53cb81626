#include "service/audit/redaction/known_secrets.h"

#include <algorithm>
#include <cstring>

namespace gateway {
namespace {

// A number that the first kBytesMin bytes make, well mixed.
uint64_t BeginningOf(const char* bytes) {
  static_assert(KnownSecrets::kBytesMin == sizeof(uint64_t));
  uint64_t number = 0;
  std::memcpy(&number, bytes, sizeof(number));
  number ^= number >> 32;
  number *= 0x9e3779b97f4a7c15;
  return number ^ (number >> 29);
}

}  // namespace

void KnownSecrets::Add(const Secret& secret) {
  const std::string_view bytes = secret.Reveal();
  if (bytes.size() < kBytesMin) return;
  const uint64_t beginning = BeginningOf(bytes.data());
  std::vector<size_t>& same = by_beginning_[beginning];
  const bool is_known = std::any_of(
      same.begin(), same.end(),
      [this, bytes](size_t each) { return secrets_[each].Reveal() == bytes; });
  if (is_known) return;
  same.push_back(secrets_.size());
  secrets_.push_back(secret);
  const size_t bit = beginning % kBits;
  may_begin_[bit / 64] |= uint64_t{1} << (bit % 64);
}

size_t KnownSecrets::LengthAt(std::string_view text, uint64_t beginning) const {
  const auto found = by_beginning_.find(beginning);
  if (found == by_beginning_.end()) return 0;
  size_t longest = 0;
  for (const size_t each : found->second) {
    const std::string_view secret = secrets_[each].Reveal();
    if (secret.size() > longest && text.starts_with(secret)) {
      longest = secret.size();
    }
  }
  return longest;
}

void KnownSecrets::Find(std::string_view text,
                        std::vector<std::pair<size_t, size_t>>* found) const {
  if (empty()) return;
  size_t at = 0;
  while (at + kBytesMin <= text.size()) {
    const uint64_t beginning = BeginningOf(text.data() + at);
    const size_t bit = beginning % kBits;
    size_t length = 0;
    if ((may_begin_[bit / 64] >> (bit % 64) & 1) != 0) {
      length = LengthAt(text.substr(at), beginning);
    }
    if (length != 0) found->emplace_back(at, at + length);
    at += std::max<size_t>(length, 1);
  }
}

}  // namespace gateway
