// Authenticator knows the keys that callers, or operators, may show, and what
// else they may show instead (caller_methods.h). Without any it lets everybody
// in.
//
//   const Authenticator callers(config.caller_keys(), SystemClock());
//   GATEWAY_ASSIGN_OR_RETURN(const CallerRef caller,
//                            callers.Authenticate("Bearer sk-...", ""));
//
// Keys that operators have issued it looks up in a KeyRegistry, if it is given
// one; a key of the configuration that looks like one of those goes first.
//
// Thread contract: immutable, shared by all loops.

#ifndef SERVICE_PIPELINE_AUTHENTICATOR_H_
#define SERVICE_PIPELINE_AUTHENTICATOR_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "base/os/clock.h"
#include "base/sha256.h"
#include "service/config/snapshot.h"
#include "service/identity/caller.h"
#include "service/pipeline/caller_methods.h"

namespace gateway {

// What a caller shows of itself: views, empty if absent.
struct ShownCredentials {
  std::string_view authorization;
  std::string_view api_key;
  // The names of its verified certificate (Stream::peer_names).
  std::string_view certificate = {};
  // Where it comes from (CallFacts::peer), for the limit of guesses; empty if
  // what is wrong is looked at again, and counts then.
  std::string_view peer = {};
  // False if what is shown was looked at before, and so counted.
  bool counts = true;
  // The name of a credential's field that is there several times, of which a
  // proxy on the way may have checked another than is read here; empty if none
  // is.
  std::string_view repeated = {};
};

class Authenticator {
 public:
  // Borrows both references.
  Authenticator(const std::vector<ConfigSnapshot::AccessKey>& keys,
                Clock& clock, CallerMethods methods = {});

  // Whether callers must show who they are.
  bool required() const { return required_; }

  // Whom the key that is shown stands for; AnonymousCaller() if no keys are
  // asked for. Borrowed from the keys, or shared. `authorization` is the
  // header's value, `Bearer <key>`; `api_key` that of `x-api-key`, which counts
  // if the other shows no key. API_KEY_EXPIRED and API_KEY_DISABLED for keys
  // that are right and no good, API_KEY_INVALID otherwise.
  absl::StatusOr<CallerRef> Authenticate(std::string_view authorization,
                                         std::string_view api_key) const {
    return Authenticate(ShownCredentials{authorization, api_key});
  }

  // The same with whatever may be shown: in place of a key a token, with the
  // faults of TokenIssuers; and, if neither is shown, a certificate. After too
  // many wrong ones from one network RATE_LIMITED takes the place of
  // API_KEY_INVALID. INVALID_REQUEST, also where no keys are asked for, if a
  // field is repeated; nothing is looked up or counted then.
  absl::StatusOr<CallerRef> Authenticate(const ShownCredentials& by) const;

 private:
  using AccessKey = ConfigSnapshot::AccessKey;

  // Whom the one that counts stands for; if it is no good, of what form it is.
  absl::StatusOr<CallerRef> Look(const ShownCredentials& by,
                                 CallerMethod* form) const;
  absl::StatusOr<CallerRef> Identify(std::string_view shown) const;
  // What a key or token looks like.
  CallerMethod FormOf(std::string_view shown) const;
  void Count(const absl::StatusOr<CallerRef>& caller, CallerMethod form,
             const ShownCredentials& by) const;
  // What is told of a credential that is no good.
  absl::Status Failed(absl::Status fault, const ShownCredentials& by) const;
  // Null if there is no such key.
  const AccessKey* Find(std::string_view shown) const;
  size_t KeyHash(std::string_view key) const;

  Clock& clock_;
  const CallerMethods methods_;
  const bool required_;
  const uint64_t seed_;
  // By a keyed hash of the key: how long a look-up takes tells nothing of how
  // much of a guess is right.
  absl::flat_hash_map<size_t, std::vector<const AccessKey*>> keys_;
  // Those of which only the digest is known. Nobody can choose a guess by its
  // digest, so that comparing digests tells nothing either.
  absl::flat_hash_map<Sha256Digest, const AccessKey*> digests_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_AUTHENTICATOR_H_
