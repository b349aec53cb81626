#include "service/identity/jwt.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "service/identity/json_members.h"
#include "service/identity/jws_key.h"

namespace gateway {
namespace {

// The end of the year 9999: NumericDates beyond are mistakes, such as
// milliseconds.
constexpr double kSecondsMax = 253402300799;

// What a claim must be, as the caller is told.
absl::Status BadClaim(std::string_view claim, std::string_view rule) {
  return MakeFault(
      v1::ERROR_REASON_API_KEY_INVALID,
      absl::StrCat("the token's claim `", ToAbsl(claim), "` ", ToAbsl(rule)));
}

JwtVerdict Refuse(JwtProblem problem, absl::Status fault) {
  JwtVerdict verdict;
  verdict.problem = problem;
  verdict.detail = std::string(fault.message());
  verdict.fault = std::move(fault);
  return verdict;
}

// Visits the texts of a claim that is one text or a list of them.
template <typename Take>
absl::Status EachText(std::string_view claim, JsonValue& value,
                      const Take& take) {
  const auto take_one = [&](JsonValue& element) {
    if (!element.IsString()) {
      return BadClaim(claim, "must be a text or a list of texts");
    }
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, element.String());
    take(text);
    return absl::OkStatus();
  };
  return value.IsArray() ? value.EachElement(take_one) : take_one(value);
}

// The claims that RFC 7519 defines.
struct RegisteredClaims {
  std::optional<std::string> issuer;
  bool for_us = false;
  std::optional<absl::Time> expires;
  std::optional<absl::Time> not_before;
  std::optional<absl::Time> issued;
};

absl::Status ReadTime(std::string_view claim, JsonValue& value,
                      std::optional<absl::Time>* time) {
  const absl::StatusOr<double> seconds = value.Double();
  if (!seconds.ok() || !(*seconds >= 0 && *seconds <= kSecondsMax)) {
    return BadClaim(claim, "must be a time in seconds since 1970");
  }
  *time = absl::UnixEpoch() + absl::Seconds(*seconds);
  return absl::OkStatus();
}

absl::Status ReadRegistered(std::string_view claims, const JwtRules& rules,
                            RegisteredClaims* read) {
  const auto read_field = [&](std::string_view name, JsonValue& value) {
    if (name == "exp") return ReadTime(name, value, &read->expires);
    if (name == "nbf") return ReadTime(name, value, &read->not_before);
    if (name == "iat") return ReadTime(name, value, &read->issued);
    if (name == "aud") {
      return EachText(name, value, [&](std::string_view audience) {
        read->for_us |=
            std::find(rules.audiences.begin(), rules.audiences.end(),
                      audience) != rules.audiences.end();
      });
    }
    if (name == "iss") {
      if (!value.IsString()) return BadClaim(name, "must be a text");
      GATEWAY_ASSIGN_OR_RETURN(read->issuer, value.String());
    }
    return absl::OkStatus();
  };
  return ReadJson(claims,
                  [&](JsonValue& root) { return root.EachField(read_field); });
}

// Whether a name can stand in a log and a metric.
bool IsName(std::string_view text) {
  if (text.empty() || text.size() > kClaimedNameBytesMax) return false;
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

// Reads a claim that names somebody; leaves `name` empty if there is none.
absl::Status ReadName(std::string_view claims, const std::string& claim,
                      std::string* name) {
  const auto read = [&](JsonValue& value) {
    const absl::StatusOr<std::string_view> text =
        value.IsString() ? value.String() : std::string_view();
    if (!text.ok() || !IsName(*text)) {
      return BadClaim(
          claim, absl::StrCat("must be a text of 1 to ", kClaimedNameBytesMax,
                              " bytes without control characters"));
    }
    *name = std::string(*text);
    return absl::OkStatus();
  };
  return ReadMember(claims, claim, read).status();
}

absl::Status ReadScopes(std::string_view claims, const std::string& claim,
                        Scopes* scopes) {
  // Copied, since what is read of a list's elements does not last.
  std::vector<std::string> words;
  const auto add_words = [&](std::string_view text) {
    while (!text.empty()) {
      const size_t space = std::min(text.find(' '), text.size());
      if (space > 0) words.emplace_back(text.substr(0, space));
      text.remove_prefix(std::min(space + 1, text.size()));
    }
  };
  const auto read = [&](JsonValue& value) {
    return EachText(claim, value, add_words);
  };
  GATEWAY_RETURN_IF_ERROR(ReadMember(claims, claim, read).status());
  *scopes = Scopes::OfToken(
      std::vector<std::string_view>(words.begin(), words.end()));
  return absl::OkStatus();
}

// Checks when a token is good. Its caller is named by the fault of one that has
// expired.
JwtVerdict CheckTimes(const RegisteredClaims& read, const JwtRules& rules,
                      absl::Time now, std::string_view caller) {
  if (!read.expires.has_value()) {
    return Refuse(JwtProblem::kBadClaim,
                  BadClaim("exp",
                           "is missing: it must say when the token "
                           "expires"));
  }
  if (now >= *read.expires + rules.clock_skew) {
    absl::Status fault = MakeFault(
        v1::ERROR_REASON_API_KEY_EXPIRED,
        "the token has expired, by its claim `exp`; have another one issued");
    AddFaultMetadata(fault, "key", caller);
    return Refuse(JwtProblem::kExpired, std::move(fault));
  }
  if (read.not_before.has_value() &&
      now < *read.not_before - rules.clock_skew) {
    return Refuse(JwtProblem::kNotYetValid,
                  BadClaim("nbf", "says that the token is not good yet"));
  }
  if (read.issued.has_value() && now < *read.issued - rules.clock_skew) {
    return Refuse(JwtProblem::kNotYetValid,
                  BadClaim("iat", "says that the token is not issued yet"));
  }
  return {};
}

}  // namespace

std::string_view JwtProblemName(JwtProblem problem) {
  switch (problem) {
    case JwtProblem::kNone:
      return "";
    case JwtProblem::kMalformed:
      return "malformed";
    case JwtProblem::kUnsupported:
      return "unsupported";
    case JwtProblem::kUnknownIssuer:
      return "unknown_issuer";
    case JwtProblem::kUnknownKey:
      return "unknown_key";
    case JwtProblem::kWrongSignature:
      return "wrong_signature";
    case JwtProblem::kExpired:
      return "expired";
    case JwtProblem::kNotYetValid:
      return "not_yet_valid";
    case JwtProblem::kWrongAudience:
      return "wrong_audience";
    case JwtProblem::kBadClaim:
      return "bad_claim";
  }
  return "";
}

JwtVerdict RefuseJwt(JwtProblem problem, std::string_view detail) {
  assert(problem != JwtProblem::kNone && problem < JwtProblem::kExpired);
  JwtVerdict verdict = Refuse(
      problem,
      MakeFault(v1::ERROR_REASON_API_KEY_INVALID, "the token is not accepted"));
  verdict.detail = std::string(detail);
  return verdict;
}

Jwt ReadJwt(std::string_view text) {
  Jwt token;
  absl::StatusOr<Jws> jws = ParseJws(text);
  if (!jws.ok()) {
    token.problem = jws.status().code() == absl::StatusCode::kUnimplemented
                        ? JwtProblem::kUnsupported
                        : JwtProblem::kMalformed;
    token.detail = std::string(jws.status().message());
    return token;
  }
  token.jws = *std::move(jws);
  const auto read = [&](JsonValue& value) -> absl::Status {
    if (!value.IsString()) return absl::OkStatus();
    GATEWAY_ASSIGN_OR_RETURN(token.issuer, value.String());
    return absl::OkStatus();
  };
  if (!CheckMembersOnce(token.jws.payload).ok() ||
      !ReadMember(token.jws.payload, "iss", read).ok()) {
    token.problem = JwtProblem::kMalformed;
    token.detail = "the claims are no JSON object, or have a member twice";
  }
  return token;
}

JwtVerdict VerifyJwt(const Jwt& token, const JwtRules& rules,
                     const JsonWebKeySet& keys, absl::Time now) {
  if (token.problem != JwtProblem::kNone) {
    return RefuseJwt(token.problem, token.detail);
  }
  const JwsKey* const key = keys.Find(token.jws.algorithm, token.jws.kid);
  if (key == nullptr) {
    return RefuseJwt(
        JwtProblem::kUnknownKey,
        token.jws.kid.has_value()
            ? "the key set has no key of its `kid` and `alg`"
            : "it has no `kid`, and the key set not just one key of its `alg`");
  }
  if (!key->Verifies(token.jws.signed_text, token.jws.signature)) {
    return RefuseJwt(JwtProblem::kWrongSignature, "the signature is wrong");
  }
  return ReadVerifiedClaims(token.jws.payload, rules, now);
}

JwtVerdict ReadVerifiedClaims(std::string_view claims, const JwtRules& rules,
                              absl::Time now) {
  RegisteredClaims read;
  if (!CheckMembersOnce(claims).ok()) {
    return RefuseJwt(JwtProblem::kMalformed,
                     "the claims are no JSON object, or have a member twice");
  }
  VerifiedJwt token;
  absl::Status bad = ReadRegistered(claims, rules, &read);
  if (bad.ok() && read.issuer != rules.issuer) {
    bad = BadClaim("iss", "names another issuer");
  }
  if (bad.ok()) bad = ReadName(claims, rules.caller_claim, &token.caller);
  if (bad.ok() && token.caller.empty()) {
    bad = BadClaim(rules.caller_claim, "is missing: it must name the caller");
  }
  if (!bad.ok()) return Refuse(JwtProblem::kBadClaim, std::move(bad));
  if (!read.for_us) {
    return Refuse(JwtProblem::kWrongAudience,
                  BadClaim("aud", "names nobody whom the gateway stands for"));
  }
  JwtVerdict verdict = CheckTimes(read, rules, now, token.caller);
  if (!verdict.fault.ok()) return verdict;
  bad = ReadScopes(claims, rules.scopes_claim, &token.scopes);
  if (bad.ok() && !rules.owner_claim.empty()) {
    bad = ReadName(claims, rules.owner_claim, &token.owner);
  }
  if (!bad.ok()) return Refuse(JwtProblem::kBadClaim, std::move(bad));
  token.expire_time = *read.expires + rules.clock_skew;
  token.claims = std::string(claims);
  verdict.token = std::move(token);
  return verdict;
}

}  // namespace gateway
