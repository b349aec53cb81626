#include "service/identity/token_issuers.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/logging.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/identity/caller_grants.h"
#include "service/identity/remembered_callers.h"
#include "service/identity/remembering.h"

namespace gateway {
namespace {

constexpr std::string_view kTokensModule = "identity";
constexpr absl::Duration kRetryDelay = absl::Seconds(1);

absl::Status KeysAreNotThere() {
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_IDENTITY_UNAVAILABLE,
                "the keys of the token's issuer are not there yet; ask again");
  SetRetryDelay(fault, kRetryDelay);
  return fault;
}

}  // namespace

TokenIssuers::TokenIssuers(const Configs& configs,
                           absl::Span<const KeySetAccess> access, KeySets& sets,
                           Clock& clock)
    : id_(NewRememberingId()),
      sets_(sets),
      clock_(clock),
      changes_(sets.changes()) {
  assert(access.size() == static_cast<size_t>(configs.size()));
  for (int i = 0; i < configs.size(); ++i) {
    const llmgateway::config::v1::JwtIssuer& config = configs[i];
    Issuer& issuer = issuers_.emplace_back();
    issuer.rules = {
        .issuer = config.issuer(),
        .audiences = {config.audiences().begin(), config.audiences().end()},
        .caller_claim = config.caller_claim(),
        .scopes_claim = config.scopes_claim(),
        .owner_claim = config.owner_claim(),
        .clock_skew = ToAbsl(config.clock_skew())};
    issuer.caller_prefix = config.caller_prefix();
    issuer.granted = CallerWithGrants(config.grants());
    issuer.granted.method = CallerMethod::kJwt;
    issuer.access = access[static_cast<size_t>(i)];
    issuer.keys = sets.Find({.issuer = config.issuer(),
                             .key_set = config.key_set(),
                             .interval = ToAbsl(config.key_set_interval())});
  }
  std::sort(issuers_.begin(), issuers_.end(),
            [](const Issuer& a, const Issuer& b) {
              return a.rules.issuer < b.rules.issuer;
            });
}

void TokenIssuers::Use() const {
  for (const Issuer& issuer : issuers_) sets_.Use(*issuer.keys, issuer.access);
}

bool TokenIssuers::HasForm(std::string_view text) {
  // Of `{"`, with which every header begins.
  if (!text.starts_with("eyJ")) return false;
  const size_t first = text.find('.');
  return first != std::string_view::npos &&
         text.find('.', first + 1) != std::string_view::npos;
}

absl::StatusOr<CallerRef> TokenIssuers::Authenticate(
    std::string_view token) const {
  return FindOrRemember(token, Generation(), [&] { return Verify(token); });
}

const TokenIssuers::Issuer* TokenIssuers::Find(std::string_view name) const {
  const auto found =
      std::lower_bound(issuers_.begin(), issuers_.end(), name,
                       [](const Issuer& issuer, std::string_view wanted) {
                         return issuer.rules.issuer < wanted;
                       });
  if (found == issuers_.end() || found->rules.issuer != name) return nullptr;
  return &*found;
}

absl::StatusOr<std::shared_ptr<const Caller>> TokenIssuers::Verify(
    std::string_view token) const {
  const Jwt read = ReadJwt(token);
  const Issuer* const issuer =
      read.problem == JwtProblem::kNone ? Find(read.issuer) : nullptr;
  JwtVerdict verdict;
  if (read.problem != JwtProblem::kNone) {
    verdict = RefuseJwt(read.problem, read.detail);
  } else if (issuer == nullptr) {
    verdict = RefuseJwt(JwtProblem::kUnknownIssuer,
                        "no issuer is configured by the name of its `iss`");
  } else {
    const std::shared_ptr<const JsonWebKeySet> keys = issuer->keys->Get();
    if (keys == nullptr) return KeysAreNotThere();
    verdict = VerifyJwt(read, issuer->rules, *keys, clock_.WallTime());
    if (verdict.problem == JwtProblem::kUnknownKey && issuer->keys->Misses()) {
      return KeysAreNotThere();
    }
  }
  if (!verdict.fault.ok()) {
    Log(LogLevel::kDebug, kTokensModule, "a token is refused",
        {{"problem", JwtProblemName(verdict.problem)},
         {"issuer",
          issuer == nullptr ? std::string_view() : issuer->rules.issuer},
         {"detail", verdict.detail}});
    return verdict.fault;
  }
  auto caller = std::make_shared<Caller>(issuer->granted);
  VerifiedJwt& shown = verdict.token;
  caller->id = absl::StrCat(issuer->caller_prefix, shown.caller);
  if (!shown.owner.empty()) caller->owner = std::move(shown.owner);
  caller->scopes = issuer->granted.scopes.And(shown.scopes);
  caller->expire_time = shown.expire_time;
  return std::shared_ptr<const Caller>(std::move(caller));
}

}  // namespace gateway
