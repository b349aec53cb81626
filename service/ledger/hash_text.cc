#include "service/ledger/hash_text.h"

#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "base/sha256.h"

namespace gateway {

std::string HashText(std::string_view text) {
  const Sha256Digest digest = Sha256(text);
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(digest.data()), digest.size()));
}

}  // namespace gateway
