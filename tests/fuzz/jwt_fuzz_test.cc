// Whatever the bytes, a token is taken apart within them, none is accepted but
// those that were signed, and claims that are accepted say what they must.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "service/identity/json_web_key_set.h"
#include "service/identity/jws.h"
#include "service/identity/jwt.h"
#include "tests/service/identity/rfc_vectors.h"
#include "tests/testing/exact_copy.h"

namespace gateway {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

const JsonWebKeySet& Keys() {
  static const JsonWebKeySet& keys =
      *new JsonWebKeySet(*JsonWebKeySet::Parse(kRfcKeySet));
  return keys;
}

JwtRules Rules() {
  JwtRules rules;
  rules.issuer = "joe";
  rules.audiences = {"a"};
  rules.caller_claim = "kubernetes.io/namespace";
  rules.owner_claim = "sub";
  return rules;
}

// Only what the RFCs have signed verifies.
void TryToken(std::string_view text) {
  const ExactCopy copy(text);
  const Jwt token = ReadJwt(copy.view());
  const JwtVerdict verdict =
      VerifyJwt(token, Rules(), Keys(), absl::FromUnixSeconds(kRfcExpires));
  // None of them names a caller.
  Require(!verdict.fault.ok());
  if (verdict.problem >= JwtProblem::kExpired) {
    Require(text == kRfcRs256 || text == kRfcEs256);
  } else {
    Require(verdict.fault.message() == "the token is not accepted");
  }
  if (token.problem == JwtProblem::kNone) {
    Require(token.jws.signed_text.data() == copy.view().data());
    Require(token.jws.signed_text.size() < text.size());
  }
}

void TryClaims(std::string_view text) {
  const ExactCopy copy(text);
  const JwtVerdict verdict = ReadVerifiedClaims(
      copy.view(), Rules(), absl::FromUnixSeconds(kRfcExpires));
  if (!verdict.fault.ok()) {
    Require(verdict.problem != JwtProblem::kNone);
    const v1::ErrorReason reason = FaultReason(verdict.fault);
    Require(reason == v1::ERROR_REASON_API_KEY_INVALID ||
            reason == v1::ERROR_REASON_API_KEY_EXPIRED);
    return;
  }
  Require(verdict.problem == JwtProblem::kNone);
  Require(!verdict.token.caller.empty());
  Require(verdict.token.caller.size() <= kClaimedNameBytesMax);
  Require(verdict.token.owner.size() <= kClaimedNameBytesMax);
  Require(verdict.token.expire_time > absl::FromUnixSeconds(kRfcExpires));
  Require(verdict.token.claims == text);
}

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  gateway::TryToken(text);
  gateway::TryClaims(text);
  return 0;
}
