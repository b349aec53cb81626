#include "service/pipeline/authenticator.h"

#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "base/os/random.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/identity/key_fault.h"

namespace gateway {
namespace {

// The key in `Bearer <key>`, or empty.
std::string_view BearerKey(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!absl::StartsWithIgnoreCase(ToAbsl(authorization), ToAbsl(kScheme))) {
    return {};
  }
  authorization.remove_prefix(kScheme.size());
  return ToStd(absl::StripAsciiWhitespace(ToAbsl(authorization)));
}

}  // namespace

Authenticator::Authenticator(const std::vector<AccessKey>& keys, Clock& clock,
                             const KeyRegistry* issued)
    : clock_(clock),
      issued_(issued),
      required_(!keys.empty() || issued != nullptr),
      seed_(SystemRandom().Bits()) {
  for (const AccessKey& key : keys) {
    if (key.key.has_value()) {
      keys_[KeyHash(key.key->Reveal())].push_back(&key);
    } else {
      digests_.emplace(key.digest, &key);
    }
  }
}

absl::StatusOr<CallerRef> Authenticator::Authenticate(
    std::string_view authorization, std::string_view api_key) const {
  if (!required_) return AnonymousCaller();
  std::string_view shown = BearerKey(authorization);
  if (shown.empty()) shown = api_key;
  if (shown.empty()) {
    return MakeFault(v1::ERROR_REASON_API_KEY_INVALID,
                     "no API key: send `authorization: Bearer <key>`");
  }
  const AccessKey* const key = Find(shown);
  if (key == nullptr) {
    return issued_ != nullptr && KeyRegistry::HasForm(shown)
               ? issued_->Find(shown)
               : UnknownKey();
  }
  if (key->disabled) {
    return KeyIsNoGood(v1::ERROR_REASON_API_KEY_DISABLED, key->caller,
                       "is disabled");
  }
  // The clock is read for keys that expire only.
  const absl::Time expire_time = key->caller.expire_time;
  if (expire_time != absl::InfiniteFuture() &&
      clock_.WallTime() >= expire_time) {
    return KeyIsNoGood(v1::ERROR_REASON_API_KEY_EXPIRED, key->caller,
                       "has expired");
  }
  return Borrow(key->caller);
}

const ConfigSnapshot::AccessKey* Authenticator::Find(
    std::string_view shown) const {
  const auto found = keys_.find(KeyHash(shown));
  if (found != keys_.end()) {
    for (const AccessKey* key : found->second) {
      if (key->key->Equals(shown)) return key;
    }
  }
  if (digests_.empty()) return nullptr;
  const auto digest = digests_.find(Sha256(shown));
  return digest == digests_.end() ? nullptr : digest->second;
}

// With a seed of this process: absl's is the same in every process of a build,
// and keys could be chosen that collide.
size_t Authenticator::KeyHash(std::string_view key) const {
  return absl::Hash<std::pair<uint64_t, std::string_view>>()({seed_, key});
}

}  // namespace gateway
