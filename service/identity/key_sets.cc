#include "service/identity/key_sets.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <map>
#include <utility>

#include "base/async/timer_wheel.h"
#include "base/os/logging.h"

namespace gateway {
namespace {

constexpr std::string_view kModule = "identity";
constexpr absl::Duration kLookInterval = absl::Hours(1);
// Of the keys of a set that are not used, so many are told.
constexpr size_t kSkippedTold = 10;

// The first failures are told, then ever fewer.
bool IsTold(int failures) {
  return std::has_single_bit(static_cast<unsigned>(failures));
}

}  // namespace

IssuerKeys::IssuerKeys(KeySetSource source, KeySets& sets)
    : source_(std::move(source)),
      sets_(sets),
      schedule_({.interval = source_.interval}, sets.random_),
      digest_() {}

std::shared_ptr<const JsonWebKeySet> IssuerKeys::Get() const {
  MutexLock lock(mu_);
  return schedule_.HasKeys(sets_.clock_.SteadyTime()) ? keys_ : nullptr;
}

bool IssuerKeys::Misses() {
  bool wake = false;
  bool missed;
  {
    MutexLock lock(mu_);
    const absl::Duration now = sets_.clock_.SteadyTime();
    if (schedule_.MissesKey(now)) {
      wake = true;
      missed_ = schedule_.next() <= now;
    }
    missed = missed_;
  }
  if (wake) sets_.Wake();
  return missed;
}

absl::Status IssuerKeys::Take(const absl::StatusOr<std::string>& text) {
  absl::StatusOr<JsonWebKeySet> read =
      text.ok() ? JsonWebKeySet::Parse(*text)
                : absl::StatusOr<JsonWebKeySet>(text.status());
  const absl::Duration now = sets_.clock_.SteadyTime();
  MutexLock lock(mu_);
  tried_ = true;
  missed_ = false;
  const int failures = schedule_.failures();
  if (!read.ok()) {
    schedule_.Failed(now);
    if (IsTold(schedule_.failures())) {
      Log(LogLevel::kWarn, kModule, "the key set of an issuer cannot be read",
          {{"issuer", source_.issuer},
           {"error", read.status()},
           {"failures", schedule_.failures()},
           {"keys_in_use", keys_ == nullptr ? size_t{0} : keys_->size()}});
    }
    return read.status();
  }
  schedule_.Succeeded(now);
  const Sha256Digest digest = Sha256(*text);
  if (keys_ != nullptr && digest == digest_) {
    if (failures > 0) {
      Log(LogLevel::kInfo, kModule, "the key set of an issuer is read again",
          {{"issuer", source_.issuer}, {"keys", keys_->size()}});
    }
    return absl::OkStatus();
  }
  digest_ = digest;
  keys_ = std::make_shared<const JsonWebKeySet>(*std::move(read));
  sets_.Changed();
  Log(LogLevel::kInfo, kModule, "the key set of an issuer was read",
      {{"issuer", source_.issuer},
       {"keys", keys_->size()},
       {"skipped", keys_->skipped().size()}});
  const std::vector<std::string>& skipped = keys_->skipped();
  for (size_t i = 0; i < std::min(skipped.size(), kSkippedTold); ++i) {
    Log(LogLevel::kWarn, kModule, "a key of an issuer is not used",
        {{"issuer", source_.issuer}, {"why", skipped[i]}});
  }
  return absl::OkStatus();
}

KeySets::KeySets(Clock& clock, Random& random, BlockingWorker& worker)
    : clock_(clock), random_(random), worker_(worker) {}

std::shared_ptr<IssuerKeys> KeySets::Find(const KeySetSource& source) {
  MutexLock lock(mu_);
  std::erase_if(sets_, [](const std::weak_ptr<IssuerKeys>& set) {
    return set.expired();
  });
  for (const std::weak_ptr<IssuerKeys>& each : sets_) {
    std::shared_ptr<IssuerKeys> set = each.lock();
    if (set != nullptr && set->source_ == source) return set;
  }
  auto set = std::make_shared<IssuerKeys>(source, *this);
  sets_.push_back(set);
  return set;
}

void KeySets::Use(IssuerKeys& keys, const KeySetAccess& access) {
  {
    MutexLock lock(keys.mu_);
    keys.access_ = access;
    keys.used_ = true;
  }
  Wake();
}

KeySets::Sets KeySets::All() {
  Sets all;
  MutexLock lock(mu_);
  for (const std::weak_ptr<IssuerKeys>& each : sets_) {
    if (std::shared_ptr<IssuerKeys> set = each.lock()) {
      all.push_back(std::move(set));
    }
  }
  return all;
}

void KeySets::Wake() {
  MutexLock lock(mu_);
  if (loop_ != nullptr) loop_->Post([this] { wake_.Set(); });
}

Task<void> KeySets::Run(EventLoop& loop, HttpClient& http) {
  {
    MutexLock lock(mu_);
    loop_ = &loop;
  }
  Timer timer([this] { wake_.Set(); });
  while (!stop_.cancelled()) {
    loop.ArmTimer(timer, Look(http));
    co_await wake_.Wait();
  }
  while (reading_ > 0) co_await wake_.Wait();
  ended_.Open();
}

absl::Duration KeySets::Look(HttpClient& http) {
  const absl::Duration now = clock_.SteadyTime();
  absl::Duration wait = kLookInterval;
  Sets due;
  for (std::shared_ptr<IssuerKeys>& set : All()) {
    MutexLock lock(set->mu_);
    if (!set->used_) continue;
    if (set->keys_ != nullptr && !set->schedule_.HasKeys(now)) {
      // Whom they have let in is forgotten, too.
      set->keys_ = nullptr;
      Changed();
    }
    const absl::Duration next = set->schedule_.next();
    if (next > now) {
      wait = std::min(wait, next - now);
      continue;
    }
    set->schedule_.Begin(now);
    due.push_back(std::move(set));
  }
  for (std::shared_ptr<IssuerKeys>& set : due) {
    ++reading_;
    Spawn(ReadSet(http, std::move(set)));
  }
  return wait;
}

std::vector<KeySets::State> KeySets::Read() {
  const absl::Duration now = clock_.SteadyTime();
  std::map<std::string, State> states;
  for (const std::shared_ptr<IssuerKeys>& set : All()) {
    MutexLock lock(set->mu_);
    if (!set->used_) continue;
    const bool has_keys = set->keys_ != nullptr && set->schedule_.HasKeys(now);
    State state = {.issuer = set->source_.issuer,
                   .keys = has_keys ? set->keys_->size() : 0,
                   .failures = set->schedule_.failures(),
                   .age = set->schedule_.Age(now)};
    const auto [found, is_new] = states.try_emplace(state.issuer, state);
    if (!is_new && state.age > found->second.age) found->second = state;
  }
  std::vector<State> sorted;
  for (auto& [issuer, state] : states) sorted.push_back(std::move(state));
  return sorted;
}

Task<void> KeySets::ReadSet(HttpClient& http,
                            std::shared_ptr<IssuerKeys> keys) {
  KeySetAccess access;
  {
    MutexLock lock(keys->mu_);
    access = keys->access_;
  }
  const absl::StatusOr<std::string> text = co_await FetchKeySet(
      KeySetFetch{http, worker_, stop_}, keys->source_, std::move(access));
  if (!stop_.cancelled()) {
    // It has told the log.
    keys->Take(text).IgnoreError();
    MutexLock lock(mu_);
    tried_.NotifyAll();
  }
  --reading_;
  wake_.Set();
}

bool KeySets::AllTried() {
  for (const std::weak_ptr<IssuerKeys>& each : sets_) {
    const std::shared_ptr<IssuerKeys> set = each.lock();
    if (set == nullptr) continue;
    MutexLock lock(set->mu_);
    if (set->used_ && !set->tried_) return false;
  }
  return true;
}

bool KeySets::AwaitFirst(absl::Duration timeout) {
  const absl::Duration end = clock_.SteadyTime() + timeout;
  MutexLock lock(mu_);
  while (!AllTried()) {
    const absl::Duration left = end - clock_.SteadyTime();
    if (left <= absl::ZeroDuration()) return false;
    tried_.WaitFor(lock, left);
  }
  return true;
}

void KeySets::Stop(EventLoop& loop) {
  {
    MutexLock lock(mu_);
    loop_ = nullptr;
  }
  loop.Post([this] {
    stop_.Cancel(absl::CancelledError("the gateway is shutting down"));
    wake_.Set();
  });
  ended_.Wait();
}

}  // namespace gateway
