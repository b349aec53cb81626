#include "service/config/process_digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace gateway {

std::string KeyedHex(std::string_view text) {
  static const auto& key = *[] {
    auto* drawn = new std::array<unsigned char, 32>;
    // Aborts without randomness, without which TLS is not safe either.
    if (RAND_bytes(drawn->data(), drawn->size()) != 1) abort();
    return drawn;
  }();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), key.size(),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       digest.data(), &size);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

}  // namespace gateway
