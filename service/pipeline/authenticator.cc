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
                             CallerMethods methods)
    : clock_(clock),
      methods_(std::move(methods)),
      required_(!keys.empty() || methods_.AreThere()),
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
    const ShownCredentials& by) const {
  if (!by.repeated.empty()) {
    return InvalidField(by.repeated, "is given twice; give it once");
  }
  if (!required_) return AnonymousCaller();
  CallerMethod form = CallerMethod::kAnonymous;
  absl::StatusOr<CallerRef> caller = Look(by, &form);
  if (methods_.counts != nullptr) Count(caller, form, by);
  return caller;
}

absl::StatusOr<CallerRef> Authenticator::Look(const ShownCredentials& by,
                                              CallerMethod* form) const {
  std::string_view shown = BearerKey(by.authorization);
  if (shown.empty()) shown = by.api_key;
  if (shown.empty()) {
    if (methods_.certificates != nullptr && !by.certificate.empty()) {
      *form = CallerMethod::kCertificate;
      return methods_.certificates->Authenticate(by.certificate);
    }
    return MakeFault(v1::ERROR_REASON_API_KEY_INVALID,
                     "no API key: send `authorization: Bearer <key>`");
  }
  absl::StatusOr<CallerRef> caller = Identify(shown);
  if (caller.ok()) return caller;
  *form = FormOf(shown);
  if (methods_.guesses == nullptr) return caller;
  return Failed(caller.status(), by);
}

CallerMethod Authenticator::FormOf(std::string_view shown) const {
  if (methods_.tokens != nullptr && TokenIssuers::HasForm(shown)) {
    return CallerMethod::kJwt;
  }
  return methods_.issued != nullptr && KeyRegistry::HasForm(shown)
             ? CallerMethod::kIssuedKey
             : CallerMethod::kConfiguredKey;
}

void Authenticator::Count(const absl::StatusOr<CallerRef>& caller,
                          CallerMethod form, const ShownCredentials& by) const {
  if (!by.counts) return;
  if (caller.ok()) {
    methods_.counts->Record((*caller)->method,
                            AuthenticationOutcome::kAccepted);
  } else if (!by.peer.empty()) {
    methods_.counts->Record(form, OutcomeOfFault(caller.status()));
  }
}

absl::Status Authenticator::Failed(absl::Status fault,
                                   const ShownCredentials& by) const {
  if (by.peer.empty() ||
      FaultReason(fault) != v1::ERROR_REASON_API_KEY_INVALID) {
    return fault;
  }
  const absl::Duration wait = by.counts
                                  ? methods_.guesses->RecordFailure(by.peer)
                                  : methods_.guesses->RefusedFor(by.peer);
  return wait > absl::ZeroDuration() ? TooManyGuesses(wait) : fault;
}

absl::StatusOr<CallerRef> Authenticator::Identify(
    std::string_view shown) const {
  if (methods_.tokens != nullptr && TokenIssuers::HasForm(shown)) {
    absl::StatusOr<CallerRef> caller = methods_.tokens->Authenticate(shown);
    // A key may look like a token, though none should.
    if (caller.ok() || Find(shown) == nullptr) return caller;
  }
  const AccessKey* const key = Find(shown);
  if (key == nullptr) {
    return methods_.issued != nullptr && KeyRegistry::HasForm(shown)
               ? methods_.issued->Find(shown)
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
