#include "service/ledger/hash_text.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/sha256.h"
#include "base/text/hex.h"

namespace gateway {

std::string HashText(std::string_view text) {
  const Sha256Digest digest = Sha256(text);
  std::string hash(kHashTextBytes, '\0');
  char* out = hash.data();
  for (size_t i = 0; i < digest.size(); i += sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, digest.data() + i, sizeof(word));
    out = WriteHex(__builtin_bswap64(word), out);
  }
  return hash;
}

}  // namespace gateway
