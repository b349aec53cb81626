#include "base/sha256.h"

#include <openssl/sha.h>

namespace gateway {

Sha256Digest Sha256(std::string_view text) {
  Sha256Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         digest.data());
  return digest;
}

}  // namespace gateway
