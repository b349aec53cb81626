#include "service/pipeline/health_prober.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/sleep.h"
#include "base/async/timer_wheel.h"
#include "base/os/logging.h"
#include "base/os/random.h"
#include "errors/verdict.h"
#include "proto/proto_time.h"
#include "providers/provider.h"
#include "providers/registry/registry.h"
#include "service/resilience/provider_probes.h"

namespace gateway {
namespace {

constexpr std::string_view kProbesModule = "providers";
constexpr size_t kProbeIdDigits = 32;

// Returns `interval`, give or take a tenth.
absl::Duration Jittered(absl::Duration interval, Random& random) {
  return interval * (0.9 + 0.2 * random.UniformDouble());
}

}  // namespace

Task<void> HealthProber::Run(EventLoop& loop, HttpClient& http) {
  while (!stop_.cancelled()) {
    const absl::Duration wait = Look(loop, http);
    (co_await Sleep(loop, wait, stop_)).IgnoreError();
  }
  while (open_ > 0) co_await closed_.Wait();
  ended_.Open();
}

void HealthProber::Stop(EventLoop& loop) {
  loop.Post([this] { StopOnLoop(); });
  ended_.Wait();
}

void HealthProber::StopOnLoop() {
  stop_.Cancel(absl::CancelledError("the gateway is shutting down"));
}

absl::Duration HealthProber::Look(EventLoop& loop, HttpClient& http) {
  const Runtime runtime = current_.Get();
  for (auto& [name, probed] : probed_) probed.wanted = false;
  absl::Duration wait = kLookInterval;
  const absl::Duration now = loop.Now();
  for (const auto& config : runtime->config().providers()) {
    const Check& check = config.resilience().health_check();
    const ProviderRegistry::Entry* const entry =
        runtime->providers().Find(config.name());
    if (!check.enabled() || entry == nullptr || entry->credential_absent) {
      continue;
    }
    const absl::Duration interval = ToAbsl(check.interval());
    const auto [found, is_new] = probed_.try_emplace(config.name());
    Probed& probed = found->second;
    probed.wanted = true;
    // Spread, so that many providers are not asked all at once.
    if (is_new) {
      probed.due =
          now + interval / 10 * runtime->ports().random->UniformDouble();
    }
    if (!probed.asking && now >= probed.due) {
      probed.asking = true;
      probed.due = now + Jittered(interval, *runtime->ports().random);
      ++open_;
      Spawn(Probe(loop, http, runtime, config.name(), check));
    }
    if (!probed.asking) wait = std::min(wait, probed.due - now);
  }
  ForgetOthers(*runtime);
  return wait;
}

// Forgets what came of probes of those that are not to be probed any more.
void HealthProber::ForgetOthers(const RuntimeSnapshot& runtime) {
  for (auto probed = probed_.begin(); probed != probed_.end();) {
    if (probed->second.wanted || probed->second.asking) {
      ++probed;
      continue;
    }
    runtime.resilience().targets.ProbesOf(probed->first).Forget();
    probed = probed_.erase(probed);
  }
}

Task<void> HealthProber::Probe(EventLoop& loop, HttpClient& http,
                               Runtime runtime, std::string name, Check check) {
  CancelSignal over;
  const CancelListener stops(stop_, [&] { over.Cancel(stop_.status()); });
  bool timed_out = false;
  Timer timer([&] {
    timed_out = true;
    over.Cancel(absl::DeadlineExceededError(
        absl::StrCat("no answer within ",
                     absl::FormatDuration(ToAbsl(check.timeout())))));
  });
  loop.ArmTimer(timer, ToAbsl(check.timeout()));
  const Provider& provider = *runtime->providers().Find(name)->provider;
  // The name may be another's when the answer comes.
  ProviderProbes& probes = runtime->resilience().targets.ProbesOf(name);
  const absl::Status outcome =
      co_await Ask(loop, http, over, *runtime, provider);
  if (!stop_.cancelled()) {
    Record(probes, runtime->clock().WallTime(), name,
           timed_out ? over.status() : outcome, timed_out);
  }
  probed_[name].asking = false;
  if (--open_ == 0) closed_.Set();
}

Task<absl::Status> HealthProber::Ask(EventLoop& loop, HttpClient& http,
                                     CancelSignal& over,
                                     const RuntimeSnapshot& runtime,
                                     const Provider& provider) {
  const std::string id = runtime.ports().random->HexId(kProbeIdDigits);
  std::vector<v1::Warning> warnings;
  AttemptProgress progress;
  ProviderCall call;
  call.loop = &loop;
  call.http = &http;
  call.cancel = &over;
  call.clock = runtime.ports().clock;
  call.request_id = id;
  call.progress = &progress;
  call.warnings = &warnings;
  absl::Status outcome = (co_await provider.ListModels(call)).status();
  if (!outcome.ok() && progress.http.not_processed && !over.cancelled()) {
    // The provider had given the connection up before.
    progress = AttemptProgress();
    call.fresh_connection = true;
    outcome = (co_await provider.ListModels(call)).status();
  }
  co_return outcome;
}

void HealthProber::Record(ProviderProbes& probes, absl::Time now,
                          const std::string& name, const absl::Status& outcome,
                          bool timed_out) {
  const bool was_failing = probes.failing();
  if (timed_out ||
      (!outcome.ok() && BlamesTarget(ClassifyFailure(outcome)))) {
    probes.RecordFailure(now);
    if (was_failing || !probes.failing()) return;
    Log(LogLevel::kWarn, kProbesModule, "A provider does not answer probes",
        {{"provider", name},
         {"failures_in_a_row", probes.Read().failures_in_a_row},
         {"error", outcome}});
    return;
  }
  // It is there, even if it limits or refuses the credential.
  probes.RecordSuccess(now);
  if (was_failing) {
    Log(LogLevel::kWarn, kProbesModule, "A provider answers probes again",
        {{"provider", name}});
  }
}

}  // namespace gateway
