#include "service/identity/issued_key.h"

#include <openssl/crypto.h>
#include <zlib.h>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";

constexpr size_t kCheckBytes = 6;
// 62^43 is more than 2^256.
constexpr size_t kRandomBytes = kIssuedKeySecretBytes - kCheckBytes;
static_assert(kRandomBytes == 43);

// Appends so many characters, each as likely as every other.
void AppendRandom(std::string_view alphabet, size_t count, Random& random,
                  std::string* out) {
  constexpr uint64_t kSix = 63;
  while (count > 0) {
    uint64_t bits = random.Bits();
    for (int left = 10; left > 0 && count > 0; --left, bits >>= 6) {
      // Six bits that name no character are drawn again; a remainder would make
      // some characters likelier.
      const uint64_t index = alphabet.size() == 32 ? bits & 31 : bits & kSix;
      if (index >= alphabet.size()) continue;
      out->push_back(alphabet[index]);
      --count;
    }
  }
}

std::string CheckOf(std::string_view text) {
  uint64_t crc = crc32(0, reinterpret_cast<const Bytef*>(text.data()),
                       static_cast<uInt>(text.size()));
  std::string check(kCheckBytes, '0');
  for (size_t i = kCheckBytes; i-- > 0; crc /= 62) check[i] = kBase62[crc % 62];
  return check;
}

bool IsOf(std::string_view alphabet, std::string_view text) {
  return text.find_first_not_of(alphabet) == std::string_view::npos;
}

// Whether the digest is the one that is kept; of none it is compared with one
// that nothing has.
bool IsKept(const Sha256Digest& digest, const Sha256Digest* kept) {
  static constexpr Sha256Digest kNone = {};
  const Sha256Digest& other = kept == nullptr ? kNone : *kept;
  const bool same =
      CRYPTO_memcmp(digest.data(), other.data(), digest.size()) == 0;
  return same & (kept != nullptr);
}

}  // namespace

NewIssuedKey MakeIssuedKey(Random& random) {
  std::string id;
  AppendRandom(kBase32, kIssuedKeyIdBytes, random, &id);
  return MakeIssuedKeyOf(id, random);
}

NewIssuedKey MakeIssuedKeyOf(std::string_view id, Random& random) {
  assert(id.size() == kIssuedKeyIdBytes && IsOf(kBase32, id));
  std::string text;
  // So that growing leaves no copy of the secret behind.
  text.reserve(kIssuedKeyBytes);
  absl::StrAppend(&text, ToAbsl(kIssuedKeyPrefix), ToAbsl(id), "_");
  const size_t begin = text.size();
  AppendRandom(kBase62, kRandomBytes, random, &text);
  text += CheckOf(text);
  const std::string_view secret = std::string_view(text).substr(begin);
  NewIssuedKey key = {std::string(id), Secret(text), DigestOfIssuedKey(secret)};
  OPENSSL_cleanse(text.data(), text.size());
  return key;
}

std::string IssuedKeyIdFor(std::string_view request_id) {
  const Sha256Digest digest =
      Sha256(absl::StrCat("llmgw key for request ", ToAbsl(request_id)));
  std::string id;
  for (size_t i = 0; i < kIssuedKeyIdBytes; ++i) {
    id.push_back(kBase32[digest[i] % kBase32.size()]);
  }
  return id;
}

std::optional<ShownIssuedKey> ParseIssuedKey(std::string_view text) {
  if (text.size() != kIssuedKeyBytes || !text.starts_with(kIssuedKeyPrefix)) {
    return std::nullopt;
  }
  const std::string_view id =
      text.substr(kIssuedKeyPrefix.size(), kIssuedKeyIdBytes);
  const std::string_view secret =
      text.substr(kIssuedKeyBytes - kIssuedKeySecretBytes);
  if (text[kIssuedKeyPrefix.size() + kIssuedKeyIdBytes] != '_' ||
      !IsOf(kBase32, id) || !IsOf(kBase62, secret) ||
      secret.substr(kRandomBytes) !=
          CheckOf(text.substr(0, kIssuedKeyBytes - kCheckBytes))) {
    return std::nullopt;
  }
  return ShownIssuedKey{id, secret};
}

Sha256Digest DigestOfIssuedKey(std::string_view secret) {
  return Sha256(secret);
}

bool IsIssuedKey(const ShownIssuedKey& shown, const Sha256Digest* current,
                 const Sha256Digest* previous) {
  const Sha256Digest digest = DigestOfIssuedKey(shown.secret);
  const bool is_current = IsKept(digest, current);
  const bool is_previous = IsKept(digest, previous);
  return is_current | is_previous;
}

}  // namespace gateway
