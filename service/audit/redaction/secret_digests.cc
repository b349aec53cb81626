#include "service/audit/redaction/secret_digests.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr uint64_t kPrime = (uint64_t{1} << 61) - 1;
// What stands between two parts of a text.
constexpr std::string_view kSeparators = "/:?&= \t\r\n";

uint64_t Reduced(uint64_t number) {
  return number >= kPrime ? number - kPrime : number;
}

// Of numbers below the prime.
uint64_t TimesModulo(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return Reduced((static_cast<uint64_t>(product) & kPrime) +
                 static_cast<uint64_t>(product >> 61));
}

uint64_t ValueBehind(uint64_t value, uint64_t point, char byte) {
  return Reduced(TimesModulo(value, point) + static_cast<uint8_t>(byte));
}

uint64_t ValueOf(std::string_view text, uint64_t point) {
  uint64_t value = 0;
  for (const char byte : text) value = ValueBehind(value, point, byte);
  return value;
}

}  // namespace

SecretDigests::SecretDigests(Random& random)
    : point_(256 + random.Bits() % (kPrime - 256)),
      salt_(absl::StrCat(absl::Hex(random.Bits(), absl::kZeroPad16),
                         absl::Hex(random.Bits(), absl::kZeroPad16))) {}

Sha256Digest SecretDigests::SaltedDigest(std::string_view text) const {
  // Not left behind in memory.
  const Secret salted(absl::StrCat(salt_, ToAbsl(text)));
  return Sha256(salted.Reveal());
}

void SecretDigests::Add(const Secret& secret) {
  const std::string_view text = secret.Reveal();
  if (text.size() < kBytesMin || text.size() > kBytesMax) return;
  OfLength& same = by_length_[text.size()];
  if (same.power == 0) {
    same.power = 1;
    for (size_t i = 0; i < text.size(); ++i) {
      same.power = TimesModulo(same.power, point_);
    }
  }
  same.by_value[ValueOf(text, point_)] = SaltedDigest(text);
}

void SecretDigests::Find(std::string_view text,
                         std::vector<std::pair<size_t, size_t>>* found) const {
  FindGiven(text, found);
  if (by_length_.empty() || text.size() < by_length_.rbegin()->first) return;
  // Of the text's first bytes, so many.
  std::vector<uint64_t> values(text.size() + 1);
  for (size_t i = 0; i < text.size(); ++i) {
    values[i + 1] = ValueBehind(values[i], point_, text[i]);
  }
  for (const auto& [length, same] : by_length_) {
    for (size_t end = length; end <= text.size(); ++end) {
      const size_t begin = end - length;
      const uint64_t value = Reduced(values[end] + kPrime -
                                     TimesModulo(values[begin], same.power));
      const auto known = same.by_value.find(value);
      if (known == same.by_value.end() ||
          known->second != SaltedDigest(text.substr(begin, length))) {
        continue;
      }
      found->emplace_back(begin, end);
    }
  }
}

bool SecretDigests::IsGiven(std::string_view text) const {
  return text.size() >= kBytesMin && text.size() <= kBytesMax &&
         given_.contains(Sha256(text));
}

void SecretDigests::FindGiven(
    std::string_view text,
    std::vector<std::pair<size_t, size_t>>* found) const {
  if (given_.empty()) return;
  if (IsGiven(text)) {
    found->emplace_back(0, text.size());
    return;
  }
  size_t begin = 0;
  for (size_t parts = 0; parts < kPartsMax && begin < text.size(); ++parts) {
    const size_t end =
        std::min(text.find_first_of(kSeparators, begin), text.size());
    if (IsGiven(text.substr(begin, end - begin))) {
      found->emplace_back(begin, end);
    }
    begin = end + 1;
  }
}

}  // namespace gateway
