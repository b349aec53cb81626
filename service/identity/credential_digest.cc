#include "service/identity/credential_digest.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/text/byte_words.h"

namespace gateway {
namespace {

__extension__ using Wide = unsigned __int128;

// Two words of a text.
constexpr size_t kPairBytes = 2 * sizeof(uint64_t);

struct Sums {
  // Adds a pair of words, with the keys at its place.
  void Add(uint64_t low, uint64_t high, const uint64_t* keys) {
    first += Wide{low + keys[0]} * (high + keys[1]);
    second += Wide{low + keys[2]} * (high + keys[3]);
  }

  Wide first = 0;
  Wide second = 0;
};

}  // namespace

CredentialDigester::CredentialDigester(Random& random) {
  for (uint64_t& key : keys_) key = random.Bits();
}

CredentialDigest CredentialDigester::DigestOf(
    std::string_view credential) const {
  const size_t size = credential.size();
  if (size > kDigestedBytesMax) return {};
  const char* at = credential.data();
  const uint64_t* keys = keys_.data();
  Sums sums;
  size_t left = size;
  for (; left >= kPairBytes; left -= kPairBytes) {
    sums.Add(LoadWord(at), LoadWord(at + sizeof(uint64_t)), keys);
    at += kPairBytes;
    keys += 2;
  }
  if (left > 0) {
    // Zeros behind the end are told from those of a longer text by its length.
    char rest[kPairBytes] = {};
    memcpy(rest, at, left);
    sums.Add(LoadWord(rest), LoadWord(rest + sizeof(uint64_t)), keys);
  }
  return {{static_cast<uint64_t>(sums.first),
           static_cast<uint64_t>(sums.first >> 64),
           static_cast<uint64_t>(sums.second),
           static_cast<uint64_t>(sums.second >> 64)},
          size};
}

}  // namespace gateway
