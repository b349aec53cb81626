#include "service/pipeline/credential_outcome.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "absl/time/time.h"
#include "base/os/logging.h"
#include "errors/fault.h"
#include "errors/verdict.h"
#include "providers/limit_reset.h"
#include "service/observability/call_record.h"
#include "service/resilience/credential_pool.h"

namespace gateway {
namespace {

constexpr std::string_view kCredentialModule = "providers";

void TellCooling(const Attempt& attempt, absl::Duration now) {
  const CredentialPool& pool = *attempt.credentials;
  const LogField provider("provider", attempt.provider);
  const LogField seconds("seconds",
                         pool.CoolsFor(attempt.credential_index, now));
  const LogField reason(
      "reason", attempt.status.ok() ? std::string_view("rate_headers")
                                    : ReasonName(FaultReason(attempt.status)));
  if (pool.is_keyless()) {
    return Log(LogLevel::kWarn, kCredentialModule,
               "A provider rests, since it limits calls",
               {provider, seconds, reason});
  }
  Log(LogLevel::kWarn, kCredentialModule, "A credential cools",
      {provider,
       {"credential", pool.NameOf(attempt.credential_index)},
       seconds,
       reason});
}

// After how long from `now` on there is more, by what the head of the answer
// has said. A stream's first content may come long after it.
std::optional<absl::Duration> ResetsIn(const IncomingCall& call,
                                       const Attempt& attempt,
                                       absl::Duration now) {
  const AttemptProgress& progress = attempt.progress;
  if (!progress.upstream.tells_spent_limit()) return std::nullopt;
  const absl::Duration since_head =
      progress.first_byte == kNotCome
          ? absl::ZeroDuration()
          : std::max(now - progress.first_byte, absl::ZeroDuration());
  const absl::Time head = call.runtime->clock().WallTime() - since_head;
  std::optional<absl::Duration> resets_in =
      LimitResetsIn(progress.upstream, head);
  if (resets_in.has_value()) *resets_in -= since_head;
  return resets_in;
}

// How a provider says within a stream that it has too much to do.
constexpr std::string_view kOverloadType = "overloaded_error";
constexpr int kOverloadStatus = 529;

bool IsPushBack(const Attempt& attempt) {
  const Verdict verdict = ClassifyFailure(attempt.status);
  if (verdict == Verdict::kRateLimited) return true;
  if (!BlamesTarget(verdict)) return false;
  return FaultReason(attempt.status) == v1::ERROR_REASON_PROVIDER_TIMEOUT ||
         attempt.http_status == kOverloadStatus ||
         FaultMetadata(attempt.status, kProviderErrorTypeKey) == kOverloadType;
}

}  // namespace

void RecordCredentialLoad(const Attempt& attempt, bool streams,
                          absl::Duration now) {
  GradientLimit& limit = *attempt.credential_limit;
  if (!attempt.status.ok()) {
    if (IsPushBack(attempt)) limit.RecordPushBack(now);
  } else if (streams) {
    limit.RecordFirstToken(now, now - attempt.began);
  } else {
    limit.RecordAnswer(now);
  }
}

void RecordCredential(const IncomingCall& call, Attempt& attempt) {
  CredentialPool& pool = *attempt.credentials;
  const size_t index = attempt.credential_index;
  const std::string& name = pool.NameOf(index);
  if (attempt.status.ok()) {
    if (attempt.last_resort && pool.TakeBack(index)) {
      Log(LogLevel::kWarn, kCredentialModule, "A credential is taken again",
          {{"provider", attempt.provider}, {"credential", name}});
    }
    if (!attempt.progress.upstream.tells_spent_limit()) return;
  }
  const absl::Duration now = call.loop.Now();
  const std::optional<absl::Duration> resets_in = ResetsIn(call, attempt, now);
  // Then the limit falls instead: to rest for a time that nobody has asked for
  // would cost more than it finds out.
  if (attempt.credential_limit != nullptr && IsPushBack(attempt) &&
      !resets_in.has_value() && !RetryDelay(attempt.status).has_value()) {
    return;
  }
  switch (pool.Record(index, now, attempt.status, resets_in)) {
    case CredentialPool::Change::kNone:
      break;
    case CredentialPool::Change::kCools:
      attempt.credential_change = CredentialChange::kCools;
      TellCooling(attempt, now);
      break;
    case CredentialPool::Change::kIsOut:
      attempt.credential_change = CredentialChange::kIsOut;
      Log(LogLevel::kError, kCredentialModule, "A credential is taken out",
          {{"provider", attempt.provider},
           {"credential", name},
           {"reason", ReasonName(FaultReason(attempt.status))},
           {"error", attempt.error_message}});
      break;
  }
}

}  // namespace gateway
