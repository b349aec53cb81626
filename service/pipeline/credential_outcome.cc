#include "service/pipeline/credential_outcome.h"

#include <optional>
#include <string_view>

#include "absl/time/time.h"
#include "base/os/logging.h"
#include "errors/fault.h"
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

}  // namespace

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
  std::optional<absl::Duration> resets_in;
  if (attempt.progress.upstream.tells_spent_limit()) {
    resets_in = LimitResetsIn(attempt.progress.upstream,
                              call.runtime->clock().WallTime());
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
           {"error", attempt.status.message()}});
      break;
  }
}

}  // namespace gateway
