// Whatever the bytes, a key set is read within them, has a key if it is one,
// and its keys refuse what they have not signed.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/identity/json_web_key_set.h"
#include "service/identity/jws_key.h"
#include "tests/testing/exact_copy.h"

namespace gateway {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void TryKeySet(std::string_view text) {
  const ExactCopy copy(text);
  const absl::StatusOr<JsonWebKeySet> set = JsonWebKeySet::Parse(copy.view());
  if (!set.ok()) {
    Require(set.status().code() == absl::StatusCode::kInvalidArgument);
    return;
  }
  Require(set->size() > 0);
  Require(set->size() + set->skipped().size() <= kKeySetKeysMax);
  for (const JwsAlgorithm algorithm :
       {JwsAlgorithm::kRs256, JwsAlgorithm::kEs256, JwsAlgorithm::kEdDsa}) {
    const JwsKey* const key = set->Find(algorithm, std::nullopt);
    if (key == nullptr) continue;
    Require(key->algorithm() == algorithm);
    for (const size_t size : {0, 64, 256}) {
      Require(!key->Verifies("text", std::string(size, '\x01')));
    }
  }
}

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gateway::TryKeySet(
      std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
