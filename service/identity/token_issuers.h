// TokenIssuers knows the issuers whose JSON Web Tokens callers, or operators,
// may show, and finds out who shows one.
//
//   const TokenIssuers issuers(methods.jwt_issuers(), access, sets, clock);
//   issuers.Use();
//   if (TokenIssuers::HasForm(shown)) return issuers.Authenticate(shown);
//
// What was verified is remembered by the loop (remembered_callers.h) until the
// token expires, a key set changes, or these issuers are no longer those in
// use. Nobody waits for a key set: while it is read, a token is refused as one
// that may be right in a moment.
//
// Thread-safe.

#ifndef SERVICE_IDENTITY_TOKEN_ISSUERS_H_
#define SERVICE_IDENTITY_TOKEN_ISSUERS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/os/clock.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/config/v1/server.pb.h"
#include "service/identity/caller.h"
#include "service/identity/jwt.h"
#include "service/identity/key_sets.h"

namespace gateway {

class TokenIssuers {
 public:
  using Configs =
      google::protobuf::RepeatedPtrField<llmgateway::config::v1::JwtIssuer>;

  // Borrows `sets` and `clock`. `access` has one entry for each issuer.
  // REQUIRES: the configuration has defaults and has passed validation.
  TokenIssuers(const Configs& configs, absl::Span<const KeySetAccess> access,
               KeySets& sets, Clock& clock);

  // Has the key sets read from now on.
  void Use() const;

  // Whether a text looks like a token, and so like no key that is issued here.
  static bool HasForm(std::string_view text);

  // Whom a token stands for. Faults: those of jwt.h; IDENTITY_UNAVAILABLE,
  // saying to ask again in a second, if the issuer's keys are not there yet, or
  // are being read for a key that they do not have.
  absl::StatusOr<CallerRef> Authenticate(std::string_view token) const;

 private:
  struct Issuer {
    JwtRules rules;
    std::string caller_prefix;
    Caller granted;
    KeySetAccess access;
    std::shared_ptr<IssuerKeys> keys;
  };

  // What was remembered under another number is not known here.
  uint64_t Generation() const {
    return (id_ << 32) ^ changes_->load(std::memory_order_acquire);
  }
  absl::StatusOr<std::shared_ptr<const Caller>> Verify(
      std::string_view token) const;
  const Issuer* Find(std::string_view name) const;

  const uint64_t id_;  // Of this object; no other has it.
  KeySets& sets_;
  Clock& clock_;
  const std::shared_ptr<const std::atomic<uint64_t>> changes_;
  std::vector<Issuer> issuers_;  // By name.
};

}  // namespace gateway

#endif  // SERVICE_IDENTITY_TOKEN_ISSUERS_H_
