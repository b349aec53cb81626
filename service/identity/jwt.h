// JSON Web Tokens (RFC 7519, with what RFC 8725 advises) that callers show.
//
//   const Jwt token = ReadJwt(text);
//   const Issuer* issuer = FindIssuer(token.issuer);   // Not proven yet.
//   if (issuer == nullptr) return RefuseJwt(JwtProblem::kUnknownIssuer);
//   const JwtVerdict verdict =
//       VerifyJwt(token, issuer->rules, issuer->keys, clock.WallTime());
//   if (!verdict.fault.ok()) return verdict.fault;
//   Use(verdict.token.caller);
//
// The signature is verified first; before it is right, a caller is told that
// its token is not accepted and nothing else, whatever is wrong with it.
// Afterwards it is told which claim is wrong. What JwtVerdict has for metrics
// and the log is not for callers.
//
// Thread-safe: plain functions. To verify takes some 30 to 100 us
// (service/identity/remembered_callers.h).

#ifndef SERVICE_IDENTITY_JWT_H_
#define SERVICE_IDENTITY_JWT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/identity/json_web_key_set.h"
#include "service/identity/jws.h"
#include "service/identity/scopes.h"

namespace gateway {

// The longest name of a caller or owner that a token may tell.
inline constexpr size_t kClaimedNameBytesMax = 256;

// Why a token is refused, in the order in which it is found out.
enum class JwtProblem : uint8_t {
  kNone,
  kMalformed,       // No JSON Web Token.
  kUnsupported,     // One of a kind that is not accepted, such as `alg: none`.
  kUnknownIssuer,   // There are no rules for who says to have issued it.
  kUnknownKey,      // The key set has none that it may be signed with.
  kWrongSignature,  // It is signed with another key, or was changed.
  // Only these are told to the caller, since its signature is right.
  kExpired,
  kNotYetValid,    // By `nbf` or `iat`.
  kWrongAudience,  // It is for somebody else.
  kBadClaim,       // A claim is missing, or not what it must be.
};

// The name for metrics and the log, such as `wrong_signature`; empty for kNone.
std::string_view JwtProblemName(JwtProblem problem);

// What the tokens of an issuer must say, and where.
struct JwtRules {
  // `iss`, exactly.
  std::string issuer;
  // Of which `aud` must have one. Without any, no token is right.
  std::vector<std::string> audiences;
  // Claims by their names, or as paths (service/identity/json_members.h): who
  // the caller is, what it may do, and, unless empty, whom it belongs to.
  std::string caller_claim = "sub";
  std::string scopes_claim = "scope";
  std::string owner_claim;
  // How far the issuer's clock may differ.
  absl::Duration clock_skew = absl::Seconds(60);
};

// A token taken apart. Nothing of it is proven.
struct Jwt {
  // kNone, kMalformed or kUnsupported; with these the rest says nothing.
  JwtProblem problem = JwtProblem::kNone;
  std::string detail;  // As in JwtVerdict.
  Jws jws;             // Borrows the token's text.
  // Whom `iss` names; empty if nobody.
  std::string issuer;
};

// What a token says that is right.
struct VerifiedJwt {
  std::string caller;
  // Everything is allowed if the token has no scopes of ours.
  Scopes scopes;
  std::string owner;  // Empty if the token names none.
  // From then on it is refused: `exp`, and the skew.
  absl::Time expire_time;
  // All claims, for ReadMember.
  std::string claims;
};

struct JwtVerdict {
  // OK, or what the caller is told: API_KEY_INVALID, or API_KEY_EXPIRED for one
  // that is right and whose time is over, with the metadata `key`, the caller.
  absl::Status fault;
  JwtProblem problem = JwtProblem::kNone;
  // For the log: what is wrong, without anything that the token says.
  std::string detail;
  // Only if `fault` is OK.
  VerifiedJwt token;
};

// Takes a token apart. `text` must outlive what is returned.
Jwt ReadJwt(std::string_view text);

// Refuses a token before anything of it is proven. All such refusals look the
// same to the caller. REQUIRES: `problem` is before kExpired.
JwtVerdict RefuseJwt(JwtProblem problem, std::string_view detail = "");

// Verifies a token's signature, and then that it says what the rules want.
JwtVerdict VerifyJwt(const Jwt& token, const JwtRules& rules,
                     const JsonWebKeySet& keys, absl::Time now);

// The second half of VerifyJwt: reads the claims of a token whose signature is
// right.
JwtVerdict ReadVerifiedClaims(std::string_view claims, const JwtRules& rules,
                              absl::Time now);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_JWT_H_
