#include "service/pipeline/model_discovery.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/async/timer_wheel.h"
#include "base/async/worker_pool.h"
#include "base/os/logging.h"
#include "errors/fault.h"
#include "providers/provider.h"

namespace gateway {
namespace {

// What tidying a list costs for each model, in bytes of OffLoop.
constexpr size_t kBytesPerModel = 64;

}  // namespace

struct ModelDiscovery::Waiter {
  explicit Waiter(EventLoop& loop) : loop(loop) {}

  EventLoop& loop;  // Outlives the wait, but not always the waiter.
  WakeUp woken;
};

struct ModelDiscovery::Round {
  Round(EventLoop& loop, HttpClient& http, std::string_view request_id)
      : loop(loop), http(http), request_id(request_id) {}

  EventLoop& loop;
  HttpClient& http;
  const std::string_view request_id;
  // Fires when the caller is gone, and when its time has ended.
  CancelSignal over;
  bool timed_out = false;
  int open = 0;  // Sources that it still waits for.
  WakeUp done;
};

ModelDiscovery::ModelDiscovery(
    const ProviderRegistry& providers,
    const llmgateway::config::v1::RoutingConfig& routing, Clock& clock,
    const Limits& limits)
    : providers_(providers),
      routing_(routing),
      clock_(clock),
      limits_(limits),
      catalog_(std::make_shared<const ModelCatalog>(providers, routing)) {
  for (const ProviderRegistry::Entry& entry : providers.entries()) {
    if (!entry.discover_models || entry.credential_absent) continue;
    asked_.push_back(&entry);
  }
  sources_.resize(asked_.size());
}

ModelDiscovery::~ModelDiscovery() = default;

ModelDiscovery::Catalog ModelDiscovery::catalog() const {
  MutexLock lock(mu_);
  return catalog_;
}

Task<ModelDiscovery::Catalog> ModelDiscovery::Ask(EventLoop& loop,
                                                  HttpClient& http,
                                                  CancelSignal& cancel,
                                                  std::string_view request_id) {
  if (asked_.empty()) co_return catalog();
  Round round(loop, http, request_id);
  const CancelListener gone(
      cancel, [&round, &cancel] { round.over.Cancel(cancel.status()); });
  Timer timer([this, &round] {
    round.timed_out = true;
    round.over.Cancel(absl::DeadlineExceededError(absl::StrCat(
        "no list within ", absl::FormatDuration(limits_.timeout))));
  });
  loop.ArmTimer(timer, limits_.timeout);
  for (size_t i = 0; i < asked_.size(); ++i) {
    ++round.open;
    Spawn(Refresh(i, round));
  }
  while (round.open > 0) co_await round.done.Wait();
  co_return catalog();
}

ModelDiscovery::Turn ModelDiscovery::Claim(
    size_t index, const std::shared_ptr<Waiter>& waiter) {
  MutexLock lock(mu_);
  Source& source = sources_[index];
  if (clock_.SteadyTime() < source.due) return Turn::kNone;
  if (!source.asking) {
    source.asking = true;
    return Turn::kAsk;
  }
  if (source.known) return Turn::kNone;
  source.waiters.push_back(waiter);
  return Turn::kWait;
}

void ModelDiscovery::Leave(size_t index,
                           const std::shared_ptr<Waiter>& waiter) {
  MutexLock lock(mu_);
  std::vector<std::shared_ptr<Waiter>>& waiters = sources_[index].waiters;
  waiters.erase(std::remove(waiters.begin(), waiters.end(), waiter),
                waiters.end());
}

Task<void> ModelDiscovery::Refresh(size_t index, Round& round) {
  Turn turn = Turn::kWait;
  // Whoever asked may have gone before the answer: then one of those who wait
  // asks.
  while (turn == Turn::kWait && !round.over.cancelled()) {
    const auto waiter = std::make_shared<Waiter>(round.loop);
    turn = Claim(index, waiter);
    if (turn == Turn::kAsk) co_await Question(index, round);
    if (turn == Turn::kWait) {
      const CancelListener over(round.over, [&waiter] { waiter->woken.Set(); });
      co_await waiter->woken.Wait();
      Leave(index, waiter);
    }
  }
  if (--round.open == 0) round.done.Set();
}

Task<void> ModelDiscovery::Question(size_t index, Round& round) {
  const Provider& provider = *asked_[index]->provider;
  // Asked with the configured credential, whatever the caller brought: the list
  // is shown to other callers, too.
  AttemptProgress progress;
  std::vector<v1::Warning> warnings;
  ProviderCall call;
  call.loop = &round.loop;
  call.http = &round.http;
  call.cancel = &round.over;
  call.clock = &clock_;
  call.request_id = round.request_id;
  call.progress = &progress;
  call.warnings = &warnings;
  absl::StatusOr<ModelList> answer = co_await provider.ListModels(call);
  if (!answer.ok() && progress.http.not_processed && !round.over.cancelled()) {
    progress = AttemptProgress();
    call.fresh_connection = true;
    answer = co_await provider.ListModels(call);
  }
  if (answer.ok()) {
    answer = co_await OffLoop(kBytesPerModel * answer->size(), [&] {
      return Tidied(*std::move(answer));
    });
  }
  Settle(index, round, std::move(answer));
}

void ModelDiscovery::Settle(size_t index, const Round& round,
                            absl::StatusOr<ModelList> answer) {
  if (answer.ok()) {
    Publish(index,
            std::make_shared<const ModelList>(*std::move(answer)));
    return;
  }
  const bool abandoned = round.over.cancelled() && !round.timed_out;
  const absl::Status failure =
      round.timed_out ? round.over.status() : answer.status();
  {
    MutexLock lock(mu_);
    Source& source = sources_[index];
    if (!abandoned) {
      source.known = true;
      // A provider that cannot list its models is not asked again.
      source.due = FaultReason(failure) == v1::ERROR_REASON_UNIMPLEMENTED
                       ? absl::InfiniteDuration()
                       : clock_.SteadyTime() + limits_.rest;
    }
    Release(source);
  }
  if (abandoned) return;
  Log(LogLevel::kWarn, "pipeline", "Provider did not list its models",
      {{"provider", asked_[index]->name}, {"error", failure}});
}

DiscoveredModels ModelDiscovery::Discovered() const {
  DiscoveredModels discovered;
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i].models == nullptr) continue;
    discovered[asked_[i]->name] = sources_[i].models;
  }
  return discovered;
}

void ModelDiscovery::TakeOver(const ModelDiscovery& previous) {
  MutexLock lock(mu_);
  {
    MutexLock other(previous.mu_);
    for (size_t i = 0; i < asked_.size(); ++i) {
      for (size_t j = 0; j < previous.asked_.size(); ++j) {
        if (previous.asked_[j]->provider != asked_[i]->provider) continue;
        sources_[i].known = previous.sources_[j].known;
        sources_[i].due = previous.sources_[j].due;
        sources_[i].models = previous.sources_[j].models;
      }
    }
  }
  const DiscoveredModels discovered = Discovered();
  if (discovered.empty()) return;
  catalog_ =
      std::make_shared<const ModelCatalog>(providers_, routing_, discovered);
}

void ModelDiscovery::Publish(size_t index,
                             std::shared_ptr<const ModelList> models) {
  {
    MutexLock lock(mu_);
    sources_[index].models = std::move(models);
    ++version_;
  }
  for (;;) {
    uint64_t version = 0;
    DiscoveredModels discovered;
    {
      MutexLock lock(mu_);
      version = version_;
      discovered = Discovered();
    }
    // Takes its time, so it is made without the lock; once more if another
    // list came meanwhile.
    auto catalog =
        std::make_shared<const ModelCatalog>(providers_, routing_, discovered);
    MutexLock lock(mu_);
    if (version != version_) continue;
    catalog_.swap(catalog);
    Source& source = sources_[index];
    source.known = true;
    source.due = clock_.SteadyTime() + limits_.list_age;
    Release(source);
    return;
  }
}

void ModelDiscovery::Release(Source& source) {
  source.asking = false;
  // Who waits has to come here before it leaves, so its loop is still there.
  for (std::shared_ptr<Waiter>& waiter : source.waiters) {
    EventLoop& loop = waiter->loop;
    loop.Post([waiter = std::move(waiter)] { waiter->woken.Set(); });
  }
  source.waiters.clear();
}

ModelDiscovery::ModelList ModelDiscovery::Tidied(ModelList models) const {
  const auto unprintable = [this](const std::string& text) {
    return text.size() > limits_.name_bytes ||
           std::any_of(text.begin(), text.end(), absl::ascii_iscntrl);
  };
  models.erase(std::remove_if(models.begin(), models.end(),
                              [&](const v1::Model& model) {
                                return model.name().empty() ||
                                       unprintable(model.name());
                              }),
               models.end());
  std::sort(models.begin(), models.end(),
            [](const v1::Model& a, const v1::Model& b) {
              return a.name() < b.name();
            });
  if (models.size() > limits_.models) models.resize(limits_.models);
  for (v1::Model& model : models) {
    if (unprintable(model.display_name())) model.clear_display_name();
  }
  return models;
}

}  // namespace gateway
